// Implements full-batch gradient descent with plain SGD at a constant learning rate.

import { step, inRange, meanGradient, score } from "softmax/model";

/**
 * Return theta, the mean loss and the number of correctly classified samples {x, y}, before the
 * first epoch and after each epoch. Stop early if sums would no longer be exact.
 *
 * For inputs from -1 to 1 and rates of at most 10, sums stay exact for 1000 epochs
 * (docs/arithmetic.md, "The lesson").
 */
export function fit(theta, samples, rate, epochs) {
  const history = [{ theta, ...score(theta, samples) }];
  while (history.length <= epochs) {
    theta = step(theta, meanGradient(theta, samples), rate);
    if (!inRange(theta)) break;
    history.push({ theta, ...score(theta, samples) });
  }
  return history;
}
