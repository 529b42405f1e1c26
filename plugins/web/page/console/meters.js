// The broker's numbers in the Prometheus text format, and what two looks at them say: rates and quantiles.

const LINE = /^palaver_(\w+?)(?:\{(.*)\})? (\S+)$/;

export function parse (text) {
  const numbers = new Map(), buckets = new Map();
  for (const line of text.split('\n')) {
    const [, name, labels = '', value] = LINE.exec(line) ?? [];
    if (!name) continue;
    const bound = /le="([^"]+)"/.exec(labels);
    if (bound) {
      const list = buckets.get(name) ?? buckets.set(name, []).get(name);
      list.push([bound[1] === '+Inf' ? Infinity : Number(bound[1]), Number(value)]);
    } else {
      numbers.set(labels ? `${name}{${labels}}` : name, Number(value));
      if (labels) numbers.set(name, (numbers.get(name) ?? 0) + Number(value));
    }
  }
  return { at: performance.now(), numbers, buckets };
}

// Each second, between two looks; a broker that began anew counts from 0.
export function perSecond (before, now, name) {
  if (!before || !now) return NaN;
  const grown = (now.numbers.get(name) ?? 0) - (before.numbers.get(name) ?? 0);
  return Math.max(0, grown) / Math.max(0.001, (now.at - before.at) / 1000);
}

// The value that `part` of what came between two looks stays below; NaN: nothing came.
export function quantile (before, now, name, part) {
  const after = now?.buckets.get(`${name}_bucket`), first = before?.buckets.get(`${name}_bucket`);
  if (!after || !first || first.length !== after.length) return NaN;
  const grown = after.map(([bound, value], at) => [bound, value - first[at][1]]);
  const all = grown.at(-1)[1];
  if (all <= 0) return NaN;
  let low = 0, below = 0;
  for (const [bound, value] of grown) {
    if (value >= all * part) {
      if (bound === Infinity) return low;
      return low + (bound - low) * ((all * part - below) / Math.max(1, value - below));
    }
    [low, below] = [bound, value];
  }
  return low;
}
