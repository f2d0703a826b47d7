// Implements softmax/core/model.py for one input at a time: z = W x + b, a = softmax(z), and the
// gradient (a - y) x^T.
//
// theta = [W b] is a list of rows, one for each class. An input x contains each feature times 255,
// an integer, and 255 for the bias. Each sum adds multiples of a grid and stays below 2^53 units, so
// no sum rounds, and the order of additions does not matter.

import {
  EXPONENTIAL_GRID,
  LOSS_GRID,
  RESIDUAL_GRID,
  WEIGHT_GRID,
  exp,
  log,
  snap,
} from "softmax/arithmetic";

export const MAX_PIXEL = 255;
const MAX_ROW_SUM = 2 ** 23 / MAX_PIXEL; // 2^53 units of the weight grid

/** Return the input x for features that are already multiplied by 255. */
export function input(features) {
  const x = new Float64Array(features.length + 1).fill(MAX_PIXEL);
  x.set(features);
  return x;
}

/** Return theta from a list of all its numbers, row by row. */
export function rows(values, classes) {
  const columns = values.length / classes;
  return Array.from({ length: classes }, (_, k) => values.slice(k * columns, (k + 1) * columns));
}

/** Return z = W x + b. */
export const logits = (theta, x) => theta.map((row) => dot(row, x) * (1 / MAX_PIXEL));

/** Return a = e^(z - max z) / (sum of e^(z - max z)). */
export function softmax(z) {
  const exponentials = exponentialsOf(z);
  const total = sum(exponentials);
  return exponentials.map((e) => e / total);
}

/** Return the first class with the largest logit. */
export const predict = (z) => z.indexOf(Math.max(...z));

/** Return -log a_y for the label y. */
export function crossEntropy(z, y) {
  return snap(log(sum(exponentialsOf(z))) + (Math.max(...z) - z[y]), LOSS_GRID);
}

/** Return a - y, where y is the label as a one-hot vector. */
export const residuals = (a, y) => a.map((a_k, k) => snap(a_k - (k === y), RESIDUAL_GRID));

/** Return the mean of (a - y) x^T over samples {x, y}. */
export function meanGradient(theta, samples) {
  const total = theta.map((row) => new Float64Array(row.length));
  for (const { x, y } of samples) {
    residuals(softmax(logits(theta, x)), y).forEach((r, k) => {
      for (let i = 0; i < x.length; i++) total[k][i] += r * x[i];
    });
  }
  return total.map((row) => row.map((g) => g * (1 / (MAX_PIXEL * samples.length))));
}

/** Return theta after one step of gradient descent. */
export function step(theta, gradient, rate) {
  return theta.map((row, k) => row.map((w, i) => snap(w - gradient[k][i] * rate, WEIGHT_GRID)));
}

/** Tell whether all logits of theta are exact for inputs of at most 255. */
export function inRange(theta) {
  return theta.every((row) => sum(row.map(Math.abs)) < MAX_ROW_SUM);
}

/** Return the mean cross-entropy of samples {x, y}, and how many are classified correctly. */
export function score(theta, samples) {
  const scores = samples.map(({ x, y }) => ({ z: logits(theta, x), y }));
  return {
    loss: sum(scores.map(({ z, y }) => crossEntropy(z, y))) / samples.length,
    correct: scores.filter(({ z, y }) => predict(z) === y).length,
  };
}

/** Return theta as the bytes of a safetensors file: bias, then weight. */
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
