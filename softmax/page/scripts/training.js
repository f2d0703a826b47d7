// Full-batch gradient descent as in softmax/training.py, with plain SGD at a constant rate.

import { descend, meanGradient, score } from "softmax/model";

/**
 * Before the first epoch and after each: theta, the mean loss and how many of the samples {x, y}
 * are classified correctly.
 *
 * With inputs in the square from -1 to 1 and a rate of at most 10, 1000 epochs stay in the range
 * in which sums are exact (docs/arithmetic.md, "The lesson").
 */
export function fit(theta, samples, rate, epochs) {
  const history = [{ theta, ...score(theta, samples) }];
  for (let epoch = 1; epoch <= epochs; epoch++) {
    theta = descend(theta, meanGradient(theta, samples), rate);
    history.push({ theta, ...score(theta, samples) });
  }
  return history;
}
