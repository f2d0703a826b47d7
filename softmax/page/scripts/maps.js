// Maps of a row [w b], pixel by pixel: its weights, and what they make of an image.

import { contributions, pixelsPart } from "softmax/contributions";
import { element } from "softmax/elements";
import { WHITE } from "softmax/model";
import { diverging, pixelated } from "softmax/pictures";
import { tell } from "softmax/pixel";

/** Paint the weights on a canvas. */
export function paintWeights(canvas, row, largest) {
  diverging(canvas, row.subarray(0, -1), largest);
  tell(canvas, "pixel.weight", (n) => ({ w: row[n] }));
}

/** Paint what each of `pixels` adds on a canvas. */
export function paintContributions(canvas, row, pixels, largest) {
  const share = contributions(row, pixels);
  diverging(canvas, share, largest);
  tell(canvas, "pixel.contribution", (n) => ({
    w: row[n],
    x: pixels[n] / WHITE,
    share: share[n],
  }));
}

export function weightMap(label, row, largest) {
  const canvas = pixelated(label);
  paintWeights(canvas, row, largest);
  return canvas;
}

export function contributionMap(label, row, pixels, largest) {
  const canvas = pixelated(label);
  paintContributions(canvas, row, pixels, largest);
  return canvas;
}

/** The sum, w · x over all pixels and b, in lines. */
export function terms(row, pixels, score) {
  const values = { sum: pixelsPart(row, pixels), bias: row.at(-1), score };
  return Object.entries(values).map(([name, value]) =>
    element("span", { say: [`contributions.${name}`, { value }] }),
  );
}
