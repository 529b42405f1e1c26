// Past traffic: what came in, and what became of it, as long as the journal keeps it.

import { api } from './api.js';
import { h, say } from './dom.js';
import { outcomePill } from './event.js';
import { count, plural, seconds, when } from './format.js';

const PAGE = 50, LONG_MS = 300000;
const FIELDS = [['session', 'Session'], ['user', 'User'], ['outcome', 'Outcome'], ['since_us', 'Accepted since'], ['until_us', 'Accepted before']];
const OUTCOMES = ['pending', 'delivering', 'delivered', 'silent', 'superseded', 'dead', 'discarded'];

const cell = (label, ...kids) => h('td', { 'data-label': label }, ...kids);

function row (one) {
  const took = one.answered_us > one.accepted_us ? seconds((one.answered_us - one.accepted_us) / 1e6) : '–';
  return h('tr', { 'data-row': true },
    h('th', { scope: 'row', 'data-label': 'Accepted' }, h('a', { class: 'row-link', href: `#/event/${one.id}` }, when(one.accepted_us))),
    cell('Session', h('span', { class: 'name' }, one.session_id)), cell('User', one.user_id), cell('Type', one.type), cell('Service', one.service || 'nobody'),
    cell('Answered after', took), cell('Attempts', count(one.attempts)), cell('Outcome', outcomePill(one.outcome)));
}

export const address = (filters) => {
  const words = new URLSearchParams(Object.entries(filters).filter(([, value]) => value));
  return words.size ? `#/events?${words}` : '#/events';
};

const local = (us) => {
  const at = new Date(us / 1000);
  return new Date(at - at.getTimezoneOffset() * 60000).toISOString().slice(0, 16);
};

function form (filters) {
  const fields = FIELDS.map(([name, label]) => {
    const isTime = name.endsWith('_us'), id = `event-${name}`;
    const input = name === 'outcome' ? h('select', { id, name }, h('option', { value: '' }, 'any'), OUTCOMES.map((one) => h('option', { value: one }, one)))
      : h('input', { id, name, type: isTime ? 'datetime-local' : 'search', autocomplete: 'off', spellcheck: 'false' });
    input.value = isTime && filters[name] ? local(Number(filters[name])) : filters[name];
    return h('div', { class: 'field' }, h('label', { for: id }, label), input);
  });
  const node = h('form', { class: 'filters', role: 'search', 'aria-label': 'Past traffic' }, h('div', { class: 'fields' }, fields, h('button', { class: 'button', type: 'submit' }, 'Find')));
  node.addEventListener('submit', (submitted) => {
    submitted.preventDefault();
    location.hash = address(Object.fromEntries([...new FormData(node)].map(([name, value]) =>
      [name, name.endsWith('_us') && value ? String(new Date(value).getTime() * 1000) : value.trim()])));
  });
  return node;
}

// A page may be short, or empty, with a `next`.
async function fullPage (filters, after) {
  const found = { items: [], next: after || null };
  do {
    const page = await api.get('events', { ...filters, after: found.next, limit: PAGE - found.items.length }, LONG_MS);
    found.items.push(...page.items);
    found.next = page.next;
  } while (found.next !== null && found.items.length < PAGE);
  return found;
}

export async function events (root, place) {
  const filters = Object.fromEntries(FIELDS.map(([name]) => [name, place.query.get(name) ?? ''])), after = place.query.get('after');
  const about = h('p', { class: 'soft', role: 'status' }, 'Reading the journal');
  root.append(h('header', { class: 'head' }, h('h1', null, 'Past traffic'), about), form(filters));
  const page = await fullPage(filters, after);
  say(about, page.items.length ? `${plural(page.items.length, 'event')} on this page, in the order of acceptance` : 'Nothing that the journal still has matches.');
  if (!page.items.length) return;
  const heads = ['Accepted', 'Session', 'User', 'Type', 'Service', 'Answered after', 'Attempts', 'Outcome'];
  root.append(h('section', { class: 'panel' }, h('table', { class: 'rows' }, h('thead', null, h('tr', null, heads.map((words) => h('th', { scope: 'col' }, words)))),
    h('tbody', null, page.items.map(row))),
  h('nav', { class: 'pages', 'aria-label': 'Pages' }, after ? h('a', { class: 'button', href: address(filters) }, 'First page') : null,
    page.next !== null ? h('a', { class: 'button', href: address({ ...filters, after: String(page.next) }) }, 'Next page') : null)));
}
