// The chat page: what comes from the gateway, what the person does.

import { browser } from '../kept.js';
import { Link } from './link.js';
import { Store } from './store.js';
import { View } from './view.js';

const byId = (id) => document.getElementById(id);
const store = new Store();
const view = new View(byId('main'), byId('talk'), byId('spoken'), byId('latest'));
const link = new Link(store);
const text = byId('text');
const SAME_MS = 10 * 60 * 1000;

/* ---------------------------------------------------------------- light and dark */

function theme (name) {
  document.documentElement.dataset.theme = name;
}

const darkness = matchMedia('(prefers-color-scheme: dark)');
const chosen = () => browser.get('theme');
theme(chosen() ?? (darkness.matches ? 'dark' : 'light'));
darkness.addEventListener('change', () => { if (!chosen()) theme(darkness.matches ? 'dark' : 'light'); });
byId('theme').addEventListener('click', () => {
  const name = document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark';
  browser.set('theme', name);
  theme(name);
});

/* ---------------------------------------------------------------- what waits for an answer */

const WAITING = 'waiting';

function waits (at) {
  if (!view.get(WAITING)) view.typing(view.add(WAITING, 'agent', at));
}

function waitsNoMore () {
  view.remove(WAITING);
}

function show () {
  byId('welcome').hidden = !view.empty;
}

/* ---------------------------------------------------------------- messages from the gateway */

// The same words of the same role at about the same time, that are not known by their id yet.
function likely (role, words, at) {
  return view.find((turn) => turn.role === role && !turn.known && turn.text === words
    && Math.abs(turn.at - at) < SAME_MS);
}

const takers = {
  hello () {},
  pong () {},

  stored ({ id, message_id: message }) {
    store.stored(id);
    const turn = view.get(id);
    if (!turn) return;
    if (view.get(message)) view.remove(id);
    else view.rename(turn, message);
    turn.known = true;
    view.state(turn, 'sent');
  },

  problem ({ id, problem, retry_after_ms: after }) {
    const turn = view.get(id);
    if (problem.status === 409) { // the first copy is on its way: asked for until it is there
      setTimeout(() => store.unsent.filter((one) => one.id === id).forEach((one) => link.post(one)), after);
      return;
    }
    if (!turn) return;
    if (after && (turn.tries = (turn.tries ?? 0) + 1) < 5) {
      view.state(turn, 'sending', 'Not taken yet. Trying again');
      setTimeout(() => link.post(turn.message), after);
      return;
    }
    waitsNoMore();
    store.stored(id);
    // What only time mends is told to programs in detail, and to people in a few words.
    view.state(turn, 'failed', after ? problem.title : problem.detail ?? problem.title, () => again(turn));
  },

  'chat.message' (message) {
    const at = message.timestamp * 1000;
    let turn = view.get(message.id) ?? likely('user', message.message_text, at);
    if (turn && turn.id !== message.id) view.rename(turn, message.id);
    if (!turn) {
      turn = view.add(message.id, 'user', at);
      view.said(turn, message.message_text);
    }
    turn.known = true;
    turn.answered ||= Boolean(view.find((other) => other.role === 'agent' && other.replyTo === message.id && other.known));
    view.state(turn, 'sent');
    if (!turn.answered && Date.now() - at < SAME_MS) waits(at + 1);
  },

  'chat.action' () {},

  'chat.typing' ({ active, ended, interrupted_by: newer, reply_to: question }) {
    const turn = ended && view.get(question);
    if (newer) view.remove(`answer-to-${question}`); // what there was of it
    if (turn && newer) view.state(turn, 'sent', 'A newer message took its place');
    else if (turn) view.state(turn, 'failed', 'It was set aside, and is not being worked on');
    if (active === false) waitsNoMore();
    else waits(Date.now());
  },

  'chat.delta' ({ reply_to: question, delta, index }) {
    const id = `answer-to-${question}`;
    waitsNoMore();
    const turn = view.get(id) ?? view.add(id, 'agent', Date.now());
    turn.replyTo = question;
    view.stream(turn, delta, index);
  },

  'chat.response' (answer) {
    const at = answer.timestamp * 1000;
    const streamed = view.get(`answer-to-${answer.reply_to}`);
    let turn = view.get(answer.id) ?? streamed ?? likely('agent', answer.response_text, at);
    waitsNoMore();
    if (!turn) turn = view.add(answer.id, 'agent', at);
    if (turn.id !== answer.id) view.rename(turn, answer.id);
    Object.assign(turn, { known: true, replyTo: answer.reply_to });
    const question = view.get(answer.reply_to);
    if (question) question.answered = true;
    view.answer(turn, answer);
    if (loaded) view.speakAnswer(turn);
  },

  gap () {
    history();
  },

  'session.reset' () {
    view.clear();
  },
};

