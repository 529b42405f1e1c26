// A trial on one letter: what the person was told, and what an agent says now; nothing is sent to anyone.

import { api } from './api.js';
import { h, say } from './dom.js';
import { seconds } from './format.js';

const WITHIN_MS = 660000; // an agent's deadline may be ten minutes
const SHOWN = 200;
const WORDS = { nack: 'The agent could not', bad_reply: 'The agent’s answer was not one',
  timeout: 'No answer within the deadline',
  unserved: 'No worker serves it', lost: 'The workers that had it went away',
    busy: 'Too much is going on: try again later',
  refused: 'It cannot be tried', missing: 'The letter is not there any more',
    skipped: 'Only messages and events can be tried' };

const side = (title, text, kind) => h('div', { class: `side-text ${kind}` }, h('h3', null, title),
  h('p', null, text || '(nothing)'));

function resultOf (told) {
  const [one] = told.items;
  if (!one) return h('p', { class: 'fault' }, told.end.missing ? WORDS.missing : WORDS.skipped);
  const answered = one.outcome === 'answer';
  const now = answered ? one.answer : [WORDS[one.outcome] ?? one.outcome, one.code, one.why].filter(Boolean).join(': ');
  return h('div', null,
    h('p', { class: 'soft' }, h('span', { class: `pill ${answered ? 'good' : 'bad'}` },
      answered ? 'answered' : one.outcome), ' ',
      [one.who, Number.isFinite(one.took_ms) && seconds(one.took_ms / 1000)].filter(Boolean).join(', ')),
    h('div', { class: 'sides' }, side('Then the person was told', one.old, ''),
      side('Now an agent says', now, answered ? 'good' : 'bad')));
}

function orderOf (plan, number) {
  const order = { numbers: [number] };
  if (plan.to) order.to = plan.to;
  if (plan.text) order.set = { message_text: plan.text };
  return order;
}

export function shadowPart (plan) {
  const select = h('select', { id: 'try-letter' }), result = h('div', { role: 'status' });
  const go = h('button', { class: 'button', type: 'button' }, 'Try it');
  async function attempt () {
    go.disabled = true;
    result.replaceChildren(h('p', { class: 'soft' }, 'An agent works on it. Nothing is sent to anyone.'));
    try {
      result.replaceChildren(resultOf(await api.post('dead/shadow', orderOf(plan, Number(select.value)), WITHIN_MS)));
    } catch (problem) {
      result.replaceChildren(h('p', { class: 'fault' }, problem.message));
    }
    go.disabled = false;
    say(go, 'Try it again');
  }
  go.addEventListener('click', attempt);
  const node = h('section', { class: 'panel panel-try' }, h('h2', null, 'Try it on one letter'),
    h('p', { class: 'soft' },
      'An agent answers as if it were sent, with these settings. Nothing is kept, and nobody gets it.'),
    h('div', { class: 'fields' }, h('div', { class: 'field' }, h('label', { for: 'try-letter' }, 'Letter'), select),
      go), result);
  function draw () {
    const before = select.value;
    select.replaceChildren(...plan.entries.slice(0, SHOWN).map((one) => h('option', { value: one.number },
      `${one.number} in ${one.session_id}`)));
    if (plan.entries.some((one) => String(one.number) === before)) select.value = before;
    node.hidden = !plan.entries.length;
  }
  return { node, draw };
}
