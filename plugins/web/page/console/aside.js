// What waits for an agent or an adapter, put among the dead letters: of one route, or of one session.

import { api } from './api.js';
import { ask, h, say } from './dom.js';
import { reasonField } from './discard.js';
import { count, plural } from './format.js';

const LONG_MS = 120000;

const tell = (whose, more) => api.post('events/discard', { ...whose, ...more }, LONG_MS);

const inHand = (told) => (told.in_hand ? ` ${plural(told.in_hand, 'more is', 'more are')} at work, and left.` : '');

// Some hundreds at a time, until none waits any more.
async function carryOut (whose, reason, words, signal) {
  let told, done = 0;
  do {
    told = await tell(whose, { reason });
    done += told.done;
    say(words, `${count(done)} set aside, ${count(told.left)} wait`);
  } while (told.left && !signal.aborted);
}

// Asks why, and does it; `whose`: { route } or { session }. True: something was set aside, perhaps not all.
export async function setAside (whose) {
  const name = whose.route ?? whose.session, abort = new AbortController();
  let begun = false;
  await ask(`Set aside what waits in ${name}?`, (done) => {
    const reason = reasonField('aside-reason'), words = h('p', { class: 'soft', role: 'status' }, 'Counting');
    const go = h('button', { class: 'button danger', type: 'submit', disabled: true }, 'Set it aside');
    tell(whose, { dry_run: true }).then((told) => {
      say(words, `${plural(told.done, 'event or reply waits', 'events and replies wait')}.${inHand(told)}`);
      go.disabled = !told.done;
    }, (problem) => say(words, problem.message));
    go.addEventListener('click', async (event) => {
      event.preventDefault();
      if (!reason.reportValidity()) return;
      go.disabled = begun = true;
      try {
        await carryOut(whose, reason.value.trim(), words, abort.signal);
        done(true);
      } catch (problem) {
        say(words, problem.message);
        go.disabled = false;
      }
    });
    return [h('p', null, 'It becomes dead letters, which can be sent again. Nobody is answered meanwhile.'),
      h('label', { for: reason.id }, 'Reason'), reason, words,
      h('p', { class: 'actions' }, h('button', { class: 'button', type: 'button', onclick: () => done(null) },
        'Leave it'), go)];
  });
  abort.abort();
  return begun;
}
