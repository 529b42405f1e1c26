// What outlives a reload: who writes, the session, and messages that are not yet stored.

import { browser, tab } from '../kept.js';

const SESSION_BYTES_MAX = 180;
const UNSENT = 'unsent.'; // each by itself: windows that change one list take each other's messages out of it
const UNSENT_MS = 7 * 24 * 3600 * 1000; // longer nobody knows whether a message was taken

function random () {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function read (name) {
  try {
    return JSON.parse(browser.get(name));
  } catch {
    return null; // somebody else wrote it
  }
}

function write (name, value) { browser.set(name, JSON.stringify(value)); }

// As the gateway takes them; with another one there would never be a line.
function isSession (id) {
  return Boolean(id) && new TextEncoder().encode(id).length <= SESSION_BYTES_MAX && !/[\u0000-\u001f\u007f/]/.test(id)
    && id !== '.' && id !== '..';
}

export class Store {
  constructor () {
    this.user = read('user') ?? `web-${random()}`;
    write('user', this.user);
    const session = read('session');
    this.isNew = !isSession(session);
    this.begin(this.isNew ? random() : session);
    // An address with ?session=ID opens that conversation.
    const named = new URLSearchParams(location.search).get('session');
    if (isSession(named)) {
      this.begin(named);
      this.isNew = false;
    }
    const kept = browser.names(UNSENT).map(read).filter((one) => one?.id);
    for (const one of kept) if (Date.now() - one.at > UNSENT_MS) browser.remove(UNSENT + one.id);
    this.unsent = kept.filter((one) => one.session === this.session && Date.now() - one.at <= UNSENT_MS)
      .sort((one, other) => one.at - other.at);
  }

  begin (session) {
    this.session = session;
    this.seen = 0;
    this.unsent = [];
    write('session', session);
  }

  fresh () {
    for (const { id } of this.unsent) browser.remove(UNSENT + id);
    this.begin(random());
  }

  see (seq) {
    this.seen = Math.max(this.seen, seq);
  }

  say (text) {
    const message = { id: random(), session: this.session, text, at: Date.now() };
    this.unsent.push(message);
    write(UNSENT + message.id, message);
    return message;
  }

  stored (id) {
    this.unsent = this.unsent.filter((one) => one.id !== id);
    browser.remove(UNSENT + id);
  }

  get key () { return tab.get('key') ?? ''; }

  set key (key) { tab.set('key', key); }

  get headers () {
    return this.key ? { Authorization: `Bearer ${this.key}` } : {};
  }
}
