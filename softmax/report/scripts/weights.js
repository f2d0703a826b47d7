// The weights of each class as images, as they form from epoch to epoch.

import { largestOf } from "softmax/contributions";
import { theta } from "softmax/digits";
import { doubles } from "softmax/facts";
import { say } from "softmax/i18n";
import { paintWeights } from "softmax/maps";
import { rows } from "softmax/model";
import { legend } from "softmax/pictures";

export async function start({ forming, listed, curves }) {
  if (!document.getElementById("weights")) return;
  const epochs = forming?.epochs ?? [];
  const all = forming
    ? rows(await doubles(forming.thetas), epochs.length).map((values) => rows(values, listed.length))
    : [listed.map((k) => theta[k])];
  const largest = largestOf(all.flat().map((row) => row.subarray(0, -1)));
  legend(document.getElementById("weights-legend"), largest);
  draw(all.at(-1), largest);
  if (forming) scrub(all, epochs, curves, largest);
}

/** Let the slider show the weights after each of `epochs`. */
function scrub(all, epochs, curves, largest) {
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
}

function draw(theta, largest) {
  for (const [kind, scale] of Object.entries({ gray: undefined, diverging: largest })) {
    const canvases = document.querySelectorAll(`[data-weights=${kind}] canvas`);
    canvases.forEach((canvas, k) => paintWeights(canvas, theta[k], scale));
  }
  document.querySelectorAll("#weights .bias").forEach((place, k) => {
    say(place, "contributions.bias", { value: theta[k].at(-1) });
  });
}
