// The replay: a plan is looked at, tried, and carried out, with its pace, its progress and a stop.

import { api } from './api.js';
import { h, say } from './dom.js';
import { address } from './filters.js';
import { count, plural, time, when } from './format.js';
import { cell, rowHead, rowOf, table } from './parts.js';
import { gather, newTally, Plan, send } from './plan.js';
import { settings } from './settings.js';
import { shadowPart } from './shadow.js';

const SHOWN = 100, PAGE = 1000;
const WHY = { unknown: 'nobody knows whether the platform has the answer', kind: 'not what this replay can send',
  size: 'too large with this text', changed: 'not as it was when it was planned', missing: 'sent or thrown away by somebody else' };

// What this tab is about to do or does; it outlives the view.
const work = { meant: null, plan: null, run: null };

addEventListener('beforeunload', (event) => { if (work.run?.active) event.preventDefault(); });

// The letters that are meant, or the filters that they pass: to the plan.
export function planFor (meant, filters) {
  if (work.run?.active) {
    location.hash = '#/plan';
    return;
  }
  Object.assign(work, { meant: { ...meant, told: filters }, plan: null, run: null });
  if (location.hash === '#/plan') dispatchEvent(new HashChangeEvent('hashchange'));
  else location.hash = '#/plan';
}

// ---------------------------------------------------------------- making it

async function make (root) {
  const { meant } = work, words = h('p', { role: 'status' }), abort = new AbortController();
  const bar = h('progress', { 'aria-label': 'Letters found', max: meant.total || 1 });
  const waiting = h('section', { class: 'panel' }, h('h2', null, 'Looking for the letters'), bar, words,
    h('p', { class: 'actions' }, h('button', { class: 'button', type: 'button', onclick: () => abort.abort() },
      'Stop')));
  root.append(waiting);
  const letters = meant.letters ?? await gather(meant.filters, (many) => {
    bar.value = many;
    say(words, plural(many, 'letter'));
  }, abort.signal);
  waiting.remove();
  if (work.meant !== meant) return; // others are meant by now
  if (abort.signal.aborted) {
    work.meant = null;
    return;
  }
  const filters = meant.letters ? { numbers: letters.map((one) => one.number).slice(0, PAGE) } : meant.filters;
  work.plan = new Plan(letters, filters, document.getElementById('who').textContent);
}

// ---------------------------------------------------------------- what would be sent

const HEADS = ['Letter', 'Accepted', 'Session', 'To', 'Why it died'];

function entryRow (plan, one) {
  return rowOf(rowHead('Letter', `#/letter/${one.number}`, one.number), cell('Accepted', when(one.accepted_us)),
    cell('Session', h('span', { class: 'name' }, one.session_id)), cell('To', plan.target(one) || 'nobody'),
    h('td', { 'data-label': 'Why it died', class: 'cell-why' }, one.why));
}

function leftOut (plan) {
  return ['unknown', 'kind'].map((why) =>
    [why, plan.skipped.filter((one) => one.why === why).length]).filter(([, many]) => many)
    .map(([why, many]) => h('p', { class: 'soft' }, `${plural(many, 'letter')} left out: ${WHY[why]}`));
}

function drawSummary (node, plan) {
  const { entries } = plan, sessions = new Set(entries.map((one) => one.session_id)).size;
  node.replaceChildren(...[h('h2', null, `${plural(entries.length, 'letter')} in ${plural(sessions, 'session')}`),
    entries.length ? h('p', { class: 'soft' },
      `Accepted ${time(entries[0].accepted_us)} to ${time(entries.at(-1).accepted_us)}. They go in this order, `
      + 'behind live traffic; a letter that has changed meanwhile is left out.') : null,
    ...leftOut(plan),
    entries.length ? table(HEADS, entries.slice(0, SHOWN).map((one) => entryRow(plan, one))) : null,
    entries.length > SHOWN
      ? h('p', { class: 'soft' }, `and ${plural(entries.length - SHOWN, 'letter')} more; the saved file lists them all`)
      : null].filter(Boolean));
}

// ---------------------------------------------------------------- sending

const finished = (run) => run.tally.at >= run.letters.length;

