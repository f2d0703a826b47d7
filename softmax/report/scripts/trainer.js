// Mini-batch gradient descent as in softmax/training/fitting.py, with its bits, on images that are
// mostly black. `run` yields after each image, so that a browser can do something else in between.
//
// theta lies pixel by pixel: the weights of the first one for all classes, those of the second, and
// at last the biases.

import { WEIGHT_GRID, snap } from "softmax/arithmetic";
import { WHITE, inRange, residuals, softmax } from "softmax/model";
import { OPTIMIZERS } from "softmax/optimizers";
import { permutation } from "softmax/randomness";

export class Trainer {
  /** Learn from `images`, {pixels, label}, by `recipe`, named as in params.yaml, from `theta` on. */
  constructor(theta, images, classes, recipe) {
    Object.assign(this, { images, classes, recipe });
    this.theta = theta.slice();
    this.magnitudes = theta.map(Math.abs); // the largest of each weight so far
    this.optimizer = OPTIMIZERS[recipe.optimizer](theta.length, recipe.momentum);
    this.step = 0;
    this.steps = recipe.epochs * Math.ceil(images.length / recipe.batch_size);
    this.exact = true;
  }

  /** Take all steps, or those to the end of an epoch in which sums could have been inexact. */
  *run() {
    const { images, recipe } = this;
    for (let epoch = 1; epoch <= recipe.epochs && this.exact; epoch++) {
      const order = permutation(images.length, BigInt(recipe.seed), epoch);
      for (let first = 0; first < order.length; first += recipe.batch_size) {
        yield* this.learn(order.slice(first, first + recipe.batch_size));
      }
      this.exact = inRange(toRows(this.magnitudes, this.classes));
    }
  }

  /** Take a step on the images of these numbers. */
  *learn(batch) {
    const { theta, magnitudes, optimizer, recipe } = this;
    const total = new Float64Array(theta.length);
    for (const n of batch) {
      const { pixels, label } = this.images[n];
      addProducts(total, residuals(softmax(logits(theta, pixels, this.classes)), label), pixels);
      yield;
    }
    optimizer.next();
    const scale = 1 / (WHITE * batch.length);
    for (let i = 0; i < theta.length; i++) {
      const direction = optimizer.direction(total[i] * scale, i);
      theta[i] = snap(theta[i] - direction * recipe.learning_rate, WEIGHT_GRID);
      magnitudes[i] = Math.max(magnitudes[i], Math.abs(theta[i]));
    }
    this.step += 1;
  }
}

/** z = W x + b. */
export function logits(theta, pixels, classes) {
  const z = new Float64Array(classes);
  for (let i = 0, at = 0; i <= pixels.length; i++, at += classes) {
    const x = i < pixels.length ? pixels[i] : WHITE;
    if (x) for (let k = 0; k < classes; k++) z[k] += theta[at + k] * x;
  }
  return z.map((value) => value * (1 / WHITE));
}

/** Add (a - y) x^T to `total`, which lies as theta does. */
function addProducts(total, residuals, pixels) {
  const classes = residuals.length;
  for (let i = 0, at = 0; i <= pixels.length; i++, at += classes) {
    const x = i < pixels.length ? pixels[i] : WHITE;
    if (x) for (let k = 0; k < classes; k++) total[at + k] += residuals[k] * x;
  }
}

/** The rows [w b] of theta, one for each class, as softmax/model has them. */
export function toRows(theta, classes) {
  const length = theta.length / classes;
  return Array.from({ length: classes }, (_, k) =>
    Float64Array.from({ length }, (_, i) => theta[i * classes + k]),
  );
}