link.addEventListener('message', ({ detail }) => {
  takers[detail.type]?.(detail);
  show();
});

const STATES = { open: 'Online', connecting: 'Connecting', away: 'Offline. Trying again' };

link.addEventListener('state', ({ detail }) => {
  byId('status').dataset.state = detail;
  byId('status-text').textContent = STATES[detail];
});

// A browser does not say why a WebSocket was refused: a request does.
link.addEventListener('refused', async () => {
  const answer = await ask('GET', '').catch(() => null);
  if (answer?.status === 401 || answer?.status === 403) await askKey(answer.status === 403);
});

/* ---------------------------------------------------------------- requests */

function ask (method, path) {
  return fetch(`/chat/session/${encodeURIComponent(store.session)}${path}`, { method, headers: store.headers });
}

let loaded = false;

// What was said before: the words of all, from the broker. Cards come with the events that are still kept.
async function history () {
  const session = store.session;
  const answer = await ask('GET', '').catch(() => null);
  if (answer?.status === 401 || answer?.status === 403) {
    await askKey(answer.status === 403);
    return history();
  }
  const told = answer?.ok ? await answer.json() : {};
  if (session !== store.session) return undefined;
  const met = new Set(); // what is said twice is there twice
  for (const { role, text: words, timestamp } of told.history ?? []) {
    const kind = role === 'user' ? 'user' : 'agent';
    const at = timestamp / 1000;
    const there = view.find((turn) => turn.role === kind && !met.has(turn) && turn.text === words
      && Math.abs(turn.at - at) < SAME_MS);
    const turn = there ?? view.add(`${role}-${timestamp}`, kind, at);
    met.add(turn);
    if (there) continue;
    turn.answered = true;
    if (kind === 'user') view.said(turn, words);
    else view.answer(turn, { response_text: words });
  }
  show();
  return undefined;
}

function askKey (wrong) {
  const dialog = byId('key');
  const field = byId('key-text');
  link.stop();
  byId('key-fault').textContent = wrong || store.key ? 'That key is not good for this.' : '';
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => {
      store.key = field.value.trim();
      field.value = '';
      link.start();
      resolve();
    }, { once: true });
    dialog.addEventListener('cancel', (event) => event.preventDefault());
    if (!dialog.open) dialog.showModal();
  });
}

/* ---------------------------------------------------------------- what the person does */

function post (message) {
  const turn = view.get(message.id) ?? view.add(message.id, 'user', message.at);
  turn.message = message;
  view.said(turn, message.text);
  view.state(turn, 'sending');
  waits(message.at + 1);
  show();
  link.post(message);
}

function say (words) {
  const said = words.trim();
  if (!said) return;
  view.following = true;
  post(store.say(said));
}

function again (turn) {
  view.remove(turn.id);
  post(store.say(turn.text));
}

function grow () {
  text.style.height = 'auto';
  text.style.height = `${text.scrollHeight}px`;
  byId('send').disabled = !text.value.trim();
}

function submit () {
  say(text.value);
  text.value = '';
  grow();
  text.focus();
}

async function fresh () {
  const old = ask('POST', '/reset').catch(() => null);
  link.stop();
  store.fresh();
  view.clear();
  show();
  link.start();
  text.focus();
  await old;
}

text.addEventListener('input', grow);
text.addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  submit();
});
byId('form').addEventListener('submit', (event) => { event.preventDefault(); submit(); });
byId('fresh').addEventListener('click', fresh);
for (const starter of document.querySelectorAll('.starter'))
  starter.addEventListener('click', () => { say(starter.textContent); text.focus(); });

// Typing anywhere writes; Alt+N begins anew.
document.addEventListener('keydown', (event) => {
  // With Ctrl it is AltGr, and writes a letter; as it does with Alt on a Mac, where `key` says which.
  if (event.altKey && !event.ctrlKey && event.key.toLowerCase() === 'n') { event.preventDefault(); fresh(); return; }
  const busy = event.ctrlKey || event.metaKey || event.altKey || byId('key').open
    || /^(INPUT|TEXTAREA|BUTTON|SUMMARY|A)$/.test(document.activeElement?.tagName ?? '');
  if (!busy && event.key.length === 1 && event.key !== ' ') text.focus();
});

async function begin () {
  if (!store.isNew) await history();
  show();
  for (const message of store.unsent) post(message);
  link.start();
  if (!matchMedia('(pointer: coarse)').matches) text.focus(); // no keyboard over the page of a phone
  setTimeout(() => { loaded = true; }, 1000);
}

begin();
