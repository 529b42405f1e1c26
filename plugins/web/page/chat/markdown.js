// Turns an answer's Markdown into nodes. Text becomes text nodes and nothing else, so no tag of it can survive.

const INLINE = /(`+)([^`]|[^`].*?[^`])\1(?!`)|\*\*(?=\S)(.+?)(?<=\S)\*\*|__(?=\S)(.+?)(?<=\S)__|\*(?=[^\s*])(.+?)(?<=[^\s*])\*(?!\*)|(?<![\w_])_(?=[^\s_])(.+?)(?<=[^\s_])_(?![\w_])|~~(?=\S)(.+?)(?<=\S)~~|\[([^\]\n]+)\]\((https?:\/\/[^\s()<>]+(?:\([^\s()<>]*\)[^\s()<>]*)*)\)|(https?:\/\/[^\s<>"']+[^\s<>"'.,;:!?)\]}])/;

export function element (name, properties = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key === 'class') node.className = value;
    else if (key in node && typeof value !== 'string') node[key] = value;
    else node.setAttribute(key, value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

function link (href, ...children) {
  return element('a', { href, target: '_blank', rel: 'noopener noreferrer nofollow' }, ...children);
}

function inline (text, depth = 0) {
  const nodes = [];
  while (text) {
    const found = depth < 8 ? INLINE.exec(text) : null;
    if (!found) break;
    if (found.index) nodes.push(text.slice(0, found.index));
    const [whole, , code, strong, strong2, soft, soft2, gone, label, href, bare] = found;
    if (code !== undefined) nodes.push(element('code', {}, code.trim() || code));
    else if (strong ?? strong2) nodes.push(element('strong', {}, ...inline(strong ?? strong2, depth + 1)));
    else if (soft ?? soft2) nodes.push(element('em', {}, ...inline(soft ?? soft2, depth + 1)));
    else if (gone) nodes.push(element('s', {}, ...inline(gone, depth + 1)));
    else if (href) nodes.push(link(href, ...inline(label, depth + 1)));
    else nodes.push(link(bare, bare));
    text = text.slice(found.index + whole.length);
  }
  if (text) nodes.push(text);
  return nodes;
}

function lines (rows) {
  const nodes = [];
  rows.forEach((row, at) => {
    if (at) nodes.push(element('br'));
    nodes.push(...inline(row));
  });
  return nodes;
}

const LIST = /^\s{0,6}(?:([-*+•])|(\d{1,4})[.)])\s+(.*)$/;

function takeList (rows, at, out) {
  const ordered = LIST.exec(rows[at])[2] !== undefined;
  const list = element(ordered ? 'ol' : 'ul');
  if (ordered && Number(LIST.exec(rows[at])[2]) !== 1) list.setAttribute('start', LIST.exec(rows[at])[2]);
  let item = [];
  const close = () => { if (item.length) list.append(element('li', {}, ...lines(item))); item = []; };
  for (; at < rows.length; at++) {
    const found = LIST.exec(rows[at]);
    if (found && (found[2] !== undefined) === ordered) { close(); item = [found[3]]; }
    else if (item.length && /^\s{2,}\S/.test(rows[at])) item.push(rows[at].trim());
    else break;
  }
  close();
  out.push(list);
  return at;
}

function takeFence (rows, at, out) {
  const code = [];
  for (at++; at < rows.length && !/^\s*```/.test(rows[at]); at++) code.push(rows[at]);
  out.push(element('pre', {}, element('code', {}, code.join('\n'))));
  return at + 1;
}

// The blocks of a text, as nodes.
export function blocks (text) {
  const rows = String(text).replace(/\r\n?/g, '\n').split('\n');
  const out = [];
  for (let at = 0; at < rows.length;) {
    const row = rows[at];
    const heading = /^#{1,6}\s+(.*?)\s*#*$/.exec(row);
    if (!row.trim()) at++;
    else if (/^\s*```/.test(row)) at = takeFence(rows, at, out);
    else if (heading) { out.push(element('h3', {}, ...inline(heading[1]))); at++; }
    else if (/^\s*([-*_])(\s*\1){2,}\s*$/.test(row)) { out.push(element('hr')); at++; }
    else if (LIST.test(row)) at = takeList(rows, at, out);
    else if (/^\s*>/.test(row)) {
      const quote = [];
      for (; at < rows.length && /^\s*>/.test(rows[at]); at++) quote.push(rows[at].replace(/^\s*>\s?/, ''));
      out.push(element('blockquote', {}, ...lines(quote)));
    } else {
      const paragraph = [];
      for (; at < rows.length && rows[at].trim() && !LIST.test(rows[at]) && !/^\s*(```|>|#{1,6}\s)/.test(rows[at]); at++)
        paragraph.push(rows[at]);
      out.push(element('p', {}, ...lines(paragraph)));
    }
  }
  return out;
}
