// Computes the random numbers of softmax/training/randomness.py, which docs/arithmetic.md specifies
// in "Training". Thousands take a millisecond.

import { WEIGHT_GRID, snap } from "softmax/arithmetic";

const low = (x) => BigInt.asUintN(64, x);

/** Yield the 64-bit words of Philox4x64-10 with a key of two BigInts (Salmon et al., 2011). */
function* words(seed, stream) {
  for (let counter = 1n; ; counter++) {
    let c = [counter, 0n, 0n, 0n];
    let key = [seed, stream];
    for (let round = 0; round < 10; round++) {
      const [p, q] = [0xd2e7470ee14c6c93n * c[0], 0xca5a826395121157n * c[2]];
      c = [(q >> 64n) ^ c[1] ^ key[0], low(q), (p >> 64n) ^ c[3] ^ key[1], low(p)];
      key = [low(key[0] + 0x9e3779b97f4a7c15n), low(key[1] + 0xbb67ae8584caa73bn)];
    }
    yield* c;
  }
}

/** Return a permutation of 0 ... count - 1. */
export function permutation(count, seed, stream) {
  const bits = count > 1 ? (count - 1).toString(2).length : 0;
  const source = words(seed, BigInt(stream));
  const keys = BigUint64Array.from({ length: count }, (_, n) => {
    const word = source.next().value;
    return word - BigInt.asUintN(bits, word) + BigInt(n);
  });
  return Array.from(keys.sort(), (key) => Number(BigInt.asUintN(bits, key)));
}

/** Return theta within ±1 / sqrt(features), pixel by pixel as in softmax/trainer. */
export function initialWeights(features, seed, classes) {
  const source = words(seed, 0n);
  const random = (count) => Array.from({ length: count }, () => uniform(source.next().value));
  const scale = 1 / Math.sqrt(features);
  const weights = random(classes * (features + 1)); // row by row, then the biases
  return Float64Array.from(weights, (_, at) => {
    const [i, k] = [Math.floor(at / classes), at % classes];
    const n = i < features ? k * features + i : at;
    return snap(weights[n] * scale, WEIGHT_GRID);
  });
}

/** Return a number from -1 to 1 made of the first 53 bits of a word. */
const uniform = (word) => Number(word >> 11n) * 2 ** -52 - 1;
