// Numbers and times as people read them.

import { h } from './dom.js';

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 });
const tenth = new Intl.NumberFormat('en', { maximumSignificantDigits: 2 });
const units = [[86400, 'd'], [3600, 'h'], [60, 'min'], [1, 's']];

export const count = (number) => whole.format(number);

export const rate = (number) =>
  (Number.isFinite(number) ? (number >= 100 ? whole : number < 1 ? tenth : short).format(number) : '–');

export function seconds (number) {
  if (!Number.isFinite(number)) return '–';
  if (number < 0.001) return `${short.format(number * 1e6)} µs`;
  if (number < 1) return `${short.format(number * 1e3)} ms`;
  return number < 60 ? `${short.format(number)} s` : span(number);
}

// The two largest units: 2 h 5 min.
export function span (number) {
  let left = Math.max(0, Math.round(number));
  const parts = [];
  for (const [size, name] of units) {
    const many = Math.floor(left / size);
    left -= many * size;
    if (many && parts.length < 2) parts.push(`${many} ${name}`);
    else if (parts.length) break;
  }
  return parts.join(' ') || '0 s';
}

const two = (number) => String(number).padStart(2, '0');

export function time (us) {
  const at = new Date(us / 1000);
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${two(at.getHours())}:${
    two(at.getMinutes())}:${two(at.getSeconds())}`;
}

export const ago = (us) => `${span(Date.now() / 1000 - us / 1e6)} ago`;

// The time of a day on this machine's clock, with all of it in the tip.
export const when = (us, words = time(us)) =>
  h('time', { datetime: new Date(us / 1000).toISOString(),
    title: `${time(us)} (${new Date(us / 1000).toISOString()})` },
    words);

export const cut = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

export const plural = (number, one, many = `${one}s`) => `${count(number)} ${number === 1 ? one : many}`;

export function bytes (number) {
  const names = ['bytes', 'KB', 'MB', 'GB', 'TB'], at = number > 0 ? Math.min(4, Math.floor(Math.log2(number) / 10))
    : 0;
  return `${short.format(number / 1024 ** at)} ${names[at]}`;
}
