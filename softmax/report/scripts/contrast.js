// Shows softmax regression beside three logistic regressions on the same points. Each logistic
// regression is trained here to tell one class from the rest, so their probabilities need not add
// up to 1.

import { PURPLE_ORANGE, diverging, legend, tint } from "softmax/canvases";
import { fit } from "softmax/full_batch";
import { setText } from "softmax/i18n";
import { MAX_PIXEL, input, logits, softmax } from "softmax/model";
import { pause } from "softmax/pause";
import { COLORS, lattice } from "softmax/regions";

export async function start({ lesson }) {
  const theta = lesson.theta;
  const points = lattice(document.querySelector("[data-surfaces] canvas").width);
  const together = points.map((x) => softmax(logits(theta, x)));
  const apart = points.map(() => []);
  for (const k of COLORS.keys()) {
    await pause();
    const weights = logistic(lesson, k);
    points.forEach((x, n) => apart[n].push(softmax(logits(weights, x))[1]));
  }
  const largest = Math.max(...apart.map(excess).map(Math.abs));
  draw("softmax", together, largest);
  draw("logistic", apart, largest);
  legend(document.getElementById("contrast-legend"), largest, PURPLE_ORANGE);
  showExtremes(points, apart.map(excess));
  showAtPointer(points, apart, together);
}

/** Train a logistic regression that tells class k from the rest, and return theta (2, 3). */
function logistic({ points, logistic_start, learning_rate, epochs }, k) {
  const samples = points.map(([x1, x2, label]) => ({
    x: input([x1, x2]),
    y: Number(label === k),
  }));
  return fit(logistic_start, samples, learning_rate / 2, epochs).at(-1).theta;
}

const excess = (p) => p[0] + p[1] + p[2] - 1;

function draw(kind, probabilities, largest) {
  const canvases = document.querySelectorAll(`[data-surfaces=${kind}] canvas`);
  COLORS.forEach((color, k) => tint(canvases[k], probabilities.map((p) => p[k]), color));
  diverging(canvases[COLORS.length], probabilities.map(excess), largest, PURPLE_ORANGE);
}

/** Show the minimum and the maximum sum of probabilities, and where they are. */
function showExtremes(points, values) {
  const [minimum, maximum] = [Math.min, Math.max].map((extreme) => {
    const n = values.indexOf(extreme(...values));
    return { sum: values[n] + 1, x1: points[n][0] / MAX_PIXEL, x2: points[n][1] / MAX_PIXEL };
  });
  setText(document.getElementById("contrast-minimum"), "contrast.minimum", minimum);
  setText(document.getElementById("contrast-maximum"), "contrast.maximum", maximum);
}

/** Show the values of all maps at the point under the pointer. */
function showAtPointer(points, apart, together) {
  const show = (event) => {
    const box = event.target.getBoundingClientRect();
    const count = event.target.width;
    const cell = (share) => Math.min(Math.max(Math.floor(count * share), 0), count - 1);
    const column = cell((event.clientX - box.left) / box.width);
    const n = cell((event.clientY - box.top) / box.height) * count + column;
    const [[x1, x2], q, a] = [points[n], apart[n], together[n]];
    setText(document.getElementById("contrast-here"), "contrast.here", {
      x1: x1 / MAX_PIXEL, x2: x2 / MAX_PIXEL,
      q0: q[0], q1: q[1], q2: q[2], q: excess(q) + 1,
      a0: a[0], a1: a[1], a2: a[2], a: excess(a) + 1,
    });
  };
  for (const canvas of document.querySelectorAll("[data-surfaces] canvas")) {
    for (const name of ["pointermove", "pointerdown"]) canvas.addEventListener(name, show);
  }
}
