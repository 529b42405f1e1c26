// The filters of dead letters: those of the command line, as a form. They are the query of the address, so that a
// filtered list can be kept as a bookmark, and going back is going back.

import { h } from './dom.js';
import { addressOf, localTime } from './parts.js';

const OUTCOMES = ['failed', 'rejected', 'expired', 'refused', 'unknown'];
const FIELDS = [
  ['text', 'Text of the message'], ['session', 'Session'], ['user', 'User'], ['platform', 'Platform'],
  ['adapter', 'Adapter'], ['service', 'Service'], ['route', 'Route'], ['type', 'Type'], ['reason', 'Reason'],
  ['outcome', 'Outcome'], ['code', 'Code'], ['attempts', 'Attempts, at least'], ['since_us', 'Died since'],
  ['until_us', 'Died before'],
];
const FIRST = 3; // fields that are always seen
const NAMES = new Map([...FIELDS, ['fingerprint', 'Died alike']]);

// The filters that an address names.
export function filtersOf (query) {
  const filters = {};
  for (const name of NAMES.keys()) if (query.get(name)) filters[name] = query.get(name);
  return filters;
}

export const address = (filters, more = {}) => addressOf('dead', { ...filters, ...more });

function field (name, label, value) {
  const id = `filter-${name}`, isTime = name.endsWith('_us');
  const input = name === 'outcome'
    ? h('select', { id, name }, h('option', { value: '' }, 'any'),
      OUTCOMES.map((one) => h('option', { value: one }, one)))
    : h('input', { id, name, type: isTime ? 'datetime-local' : name === 'attempts' ? 'number' : 'search', min: 1,
      autocomplete: 'off', spellcheck: 'false' });
  input.value = isTime && value ? localTime(Number(value)) : value ?? '';
  return h('div', { class: 'field' }, h('label', { for: id }, label), input);
}

function read (form) {
  const filters = {};
  for (const [name, value] of new FormData(form)) {
    if (!value.trim()) continue;
    filters[name] = name.endsWith('_us') ? String(new Date(value).getTime() * 1000) : value.trim();
  }
  return filters;
}

const shown = (name, value) => (name.endsWith('_us') ? localTime(Number(value)).replace('T', ' ') : value);

// Each filter that is set, to be taken away.
function chips (filters) {
  return Object.entries(filters).map(([name, value]) => {
    const rest = { ...filters };
    delete rest[name];
    return h('li', null,
      h('a', { class: 'chip', href: address(rest), 'aria-label': `Without ${NAMES.get(name)} ${shown(name, value)}` },
      `${NAMES.get(name)}: ${shown(name, value)}`, h('span', { 'aria-hidden': 'true' }, ' ×')));
  });
}

export function filterForm (filters) {
  const fields = FIELDS.map(([name, label]) => field(name, label, filters[name]));
  const many = FIELDS.slice(FIRST).some(([name]) => filters[name]);
  const form = h('form', { class: 'filters', role: 'search', 'aria-label': 'Dead letters' },
    h('div', { class: 'fields' }, fields.slice(0, FIRST), h('button', { class: 'button', type: 'submit' }, 'Find')),
    h('details', { open: many }, h('summary', null, 'More filters'),
      h('div', { class: 'fields' }, fields.slice(FIRST))),
    h('ul', { class: 'chips', 'aria-label': 'Filters that are set' }, chips(filters)));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const kept = filters.fingerprint ? { fingerprint: filters.fingerprint } : {};
    location.hash = address({ ...kept, ...read(form) });
  });
  return form;
}
