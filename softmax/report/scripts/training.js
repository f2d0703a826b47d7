// Full-batch gradient descent as in softmax/training.py, with plain SGD at a constant rate.

import { descend, inRange, meanGradient, score } from "softmax/model";

/**
 * Before the first epoch and after each: theta, the mean loss and how many of the samples {x, y}
 * are classified correctly. Ends early where sums would no longer be exact.
 *
 * With inputs in the square from -1 to 1 and a rate of at most 10, 1000 epochs stay in that range
 * (docs/arithmetic.md, "The lesson").
 */
export function fit(theta, samples, rate, epochs) {
  const history = [{ theta, ...score(theta, samples) }];
  while (history.length <= epochs) {
    theta = descend(theta, meanGradient(theta, samples), rate);
    if (!inRange(theta)) break;
    history.push({ theta, ...score(theta, samples) });
  }
  return history;
}
