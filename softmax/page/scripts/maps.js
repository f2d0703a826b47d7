// Maps of a row [w b], pixel by pixel: its weights, and what they make of an image.

import { contributions, pixelsPart } from "softmax/contributions";
import { element } from "softmax/elements";
import { WHITE } from "softmax/model";
import { diverging } from "softmax/pictures";
import { tell } from "softmax/pixel";

/** `canvas` with the weights painted on it. */
export function paintWeights(canvas, row, largest) {
  diverging(canvas, row.subarray(0, -1), largest);
  tell(canvas, "pixel.weight", (n) => ({ w: row[n] }));
  return canvas;
}

/** `canvas` with what each of `pixels` adds painted on it. */
export function paintContributions(canvas, row, pixels, largest) {
  const share = contributions(row, pixels);
  diverging(canvas, share, largest);
  tell(canvas, "pixel.contribution", (n) => ({
    w: row[n],
    x: pixels[n] / WHITE,
    share: share[n],
  }));
  return canvas;
}

/** The sum, w · x over all pixels and b, in lines. */
export function terms(row, pixels, score) {
  const values = { sum: pixelsPart(row, pixels), bias: row.at(-1), score };
  return Object.entries(values).map(([name, value]) =>
    element("span", { say: [`contributions.${name}`, { value }] }),
  );
}
