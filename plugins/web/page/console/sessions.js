// Open sessions, a page at a time.

import { api } from './api.js';
import { h, say } from './dom.js';
import { ago, count, plural } from './format.js';
import { addressOf, cell, pages, rowHead, rowOf, table } from './parts.js';

const PAGE = 50;

function row (one) {
  return rowOf(rowHead('Session', `#/session/${encodeURIComponent(one.session_id)}`, one.session_id),
    cell('User', h('span', { class: 'name' }, one.user_id)), cell('Platform', one.platform),
    cell('Messages', count(one.message_count)),
    cell('Waiting', one.pending ? h('span', { class: 'pill warn' }, count(one.pending)) : '0'),
    cell('Parked by', one.parked_by ? h('a', { href: `#/letter/${one.parked_by}` }, `Letter ${one.parked_by}`) : ''),
    cell('Active', ago(one.active_us)));
}

const HEADS = ['Session', 'User', 'Platform', 'Messages', 'Waiting', 'Parked by', 'Active'];

function form (filters) {
  const input = (name, label) => h('div', { class: 'field' }, h('label', { for: `session-${name}` }, label),
    h('input', { id: `session-${name}`, name, type: 'search', value: filters[name] ?? '', autocomplete: 'off',
      spellcheck: 'false' }));
  const node = h('form', { class: 'filters', role: 'search', 'aria-label': 'Sessions' },
    h('div', { class: 'fields' }, input('text', 'Session or user'), input('platform', 'Platform'),
      h('button', { class: 'button', type: 'submit' }, 'Find')));
  node.addEventListener('submit', (event) => {
    event.preventDefault();
    location.hash = addressOf('sessions',
      Object.fromEntries([...new FormData(node)].map(([name, value]) => [name, value.trim()])));
  });
  return node;
}

export async function sessions (root, place) {
  const filters = { text: place.query.get('text') ?? '', platform: place.query.get('platform') ?? '' },
    after = place.query.get('after') ?? '';
  const about = h('p', { class: 'soft' });
  root.append(h('header', { class: 'head' }, h('h1', null, 'Sessions'), about), form(filters));
  const page = await api.get('sessions', { ...filters, after, limit: PAGE });
  say(about, page.items.length
    ? `${plural(page.items.length, 'open session')} on this page, in the order of their names`
    : 'No open session matches.');
  if (!page.items.length) return;
  root.append(h('section', { class: 'panel' }, table(HEADS, page.items.map(row)),
    pages(after && addressOf('sessions', filters),
    page.next !== null && addressOf('sessions', { ...filters, after: page.next }))));
}
