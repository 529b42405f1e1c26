// One event, station by station: when it was where, what each attempt came to, and what became of it.

import { api } from './api.js';
import { h } from './dom.js';
import { count, seconds, when } from './format.js';
import { fact, facts, sessionLink } from './parts.js';

const LONG_MS = 300000; // the journal of days may be read for it
const KINDS = { delivered: 'good', silent: 'good', dead: 'bad', discarded: 'bad', pending: 'warn', delivering: 'warn' };
const BAD = new Set(['ended', 'dead', 'discarded']);
const BY = new Set(['sent_again', 'imported', 'discarded']); // what an operator did

export const outcomePill = (outcome) => h('span', { class: `pill ${KINDS[outcome] ?? 'plain'}` }, outcome);

function hopItem (hop) {
  const more = [hop.who && `${BY.has(hop.hop) ? 'by' : 'to'} ${hop.who}`, hop.step,
    hop.how, hop.code,
    hop.platform_id && `as ${hop.platform_id}`].filter(Boolean);
  return h('li', { class: BAD.has(hop.hop) ? 'step-bad' : null },
    h('span', { class: 'step-mark', 'aria-hidden': 'true' }),
    h('div', null, h('p', null, h('b', null, hop.hop.replace('_', ' ')),
      h('span', { class: 'soft' }, `${hop.after_ms ? ` · ${seconds(hop.after_ms / 1000)} later` : ''}${
      hop.attempt > 1 ? ` · attempt ${hop.attempt}` : ''}`)),
    h('p', { class: 'soft' }, when(hop.at_us), more.length ? ` · ${more.join(' · ')}` : ''),
      hop.why ? h('p', { class: 'step-why' }, hop.why) : null));
}

const factsOf = (event) => facts(
  fact('Session', sessionLink(event.session_id)),
    fact('User', event.user_id),
  fact('Platform', `${event.platform}${event.adapter ? ` (${event.adapter})` : ''}`), fact('Type', event.type),
    fact('Route', event.route || 'none'),
  fact('Service', event.service || 'nobody'), fact('Accepted', when(event.accepted_us)),
    fact('Attempts', count(event.attempts)),
  fact('Event', h('code', null, event.id)), event.reply_id ? fact('Answer', h('code', null, event.reply_id)) : null);

function said (title, text) {
  return text === undefined ? null : h('section', { class: 'panel' }, h('h2', null, title),
    h('blockquote', { class: 'said' }, text || '(nothing)'));
}

export async function event (root, place) {
  const name = place.parts[0], query = /^\d+$/.test(name) ? { number: name } : { id: name };
  const wait = h('p', { class: 'soft' }, 'Reading the journal');
  root.append(h('header', { class: 'head' }, h('p', { class: 'soft' }, h('a', { href: '#/events' }, 'Past traffic')),
    h('h1', null, 'Event'), wait));
  const found = (await api.get('event', query, LONG_MS)).items[0];
  wait.replaceWith(outcomePill(found.outcome));
  if (found.outcome === 'dead')
    root.append(h('div', { class: 'notice bad' }, h('p', null, 'It is a dead letter.'),
      h('a', { class: 'button', href: `#/letter/${found.reply || found.number}` }, 'Look at the letter')));
  root.append(...[said('What was said', found.body?.message_text),
    said('What was answered', found.answer?.response_text),
    h('section', { class: 'panel' }, h('h2', null, 'Its way'), h('ol', { class: 'steps' }, found.hops.map(hopItem)),
      found.hops_left_out ? h('p', { class: 'soft' }, `and ${count(found.hops_left_out)} more`) : null),
    h('section', { class: 'panel' }, factsOf(found)),
    h('details', { class: 'panel' }, h('summary', null, 'Everything in it'),
      h('pre', { tabindex: 0 }, JSON.stringify({ body: found.body, answer: found.answer }, null, 2)))].filter(Boolean));
}
