// Softmax regression beside three logistic regressions on the same points, each trained here to
// tell one class from the rest. Alone, what they say need not add up to 1.

import { doubles } from "softmax/facts";
import { input, logits, rows, softmax } from "softmax/model";
import { diverging, tint } from "softmax/pictures";
import { COLOURS, lattice } from "softmax/plane";
import { fit } from "softmax/training";

const SIDE = 128; // cells of a picture, across and down

export function start({ lesson }) {
  const theta = rows(doubles(lesson.theta), lesson.classes);
  const alone = COLOURS.map((_, k) => logistic(lesson, k));
  const points = lattice(SIDE);
  draw("softmax", points.map((x) => softmax(logits(theta, x))));
  draw("logistic", points.map((x) => alone.map((weights) => softmax(logits(weights, x))[1])));
}

/** The last weights of a logistic regression on whether a point is of class k: theta (2, 3). */
function logistic({ points, logistic_start, learning_rate, epochs }, k) {
  const samples = points.map(([x1, x2, label]) => ({
    x: input([x1, x2]),
    y: Number(label === k),
  }));
  return fit(rows(doubles(logistic_start), 2), samples, learning_rate / 2, epochs).at(-1).theta;
}

function draw(kind, probabilities) {
  const canvases = document.querySelectorAll(`[data-surfaces=${kind}] canvas`);
  COLOURS.forEach((colour, k) => tint(canvases[k], probabilities.map((p) => p[k]), colour));
  const excess = probabilities.map((p) => p[0] + p[1] + p[2] - 1);
  diverging(canvases[COLOURS.length], excess, 1);
}
