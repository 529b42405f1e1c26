// The line to the gateway: a WebSocket that connects again by itself, goes on behind the last event that was seen,
// and says again what was not stored. A message has an id of its own, so that saying it twice does it once.

const FIRST_MS = 400;
const MOST_MS = 15000;
const PING_MS = 25000;
const PATIENCE_MS = 10000;
const TOO_LARGE = 1009;

// The name of a subprotocol, in which not every character of a key can stand.
const protocolOf = (key) =>
  `key.${encodeURIComponent(key).replace(/[()]/g, (sign) => (sign === '(' ? '%28' : '%29'))}`;

export class Link extends EventTarget {
  constructor (store) {
    super();
    this.store = store;
    this.tries = 0;
    this.socket = null;
    this.timers = {};
    this.stopped = true;
    addEventListener('online', () => this.now());
    document.addEventListener('visibilitychange', () => { if (!document.hidden) this.now(); });
  }

  tell (name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  start () {
    this.stopped = false;
    this.connect();
  }

  stop () {
    this.stopped = true;
    for (const timer of Object.values(this.timers)) clearTimeout(timer);
    const socket = this.socket;
    this.socket = null;
    socket?.close(1000);
  }

  // Not after the wait, but at once.
  now () {
    if (this.stopped || this.socket) return;
    clearTimeout(this.timers.again);
    this.tries = 0;
    this.connect();
  }

  connect () {
    const { session, user, key } = this.store;
    const url = new URL(`/chat/ws/${encodeURIComponent(session)}`, location.href);
    url.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
    url.searchParams.set('after', String(this.store.seen));
    url.searchParams.set('user_id', user);
    this.tell('state', 'connecting');
    const socket = new WebSocket(url, key ? ['palaver.v1', protocolOf(key)] : ['palaver.v1']);
    this.socket = socket;
    this.opened = false;
    socket.onopen = () => this.open(socket);
    socket.onmessage = (event) => this.take(socket, event.data);
    socket.onclose = (event) => this.lost(socket, event.code);
    this.expect(socket);
  }

  // Silence for too long is a line that is dead without saying so.
  expect (socket) {
    clearTimeout(this.timers.dead);
    this.timers.dead = setTimeout(() => this.lost(socket, 0), PATIENCE_MS);
  }

  heard (socket) {
    clearTimeout(this.timers.dead);
    clearTimeout(this.timers.ping);
    this.timers.ping = setTimeout(() => {
      if (socket !== this.socket) return;
      socket.send('{"type":"ping"}');
      this.expect(socket);
    }, PING_MS);
  }

  open (socket) {
    if (socket !== this.socket) return;
    this.opened = true;
    this.tries = 0;
    this.heard(socket);
    this.tell('state', 'open');
    for (const message of this.store.unsent) this.post(message);
  }

  take (socket, data) {
    if (socket !== this.socket) return;
    this.heard(socket);
    const message = JSON.parse(data);
    if (message.seq && message.type !== 'hello') this.store.see(message.seq);
    this.tell('message', message);
  }

  lost (socket, code) {
    if (socket !== this.socket) return;
    this.socket = null;
    clearTimeout(this.timers.dead);
    clearTimeout(this.timers.ping);
    socket.onclose = socket.onmessage = socket.onopen = null;
    socket.close();
    if (this.stopped) return;
    const wait = Math.min(MOST_MS, FIRST_MS * 2 ** this.tries) * (0.5 + Math.random() / 2);
    this.tries++;
    this.tell('state', 'away');
    if (code === TOO_LARGE) this.giveUp();
    if (!this.opened) this.tell('refused', code);
    this.timers.again = setTimeout(() => { if (!this.stopped) this.connect(); }, wait);
  }

  // Said again it would end the next line, too. Which one was too large is not told: the largest that waits.
  giveUp () {
    const size = ({ text }) => new TextEncoder().encode(JSON.stringify(text)).length;
    const largest = [...this.store.unsent].sort((one, other) => size(other) - size(one))[0];
    if (!largest) return;
    this.tell('message', { type: 'problem', id: largest.id, problem: { status: 413, title: 'The message is too long' } });
  }

  post (message) {
    if (this.socket?.readyState === WebSocket.OPEN)
      this.socket.send(JSON.stringify({ type: 'chat.message', id: message.id, message_text: message.text,
        user_id: this.store.user }));
  }
}
