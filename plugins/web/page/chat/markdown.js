// Turns an answer's Markdown into nodes. Text becomes text nodes and nothing else, so no tag of it can survive.

// Bounded, so that marks which nothing ends cost little.
const INLINE = /(`+)([^`]|[^`].{0,1000}?[^`])\1(?!`)|\*\*(?=\S)(.{1,1000}?)(?<=\S)\*\*|__(?=\S)(.{1,1000}?)(?<=\S)__|\*(?=[^\s*])(.{1,1000}?)(?<=[^\s*])\*(?!\*)|(?<![\w_])_(?=[^\s_])(.{1,1000}?)(?<=[^\s_])_(?![\w_])|~~(?=\S)(.{1,1000}?)(?<=\S)~~|\[([^\]\n]{1,1000})\]\((https?:\/\/[^\s()<>]+(?:\([^\s()<>]*\)[^\s()<>]*)*)\)|(https?:\/\/[^\s<>"']+[^\s<>"'.,;:!?)\]}])/;

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

const LIST = /^(\s{0,40})(?:([-*+•])|(\d{1,4})[.)])\s+(.*)$/;

// A list, with the lists inside of it: those that stand further in than its own marks.
function takeList (rows, at, out) {
  const [, { length: indent }, , number] = LIST.exec(rows[at]);
  const list = element(number === undefined ? 'ul' : 'ol');
  if (number !== undefined && Number(number) !== 1) list.setAttribute('start', number);
  let item = null;
  let said = [];
  const close = () => { item?.prepend(...lines(said)); said = []; };
  while (at < rows.length) {
    const found = LIST.exec(rows[at]);
    const further = found ? found[1].length - indent : 0;
    if (found && item && further > 1) {
      const inner = [];
      at = takeList(rows, at, inner);
      item.append(...inner);
      continue;
    }
    if (found && further >= 0 && (found[3] === undefined) === (number === undefined)) {
      close();
      item = element('li');
      list.append(item);
      said = [found[4]];
    } else if (!found && item && /^\s{2,}\S/.test(rows[at])) said.push(rows[at].trim());
    else break;
    at++;
  }
  close();
  out.push(list);
  return at;
}

const RULE = /^\|?:?-+:?(\|:?-+:?)*\|?$/;

function cells (row) {
  const bare = row.trim().replace(/^\|/, '').replace(/(?<!\\)\|$/, '');
  return bare.split(/(?<!\\)\|/).map((cell) => cell.trim().replace(/\\\|/g, '|'));
}

function isTable (rows, at) {
  return rows[at].includes('|') && at + 1 < rows.length && rows[at + 1].includes('-') && RULE.test(rows[at + 1].replace(/\s+/g, ''))
    && cells(rows[at]).length === cells(rows[at + 1]).length;
}

function takeTable (rows, at, out) {
  const sides = cells(rows[at + 1]).map((cell) => (/^:-+:$/.test(cell) ? 'middle' : /:$/.test(cell) ? 'right' : ''));
  const row = (name, texts) => element('tr', {}, ...sides.map((side, column) =>
    element(name, side ? { class: side } : {}, ...inline(texts[column] ?? ''))));
  const body = element('tbody');
  const head = row('th', cells(rows[at]));
  for (at += 2; at < rows.length && rows[at].includes('|'); at++) body.append(row('td', cells(rows[at])));
  out.push(element('div', { class: 'table', tabindex: '0', role: 'region', 'aria-label': 'Table' },
    element('table', {}, element('thead', {}, head), body)));
  return at;
}

// Behind backticks there are no others: ```so``` is code within a line.
const FENCE = /^\s*(`{3,}(?=[^`]*$)|~{3,})/;

// It ends with a row of as many marks, or more, and nothing else; or with the text.
function takeFence (rows, at, out) {
  const code = [], [, mark] = FENCE.exec(rows[at]);
  const ends = (row) => row.length >= mark.length && row === mark[0].repeat(row.length);
  for (at++; at < rows.length && !ends(rows[at].trim()); at++) code.push(rows[at]);
  out.push(element('pre', {}, element('code', {}, code.join('\n'))));
  return at + 1;
}

const HEADING = /^\s*#{1,6}\s(.*)$/s;
const RULER = /^\s*([-*_])(\s*\1){2,}\s*$/;

function heading (row) {
  const [, words] = HEADING.exec(row);
  return element('h3', {}, ...inline(words.trim().replace(/(?<=^|\s)#+$/, '').trim()));
}

const begins = (rows, at) => LIST.test(rows[at]) || isTable(rows, at) || /^\s*>/.test(rows[at])
  || FENCE.test(rows[at]) || HEADING.test(rows[at]);

// The first row is of it, whatever it is.
function takeParagraph (rows, at, out) {
  const paragraph = [];
  do paragraph.push(rows[at++]); while (at < rows.length && rows[at].trim() && !begins(rows, at));
  out.push(element('p', {}, ...lines(paragraph)));
  return at;
}

// The blocks of a text, as nodes.
export function blocks (text) {
  const rows = String(text).replace(/\r\n?/g, '\n').split('\n');
  const out = [];
  for (let at = 0; at < rows.length;) {
    const row = rows[at];
    if (!row.trim()) at++;
    else if (FENCE.test(row)) at = takeFence(rows, at, out);
    else if (HEADING.test(row)) { out.push(heading(row)); at++; }
    else if (RULER.test(row)) { out.push(element('hr')); at++; }
    else if (LIST.test(row)) at = takeList(rows, at, out);
    else if (isTable(rows, at)) at = takeTable(rows, at, out);
    else if (/^\s*>/.test(row)) {
      const quote = [];
      for (; at < rows.length && /^\s*>/.test(rows[at]); at++) quote.push(rows[at].replace(/^\s*>\s?/, ''));
      out.push(element('blockquote', {}, ...lines(quote)));
    } else at = takeParagraph(rows, at, out);
  }
  return out;
}
