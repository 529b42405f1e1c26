// What a browser keeps. One that keeps nothing, as when all cookies are refused, has it as long as the page lasts.

const OURS = 'palaver.';

class Kept {
  held = new Map(); // what the browser did not take

  // `storage`: a function, since such a browser throws when the name is only said.
  constructor (storage) { this.storage = storage; }

  ask (what, otherwise) {
    try {
      return what(this.storage());
    } catch {
      return otherwise;
    }
  }

  get (name) {
    return this.held.get(name) ?? this.ask((storage) => storage.getItem(OURS + name), null);
  }

  set (name, value) {
    this.held.delete(name);
    if (!this.ask((storage) => { storage.setItem(OURS + name, value); return true; }, false)) this.held.set(name, value);
  }

  remove (name) {
    this.held.delete(name);
    this.ask((storage) => storage.removeItem(OURS + name));
  }

  // Those that begin so.
  names (beginning) {
    const kept = this.ask((storage) => Object.keys(storage), []).filter((name) => name.startsWith(OURS))
      .map((name) => name.slice(OURS.length));
    return [...new Set([...kept, ...this.held.keys()])].filter((name) => name.startsWith(beginning));
  }
}

export const browser = new Kept(() => localStorage); // all windows, and beyond the page
export const tab = new Kept(() => sessionStorage); // this tab, as long as it is open
