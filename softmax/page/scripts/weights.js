// The weights of each class as images.

import { theta } from "softmax/digits";
import { diverging, gray, legend } from "softmax/pictures";

export function start() {
  const weights = theta.map((row) => row.subarray(0, -1));
  const largest = Math.max(...weights.map((row) => Math.max(...row.map(Math.abs))));
  for (const kind of ["gray", "diverging"]) {
    const canvases = document.querySelectorAll(`[data-weights=${kind}] canvas`);
    canvases.forEach((canvas, k) => {
      if (kind === "gray") gray(canvas, weights[k]);
      else diverging(canvas, weights[k], largest);
    });
  }
  legend(document.getElementById("weights-legend"), largest);
}
