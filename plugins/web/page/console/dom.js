// Elements from calls: h('a', { href: '#/dead', class: 'link' }, 'text', child). Texts are texts: nothing is parsed.

const SVG = 'http://www.w3.org/2000/svg';

function fill (node, props, kids) {
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else if (name === 'data') Object.assign(node.dataset, value);
    else if (name === 'value' || name === 'checked' || name === 'disabled' || name === 'open') node[name] = value;
    else node.setAttribute(name, value === true ? '' : value);
  }
  node.append(...kids.flat(3).filter((kid) => kid !== null && kid !== undefined && kid !== false));
  return node;
}

export const h = (name, props, ...kids) => fill(document.createElement(name), props, kids);

export const s = (name, props, ...kids) => fill(document.createElementNS(SVG, name), props, kids);

// The text of a node, set only when it is another one: what is selected or read aloud is not disturbed.
export function say (node, text) {
  if (node.textContent !== text) node.textContent = text;
}

// Children made from items, one a key, in their order; those that stay keep their nodes, and so the focus.
export function keep (parent, items, key, make, update) {
  const old = new Map([...parent.children].map((node) => [node.dataset.key, node]));
  let at = parent.firstElementChild;
  for (const item of items) {
    const name = String(key(item));
    let node = old.get(name);
    old.delete(name);
    if (!node) {
      node = make(item);
      node.dataset.key = name;
    }
    if (node === at) at = at.nextElementSibling;
    else parent.insertBefore(node, at);
    update?.(node, item);
  }
  for (const node of old.values()) node.remove();
}

// A dialog of its own, removed when it is closed; what it resolves to is what `done` was called with.
export function ask (title, build) {
  return new Promise((resolve) => {
    let answer = null;
    const dialog = h('dialog', { 'aria-label': title });
    const done = (value) => { answer = value; dialog.close(); };
    dialog.append(h('form', { method: 'dialog' }, h('h2', null, title), build(done)));
    dialog.addEventListener('close', () => { dialog.remove(); resolve(answer); });
    document.body.append(dialog);
    dialog.showModal();
  });
}
