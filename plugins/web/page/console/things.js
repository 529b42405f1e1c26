// Routes, adapters and agents: what each does, why it does not, and how that went over the last minutes.

import { Chart } from './chart.js';
import { h } from './dom.js';
import { count, cut, plural, time } from './format.js';
import { setAside } from './aside.js';
import { pause, resume } from './routes.js';

const LOOKS = 150;

// A small chart each, by a name; they live as long as the page.
const trends = new Map();

export function trend (key, label, names, values) {
  const one = trends.get(key) ?? { chart: new Chart(label, names,
    (value) => (Number.isFinite(value) ? count(value) : '–')),
    values: names.map(() => []) };
  trends.set(key, one);
  one.node = one.chart.node;
  one.values.forEach((list, at) => {
    list.push(values[at]);
    if (list.length > LOOKS) list.shift();
  });
  one.chart.draw(...one.values);
}

const pill = (words, kind) => h('span', { class: `pill ${kind}` }, words);
const kinds = { ready: 'good', running: 'good', closed: 'good', draining: 'warn', starting: 'warn', silent: 'warn' };

function item (name, state, facts, why, ...more) {
  return h('li', { class: 'thing' }, h('div', { class: 'thing-head' }, h('b', null, name),
    pill(state, kinds[state] ?? 'bad')),
    h('p', { class: 'thing-facts' }, facts), why ? h('p', { class: 'thing-why' }, why) : null, more);
}

export function routeItem (route) {
  const waits = plural(route.waiting ?? route.ready, 'event waits', 'events wait');
  const since = route.paused_us ? ` since ${time(route.paused_us)}` : '';
  return item(route.name, route.paused_by ? 'paused' : 'running',
    `${route.service} · ${waits} · ${plural(route.workers, 'worker')}`,
    route.paused_by ? `${route.why}${since}, by ${route.paused_by === 'breaker' ? 'the circuit breaker'
      : route.paused_by}` : '',
    h('p', { class: 'thing-action' }, h('button', { class: 'button small', type: 'button', data: { name: route.name },
      onclick: () => (route.paused_by ? resume : pause)(route) },
    route.paused_by ? `Let ${route.name} go on` : `Pause ${route.name}`),
    (route.waiting ?? route.ready) > 0 ? h('button', { class: 'button small', type: 'button',
      data: { name: `aside ${route.name}` }, onclick: () => setAside({ route: route.name }) }, 'Set aside what waits')
      : null));
}

const silence = (peer) => (peer?.silent_s ? `nothing was heard of it for ${count(peer.silent_s)} s` : '');

export function adapterItem (host, adapter) {
  const traffic = adapter ? `${count(adapter.in_per_min)} in and ${count(adapter.out_per_min)} out a minute · ${
    plural(adapter.waiting, 'answer waits', 'answers wait')}` : 'not connected';
  const state = host && host.state !== 'running' ? host.state : adapter?.state ?? host?.state ?? 'away';
  const why = host?.last ? `; last failure: ${host.last}` : ''; // one that asked for a successor did not fail
  const last = host?.restarts ? `started again ${plural(host.restarts, 'time')}${why}` : '';
  const name = host?.name ?? adapter.name;
  return item(name, state, traffic, host?.why || silence(adapter) || last, trends.get(`adapter ${name}`)?.node);
}

export function agentItem (agent) {
  const work = `works on ${count(agent.held)} of ${count(agent.credit)}`;
  return item(agent.name, agent.state, [agent.services.join(', '), work, cut(agent.build, 24)].join(' · '),
    silence(agent),
    trends.get(`agent ${agent.key}`)?.node);
}

// The same agent many times is one line.
export function manyAgents (agents) {
  const groups = new Map();
  for (const agent of agents) {
    const key = `${agent.name}\n${agent.services}\n${agent.state}\n${agent.build}`;
    const one = groups.get(key) ?? groups.set(key, { ...agent, key, many: 0, held: 0, credit: 0, silent_s: 0 }).get(key);
    one.many++;
    one.held += agent.held;
    one.credit += agent.credit;
    one.silent_s = Math.max(one.silent_s, agent.silent_s);
  }
  return [...groups.values()].map((one) => ({ ...one, name: one.many > 1 ? `${one.name} × ${one.many}` : one.name }));
}

// What there is, drawn anew when it is another than before; the button that had the focus has it again.
export class List {
  constructor (title, empty) {
    Object.assign(this, { list: h('ul', { class: 'things' }), empty: h('p', { class: 'soft' }, empty), shown: '' });
    this.node = h('section', { class: 'panel' }, h('h2', null, title), this.list, this.empty);
  }

  draw (items, make) {
    const seen = JSON.stringify(items);
    if (seen === this.shown) return;
    this.shown = seen;
    const held = this.list.contains(document.activeElement) && document.activeElement.dataset.name;
    this.list.replaceChildren(...items.map((one) => make(one)));
    this.empty.hidden = items.length > 0;
    if (held) this.list.querySelector(`[data-name="${CSS.escape(held)}"]`)?.focus({ preventScroll: true });
  }
}
