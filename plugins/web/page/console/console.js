// The console: which view is open, by the address behind '#'; the key; the theme; what the keyboard does everywhere.

import { browser } from '../kept.js';
import { api, decoded } from './api.js';
import { h, say } from './dom.js';
import { count } from './format.js';
import { dead } from './dead.js';
import { event } from './event.js';
import { events } from './events.js';
import { letter } from './letter.js';
import { overview } from './overview.js';
import { planView } from './replay.js';
import { session } from './session.js';
import { sessions } from './sessions.js';
import { tail } from './tail.js';
import { watch } from './watch.js';

// A view fills its root and returns what ends it. `place`: its parts behind the name, and its query.
const views = { overview, dead, letter, sessions, session, events, event, tail, plan: planView };
const tabs = { letter: 'dead', session: 'sessions', event: 'events' };
const $ = (id) => document.getElementById(id);
let close = null;

// ---------------------------------------------------------------- views

function placeOf (hash) {
  const [path, query = ''] = hash.replace(/^#\/?/, '').split('?');
  const [name, ...parts] = path.split('/').map(decoded);
  return { name: Object.hasOwn(views, name) ? name : 'overview', parts, query: new URLSearchParams(query) };
}

function fault (words) {
  return h('div', { class: 'notice bad', role: 'alert' }, h('p', null, words));
}

async function open () {
  const place = placeOf(location.hash), main = $('main');
  const tab = tabs[place.name] ?? place.name;
  close?.();
  close = null;
  if (!api.key) return;
  for (const link of $('nav').querySelectorAll('a')) {
    if (link.dataset.view === tab) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  const root = h('div', { class: `view view-${place.name}` });
  main.replaceChildren(root);
  main.scrollTop = 0;
  let ends = null;
  try {
    ends = (await views[place.name](root, place)) ?? null;
  } catch (problem) {
    root.append(fault(problem.message));
  }
  if (!root.isConnected) { // another one was opened meanwhile
    ends?.();
    return;
  }
  close = ends;
  const title = root.querySelector('h1')?.textContent ?? 'Palaver';
  document.title = `${title} – Palaver console`;
  say($('spoken'), title);
  if (!main.contains(document.activeElement)) main.focus({ preventScroll: true });
}

// ---------------------------------------------------------------- the line

function showLook () {
  const problem = watch.fault, dead = watch.last?.status.counts.dead ?? 0;
  $('status').dataset.state = problem ? 'away' : watch.last?.status.state === 'stopping' ? 'connecting' : 'open';
  say($('status-text'), problem ? problem.message : watch.last?.status.state === 'stopping' ? 'Stopping' : 'Live');
  $('status').title = problem?.message ?? '';
  $('dead-count').hidden = !dead;
  say($('dead-count'), dead > 99999 ? '99,999+' : count(dead));
}

// ---------------------------------------------------------------- the key

function askKey (words) {
  watch.stop();
  say($('key-fault'), words ?? '');
  $('key-text').value = '';
  if (!$('key').open) $('key').showModal();
}

async function begin () {
  if (!api.key) {
    askKey();
    return;
  }
  try {
    say($('who'), (await api.get('key')).name);
  } catch (problem) {
    if (!$('key').open) $('main').replaceChildren(fault(problem.message));
    return;
  }
  watch.start();
  open();
}

api.addEventListener('key', ({ detail }) => {
  api.key = '';
  askKey(detail.kind === 'scope-needed' ? 'This key is not for operating.' : 'Nobody has this key.');
});
$('key').addEventListener('cancel', (event) => event.preventDefault());
$('key-form').addEventListener('submit', (event) => {
  event.preventDefault();
  api.key = $('key-text').value.trim();
  $('key').close();
  begin();
});
$('leave').addEventListener('click', () => {
  api.key = '';
  close?.();
  close = null;
  $('main').replaceChildren();
  askKey();
});

// ---------------------------------------------------------------- light and dark

const preferred = matchMedia('(prefers-color-scheme: dark)');
const plain = () => (preferred.matches ? 'dark' : 'light');

function paint () {
  document.documentElement.dataset.theme = browser.get('theme') ?? plain();
}

preferred.addEventListener('change', paint);
$('theme').addEventListener('click', () => {
  const next = document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark';
  if (next === plain()) browser.remove('theme');
  else browser.set('theme', next);
  paint();
});

// ---------------------------------------------------------------- the keyboard

const going = { o: '#/overview', d: '#/dead', s: '#/sessions', t: '#/events', l: '#/tail', r: '#/plan' };
let goes = 0;

function moveRow (by) {
  const rows = [...document.querySelectorAll('#main [data-row] a.row-link, #main a[data-row]')];
  const at = rows.findIndex((row) => (row.closest('[data-row]') ?? row).contains(document.activeElement));
  rows[Math.min(rows.length - 1, Math.max(0, at + by))]?.focus();
}

const pressed = {
  '?': () => $('help').showModal(),
  '/': () => document.querySelector('#main .filters input, #main input[type=search]')?.focus(),
  j: () => moveRow(1),
  k: () => moveRow(-1),
  x: () => document.activeElement.closest('[data-row]')?.querySelector('input[type=checkbox]')?.click(),
  g: () => { goes = Date.now(); },
};

document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]')) return;
  if (event.target.closest('input:not([type=checkbox]), textarea, select')) {
    if (event.key === 'Escape') event.target.blur();
    return;
  }
  const to = Date.now() - goes < 1500 && going[event.key];
  goes = 0;
  if (!to && !pressed[event.key]) return;
  event.preventDefault();
  if (to) location.hash = to;
  else pressed[event.key]();
});
$('keys').addEventListener('click', pressed['?']);

// ----------------------------------------------------------------

paint();
watch.addEventListener('look', showLook);
addEventListener('hashchange', open);
begin();
