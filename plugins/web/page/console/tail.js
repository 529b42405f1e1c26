// What happens, as it happens: the newest line on top. A pause lets nothing in; going on begins anew.

import { api } from './api.js';
import { h, say } from './dom.js';
import { count, plural, seconds, time } from './format.js';

const MOST = 500, AGAIN_MS = 2000;
const WHATS = ['accepted', 'merged', 'dispatched', 'delivering', 'failed', 'answered', 'delivered', 'interrupted',
  'dead',
  'replayed', 'discarded', 'live'];
const KINDS = { answered: 'good', delivered: 'good', failed: 'warn', interrupted: 'warn', dead: 'bad' };

// The events of a stream of server-sent events: their data.
async function * events (response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let left = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    left += value;
    const whole = left.split('\n\n');
    left = whole.pop();
    for (const event of whole) {
      const data = event.split('\n').filter((line) => line.startsWith('data: ')).map((line) =>
        line.slice(6)).join('\n');
      if (data) yield JSON.parse(data);
    }
  }
}

function lineItem (line) {
  const clock = time(line.at_us).slice(11);
  const words = [line.text, line.why].filter(Boolean).join(' · ');
  return h('li', { class: 'line-item', 'data-row': true },
    h('a', { class: 'soft', href: `#/event/${line.reply_to ?? line.id}`, title: time(line.at_us) }, clock),
      h('span', { class: `pill ${KINDS[line.what] ?? 'plain'}` }, line.what),
    h('div', null, h('p', null,
      line.session_id ? h('a', { class: 'row-link', href: `#/session/${encodeURIComponent(line.session_id)}` },
      line.session_id) : null,
      h('span', { class: 'soft' }, ` ${[line.type, line.route, line.who, line.code].filter(Boolean).join(' · ')}${
        line.attempt > 1 ? ` · attempt ${line.attempt}` : ''}${line.age_ms ? ` · ${seconds(line.age_ms / 1000)}`
          : ''}`)),
      words ? h('p', { class: 'line-words' }, words) : null));
}

function form (query, changed) {
  const field = (name, label) => h('div', { class: 'field' }, h('label', { for: `tail-${name}` }, label),
    h('input', { id: `tail-${name}`, name, type: 'search', value: query.get(name) ?? '', autocomplete: 'off',
      spellcheck: 'false' }));
  const what = h('select', { id: 'tail-what', name: 'what' }, h('option', { value: '' }, 'everything'),
    WHATS.map((one) => h('option', { value: one }, one)));
  const box = (name, label) =>
    h('div', { class: 'field-box' }, h('input', { id: `tail-${name}`, name, type: 'checkbox', value: 'true' }),
    h('label', { for: `tail-${name}` }, label));
  const node = h('form', { class: 'filters', role: 'search', 'aria-label': 'What is shown' },
    h('div', { class: 'fields' },
    h('div', { class: 'field' }, h('label', { for: 'tail-what' }, 'What'), what), field('session', 'Session'),
      field('user', 'User'), field('platform', 'Platform')),
  h('div', { class: 'boxes' }, box('texts', 'Show what was written'), box('live', 'Show what streams by')));
  node.addEventListener('submit', (event) => event.preventDefault());
  node.addEventListener('change', changed);
  return node;
}

class Follower {
  constructor (list, words) {
    Object.assign(this, { list, words, lines: 0, lost: 0, abort: null });
  }

  take ({ items, lost }) {
    this.lines += items.length;
    this.lost += lost;
    this.list.prepend(...items.slice(-MOST).reverse().map(lineItem));
    if (lost) this.list.prepend(h('li', { class: 'line-gap soft' }, `${plural(lost, 'line')} found no room here`));
    while (this.list.children.length > MOST) this.list.lastElementChild.remove();
    say(this.words, `Live: ${plural(this.lines, 'line')}${this.lost ? `, ${count(this.lost)} without room` : ''}`);
  }

  async follow (filters, signal) {
    const query = new URLSearchParams(Object.entries(filters).filter(([, value]) => value));
    const response = await api.send(`/operate/tail?${String(query).replaceAll('+', '%20')}`, { signal });
    for await (const part of events(response)) this.take(part);
  }

  // Until it is paused; a line that was lost is tried again.
  async start (filters) {
    this.abort?.abort();
    const { signal } = this.abort = new AbortController();
    say(this.words, 'Connecting');
    while (!signal.aborted) {
      try {
        await this.follow(filters, signal);
      } catch (problem) {
        if (!signal.aborted) say(this.words, `${problem.message} It is tried again.`);
      }
      if (!signal.aborted) await new Promise((done) => setTimeout(done, AGAIN_MS));
    }
  }

  stop () {
    this.abort?.abort();
    this.abort = null;
    say(this.words, 'Paused');
  }
}

export function tail (root, place) {
  const list = h('ol', { class: 'lines', 'aria-label': 'Lines, the newest first' }),
    words = h('p', { class: 'soft', role: 'status' }, 'Connecting');
  const follower = new Follower(list, words);
  const filters = form(place.query, () => { if (follower.abort) begin(); });
  const button = h('button', { class: 'button', type: 'button', onclick: () => (follower.abort ? pause() : begin()) });
  function begin () {
    say(button, 'Pause');
    follower.start(Object.fromEntries(new FormData(filters)));
  }
  function pause () {
    say(button, 'Go on');
    follower.stop();
  }
  root.append(h('header', { class: 'head' }, h('h1', null, 'Live'), words, h('div', { class: 'actions' }, button,
    h('button', { class: 'button', type: 'button', onclick: () => list.replaceChildren() }, 'Clear'))), filters,
  h('section', { class: 'panel' }, list));
  begin();
  return () => follower.abort?.abort();
}
