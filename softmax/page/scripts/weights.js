// The weights of each class as images, as they form from epoch to epoch.

import { largestOf } from "softmax/contributions";
import { CLASSES } from "softmax/digits";
import { doubles } from "softmax/facts";
import { say } from "softmax/i18n";
import { paintWeights } from "softmax/maps";
import { rows } from "softmax/model";
import { gray, legend } from "softmax/pictures";

export async function start({ forming: { epochs, thetas }, curves, data }) {
  const all = rows(await doubles(thetas), epochs.length).map((theta) => rows(theta, CLASSES));
  const weights = all.map((theta) => theta.map((row) => row.subarray(0, -1)));
  const largest = largestOf(weights.flat());
  const slider = document.getElementById("weights-epoch");
  const show = () => {
    const epoch = epochs[slider.value];
    draw(all[slider.value], largest);
    const values = { epoch, epochs: epochs.at(-1), loss: curves.epochs[epoch - 1]?.[1] };
    say(document.getElementById("weights-said"), epoch ? "weights.epoch" : "weights.start", values);
  };
  slider.value = epochs.length - 1;
  slider.addEventListener("input", show);
  show();
  legend(document.getElementById("weights-legend"), largest);
  if (data.dark.length) sayNoise(weights[0], weights.at(-1), data.dark);
}

function draw(theta, largest) {
  for (const kind of ["gray", "diverging"]) {
    const canvases = document.querySelectorAll(`[data-weights=${kind}] canvas`);
    canvases.forEach((canvas, k) => {
      paintWeights(canvas, theta[k], largest);
      if (kind === "gray") gray(canvas, theta[k].subarray(0, -1));
    });
  }
}

/** Say how many weights of pixels that are always 0 are what they were at the start. */
function sayNoise(first, last, dark) {
  const place = document.getElementById("weights-dark");
  const kept = last.flatMap((row, k) => dark.filter((n) => row[n] === first[k][n])).length;
  const values = { count: dark.length, total: dark.length * last.length, kept };
  say(place, `weights.dark.${place.dataset.noise}`, values);
}