async function start (plan, told) {
  const fresh = !work.run || finished(work.run);
  const run = work.run = fresh ? { letters: [...plan.entries], tally: newTally(), begun: Date.now() * 1000, plan }
    : work.run;
  run.abort = new AbortController();
  run.active = true;
  run.fault = '';
  told();
  try {
    await send('dead/replay', run.letters, (letters) => run.plan.order(letters),
      { rate: plan.rate, signal: run.abort.signal, tally: run.tally,
        told: (tally, busy) => { run.busy = busy; work.told?.(); } });
  } catch (problem) {
    run.fault = problem.message;
  }
  run.active = false;
  work.told?.();
}

function save (plan) {
  const link = h('a', { href: URL.createObjectURL(new Blob([plan.file()], { type: 'application/json' })),
    download: `replay-${plan.name}.plan` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

function outcome (run) {
  const rows = ['missing', 'changed', 'unknown', 'kind', 'size'].filter((why) => run.tally[why]);
  return [h('p', null, h('b', null, `${plural(run.tally.done, 'letter')} sent again`),
    `, of ${count(run.letters.length)}.`),
    ...rows.map((why) => h('p', { class: 'soft' }, `${plural(run.tally[why], 'letter')} left out: ${WHY[why]}`)),
    finished(run) ? h('p', null, h('a', { class: 'button', href: address({ since_us: run.begun }) },
      'What has died since')) : null];
}

function stateWords (run) {
  if (run.fault) return `Stopped: ${run.fault} What was sent is sent; go on when it works again.`;
  if (finished(run)) return 'Done.';
  if (!run.active) return 'Stopped. What is left waits as it was.';
  return run.busy ? 'Waits for room: the agents work on those that were sent.' : 'Sending.';
}

function sendingPart (plan) {
  const words = h('p', { role: 'status' }), bar = h('progress', { 'aria-label': 'Letters sent again' }),
    result = h('div');
  const go = h('button', { class: 'button main', type: 'button', onclick: () => start(plan, draw) });
  const stop = h('button', { class: 'button', type: 'button', onclick: () => work.run.abort.abort() }, 'Stop');
  const code = h('code', { class: 'hash' });
  function draw () {
    const { run } = work, many = plan.entries.length, over = run && finished(run);
    say(code, plan.hash);
    say(go, run && !over ? `Go on with ${plural(run.letters.length - run.tally.at, 'letter')}`
      : `Send ${plural(many, 'letter')} again`);
    go.disabled = Boolean(run?.active || over) || many === 0;
    go.hidden = Boolean(over);
    stop.hidden = !run?.active;
    bar.hidden = !run;
    if (!run) return;
    bar.max = run.letters.length;
    bar.value = run.tally.at;
    say(words, stateWords(run));
    result.replaceChildren(...outcome(run).filter(Boolean));
  }
  const node = h('section', { class: 'panel' }, h('h2', null, 'Send'),
    h('p', { class: 'soft' }, 'Plan ', code, ': this is what the ledger of each letter will say, with your name.'), bar,
      words, result,
    h('p', { class: 'actions' }, go, stop, h('button', { class: 'button', type: 'button', onclick: () => save(plan) },
      'Save the plan')));
  return { node, draw };
}

// ----------------------------------------------------------------

function nothing (root) {
  root.append(h('section', { class: 'panel empty' }, h('p', null, 'No replay is planned in this tab.'),
    h('a', { class: 'button main', href: '#/dead' }, 'Choose among the dead letters')));
}

export async function planView (root) {
  root.append(h('header', { class: 'head' }, h('h1', null, 'Replay'),
    h('p', { class: 'soft' }, 'Nothing is sent to anyone before you say so.')));
  if (!work.plan && work.meant) await make(root);
  const { plan } = work;
  if (!root.isConnected) return null;
  if (!plan) {
    nothing(root);
    return null;
  }
  const summary = h('section', { class: 'panel' }), trial = shadowPart(plan), sending = sendingPart(plan);
  const redraw = () => {
    drawSummary(summary, plan);
    trial.draw();
    sending.draw();
  };
  const routes = (await api.get('routes')).items;
  const how = await settings(plan, routes, () => {
    plan.settle();
    work.run = null;
    redraw();
  });
  if (!root.isConnected) return null;
  const told = work.told = () => {
    sending.draw();
    how.lock(Boolean(work.run));
  };
  root.append(summary, how.node, trial.node, sending.node);
  redraw();
  how.lock(Boolean(work.run));
  return () => { if (work.told === told) work.told = null; };
}
