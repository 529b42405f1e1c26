// How it goes: rates, latencies, what waits, and whatever an operator should look at.

import { api } from './api.js';
import { Chart } from './chart.js';
import { h, keep, say } from './dom.js';
import { bytes, count, cut, plural, rate, seconds, span } from './format.js';
import { perSecond, quantile } from './meters.js';
import { allPages } from './parts.js';
import { adapterItem, agentItem, List, manyAgents, routeItem, trend } from './things.js';
import { watch } from './watch.js';

const RATES = [
  ['Accepted', 'events_accepted_total'], ['Answered', 'replies_total'],
  ['Delivered', 'deliveries_total{outcome="sent"}'],
];
const GAUGES = [['Waiting', 'pending_events'], ['Answers on their way', 'outbox'], ['Dead letters', 'dead']];
const TIMES = [
  ['Until an agent has it', 'stored_to_dispatch_seconds'], ['An agent’s work', 'job_time_seconds'],
  ['Until it is delivered', 'reply_to_delivered_seconds'], ['To disk', 'accept_to_stored_seconds'],
];
const SMOOTH = 5; // looks that a rate or a quantile is taken over
const PEERS_MS = 4000;

const pairs = () => watch.looks.map((look, at) => [watch.looks[Math.max(0, at - SMOOTH)].meters, look.meters]);

// ---------------------------------------------------------------- figures

class Figure {
  constructor (title, series, read, words, href) {
    Object.assign(this, { read, words, value: h('span', { class: 'figure-value' }, '–') });
    this.chart = new Chart(title, series, words);
    this.node = h(href ? 'a' : 'div', { class: 'figure', href }, h('p', { class: 'figure-title' }, title), this.value,
      this.chart.node);
  }

  draw () {
    const lines = this.read();
    const words = lines.map((line) => this.words(line.at(-1)));
    say(this.value, new Set(words).size === 1 ? words[0] : words.join(' / '));
    this.chart.draw(...lines);
  }
}

const rates = () => RATES.map(([title, name]) => new Figure(`${title} a second`, [title],
  () => [pairs().map(([before, now], at) => (at ? perSecond(before, now, name) : NaN))], rate));

const gauges = () => GAUGES.map(([title, name]) => new Figure(title, [title],
  () => [watch.looks.map((look) => look.status.counts[name])],
  (value) => (Number.isFinite(value) ? count(value) : '–'),
  name === 'dead' ? '#/dead' : null));

const times = () => TIMES.map(([title, name]) => new Figure(title, ['half are below', '99 of 100 below'],
  () => [0.5, 0.99].map((part) => pairs().map(([before, now]) => quantile(before, now, name, part))), seconds));

// ---------------------------------------------------------------- what is wrong

function troubles (status, hosts, groups) {
  const found = [];
  for (const route of status.routes)
    if (route.paused_by)
      found.push({ key: `route ${route.name}`,
        words: `Route ${route.name} is paused: ${route.why || route.paused_by}. ${
        plural(route.waiting ?? route.ready, 'event waits', 'events wait')} in it.` });
  for (const host of hosts)
    if (host.state !== 'running')
      found.push({ key: `host ${host.name}`,
        words: `Adapter ${host.name} is ${host.state}${host.why ? `: ${host.why}` : ''}.` });
  for (const route of status.routes)
    if (route.ready > 0 && route.workers === 0)
      found.push({ key: `work ${route.name}`, words: `Nobody serves ${route.service}: ${
        plural(route.ready, 'event waits', 'events wait')} in route ${route.name}.` });
  if (groups?.total)
    found.push({ key: 'dead', href: '#/dead', words: `${plural(groups.total, 'dead letter')} of ${
      plural(groups.groups, 'kind')}; most often: ${cut(groups.items[0].why || groups.items[0].reason, 120)}` });
  return found;
}

function troubleItem (trouble) {
  return h('li', { class: trouble.href ? 'notice warn' : 'notice bad' }, h('p', null, trouble.words),
    trouble.href ? h('a', { class: 'button', href: trouble.href }, 'Look') : null);
}

// Adapters by name: what the broker's process knows of each, and its connection. What only says how long is left out.
function hostsWith (hosts, connected) {
  const named = (list, name) => list.find((one) => one.name === name);
  const still = (host) => host && { ...host, uptime_s: 0, state_s: 0, last_s: 0, next_s: 0 };
  return [...new Set([...hosts, ...connected].map((one) => one.name))].sort()
    .map((name) => [still(named(hosts, name)), named(connected, name)]);
}

const all = (path) => allPages((page) => api.get(path, page));

// ----------------------------------------------------------------

export function overview (root) {
  const about = h('p', { class: 'soft' }), wrong = h('ul', { class: 'notices', 'aria-label': 'What is wrong' });
  const figures = [rates(), gauges(), times()];
  const routes = new List('Routes', 'There are no routes.'), adapters = new List('Adapters', 'There are none.');
  const agents = new List('Agents', 'No agent is connected.');
  let peers = null, timer = 0, ended = false;

  const band = (title, list) => h('section', { class: 'band' }, h('h2', null, title),
    h('div', { class: 'figures' }, list.map((figure) => figure.node)));
  root.append(h('header', { class: 'head' }, h('h1', null, 'Overview'), about), wrong,
    band('Traffic', [...figures[0], ...figures[1]]), band('How long it takes', figures[2]),
    h('p', { class: 'soft legend' },
      'The last five minutes, a look every two seconds. How long it takes: half of all, and 99 of 100, stay below.'),
    h('div', { class: 'panels' }, routes.node, adapters.node, agents.node));

  function draw () {
    const status = watch.last?.status;
    if (!status) return;
    say(about, `Version ${status.version}, up for ${span(status.uptime_s)}, ${
      plural(status.counts.sessions, 'open session')}, ${plural(status.counts.leases, 'job')} at work, ${
      bytes(status.counts.store_bytes)} on disk`);
    for (const figure of figures.flat()) figure.draw();
    routes.draw([...status.routes].sort((a, b) => !a.paused_by - !b.paused_by), routeItem);
    const found = troubles(status, peers?.hosts ?? [], peers?.groups);
    keep(wrong, found, (one) => one.key, troubleItem, (node, one) => say(node.firstChild, one.words));
    wrong.hidden = !found.length;
  }

  async function lookAtPeers () {
    try {
      const [connected, hosts, workers, groups] = await Promise.all([all('adapters'), all('hosts'), all('agents'),
        api.get('dead/groups', { limit: 1 })]);
      peers = { hosts, groups };
      const many = manyAgents(workers);
      for (const one of connected)
        trend(`adapter ${one.name}`, `${one.name}, a minute`, ['in', 'out'], [one.in_per_min, one.out_per_min]);
      for (const one of many) trend(`agent ${one.key}`, `${one.name}, jobs`, ['at work'], [one.held]);
      adapters.draw(hostsWith(hosts, connected), ([host, one]) => adapterItem(host, one));
      agents.draw(many, agentItem);
      draw();
    } catch { /* the line at the top says it */ }
    if (!ended) timer = setTimeout(lookAtPeers, PEERS_MS);
  }

  watch.addEventListener('look', draw);
  draw();
  lookAtPeers();
  return () => {
    ended = true;
    clearTimeout(timer);
    watch.removeEventListener('look', draw);
  };
}
