// Paints images, the weights of a row [w b], and the contributions of each pixel of an image. Maps
// of RGB weights show red, green and blue side by side, as in softmax/analysis/images.py.

import { diverging, gray, image } from "softmax/canvases";
import { contributions, pixelsPart } from "softmax/contributions";
import { CHANNELS, COLUMNS } from "softmax/digits";
import { element } from "softmax/elements";
import { MAX_PIXEL } from "softmax/model";
import { annotate } from "softmax/pixel";

const COLORS = CHANNELS === 1 ? ["gray"] : ["red", "green", "blue"];
const WIDTH = COLUMNS * CHANNELS;

/** Paint an image on `canvas`. */
export function paintImage(canvas, pixels) {
  image(canvas, pixels);
  annotate(canvas, (n) => {
    const [x, green, blue] = [0, 1, 2].map((k) => pixels[CHANNELS * n + k] / MAX_PIXEL);
    return CHANNELS === 1 ? ["pixel.image", { x }] : ["pixel.rgb", { red: x, green, blue }];
  });
}

/** Paint weights on `canvas`, in gray or, with `largest`, in two colors, and return `canvas`. */
export function paintWeights(canvas, row, largest) {
  const weights = row.subarray(0, -1).map((_, n) => row[weightAt(n).index]);
  if (largest === undefined) gray(canvas, weights);
  else diverging(canvas, weights, largest);
  annotate(canvas, (n) => {
    const { index, color, column } = weightAt(n);
    return [`pixel.weight.${color}`, { w: row[index], column: column + 1 }];
  });
  return canvas;
}

/** Return the index, column and color of the weight at pixel n of a map. */
function weightAt(n) {
  const across = n % WIDTH;
  const [channel, column] = [Math.floor(across / COLUMNS), across % COLUMNS];
  const index = n - across + column * CHANNELS + channel;
  return { index, column, color: COLORS[channel] };
}

/** Paint the contribution of each pixel on `canvas`, and return `canvas`. */
export function paintContributions(canvas, row, pixels, largest) {
  const shares = contributions(row, pixels);
  diverging(canvas, shares, largest);
  annotate(canvas, (n) => {
    const share = shares[n];
    const terms = { w: row[n], x: pixels[n] / MAX_PIXEL, share };
    return CHANNELS === 1 ? ["pixel.contribution", terms] : ["pixel.share", { share }];
  });
  return canvas;
}

/** Return lines of text: the contribution of all pixels, the bias and the score. */
export function terms(row, pixels, score) {
  const values = { sum: pixelsPart(row, pixels), bias: row.at(-1), score };
  return Object.entries(values).map(([name, value]) =>
    element("span", { text: [`contributions.${name}`, { value }] }),
  );
}
