// Maps of images and of a row [w b], pixel by pixel: its weights, and what they make of an image. In
// those of RGB weights red, green and blue lie beside each other, as in softmax/analysis/images.py.

import { contributions, pixelsPart } from "softmax/contributions";
import { CHANNELS, COLUMNS } from "softmax/digits";
import { element } from "softmax/elements";
import { WHITE } from "softmax/model";
import { diverging, gray, image } from "softmax/pictures";
import { tell } from "softmax/pixel";

const COLOURS = CHANNELS === 1 ? ["gray"] : ["red", "green", "blue"];
const WIDTH = COLUMNS * CHANNELS;

/** `canvas` with an image painted on it. */
export function paintImage(canvas, pixels) {
  image(canvas, pixels);
  tell(canvas, (n) => {
    const [x, green, blue] = Array.from({ length: 3 }, (_, k) => pixels[CHANNELS * n + k] / WHITE);
    return CHANNELS === 1 ? ["pixel.image", { x }] : ["pixel.rgb", { red: x, green, blue }];
  });
}

/** `canvas` with the weights painted on it, in gray or, up to `largest`, in two colours. */
export function paintWeights(canvas, row, largest) {
  const weights = row.subarray(0, -1).map((_, n) => row[weightAt(n).index]);
  if (largest === undefined) gray(canvas, weights);
  else diverging(canvas, weights, largest);
  tell(canvas, (n) => {
    const { index, colour, column } = weightAt(n);
    return [`pixel.weight.${colour}`, { w: row[index], column: column + 1 }];
  });
  return canvas;
}

/** What is at place n of a map of weights. */
function weightAt(n) {
  const across = n % WIDTH;
  const [channel, column] = [Math.floor(across / COLUMNS), across % COLUMNS];
  const index = n - across + column * CHANNELS + channel;
  return { index, column, colour: COLOURS[channel] };
}

/** `canvas` with what each of `pixels` adds painted on it. */
export function paintContributions(canvas, row, pixels, largest) {
  const shares = contributions(row, pixels);
  diverging(canvas, shares, largest);
  tell(canvas, (n) => {
    const share = shares[n];
    const terms = { w: row[n], x: pixels[n] / WHITE, share };
    return CHANNELS === 1 ? ["pixel.contribution", terms] : ["pixel.share", { share }];
  });
  return canvas;
}

/** The sum, w · x over all pixels and b, in lines. */
export function terms(row, pixels, score) {
  const values = { sum: pixelsPart(row, pixels), bias: row.at(-1), score };
  return Object.entries(values).map(([name, value]) =>
    element("span", { say: [`contributions.${name}`, { value }] }),
  );
}
