// What several views are made of: tables of rows, facts, pages.

import { h } from './dom.js';

export const cell = (label, ...kids) => h('td', { 'data-label': label }, ...kids);

// The cell that names a row, with the link that opens it.
export const rowHead = (label, href, ...kids) =>
  h('th', { scope: 'row', 'data-label': label }, h('a', { class: 'row-link', href }, ...kids));

export const rowOf = (...cells) => h('tr', { 'data-row': true }, ...cells);

// A head without words is for boxes to select by.
export function table (heads, rows) {
  const titles = heads.map((words) => h('th', { scope: 'col' }, words || h('span', { class: 'unseen' }, 'Select')));
  return h('table', { class: 'rows' }, h('thead', null, h('tr', null, titles)), h('tbody', null, rows));
}

// Addresses of the first and the next page; null: there is none, or it is this one.
export function pages (first, next) {
  return h('nav', { class: 'pages', 'aria-label': 'Pages' },
    first ? h('a', { class: 'button', href: first }, 'First page') : null,
    next ? h('a', { class: 'button', href: next }, 'Next page') : null);
}

export const fact = (name, ...value) => h('div', null, h('dt', null, name), h('dd', null, ...value));

export const facts = (...list) => h('dl', { class: 'facts' }, ...list);

export const sessionLink = (id) => h('a', { href: `#/session/${encodeURIComponent(id)}` }, id);

// A page of the broker may be short, or empty, with a `next`: those that come after are asked for until it is full.
export async function fullPage (size, after, ask) {
  const found = { items: [], next: after || null };
  do {
    const page = await ask({ after: found.next, limit: size - found.items.length });
    found.items.push(...page.items);
    found.next = page.next;
  } while (found.next !== null && found.items.length < size);
  return found;
}

// All pages, one behind the other.
export async function allPages (ask) {
  const items = [];
  let after = null;
  do {
    const page = await ask({ after });
    items.push(...page.items);
    after = page.next ?? null;
  } while (after !== null);
  return items;
}

// The words of an address's query; what is empty is left out.
export function addressOf (view, words) {
  const query = new URLSearchParams(Object.entries(words).filter(([, value]) => value !== '' && value != null));
  return query.size ? `#/${view}?${query}` : `#/${view}`;
}

// A time for a field of a form, on this machine's clock.
export function localTime (us) {
  const at = new Date(us / 1000);
  return new Date(at - at.getTimezoneOffset() * 60000).toISOString().slice(0, 16);
}
