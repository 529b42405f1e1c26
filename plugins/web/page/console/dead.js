// Dead letters: what went wrong, as groups that died alike; then the letters themselves, a page at a time.

import { api } from './api.js';
import { discard } from './discard.js';
import { h, say } from './dom.js';
import { address, filterForm, filtersOf } from './filters.js';
import { ago, count, cut, plural, time, when } from './format.js';
import { cell, fullPage, pages, rowHead, rowOf, table } from './parts.js';
import { planFor } from './replay.js';

const PAGE = 50, GROUPS = 20;

// ---------------------------------------------------------------- groups

const way = (group) => `${group.route || 'no route'} → ${group.service || 'nobody'}`;
const groupFacts = (group) => [group.reason, group.code, way(group)].filter(Boolean).join(' · ');

function groupItem (group, filters, most) {
  const href = address({ ...filters, fingerprint: group.fingerprint });
  return h('li', { 'data-row': true }, h('a', { class: 'group', href, 'data-row': true },
    h('span', { class: 'group-count' }, count(group.count)),
    h('span', { class: 'group-words' }, h('b', null, cut(group.why || group.reason, 240)),
      h('span', { class: 'soft' }, groupFacts(group))),
    h('span', { class: 'group-when soft', title: `first ${time(group.first_us)}, last ${time(group.last_us)}` },
      `last ${ago(group.last_us)}`),
    h('progress', { class: 'share', max: most, value: group.count, 'aria-hidden': 'true' })));
}

function groupsPart (stats, filters) {
  if (filters.fingerprint || !stats.items.length) return null;
  const most = stats.items[0].count;
  const rest = stats.groups - stats.items.length;
  return h('section', { class: 'panel' }, h('h2', null, 'What went wrong'),
    h('ol', { class: 'groups' }, stats.items.map((group) => groupItem(group, filters, most))),
    rest > 0 ? h('p', { class: 'soft' }, `and ${plural(rest, 'smaller kind')}`) : null);
}

// The one group that is looked at.
function groupHead (stats, filters) {
  const group = filters.fingerprint && stats.items[0];
  if (!group) return null;
  return h('section', { class: 'panel quote' },
    h('p', { class: 'soft' }, `${plural(group.count, 'letter')} died alike, from `, when(group.first_us), ' to ',
      when(group.last_us)),
    h('p', { class: 'why' }, group.why || group.reason), h('p', { class: 'soft' }, groupFacts(group)));
}

// ---------------------------------------------------------------- letters

function row (letter, changed) {
  const box = h('input', { type: 'checkbox', 'aria-label': `Select letter ${letter.number}`, onchange: changed });
  const node = rowOf(h('td', { class: 'cell-box' }, box), rowHead('Letter', `#/letter/${letter.number}`, letter.number),
    cell('Died', when(letter.dead_us)), cell('Session', h('span', { class: 'name' }, letter.session_id)),
    h('td', { 'data-label': 'Why', class: 'cell-why' }, cut(letter.why || letter.reason, 160)),
    cell('Outcome', h('span', { class: `pill ${letter.outcome === 'unknown' ? 'warn' : 'plain'}` }, letter.outcome)),
    cell('Attempts', count(letter.attempts)));
  return { node, box, letter };
}

const HEADS = ['', 'Letter', 'Died', 'Session', 'Why', 'Outcome', 'Attempts'];

function lettersPart (page, total, filters, after) {
  const chosen = () => rows.filter((one) => one.box.checked).map((one) => one.letter);
  const label = h('span', { class: 'soft', 'aria-live': 'polite' });
  const meant = () => (chosen().length ? { letters: chosen() } : { filters, total });
  const all = total === null ? 'all that match' : `all ${count(total)}`;
  const replay = h('button', { class: 'button main', type: 'button', onclick: () => planFor(meant(), filters) });
  const away = h('button', { class: 'button danger', type: 'button', onclick: () => discard(meant()) });
  const changed = () => {
    const many = chosen().length;
    say(label, many ? `${plural(many, 'letter')} selected` : '');
    say(replay, many ? `Plan a replay of ${plural(many, 'letter')}` : `Plan a replay of ${all}`);
    say(away, many ? `Discard ${plural(many, 'letter')}` : `Discard ${all}`);
  };
  const rows = page.items.map((letter) => row(letter, changed));
  changed();
  return h('section', { class: 'panel' },
    h('div', { class: 'panel-head' }, h('h2', null, 'Letters'), label, h('div', { class: 'actions' }, replay, away)),
    table(HEADS, rows.map((one) => one.node)),
    pages(after && address(filters), page.next !== null && address(filters, { after: page.next })));
}

function nothing (filters) {
  return Object.keys(filters).length
    ? h('section', { class: 'panel empty' }, h('p', null, 'No dead letter matches these filters.'),
      h('a', { class: 'button', href: '#/dead' }, 'All dead letters'))
    : h('section', { class: 'panel empty' },
      h('p', null, 'There are no dead letters. Everything was answered, or waits to be.'));
}

export async function dead (root, place) {
  const filters = filtersOf(place.query), after = place.query.get('after'), { text, ...counted } = filters;
  const about = h('p', { class: 'soft' });
  const begun = performance.now();
  root.append(h('header', { class: 'head' }, h('h1', null, 'Dead letters'), about), filterForm(filters));
  const [stats, page] = await Promise.all([api.get('dead/groups', { ...counted, limit: GROUPS }),
    fullPage(PAGE, after, (page) => api.get('dead', { ...filters, ...page }))]);
  const total = text ? null : stats.total;
  say(about, total === null ? 'What could not be answered or delivered, with these words in it'
    : `${plural(total, 'letter')}${Object.keys(filters).length ? ' with these filters'
      : ''}, of ${plural(stats.groups, 'kind')}`);
  if (page.items.length)
    root.append(...[groupHead(stats, filters), groupsPart(stats, filters),
      lettersPart(page, total, filters, after)].filter(Boolean));
  else
    root.append(nothing(filters));
  root.dataset.ms = Math.round(performance.now() - begun);
}
