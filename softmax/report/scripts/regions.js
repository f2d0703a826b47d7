// Paints the decision regions of the classes in the square from -1 to 1, and computes their
// boundaries. Positions are inputs x of the model, [255 x1, 255 x2, 255].

import { MAX_PIXEL, input, logits, softmax } from "softmax/model";

export const COLORS = [
  [203, 60, 51],
  [56, 152, 38],
  [64, 99, 216],
];
const SQUARE = [
  [1, 0, 1],
  [-1, 0, 1],
  [0, 1, 1],
  [0, -1, 1],
]; // sides of the square: side · x >= 0 inside

/** Return the centers of count x count cells of the square, row by row from the top left. */
export function lattice(count) {
  const size = (2 * (MAX_PIXEL + 1)) / count;
  const places = Array.from({ length: count }, (_, k) => size * k + size / 2 - MAX_PIXEL - 1);
  return places.toReversed().flatMap((x2) => places.map((x1) => input([x1, x2])));
}

/** Paint the prediction for each of `cells`, stronger for higher probabilities. */
export function paint(canvas, cells, theta) {
  const context = canvas.getContext("2d");
  const picture = context.createImageData(canvas.width, canvas.height);
  cells.forEach((x, n) => {
    const a = softmax(logits(theta, x));
    const largest = Math.max(...a);
    picture.data.set([...COLORS[a.indexOf(largest)], 15 + 130 * largest], 4 * n);
  });
  context.putImageData(picture, 0, 0);
}

/** Return an SVG path, from -1 to 1, where two classes tie for the highest probability. */
export function boundaries(theta) {
  const pairs = theta.flatMap((_, i) => theta.slice(0, i).map((_, j) => [i, j]));
  return pairs
    .map(([i, j]) => {
      const others = theta.filter((_, k) => k !== i && k !== j);
      const sides = others.map((row) => minus(theta[i], row));
      return clip(minus(theta[i], theta[j]), [...SQUARE, ...sides]);
    })
    .filter(Boolean)
    .map((ends) => `M${ends.map(([x1, x2]) => [x1, -x2]).join("L")}`)
    .join("");
}

/** Return the ends of the part of a line where side · x >= 0 for all sides, or undefined. */
function clip([a, b, c], sides) {
  const foot = -c / (a * a + b * b);
  const at = (t) => [foot * a - t * b, foot * b + t * a, 1];
  let [first, last] = [-Infinity, Infinity];
  for (const side of sides) {
    const value = dot(side, at(0));
    const slope = side[1] * a - side[0] * b;
    if (slope > 0) first = Math.max(first, -value / slope);
    else if (slope < 0) last = Math.min(last, -value / slope);
    else if (value < 0) return undefined;
  }
  return first < last ? [at(first), at(last)] : undefined;
}

const minus = (one, other) => one.map((value, i) => value - other[i]);
const dot = (one, other) => one.reduce((total, value, i) => total + value * other[i], 0);
