// SHA-256 (FIPS 180-4) of bytes, as hexadecimal digits. The browser's own is there on https and on this machine only.

const K = new Int32Array(64), FIRST = new Int32Array(8);

// The fractional parts of the roots of the first primes.
for (let number = 2, found = 0; found < 64; number++) {
  let prime = true;
  for (let by = 2; by * by <= number; by++) if (number % by === 0) prime = false;
  if (!prime) continue;
  if (found < 8) FIRST[found] = Math.floor((Math.sqrt(number) % 1) * 2 ** 32);
  K[found++] = Math.floor((Math.cbrt(number) % 1) * 2 ** 32);
}

const turn = (word, by) => (word >>> by) | (word << (32 - by));

function block (state, view, at, w) {
  for (let i = 0; i < 16; i++) w[i] = view.getInt32(at + 4 * i);
  for (let i = 16; i < 64; i++) {
    const one = w[i - 15], two = w[i - 2];
    w[i] = w[i - 16] + w[i - 7] + (turn(one, 7) ^ turn(one, 18) ^ (one >>> 3)) + (turn(two, 17) ^ turn(two,
      19) ^ (two >>> 10));
  }
  let [a, b, c, d, e, f, g, h] = state;
  for (let i = 0; i < 64; i++) {
    const one = (h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + K[i] + w[i]) | 0;
    const two = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + one) | 0;
    d = c;
    c = b;
    b = a;
    a = (one + two) | 0;
  }
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
  state[4] += e;
  state[5] += f;
  state[6] += g;
  state[7] += h;
}

export function sha256 (bytes) {
  const state = FIRST.slice(), w = new Int32Array(64);
  const whole = bytes.length - (bytes.length % 64), rest = new Uint8Array(bytes.length % 64 < 56 ? 64 : 128);
  rest.set(bytes.subarray(whole));
  rest[bytes.length % 64] = 0x80;
  new DataView(rest.buffer).setBigUint64(rest.length - 8, BigInt(bytes.length) * 8n);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < whole; at += 64) block(state, view, at, w);
  for (let at = 0; at < rest.length; at += 64) block(state, new DataView(rest.buffer), at, w);
  return [...state].map((word) => (word >>> 0).toString(16).padStart(8, '0')).join('');
}
