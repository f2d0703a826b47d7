// Computes SHA-256 (FIPS 180-4), because crypto.subtle is missing on pages from http:// hosts.

const PRIMES = [2];
for (let n = 3; PRIMES.length < 64; n += 2) if (PRIMES.every((p) => n % p)) PRIMES.push(n);

// The constants are the first 32 fractional bits of roots of primes, exact in doubles of 53 bits.
const fraction = (root) => (root % 1) * 0x100000000;
const START = PRIMES.slice(0, 8).map((p) => fraction(Math.sqrt(p)));
const CONSTANTS = Uint32Array.from(PRIMES, (p) => fraction(Math.cbrt(p)));

const rotate = (x, n) => (x >>> n) | (x << (32 - n));

/** Return the SHA-256 of a Uint8Array in hexadecimal. */
export function sha256(bytes) {
  const blocks = padded(bytes);
  const state = Uint32Array.from(START);
  for (let start = 0; start < blocks.byteLength; start += 64) compress(state, blocks, start);
  return Array.from(state, (word) => word.toString(16).padStart(8, "0")).join("");
}

/** Return the message, a 1 bit, zeros and the length in bits, in blocks of 64 bytes. */
function padded(bytes) {
  const message = new Uint8Array(Math.ceil((bytes.length + 9) / 64) * 64);
  message.set(bytes);
  message[bytes.length] = 0x80;
  const view = new DataView(message.buffer);
  view.setBigUint64(message.length - 8, BigInt(8 * bytes.length));
  return view;
}

/** Update the state with the block that begins at `start`. */
function compress(state, blocks, start) {
  const words = schedule(blocks, start);
  let [a, b, c, d, e, f, g, h] = state;
  words.forEach((word, t) => {
    const sum1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
    const one = h + sum1 + ((e & f) ^ (~e & g)) + CONSTANTS[t] + word;
    const sum0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
    const two = sum0 + ((a & b) ^ (a & c) ^ (b & c));
    [a, b, c, d, e, f, g, h] = [(one + two) | 0, a, b, c, (d + one) | 0, e, f, g];
  });
  [a, b, c, d, e, f, g, h].forEach((value, i) => (state[i] += value));
}

function schedule(blocks, start) {
  const words = new Uint32Array(64);
  for (let t = 0; t < 16; t++) words[t] = blocks.getUint32(start + 4 * t);
  for (let t = 16; t < 64; t++) {
    const [u, v] = [words[t - 15], words[t - 2]];
    const sigma0 = rotate(u, 7) ^ rotate(u, 18) ^ (u >>> 3);
    const sigma1 = rotate(v, 17) ^ rotate(v, 19) ^ (v >>> 10);
    words[t] = words[t - 16] + sigma0 + words[t - 7] + sigma1;
  }
  return words;
}
