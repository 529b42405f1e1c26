// Open sessions, a page at a time.

import { api } from './api.js';
import { h, say } from './dom.js';
import { ago, count, plural } from './format.js';

const PAGE = 50;

const cell = (label, ...kids) => h('td', { 'data-label': label }, ...kids);

function row (one) {
  return h('tr', { 'data-row': true },
    h('th', { scope: 'row', 'data-label': 'Session' }, h('a', { class: 'row-link', href: `#/session/${encodeURIComponent(one.session_id)}` }, one.session_id)),
    cell('User', h('span', { class: 'name' }, one.user_id)), cell('Platform', one.platform), cell('Messages', count(one.message_count)),
    cell('Waiting', one.pending ? h('span', { class: 'pill warn' }, count(one.pending)) : '0'), cell('Active', ago(one.active_us)));
}

const address = (filters) => {
  const words = new URLSearchParams(Object.entries(filters).filter(([, value]) => value));
  return words.size ? `#/sessions?${words}` : '#/sessions';
};

function form (filters) {
  const input = (name, label) => h('div', { class: 'field' }, h('label', { for: `session-${name}` }, label),
    h('input', { id: `session-${name}`, name, type: 'search', value: filters[name] ?? '', autocomplete: 'off', spellcheck: 'false' }));
  const node = h('form', { class: 'filters', role: 'search', 'aria-label': 'Sessions' },
    h('div', { class: 'fields' }, input('text', 'Session or user'), input('platform', 'Platform'), h('button', { class: 'button', type: 'submit' }, 'Find')));
  node.addEventListener('submit', (event) => {
    event.preventDefault();
    location.hash = address(Object.fromEntries([...new FormData(node)].map(([name, value]) => [name, value.trim()])));
  });
  return node;
}

export async function sessions (root, place) {
  const filters = { text: place.query.get('text') ?? '', platform: place.query.get('platform') ?? '' }, after = place.query.get('after') ?? '';
  const about = h('p', { class: 'soft' });
  root.append(h('header', { class: 'head' }, h('h1', null, 'Sessions'), about), form(filters));
  const page = await api.get('sessions', { ...filters, after, limit: PAGE });
  say(about, page.items.length ? `${plural(page.items.length, 'open session')} on this page, in the order of their names` : 'No open session matches.');
  if (!page.items.length) return;
  const heads = ['Session', 'User', 'Platform', 'Messages', 'Waiting', 'Active'];
  root.append(h('section', { class: 'panel' }, h('table', { class: 'rows' },
    h('thead', null, h('tr', null, heads.map((words) => h('th', { scope: 'col' }, words)))), h('tbody', null, page.items.map(row))),
  h('nav', { class: 'pages', 'aria-label': 'Pages' }, after ? h('a', { class: 'button', href: address(filters) }, 'First page') : null,
    page.next !== null ? h('a', { class: 'button', href: address({ ...filters, after: page.next }) }, 'Next page') : null)));
}
