// The model of images, and the test images that the page shows.

import { doubles, facts, runs } from "softmax/facts";
import { input, logits, rows, softmax } from "softmax/model";

export const CLASSES = 10;
export const SIDE = 28;

export const theta = rows(doubles(facts.theta), CLASSES);

/** {index, label, prediction, pixels} of each test image that is shown, by its index. */
export const images = shown(facts.images);

/** What the model says of 784 pixels, 0 to 255: scores z and probabilities a. */
export function classify(pixels) {
  const z = logits(theta, input(pixels));
  return { z, a: softmax(z) };
}

function shown({ index, label, prediction, pixels }) {
  const size = SIDE * SIDE;
  const all = runs(pixels, index.length * size);
  return new Map(
    index.map((number, k) => [
      number,
      {
        index: number,
        label: label[k],
        prediction: prediction[k],
        pixels: all.subarray(k * size, (k + 1) * size),
      },
    ]),
  );
}
