// Looks at the broker every two seconds while the page is seen, whatever view is open; keeps the last five minutes.

import { api } from './api.js';
import { parse } from './meters.js';

const EVERY_MS = 2000, LOOKS = 151;

class Watch extends EventTarget {
  constructor () {
    super();
    this.looks = []; // { status, meters }, the newest last
    this.fault = null;
    this.stopped = true;
    document.addEventListener('visibilitychange', () => { if (!document.hidden) this.soon(0); });
  }

  get last () { return this.looks.at(-1); }

  start () {
    if (!this.stopped) return;
    this.stopped = false;
    this.soon(0);
  }

  stop () {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  soon (ms) {
    clearTimeout(this.timer);
    if (!this.stopped && !document.hidden) this.timer = setTimeout(() => this.look(), ms);
  }

  async look () {
    try {
      const [status, metrics] = await Promise.all([api.get('status'), api.get('metrics')]);
      this.looks.push({ status, meters: parse(metrics.text) });
      this.looks = this.looks.slice(-LOOKS);
      this.fault = null;
    } catch (fault) {
      this.fault = fault;
    }
    this.dispatchEvent(new Event('look'));
    this.soon(EVERY_MS);
  }
}

export const watch = new Watch();
