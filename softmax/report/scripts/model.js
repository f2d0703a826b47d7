// Softmax regression as in softmax/model.py, for one input at a time: z = W x + b, a = softmax(z),
// gradient (a - y) x^T.
//
// theta = [W b] is a list of rows, one for each class. An input x is 255 times its features, whole
// numbers, and a last 255 that carries the bias. All sums here are of multiples of one grid and
// below 2^53 units, so that none rounds and their order does not matter: plain loops will do.

import {
  EXPONENTIAL_GRID,
  LOSS_GRID,
  RESIDUAL_GRID,
  WEIGHT_GRID,
  exp,
  log,
  snap,
} from "softmax/arithmetic";

export const WHITE = 255;
const MAX_ROW_SUM = 2 ** 23 / WHITE; // 2^53 units of the weight grid

/** x from 255 times the features. */
export function input(features) {
  const x = new Float64Array(features.length + 1).fill(WHITE);
  x.set(features);
  return x;
}

/** theta from all its numbers, row by row. */
export function rows(values, classes) {
  const columns = values.length / classes;
  return Array.from({ length: classes }, (_, k) => values.slice(k * columns, (k + 1) * columns));
}

/** z = W x + b. */
export const logits = (theta, x) => theta.map((row) => dot(row, x) * (1 / WHITE));

/** a = e^(z - max z) / sum of the same. */
export function softmax(z) {
  const exponentials = exponentialsOf(z);
  const total = sum(exponentials);
  return exponentials.map((e) => e / total);
}

/** The class with the largest logit, the first among equals. */
export const predict = (z) => z.indexOf(Math.max(...z));

/** -log a_y of the label y. */
export function crossEntropy(z, y) {
  return snap(log(sum(exponentialsOf(z))) + (Math.max(...z) - z[y]), LOSS_GRID);
}

/** a - y, with the label y as a vector that is 1 there and 0 elsewhere. */
export const residuals = (a, y) => a.map((a_k, k) => snap(a_k - (k === y), RESIDUAL_GRID));

/** The mean of (a - y) x^T over samples {x, y}. */
export function meanGradient(theta, samples) {
  const total = theta.map((row) => new Float64Array(row.length));
  for (const { x, y } of samples) {
    residuals(softmax(logits(theta, x)), y).forEach((r, k) => {
      for (let i = 0; i < x.length; i++) total[k][i] += r * x[i];
    });
  }
  return total.map((row) => row.map((g) => g * (1 / (WHITE * samples.length))));
}

/** theta after one step of gradient descent. */
export function descend(theta, gradient, rate) {
  return theta.map((row, k) => row.map((w, i) => snap(w - gradient[k][i] * rate, WEIGHT_GRID)));
}

/** Whether all logits of theta are exact, for inputs of at most 255. */
export function inRange(theta) {
  return theta.every((row) => sum(row.map(Math.abs)) < MAX_ROW_SUM);
}

/** The mean cross-entropy over samples {x, y}, and how many are classified correctly. */
export function score(theta, samples) {
  const scores = samples.map(({ x, y }) => ({ z: logits(theta, x), y }));
  return {
    loss: sum(scores.map(({ z, y }) => crossEntropy(z, y))) / samples.length,
    correct: scores.filter(({ z, y }) => predict(z) === y).length,
  };
}

/** theta as the bytes of a safetensors file: bias, then weight. */
export function toBytes(theta) {
  const bias = theta.map((row) => row.at(-1));
  const weight = theta.flatMap((row) => [...row.slice(0, -1)]);
  const [middle, end] = [8 * bias.length, 8 * (bias.length + weight.length)];
  const shape = [theta.length, theta[0].length - 1];
  const header = JSON.stringify({
    bias: { dtype: "F64", shape: shape.slice(0, 1), data_offsets: [0, middle] },
    weight: { dtype: "F64", shape, data_offsets: [middle, end] },
  });
  const length = Math.ceil(header.length / 8) * 8;
  const file = new DataView(new ArrayBuffer(8 + length + end));
  file.setUint32(0, length, true);
  new Uint8Array(file.buffer).set(new TextEncoder().encode(header.padEnd(length)), 8);
  [...bias, ...weight].forEach((value, i) => file.setFloat64(8 + length + 8 * i, value, true));
  return new Uint8Array(file.buffer);
}

function exponentialsOf(z) {
  const largest = Math.max(...z);
  return z.map((z_k) => snap(exp(z_k - largest), EXPONENTIAL_GRID));
}

const sum = (values) => values.reduce((total, value) => total + value, 0);

function dot(row, x) {
  let total = 0;
  for (let i = 0; i < x.length; i++) total += row[i] * x[i];
  return total;
}
