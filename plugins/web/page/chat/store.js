// What outlives a reload: the session, the last event seen in this window, messages that are not yet stored.

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

export class Store {
  constructor () {
    this.user = read('user') ?? `web-${random()}`;
    write('user', this.user);
    const session = read('session');
    this.begin(session ?? random());
    this.isNew = !session;
    // An address with ?session=ID opens that conversation.
    const named = new URLSearchParams(location.search).get('session');
    if (named && named.length <= 180) {
      this.begin(named);
      this.isNew = false;
    }
    this.unsent = read('unsent', []).filter((one) => one.session === this.session);
  }

  begin (session) {
    this.session = session;
    this.seen = 0;
    this.unsent = [];
    write('session', session);
  }

  fresh () {
    this.begin(random());
    write('unsent', []);
  }

  see (seq) {
    this.seen = Math.max(this.seen, seq);
  }

  say (text) {
    const message = { id: random(), session: this.session, text, at: Date.now() };
    this.unsent.push(message);
    write('unsent', this.unsent);
    return message;
  }

  stored (id) {
    this.unsent = this.unsent.filter((one) => one.id !== id);
    write('unsent', this.unsent);
  }

  get key () {
    try {
      return sessionStorage.getItem('palaver.key') ?? '';
    } catch {
      return '';
    }
  }

  set key (key) {
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
