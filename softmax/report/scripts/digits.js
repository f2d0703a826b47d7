// Unpacks the model of the images, and the test images in the report.

import { input, logits, rows, softmax } from "softmax/model";
import { doubles, results, unpack } from "softmax/results";

export const CLASSES = results.data.classes.length;
export const [ROWS, COLUMNS, CHANNELS = 1] = results.data.shape; // red, green and blue, or gray

/** The weights [w b] of each class, or null if they do not fit in the file. */
export const theta = results.theta && rows(await doubles(results.theta), CLASSES);

/**
 * A promise of a map from the number of each test image in the report to {index, label, prediction,
 * pixels}, and without theta also a, the probability of the prediction.
 */
export const images = unpackImages();

/** A promise of theta of the listed classes before training and after some epochs, or []. */
export const forming = formed();

/** Return the scores z and probabilities a of an image, whose pixels are 0 to 255. */
export function classify(pixels, weights = theta) {
  const z = logits(weights, input(pixels));
  return { z, a: softmax(z) };
}

/** Unpack the pixels of `count` images. */
export async function pictures(packed, count) {
  const size = ROWS * COLUMNS * CHANNELS;
  const all = await unpack(packed);
  return Array.from({ length: count }, (_, k) => all.subarray(k * size, (k + 1) * size));
}

/** Unpack the test images piece by piece, so the page stays responsive. */
async function unpackImages() {
  const all = [];
  for (const piece of results.images) all.push(...(await shown(piece)));
  return new Map(all);
}

async function formed() {
  if (!results.forming) return [];
  const { epochs, thetas } = results.forming;
  const all = rows(await doubles(thetas), epochs.length);
  return all.map((values, n) => ({ epoch: epochs[n], theta: rows(values, results.listed.length) }));
}

async function shown({ pixels, ...lists }) {
  const all = await pictures(pixels, lists.index.length);
  return all.map((image, k) => {
    const named = Object.entries(lists).map(([name, list]) => [name, list[k]]);
    return [lists.index[k], { ...Object.fromEntries(named), pixels: image }];
  });
}
