// What outlives a reload: who writes, the session, and messages that are not yet stored.

const SESSION_BYTES_MAX = 180;
const UNSENT = 'palaver.unsent.';
const UNSENT_MS = 7 * 24 * 3600 * 1000; // longer nobody knows whether a message was taken

function random () {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function read (name, otherwise) {
  try {
    return JSON.parse(localStorage.getItem(`palaver.${name}`)) ?? otherwise;
  } catch {
    return otherwise;
  }
}

function write (name, value) {
  try {
    localStorage.setItem(`palaver.${name}`, JSON.stringify(value));
  } catch {
    // A browser that keeps nothing: the conversation lasts as long as the page.
  }
}

// As the gateway takes them; with another one there would never be a line.
function isSession (id) {
  return Boolean(id) && new TextEncoder().encode(id).length <= SESSION_BYTES_MAX && !/[\u0000-\u001f\u007f/]/.test(id)
    && id !== '.' && id !== '..';
}

// Each by itself: windows that change one list at a time take each other's messages out of it.
function readUnsent () {
  try {
    return Object.keys(localStorage).filter((name) => name.startsWith(UNSENT))
      .map((name) => read(name.slice('palaver.'.length))).filter((one) => one?.id);
  } catch {
    return [];
  }
}

function remove (name) {
  try {
    localStorage.removeItem(`palaver.${name}`);
  } catch {
    // It was not kept.
  }
}

export class Store {
  heldKey = ''; // of a browser that keeps nothing

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
    const kept = readUnsent();
    for (const one of kept) if (Date.now() - one.at > UNSENT_MS) remove(`unsent.${one.id}`);
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
    for (const { id } of this.unsent) remove(`unsent.${id}`);
    this.begin(random());
  }

  see (seq) {
    this.seen = Math.max(this.seen, seq);
  }

  say (text) {
    const message = { id: random(), session: this.session, text, at: Date.now() };
    this.unsent.push(message);
    write(`unsent.${message.id}`, message);
    return message;
  }

  stored (id) {
    this.unsent = this.unsent.filter((one) => one.id !== id);
    remove(`unsent.${id}`);
  }

  get key () {
    try {
      return sessionStorage.getItem('palaver.key') ?? '';
    } catch {
      return this.heldKey;
    }
  }

  set key (key) {
    this.heldKey = key;
    try {
      sessionStorage.setItem('palaver.key', key);
    } catch {
      // Asked for again at the next load.
    }
  }

  get headers () {
    return this.key ? { Authorization: `Bearer ${this.key}` } : {};
  }
}
