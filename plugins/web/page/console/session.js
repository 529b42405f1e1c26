// One session: the conversation as agents see it, its state, and what holds it.

import { api } from './api.js';
import { setAside } from './aside.js';
import { ask, h } from './dom.js';
import { address } from './filters.js';
import { ago, count, plural, when } from './format.js';
import { fact, facts } from './parts.js';

const again = () => dispatchEvent(new HashChangeEvent('hashchange'));

function turn (one) {
  const role = one.role === 'user' ? 'user' : 'agent';
  return h('li', { class: `turn turn-${role}` },
    h('p', { class: 'turn-who soft' }, role === 'user' ? 'Person' : 'Agent'), h('p', { class: 'said' }, one.text));
}

// A question with two answers; true: do it.
const sure = (title, words, verb) => ask(title, (done) => [h('p', null, words),
  h('p', { class: 'actions' }, h('button', { class: 'button', type: 'button', onclick: () => done(false) }, 'Leave it'),
    h('button', { class: 'button danger', type: 'button', onclick: () => done(true) }, verb))]);

async function act (fault, path, session, words) {
  if (!(await sure(...words))) return;
  try {
    await api.post(path, { session });
    if (path === 'session/end') location.hash = '#/sessions';
    else again();
  } catch (problem) {
    fault.textContent = problem.message;
  }
}

export async function session (root, place) {
  const name = place.parts[0], found = await api.get('session', { session: name });
  const fault = h('p', { class: 'fault', role: 'alert' });
  const end = () => act(fault, 'session/end', name,
    ['End this session?', 'Its history and state are forgotten; the next message begins a new one.', 'End it']);
  const unpark = () =>
    act(fault, 'session/unpark', name,
    ['Let it go on?', 'What came after the dead letter is worked on; the letter stays.', 'Let it go on']);
  const aside = async () => { if (await setAside({ session: found.session_id })) again(); };
  root.append(
    h('header', { class: 'head' }, h('p', { class: 'soft' }, h('a', { href: '#/sessions' }, 'Sessions')),
      h('h1', null, found.session_id),
      h('div', { class: 'actions' }, h('a', { class: 'button', href: address({ session: found.session_id }) },
        'Its dead letters'),
        h('a', { class: 'button', href: `#/events?session=${encodeURIComponent(found.session_id)}` }, 'Its events'),
        found.pending ? h('button', { class: 'button danger', type: 'button', onclick: aside }, 'Set aside what waits')
          : null,
        h('button', { class: 'button danger', type: 'button', onclick: end }, 'End it'))), fault);
  if (found.parked_by)
    root.append(h('div', { class: 'notice warn' },
      h('p', null, 'A dead letter holds this session: what came after it waits.'),
      h('a', { class: 'button', href: `#/letter/${found.parked_by}` }, `Letter ${found.parked_by}`),
        h('button', { class: 'button', type: 'button', onclick: unpark }, 'Let it go on')));
  root.append(
    h('section', { class: 'panel' }, facts(fact('User', found.user_id),
      fact('Platform', found.platform),
      fact('Messages', count(found.message_count)),
        fact('Waiting', plural(found.pending, 'event or reply', 'events and replies')),
      fact('Begun', when(found.created_us)), fact('Active', when(found.active_us, ago(found.active_us))))),
    h('section', { class: 'panel' }, h('h2', null, 'Conversation'), found.history.length ? h('ol', { class: 'talk' },
      found.history.map(turn))
      : h('p', { class: 'soft' }, 'Nothing was said yet, or it is not kept.')),
    h('details', { class: 'panel' }, h('summary', null, 'State'),
      h('pre', { tabindex: 0 }, JSON.stringify(found.state, null, 2))));
}
