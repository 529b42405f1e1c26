// A replay, planned: which letters as they stand now, in the order of acceptance, and how. As a file it is what
// `palaver dead replay --plan` writes: its hash is over all of it, and `palaver dead replay --apply` takes it.

import { api } from './api.js';
import { sha256 } from './sha256.js';

const PAGE = 1000, STEP = 200, RETRY_MS = 100;

// With all its digits, as the command line writes it.
function exact (us) {
  return us ? `${new Date(Math.floor(us / 1000)).toISOString().slice(0, 19)}.${
    String(us % 1000000).padStart(6, '0')}Z` : '';
}

const isAnswer = (letter) => letter.type === 'chat.response';
const text = (value) => JSON.stringify(value);

// What is kept of each letter: there may be very many.
const brief = ({ number, id, attempts, accepted_us, dead_us, type, session_id, service, adapter, outcome, why }) =>
  ({ number, id, attempts, accepted_us, dead_us, type, session_id, service, adapter, outcome, why });

// All letters that pass `filters`, page by page; `seen` is told how many there are so far.
export async function gather (filters, seen, signal) {
  const letters = [];
  let after = null;
  do {
    const page = await api.get('dead', { ...filters, after, limit: PAGE });
    for (const letter of page.items) letters.push(brief(letter));
    after = page.next;
    seen(letters.length);
  } while (after !== null && !signal.aborted);
  return letters;
}

export class Plan {
  constructor (letters, filters, who) {
    this.letters = letters.map(brief).sort((a, b) => a.number - b.number);
    Object.assign(this, { filters, who, made: Date.now() * 1000, to: '', text: '', duplicates: false, rate: 0 });
    this.settle();
  }

  // Why a letter would not go; null: it goes.
  whyNot (letter) {
    if (!this.duplicates && letter.outcome === 'unknown') return 'unknown';
    const wrong = (this.to && isAnswer(letter)) || (this.text && letter.type !== 'chat.message');
    return wrong ? 'kind' : null;
  }

  target (letter) {
    return this.to || (isAnswer(letter) ? letter.adapter : letter.service);
  }

  // Anew after every change of how: who goes, and the hash of it all.
  settle () {
    this.entries = [];
    this.skipped = [];
    for (const letter of this.letters) {
      const why = this.whyNot(letter);
      if (why) this.skipped.push({ number: letter.number, why });
      else this.entries.push(letter);
    }
    this.words = this.write();
    this.hash = sha256(new TextEncoder().encode(this.words));
  }

  get name () { return this.hash.slice(0, 16); }

  head () {
    const lines = ['{"palaver_plan": 1', `"made": ${text(exact(this.made))}`, `"by": ${text(this.who)}`,
      '"palaver": "console"', `"broker": ${text(location.origin)}`, `"filters": ${text(this.filters)}`,
      '"order": "as accepted; within a session always"',
      '"age": "events go whatever their age; an answer must arrive within delivery.not_after_s from when it is sent again"',
      `"allow_duplicates": ${this.duplicates}`];
    if (this.rate) lines.push(`"rate": ${this.rate}`);
    if (this.to) lines.push(`"to": ${text(this.to)}`);
    if (this.text) lines.push(`"message_text": ${text(this.text)}`);
    return lines.join(',\n ');
  }

  entry (one) {
    return `\n  {"number": ${one.number}, "id": ${text(one.id)}, "attempts": ${one.attempts}, "accepted": ${
      text(exact(one.accepted_us))}, "dead": ${text(exact(one.dead_us))}, "type": ${text(one.type)}, "session_id": ${
      text(one.session_id)}, "target": ${text(this.target(one))}}`;
  }

  // Everything but the hash.
  write () {
    const { entries, skipped } = this, many = (why) => skipped.filter((one) => one.why === why).length;
    let oldest = 0, newest = 0;
    for (const { accepted_us: at } of entries) {
      if (!oldest || at < oldest) oldest = at;
      if (at > newest) newest = at;
    }
    return `${this.head()},\n "entries": [${entries.map((one) => this.entry(one)).join(',')}\n ],\n "skipped": [${
      skipped.map((one) =>
        `\n  {"number": ${one.number}, "why": ${text(one.why)}}`).join(',')}\n ],\n "counts": {"entries": ${
      entries.length}, "unknown": ${many('unknown')}, "kind": ${many('kind')}},\n "oldest": ${
      text(exact(oldest))},\n "newest": ${text(exact(newest))},\n`;
  }

  file () {
    return `${this.words} "hash": "${this.hash}"}\n`;
  }

  // What is asked of the broker for these letters; it leaves out what is not as it stands here.
  order (letters) {
    const order = { numbers: letters.map((one) => one.number),
      expect: letters.map((one) => [one.attempts, one.dead_us]),
      plan: this.name, allow_duplicates: this.duplicates };
    if (this.to) order.to = this.to;
    if (this.text) order.set = { message_text: this.text };
    return order;
  }
}

const rest = (ms, signal) => new Promise((done) => {
  const timer = setTimeout(done, ms);
  signal.addEventListener('abort', () => { clearTimeout(timer); done(); }, { once: true });
});

// Letters to the broker, some at a time, in their order, at most `rate` a second (0: as fast as it goes); what is busy
// is asked for again. `letters` is the caller's own: what waits still stands behind `tally.at`. It ends behind the step
// under way when `signal` is aborted, and can go on from `tally.at`.
export async function send (path, letters, orderOf, { rate, signal, tally, told }) {
  const size = rate ? Math.min(STEP, Math.ceil(rate / 10)) : STEP, begun = performance.now(), first = tally.at;
  while (tally.at < letters.length && !signal.aborted) {
    const due = rate ? ((tally.at - first) * 1000) / rate - (performance.now() - begun) : 0;
    if (due > 0) await rest(due, signal);
    if (signal.aborted) break;
    const step = letters.slice(tally.at, tally.at + size);
    let left = step;
    while (left.length) {
      const answer = await api.post(path, orderOf(left));
      const busy = new Set(answer.busy_numbers ?? []);
      for (const skip of answer.skips ?? []) tally[skip.why]++;
      tally.done += answer.done;
      tally.missing += Math.max(0, left.length - answer.done - (answer.skips ?? []).length - busy.size);
      left = left.filter((one) => busy.has(one.number));
      told(tally, left.length);
      if (left.length) await rest(answer.retry_after_ms || RETRY_MS, signal);
      if (signal.aborted) break;
    }
    const waiting = new Set(left);
    letters.splice(tally.at, step.length, ...step.filter((one) => !waiting.has(one)), ...left);
    tally.at += step.length - left.length;
    told(tally, left.length);
  }
}

export const newTally = () => ({ at: 0, done: 0, missing: 0, unknown: 0, changed: 0, kind: 0, size: 0 });
