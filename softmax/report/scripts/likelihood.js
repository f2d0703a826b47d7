// Shows the likelihood of the lecture's three labels under the predictions a^(i), and how it
// changes with the probability of the second label.

import { log } from "softmax/arithmetic";
import { setText } from "softmax/i18n";
import { fill } from "softmax/worked";

const CHANGED = 1; // the point whose prediction readers change

export function start({ slides }) {
  const given = slides.predictions[0].map((_, i) => slides.predictions.map((row) => row[i]));
  const slider = document.getElementById("likelihood-better");
  slider.value = given[CHANGED][CHANGED];
  slider.addEventListener("input", () => show(given, Number(slider.value)));
  drawLog();
  show(given, given[CHANGED][CHANGED]);
}

/** Show all values if the second label has probability a, and the other classes share the rest. */
function show(given, a) {
  const rest = (1 - a) / (given.length - 1);
  const p = given.with(CHANGED, given.map((_, k) => (k === CHANGED ? a : rest)));
  const labelProbabilities = p.map((prediction, i) => prediction[i]); // point i has label i
  const losses = labelProbabilities.map((value) => -log(value));
  fill({
    p,
    labelProbabilities,
    losses,
    likelihood: labelProbabilities.reduce((product, value) => product * value),
    cost: losses.reduce((total, value) => total + value),
  });
  setText(document.getElementById("likelihood-value"), "number.2", { value: a });
  const dot = document.getElementById("likelihood-dot");
  dot.setAttribute("cx", across(a));
  dot.setAttribute("cy", down(-log(a)));
}

/** Draw -log a, from 0 to 4, for a from 0 to 1. */
function drawLog() {
  const places = Array.from({ length: 100 }, (_, k) => (k + 1) / 100);
  const line = places.map((a) => `${across(a)} ${down(-log(a))}`).filter((_, k) => k > 0);
  document.getElementById("likelihood-log").setAttribute("d", `M${line.join("L")}`);
}

const across = (a) => 200 * a;
const down = (loss) => 100 - 25 * loss;
