// Past traffic: what came in, and what became of it, as long as the journal keeps it.

import { api } from './api.js';
import { h, say } from './dom.js';
import { outcomePill } from './event.js';
import { count, plural, seconds, when } from './format.js';
import { addressOf, cell, fullPage, localTime, pages, rowHead, rowOf, table } from './parts.js';

const PAGE = 50, LONG_MS = 300000;
const FIELDS = [['session', 'Session'], ['user', 'User'], ['outcome', 'Outcome'], ['since_us', 'Accepted since'],
  ['until_us', 'Accepted before']];
const OUTCOMES = ['pending', 'delivering', 'delivered', 'silent', 'superseded', 'dead', 'discarded'];

function row (one) {
  const took = one.answered_us > one.accepted_us ? seconds((one.answered_us - one.accepted_us) / 1e6) : '–';
  return rowOf(rowHead('Accepted', `#/event/${one.id}`, when(one.accepted_us)),
    cell('Session', h('span', { class: 'name' }, one.session_id)), cell('User', one.user_id), cell('Type', one.type),
    cell('Service', one.service || 'nobody'), cell('Answered after', took), cell('Attempts', count(one.attempts)),
    cell('Outcome', outcomePill(one.outcome)));
}

const HEADS = ['Accepted', 'Session', 'User', 'Type', 'Service', 'Answered after', 'Attempts', 'Outcome'];

function form (filters) {
  const fields = FIELDS.map(([name, label]) => {
    const isTime = name.endsWith('_us'), id = `event-${name}`;
    const input = name === 'outcome' ? h('select', { id, name }, h('option', { value: '' }, 'any'),
      OUTCOMES.map((one) => h('option', { value: one }, one)))
      : h('input', { id, name, type: isTime ? 'datetime-local' : 'search', autocomplete: 'off', spellcheck: 'false' });
    input.value = isTime && filters[name] ? localTime(Number(filters[name])) : filters[name];
    return h('div', { class: 'field' }, h('label', { for: id }, label), input);
  });
  const node = h('form', { class: 'filters', role: 'search', 'aria-label': 'Past traffic' },
    h('div', { class: 'fields' }, fields, h('button', { class: 'button', type: 'submit' }, 'Find')));
  node.addEventListener('submit', (submitted) => {
    submitted.preventDefault();
    location.hash = addressOf('events', Object.fromEntries([...new FormData(node)].map(([name, value]) =>
      [name, name.endsWith('_us') && value ? String(new Date(value).getTime() * 1000) : value.trim()])));
  });
  return node;
}

export async function events (root, place) {
  const filters = Object.fromEntries(FIELDS.map(([name]) => [name, place.query.get(name) ?? ''])),
    after = place.query.get('after');
  const about = h('p', { class: 'soft', role: 'status' }, 'Reading the journal');
  root.append(h('header', { class: 'head' }, h('h1', null, 'Past traffic'), about), form(filters));
  const page = await fullPage(PAGE, after, (words) => api.get('events', { ...filters, ...words }, LONG_MS));
  say(about, page.items.length ? `${plural(page.items.length, 'event')} on this page, in the order of acceptance`
    : 'Nothing that the journal still has matches.');
  if (!page.items.length) return;
  root.append(h('section', { class: 'panel' }, table(HEADS, page.items.map(row)),
    pages(after && addressOf('events', filters),
      page.next !== null && addressOf('events', { ...filters, after: page.next }))));
}
