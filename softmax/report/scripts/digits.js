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
export const images = unpackImages();

/** theta of the classes listed, as the training began and after epochs, if there is room. */
export const forming = formed();

/** What a model says of an image's pixels, 0 to 255: scores z and probabilities a. */
export function classify(pixels, weights = theta) {
  const z = logits(weights, input(pixels));
  return { z, a: softmax(z) };
}

/** The pixels of `count` images. */
export async function pictures(packed, count) {
  const size = ROWS * COLUMNS * CHANNELS;
  const all = await unpack(packed);
  return Array.from({ length: count }, (_, k) => all.subarray(k * size, (k + 1) * size));
}

/** Piece by piece, so that no task is long. */
async function unpackImages() {
  const all = [];
  for (const piece of facts.images) all.push(...(await shown(piece)));
  return new Map(all);
}

async function formed() {
  if (!facts.forming) return [];
  const { epochs, thetas } = facts.forming;
  const all = rows(await doubles(thetas), epochs.length);
  return all.map((values, n) => ({ epoch: epochs[n], theta: rows(values, facts.listed.length) }));
}

async function shown({ pixels, ...lists }) {
  const all = await pictures(pixels, lists.index.length);
  return all.map((image, k) => {
    const named = Object.entries(lists).map(([name, list]) => [name, list[k]]);
    return [lists.index[k], { ...Object.fromEntries(named), pixels: image }];
  });
}
