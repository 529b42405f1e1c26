// Letters thrown away: with a reason, on the record, as they were when they were looked at.

import { ask, h, say } from './dom.js';
import { count, plural } from './format.js';
import { gather, newTally, send } from './plan.js';

const REASON_BYTES = 64; // of which more would be cut off on the record

const tooLong = (words) => (new TextEncoder().encode(words.trim()).length > REASON_BYTES
  ? `A reason has at most ${REASON_BYTES} bytes.` : '');

// A field for the reason, for the record.
export function reasonField (id) {
  const field = h('input', { id, required: true, maxlength: REASON_BYTES, autocomplete: 'off' });
  field.addEventListener('input', () => field.setCustomValidity(tooLong(field.value)));
  return field;
}

async function lettersOf (meant, words, signal) {
  return meant.letters ? [...meant.letters]
    : gather(meant.filters, (many) => say(words, `${plural(many, 'letter')} found`), signal);
}

function orderFor (reason) {
  return (letters) =>
    ({ numbers: letters.map((one) => one.number), expect: letters.map((one) => [one.attempts, one.dead_us]), reason });
}

async function carryOut (meant, reason, words, tally, signal) {
  const letters = await lettersOf(meant, words, signal);
  await send('dead/discard', letters, orderFor(reason), { rate: 0, signal, tally,
    told: () => say(words, `${count(tally.done)} of ${count(letters.length)} discarded`) });
}

// Asks why, does it, and shows the list again.
export async function discard (meant) {
  const many = meant.letters ? plural(meant.letters.length, 'letter') : meant.total === null ? 'all letters that match'
    : `all ${plural(meant.total, 'letter')}`;
  const abort = new AbortController(), tally = newTally();
  const over = await ask(`Discard ${many}?`, (done) => {
    const reason = reasonField('reason');
    const words = h('p', { class: 'soft', role: 'status' }),
      go = h('button', { class: 'button danger', type: 'submit' }, 'Discard');
    const run = async (event) => {
      event.preventDefault();
      if (!reason.reportValidity()) return;
      go.disabled = true;
      try {
        await carryOut(meant, reason.value.trim(), words, tally, abort.signal);
        done(true);
      } catch (problem) {
        say(words, problem.message);
        go.disabled = false;
      }
    };
    go.addEventListener('click', run);
    return [h('p', null, 'They are gone for good: nobody is answered. Who did it and why stays on the record.'),
      h('label', { for: 'reason' }, 'Reason'), reason, words,
      h('p', { class: 'actions' }, h('button', { class: 'button', type: 'button', onclick: () => done(null) },
        'Keep them'), go)];
  });
  abort.abort();
  if (!over && !tally.done) return;
  if (location.hash.startsWith('#/letter')) location.hash = '#/dead';
  else dispatchEvent(new HashChangeEvent('hashchange'));
}
