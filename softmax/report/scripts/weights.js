// Shows the weights of each class as images, after each epoch.

import { legend } from "softmax/canvases";
import { largestOf } from "softmax/contributions";
import { forming, theta } from "softmax/digits";
import { setText } from "softmax/i18n";
import { paintWeights } from "softmax/maps";

export async function start({ listed, curves }) {
  if (!document.getElementById("weights")) return;
  const formed = await forming;
  const epochs = formed.map(({ epoch }) => epoch);
  const all = formed.length ? formed.map(({ theta }) => theta) : [listed.map((k) => theta[k])];
  const largest = largestOf(all.flat().map((row) => row.subarray(0, -1)));
  legend(document.getElementById("weights-legend"), largest);
  draw(all.at(-1), largest);
  if (formed.length) scrub(all, epochs, curves, largest);
}

/** Make the slider show the weights after each of `epochs`. */
function scrub(all, epochs, curves, largest) {
  const slider = document.getElementById("weights-epoch");
  const show = () => {
    const epoch = epochs[slider.value];
    draw(all[slider.value], largest);
    const values = { epoch, epochs: epochs.at(-1), loss: curves.epochs[epoch - 1]?.[1] };
    const key = epoch ? "weights.epoch" : "weights.start";
    setText(document.getElementById("weights-status"), key, values);
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
    setText(place, "contributions.bias", { value: theta[k].at(-1) });
  });
}
