// Recommendations as cards: name, risk, return, and what else the agent says of a product.

import { element } from './markdown.js';

const LEVELS = 7;
const WORDS = ['', 'very low', 'low', 'rather low', 'medium', 'rather high', 'high', 'very high'];
const NAMED = { 'very low': 1, low: 2, conservative: 2, moderate: 4, medium: 4, balanced: 4, high: 6, aggressive: 6,
  'very high': 7 };

function first (product, ...names) {
  for (const name of names) {
    const value = product[name];
    if (value !== undefined && value !== null && value !== '') return value;
  }
  return undefined;
}

function level (value) {
  const number = typeof value === 'number' ? value : Number.parseFloat(value);
  if (Number.isFinite(number) && number > 0) return Math.min(LEVELS, Math.max(1, Math.round(number)));
  return NAMED[String(value ?? '').trim().toLowerCase()] ?? 0;
}

function shown (value) {
  if (typeof value === 'number') return value.toLocaleString(undefined, { maximumFractionDigits: 2 });
  return Array.isArray(value) ? value.map(shown).join(', ') : String(value);
}

function percent (value) {
  return typeof value === 'number' ? `${(value * (Math.abs(value) < 1 ? 100 : 1)).toFixed(1)} % a year` : shown(value);
}

function fact (name, value, whole) {
  return element('div', whole ? { class: 'whole' } : {}, element('dt', {}, name), element('dd', {}, value));
}

function risk (value) {
  const at = level(value);
  if (!at) return fact('Risk', shown(value));
  const zone = at <= 3 ? 'low' : at <= 5 ? 'mid' : 'high';
  const meter = element('span', { class: 'meter', 'data-zone': zone, 'aria-hidden': 'true' });
  for (let step = 1; step <= LEVELS; step++) meter.append(element('i', step <= at ? { class: 'on' } : {}));
  const row = fact('Risk', `${at} of ${LEVELS}, ${WORDS[at]}`, true);
  row.lastChild.append(meter);
  return row;
}

function card (product) {
  const symbol = first(product, 'symbol', 'ticker', 'isin', 'id');
  const name = first(product, 'name', 'title', 'product', 'symbol') ?? 'Product';
  const danger = first(product, 'risk_level', 'risk', 'risk_rating');
  const gain = first(product, 'expected_return', 'return', 'annual_return', 'yield');
  const fee = first(product, 'fee', 'expense_ratio', 'cost');
  const why = first(product, 'why', 'reason', 'rationale', 'description');
  const facts = element('dl', { class: 'facts' });
  if (danger !== undefined) facts.append(risk(danger));
  if (gain !== undefined) facts.append(fact('Expected return', percent(gain)));
  if (fee !== undefined) facts.append(fact('Fee', percent(fee)));
  return element('li', { class: 'card' },
    element('div', { class: 'card-head' },
      symbol === undefined ? null : element('span', { class: 'symbol' }, shown(symbol)),
      element('h3', {}, shown(name))),
    facts.children.length ? facts : null,
    why === undefined ? null : element('p', { class: 'why' }, shown(why)));
}

// null when there is nothing to recommend.
export function cards (products) {
  const good = (Array.isArray(products) ? products : []).filter((one) => one && typeof one === 'object');
  return good.length ? element('ul', { class: 'cards', 'aria-label': 'Recommendations' }, ...good.map(card)) : null;
}
