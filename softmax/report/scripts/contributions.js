// Computes the contributions of pixels to a score. In a linear model, the score of a class is the
// sum of the contributions w x of all pixels and of the bias. A row is [w b] of a class, or the
// difference of two classes, which shows what decides between them.

import { CHANNELS } from "softmax/digits";
import { MAX_PIXEL } from "softmax/model";

/** Return the contribution w x of each pixel, with x from 0 to 1, summed over its colors. */
export function contributions(row, pixels) {
  const shares = new Float64Array(pixels.length / CHANNELS);
  pixels.forEach((pixel, i) => (shares[Math.floor(i / CHANNELS)] += (row[i] * pixel) / MAX_PIXEL));
  return shares;
}

/** Return the contribution of all pixels. The sum is exact; only the division rounds. */
export function pixelsPart(row, pixels) {
  return pixels.reduce((total, pixel, i) => total + row[i] * pixel, 0) / MAX_PIXEL;
}

/** Return the difference of two rows. */
export const minus = (row, other) => row.map((w, i) => w - other[i]);

export const largestOf = (maps) => Math.max(...maps.map((map) => Math.max(...map.map(Math.abs))));
