// The model of images, and the test images that the page shows.

import { doubles, facts, unpack } from "softmax/facts";
import { input, logits, rows, softmax } from "softmax/model";

export const CLASSES = facts.data.classes.length;
export const [ROWS, COLUMNS, CHANNELS = 1] = facts.data.shape; // red, green and blue, or gray

/** null where it has no room in the file. */
export const theta = facts.theta && rows(await doubles(facts.theta), CLASSES);

/**
 * By its number, {index, label, prediction, pixels} of each test image that is shown, and without
 * theta its a, the probability of the prediction: a promise.
 */
export const images = Promise.all(facts.images.map(shown)).then((all) => new Map(all.flat()));

/** What the model says of an image's pixels, 0 to 255: scores z and probabilities a. */
export function classify(pixels) {
  const z = logits(theta, input(pixels));
  return { z, a: softmax(z) };
}

/** The pixels of `count` images. */
export async function pictures(packed, count) {
  const size = ROWS * COLUMNS * CHANNELS;
  const all = await unpack(packed);
  return Array.from({ length: count }, (_, k) => all.subarray(k * size, (k + 1) * size));
}

async function shown({ pixels, ...lists }) {
  const all = await pictures(pixels, lists.index.length);
  return all.map((image, k) => {
    const named = Object.entries(lists).map(([name, list]) => [name, list[k]]);
    return [lists.index[k], { ...Object.fromEntries(named), pixels: image }];
  });
}
