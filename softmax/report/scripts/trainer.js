// Implements mini-batch gradient descent with the same bits as softmax/training/fitting.py, and is
// fast for images that are mostly black. `run` yields after each image, so the page can respond.
//
// theta is stored pixel by pixel: the weights of the first pixel for all classes, those of the
// second pixel, ..., and the biases.

import { WEIGHT_GRID, snap } from "softmax/arithmetic";
import { MAX_PIXEL, inRange, residuals, softmax } from "softmax/model";
import { OPTIMIZERS } from "softmax/optimizers";
import { permutation } from "softmax/randomness";

export class Trainer {
  /** Train on `images`, {pixels, label}, with hyperparameters named as in params.yaml. */
  constructor(theta, images, classes, hyperparameters) {
    Object.assign(this, { images, classes, hyperparameters });
    this.theta = theta.slice();
    this.magnitudes = theta.map(Math.abs); // maximum magnitude of each weight so far
    this.optimizer = OPTIMIZERS[hyperparameters.optimizer](theta.length, hyperparameters.momentum);
    this.step = 0;
    this.steps = hyperparameters.epochs * Math.ceil(images.length / hyperparameters.batch_size);
    this.exact = true;
  }

  /** Take all steps, but stop after an epoch in which a sum could have rounded. */
  *run() {
    const { images, hyperparameters } = this;
    for (let epoch = 1; epoch <= hyperparameters.epochs && this.exact; epoch++) {
      const order = permutation(images.length, BigInt(hyperparameters.seed), epoch);
      for (let first = 0; first < order.length; first += hyperparameters.batch_size) {
        yield* this.learn(order.slice(first, first + hyperparameters.batch_size));
      }
      this.exact = inRange(toRows(this.magnitudes, this.classes));
    }
  }

  /** Take a step on the images with these numbers. */
  *learn(batch) {
    const { theta, magnitudes, optimizer, hyperparameters } = this;
    const total = new Float64Array(theta.length);
    for (const n of batch) {
      const { pixels, label } = this.images[n];
      addProducts(total, residuals(softmax(logits(theta, pixels, this.classes)), label), pixels);
      yield;
    }
    optimizer.next();
    const scale = 1 / (MAX_PIXEL * batch.length);
    for (let i = 0; i < theta.length; i++) {
      const direction = optimizer.direction(total[i] * scale, i);
      theta[i] = snap(theta[i] - direction * hyperparameters.learning_rate, WEIGHT_GRID);
      magnitudes[i] = Math.max(magnitudes[i], Math.abs(theta[i]));
    }
    this.step += 1;
  }
}

/** Return z = W x + b, skipping pixels that are 0. */
export function logits(theta, pixels, classes) {
  const z = new Float64Array(classes);
  for (let i = 0, at = 0; i <= pixels.length; i++, at += classes) {
    const x = i < pixels.length ? pixels[i] : MAX_PIXEL;
    if (x) for (let k = 0; k < classes; k++) z[k] += theta[at + k] * x;
  }
  return z.map((value) => value * (1 / MAX_PIXEL));
}

/** Add (a - y) x^T to `total`, which is stored like theta. */
function addProducts(total, residuals, pixels) {
  const classes = residuals.length;
  for (let i = 0, at = 0; i <= pixels.length; i++, at += classes) {
    const x = i < pixels.length ? pixels[i] : MAX_PIXEL;
    if (x) for (let k = 0; k < classes; k++) total[at + k] += residuals[k] * x;
  }
}

/** Return the rows [w b] of theta, one for each class, as in softmax/model. */
export function toRows(theta, classes) {
  const length = theta.length / classes;
  return Array.from({ length: classes }, (_, k) =>
    Float64Array.from({ length }, (_, i) => theta[i * classes + k]),
  );
}
