// The square from -1 to 1 as a picture: the regions of the classes, and their boundaries. Places
// are inputs x of the model, [255 x1, 255 x2, 255].

import { WHITE, input, logits, softmax } from "softmax/model";

export const COLOURS = [
  [203, 60, 51],
  [56, 152, 38],
  [64, 99, 216],
];
const SQUARE = [
  [1, 0, 1],
  [-1, 0, 1],
  [0, 1, 1],
  [0, -1, 1],
]; // its sides: inside, side · x is not negative

/** The square in `count` cells across and down: their centres, from the top left. */
export function lattice(count) {
  const size = (2 * (WHITE + 1)) / count;
  const places = Array.from({ length: count }, (_, k) => size * k + size / 2 - WHITE - 1);
  return places.toReversed().flatMap((x2) => places.map((x1) => input([x1, x2])));
}

/** Paint what theta says of each of `cells`, stronger where it is surer. */
export function paint(canvas, cells, theta) {
  const context = canvas.getContext("2d");
  const picture = context.createImageData(canvas.width, canvas.height);
  cells.forEach((x, n) => {
    const a = softmax(logits(theta, x));
    const largest = Math.max(...a);
    picture.data.set([...COLOURS[a.indexOf(largest)], 15 + 130 * largest], 4 * n);
  });
  context.putImageData(picture, 0, 0);
}

/** Where two classes are equally likely and no other is likelier: a path, divided by 255. */
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

/** Where all of `sides` · x >= 0, the ends of the line on which line · x = 0; or undefined. */
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
