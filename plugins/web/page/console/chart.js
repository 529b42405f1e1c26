// A small chart in SVG: up to three lines over the last minutes, drawn anew at each look. NaN: a gap.

import { h, s } from './dom.js';

const WIDE = 300, HIGH = 56, LOOKS = 150;

// Round numbers for the top of a chart: 1, 2, 5, 10, ...
function ceiling (value) {
  if (!(value > 0)) return 1;
  const unit = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].find((step) => step * unit >= value) * unit;
}

export class Chart {
  // `series`: names, the first one filled; `show`: a number as words.
  constructor (label, series, show) {
    this.label = label;
    this.show = show;
    this.values = series.map(() => []);
    this.names = series;
    this.area = s('path', { class: 'area' });
    this.lines = series.map((name, at) => s('path', { class: `line line-${at}` }));
    this.top = h('span', { class: 'chart-top' });
    this.svg = s('svg', { viewBox: `0 0 ${WIDE} ${HIGH}`, preserveAspectRatio: 'none', role: 'img' },
      s('path', { class: 'grid', d: `M0 1H${WIDE}M0 ${HIGH / 2}H${WIDE}M0 ${HIGH - 1}H${WIDE}` }), this.area,
      ...this.lines);
    this.node = h('div', { class: 'chart' }, this.svg, this.top);
  }

  path (values, top) {
    const step = WIDE / (LOOKS - 1), from = LOOKS - values.length;
    let path = '', pen = 'M';
    values.forEach((value, at) => {
      if (!Number.isFinite(value)) {
        pen = 'M';
        return;
      }
      path += `${pen}${((from + at) * step).toFixed(1)} ${(HIGH - 1 - (value / top) * (HIGH - 3)).toFixed(1)}`;
      pen = 'L';
    });
    return path;
  }

  draw (...values) {
    values.forEach((list, at) => { this.values[at] = list.slice(-LOOKS); });
    const known = this.values.flat().filter(Number.isFinite);
    const top = ceiling(Math.max(0, ...known));
    this.lines.forEach((line, at) => line.setAttribute('d', this.path(this.values[at], top)));
    const first = this.values[0], line = this.path(first, top);
    this.area.setAttribute('d', line && first.every(Number.isFinite)
      ? `${line}L${WIDE} ${HIGH - 1}L${((LOOKS - first.length) * (WIDE / (LOOKS - 1))).toFixed(1)} ${HIGH - 1}Z` : '');
    this.top.textContent = this.show(top);
    const now = this.names.map((name, at) => `${name} ${this.show(this.values[at].at(-1))}`).join(', ');
    this.svg.setAttribute('aria-label', `${this.label}: ${now}; the chart reaches up to ${this.show(top)}`);
  }
}
