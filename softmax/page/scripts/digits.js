// The model of images, and the test images that the page shows.

import { doubles, facts, unpack } from "softmax/facts";
import { input, logits, rows, softmax } from "softmax/model";

export const CLASSES = facts.confusion.length;
export const [ROWS, COLUMNS] = facts.data.shape;

export const theta = rows(await doubles(facts.theta), CLASSES);

/** By its number, {index, label, prediction, pixels} of each test image that is shown: a promise. */
export const images = Promise.all(facts.images.map(shown)).then((all) => new Map(all.flat()));

/** What the model says of an image's pixels, 0 to 255: scores z and probabilities a. */
export function classify(pixels) {
  const z = logits(theta, input(pixels));
  return { z, a: softmax(z) };
}

/** The pixels of `count` images. */
export async function pictures(packed, count) {
  const size = ROWS * COLUMNS;
  const all = await unpack(packed);
  return Array.from({ length: count }, (_, k) => all.subarray(k * size, (k + 1) * size));
}

async function shown({ index, label, prediction, pixels }) {
  const all = await pictures(pixels, index.length);
  return index.map((number, k) => [
    number,
    { index: number, label: label[k], prediction: prediction[k], pixels: all[k] },
  ]);
}
