// The conversation on the page. A turn is known by the id of its message or answer, and stands where its time says.

import { blocks, element } from './markdown.js';
import { cards } from './cards.js';

const NEAR_PX = 120;

export class View {
  constructor (main, list, spoken, latest) {
    Object.assign(this, { main, list, spoken, latest, turns: new Map() });
    this.following = true;
    this.pinned = 0;
    main.addEventListener('scroll', () => this.scrolled(), { passive: true });
    latest.addEventListener('click', () => this.follow(true));
  }

  // Who scrolls up reads: nothing moves under his eyes. Who comes back to the end follows again.
  scrolled () {
    const { scrollTop, scrollHeight, clientHeight } = this.main;
    const near = scrollHeight - scrollTop - clientHeight < NEAR_PX;
    if (scrollTop < this.pinned - 4) this.following = near;
    else if (near) this.following = true;
    this.latest.hidden = near;
  }

  // To the end, but not past the last question: an answer is read from its beginning.
  follow (end) {
    if (!end && !this.following) {
      this.scrolled();
      return;
    }
    const bottom = this.main.scrollHeight - this.main.clientHeight;
    let question = null;
    for (const turn of this.turns.values()) if (turn.role === 'user' && !(question?.at > turn.at)) question = turn;
    const top = question ? question.node.offsetTop - 16 : bottom;
    this.following = true;
    this.pinned = Math.max(0, end ? bottom : Math.min(bottom, top));
    this.main.scrollTo({ top: this.pinned, behavior: end ? 'smooth' : 'instant' });
    if (end) this.pinned = 0;
    this.scrolled();
  }

  clear () {
    this.turns.clear();
    this.list.replaceChildren();
  }

  get empty () {
    return this.turns.size === 0;
  }

  get (id) {
    return this.turns.get(id);
  }

  // The turn that `test` likes.
  find (test) {
    for (const turn of this.turns.values()) if (test(turn)) return turn;
    return undefined;
  }

  rename (turn, id) {
    this.turns.delete(turn.id);
    turn.id = id;
    this.turns.set(id, turn);
  }

  remove (id) {
    this.turns.get(id)?.node.remove();
    this.turns.delete(id);
  }

  // `at`: milliseconds; turns stand in the order of their times.
  add (id, role, at) {
    const node = element('li', { class: `turn turn-${role}`, 'aria-label': role === 'user' ? 'You' : 'Answer' });
    const turn = { id, role, at, node, text: '' };
    let before = null;
    for (const other of this.turns.values())
      if (other.at > at && (!before || other.at < before.at)) before = other;
    this.list.insertBefore(node, before ? before.node : null);
    this.turns.set(id, turn);
    return turn;
  }

  said (turn, text) {
    turn.text = text;
    turn.node.replaceChildren(element('p', { class: 'said' }, text));
    this.follow();
  }

  state (turn, state, words, retry) {
    turn.node.dataset.state = state;
    turn.node.querySelector('.note')?.remove();
    if (!words) return;
    const note = element('p', { class: state === 'failed' ? 'note note-bad' : 'note' }, words);
    if (retry) {
      const button = element('button', { type: 'button', class: 'link' }, 'Try again');
      button.addEventListener('click', retry);
      note.append(button);
    }
    turn.node.append(note);
    if (state === 'failed') this.speak(words);
    this.follow();
  }

  typing (turn) {
    turn.node.dataset.state = 'typing';
    turn.node.replaceChildren(element('span', { class: 'typing', role: 'img', 'aria-label': 'An answer is being written' },
      element('i'), element('i'), element('i')));
    this.follow();
  }

  // A piece of an answer that is being written; painted once a frame. Another attempt begins it anew.
  stream (turn, piece, index) {
    turn.text = index === 0 ? piece : turn.text + piece;
    turn.node.dataset.state = 'streaming';
    if (turn.frame) return;
    turn.frame = requestAnimationFrame(() => {
      turn.frame = 0;
      turn.node.replaceChildren(element('div', { class: 'prose' }, ...blocks(turn.text)));
      this.follow();
    });
  }

  answer (turn, answer) {
    if (turn.frame) cancelAnimationFrame(turn.frame);
    turn.frame = 0;
    turn.text = answer.response_text;
    turn.whole = Boolean(answer.seq);
    turn.node.dataset.state = answer.metadata?.fallback ? 'fallback' : 'done';
    const parts = [element('div', { class: 'prose' }, ...blocks(answer.response_text)), cards(answer.recommendations)];
    turn.node.replaceChildren(...[...parts, this.more(answer), this.copier(turn)].filter(Boolean));
    this.follow();
  }

  // Only a page that is served over TLS, or from this machine, may use the clipboard.
  copier (turn) {
    if (!navigator.clipboard) return null;
    const button = element('button', { type: 'button', class: 'act' }, 'Copy');
    button.addEventListener('click', async () => {
      const done = await navigator.clipboard.writeText(turn.text).then(() => 'Copied', () => 'Not copied');
      button.textContent = done;
      setTimeout(() => { button.textContent = 'Copy'; }, 2000);
    });
    return button;
  }

  more (answer) {
    const more = element('div', { class: 'more' });
    const sources = (answer.sources ?? []).map((one) => (typeof one === 'string' ? one
      : one?.title ?? one?.name ?? one?.url ?? JSON.stringify(one)));
    if (answer.disclaimers?.length)
      more.append(element('div', { class: 'law' }, ...answer.disclaimers.map((one) => element('p', {}, String(one)))));
    if (sources.length) {
      const sure = typeof answer.confidence === 'number' ? ` · confidence ${Math.round(answer.confidence * 100)} %` : '';
      more.append(element('details', {}, element('summary', {}, `Sources (${sources.length})${sure}`),
        element('ul', {}, ...sources.map((one) => element('li', {}, one)))));
    }
    return more.children.length ? more : null;
  }

  // As it is shown: without the marks of its text, with what stands below it.
  speakAnswer (turn) {
    this.speak([...turn.node.querySelectorAll('.prose, .cards, .law')].map((part) => part.innerText).join('\n'));
  }

  // For those who listen to the page.
  speak (text) {
    this.spoken.textContent = text;
  }
}
