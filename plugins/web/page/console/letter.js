// One dead letter whole: what was said, what went wrong, and the ledger of every attempt.

import { api } from './api.js';
import { discard } from './discard.js';
import { h } from './dom.js';
import { address } from './filters.js';
import { count, seconds, when } from './format.js';
import { fact, facts, sessionLink } from './parts.js';
import { planFor } from './replay.js';

const factsOf = (letter) => facts(
  fact('Session', sessionLink(letter.session_id)),
  fact('User', letter.user_id), fact('Platform', `${letter.platform}${letter.adapter ? ` (${letter.adapter})` : ''}`),
  fact('Type', letter.type), fact('Route', letter.route || 'none'), fact('Service', letter.service || 'nobody'),
  fact('Accepted', when(letter.accepted_us)), fact('Died', when(letter.dead_us)),
    fact('Attempts', count(letter.attempts)),
  fact('Event', h('a', { href: `#/event/${letter.id}` }, h('code', null, letter.id))),
  letter.copy_of ? fact('Corrects', h('code', null, letter.copy_of)) : null);

function ledgerItem (attempt) {
  const ended = attempt.ended_us > attempt.at_us ? `, after ${seconds((attempt.ended_us - attempt.at_us) / 1e6)}` : '';
  return h('li', null, h('span', { class: 'step-mark', 'aria-hidden': 'true' }),
    h('div', null, h('p', null, h('b', null, attempt.how), ended, attempt.attempt ? h('span', { class: 'soft' },
      ` · attempt ${attempt.attempt}`) : null),
      h('p', { class: 'soft' }, when(attempt.at_us), attempt.who ? ` · ${attempt.who}` : '',
        attempt.code ? ` · ${attempt.code}` : ''),
      attempt.why ? h('p', { class: 'step-why' }, attempt.why) : null));
}

function ledger (letter) {
  return h('section', { class: 'panel' }, h('h2', null, 'Ledger'),
    letter.ledger_left_out ? h('p', { class: 'soft' }, `${count(letter.ledger_left_out)} earlier entries are not shown`)
      : null,
    h('ol', { class: 'steps' }, letter.ledger.map(ledgerItem)));
}

export async function letter (root, place) {
  const found = (await api.get(`dead/${encodeURIComponent(place.parts[0])}`)).items[0];
  const said = found.body.message_text ?? found.body.response_text;
  root.append(
    h('header', { class: 'head' },
      h('p', { class: 'soft' }, h('a', { href: address({ fingerprint: found.fingerprint }) },
      'Letters that died alike')),
      h('h1', null, `Letter ${found.number}`),
      h('div', { class: 'actions' },
        h('button', { class: 'button main', type: 'button', onclick: () => planFor({ letters: [found] }, {}) },
        'Try, correct or send again'),
        h('button', { class: 'button danger', type: 'button', onclick: () => discard({ letters: [found] }) },
          'Discard'))),
    h('section', { class: 'panel quote' }, h('p', { class: 'soft' }, 'What went wrong ',
      h('span', { class: 'pill bad' }, found.outcome), ' ',
      found.code ? h('code', null, found.code) : null), h('p', { class: 'why' }, found.why || found.reason)),
    h('section', { class: 'panel' }, h('h2', null, found.type === 'chat.response' ? 'The answer' : 'The message'),
      said === undefined ? null : h('blockquote', { class: 'said' }, said), factsOf(found)),
    ledger(found),
    h('details', { class: 'panel' }, h('summary', null, 'Everything in it'),
      h('pre', { tabindex: 0 }, JSON.stringify(found.body, null, 2))));
}
