// What the gateway is asked. The key is in a header, from sessionStorage: it belongs to this tab and this origin, and
// no other site can have it sent along. A key behind '#' of the address is taken out of it at once.

import { tab } from '../kept.js';

const STORE = 'operator';
const MS = 40000;
const STRANGE = /[^\x21-\x7e]/; // no header holds it, so that nobody has such a key

// A part of the address as it was written; what is encoded wrongly stands for itself.
export function decoded (part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export class Problem extends Error {
  constructor (status, told) {
    super(told.detail || told.title || `The gateway answered ${status}`);
    this.status = status;
    this.kind = (told.type ?? '').replace('/problems/', '');
  }
}

class Api extends EventTarget {
  constructor () {
    super();
    const given = /^#key=(.+)$/.exec(location.hash);
    if (given) {
      this.key = decoded(given[1]);
      history.replaceState(null, '', `${location.pathname}#/overview`);
    }
  }

  get key () { return tab.get(STORE) ?? ''; }

  set key (key) {
    if (key) tab.set(STORE, key);
    else tab.remove(STORE);
  }

  headers () {
    return this.key ? { authorization: `Bearer ${this.key}` } : {};
  }

  // 401: no key is known, or one that nobody has. 403: it is not for operating.
  fault (status, told) {
    const problem = new Problem(status, told);
    if (problem.kind === 'key-needed' || problem.kind === 'scope-needed')
      this.dispatchEvent(new CustomEvent('key', { detail: problem }));
    return problem;
  }

  async send (path, options = {}) {
    const given = { ...options, headers: { ...this.headers(), ...options.headers } };
    if (STRANGE.test(this.key)) throw this.fault(401, { type: '/problems/key-needed', title: 'Nobody has this key.' });
    given.signal ??= AbortSignal.timeout(options.within ?? MS);
    let response;
    try {
      response = await fetch(path, given);
    } catch (fault) {
      if (options.signal?.aborted) throw fault;
      throw new Problem(0, { title: fault.name === 'TimeoutError' ? 'The gateway does not answer'
        : 'The gateway cannot be reached' });
    }
    if (!response.ok) throw this.fault(response.status, await response.json().catch(() => ({})));
    return response;
  }

  async get (path, query = {}, within = MS) {
    const words = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== '' && value != null));
    const tail = words.size ? `?${String(words).replaceAll('+', '%20')}` : '';
    return (await this.send(`/operate/${path}${tail}`, { within })).json();
  }

  // `within`: how long an answer may take, in milliseconds.
  async post (path, body, within) {
    const options = { within, method: 'POST', headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body) };
    return (await this.send(`/operate/${path}`, options)).json();
  }
}

export const api = new Api();
