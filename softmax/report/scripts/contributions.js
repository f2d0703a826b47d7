// What pixels add to a score. A linear model needs no method for that: the score of a class is the
// sum of what each pixel adds, w x, and of the bias. A row is [w b] of a class, or the difference of
// two, which says what decides between them.

import { CHANNELS } from "softmax/digits";
import { WHITE } from "softmax/model";

/** What each pixel adds: w x, with x from 0 to 1, of its colours the sum. */
export function contributions(row, pixels) {
  const shares = new Float64Array(pixels.length / CHANNELS);
  pixels.forEach((pixel, i) => (shares[Math.floor(i / CHANNELS)] += (row[i] * pixel) / WHITE));
  return shares;
}

/** What all of them add. The sum is exact, as the score is; only the division rounds. */
export function pixelsPart(row, pixels) {
  return pixels.reduce((total, pixel, i) => total + row[i] * pixel, 0) / WHITE;
}

/** [w b] of one class less that of another. */
export const minus = (row, other) => row.map((w, i) => w - other[i]);

export const largestOf = (maps) => Math.max(...maps.map((map) => Math.max(...map.map(Math.abs))));
