// The model of images, and the test images that the page shows.

import { doubles, facts, runs } from "softmax/facts";
import { input, logits, rows, softmax } from "softmax/model";

export const CLASSES = facts.confusion.length;
export const [ROWS, COLUMNS] = facts.data.shape;

export const theta = rows(doubles(facts.theta), CLASSES);

/** {index, label, prediction, pixels} of each test image that is shown, the most confident first. */
export const images = shown(facts.images);

/** What the model says of an image's pixels, 0 to 255: scores z and probabilities a. */
export function classify(pixels) {
  const z = logits(theta, input(pixels));
  return { z, a: softmax(z) };
}

/** The pixels of `count` images. */
export function pictures(encoded, count) {
  const size = ROWS * COLUMNS;
  const all = runs(encoded, count * size);
  return Array.from({ length: count }, (_, k) => all.subarray(k * size, (k + 1) * size));
}

function shown({ index, label, prediction, pixels }) {
  const all = pictures(pixels, index.length);
  return new Map(
    index.map((number, k) => [
      number,
      { index: number, label: label[k], prediction: prediction[k], pixels: all[k] },
    ]),
  );
}
