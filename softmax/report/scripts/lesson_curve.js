// Draws the loss curve of the 2-D example, and a dot at the epoch that is shown.

import { roundStep } from "softmax/curves";
import { element } from "softmax/elements";

const TICKS = 4; // maximum number on an axis

let scale; // converts epochs and losses to percentages

/** Draw the losses of all epochs, and mark the epoch at which the pipeline stops. */
export function showCurve(losses, marked) {
  const last = losses.length - 1;
  const step = roundStep(Math.max(...losses) / TICKS);
  const top = step * Math.ceil(Math.max(...losses) / step);
  scale = { across: (epoch) => (100 * epoch) / last, up: (loss) => (100 * loss) / top, losses };
  const places = losses.map((loss, epoch) => [scale.across(epoch), 100 - scale.up(loss)]);
  at("curve").setAttribute("d", `M${places.join("L")}`);
  const levels = Array.from({ length: Math.round(top / step) + 1 }, (_, k) => k * step);
  const every = roundStep(last / TICKS);
  const epochs = Array.from({ length: Math.floor(last / every) + 1 }, (_, k) => k * every);
  at("ticks").replaceChildren(
    ...levels.map((loss) => tick("level", `bottom: ${scale.up(loss)}%`, "number", loss)),
    ...epochs.map((epoch) =>
      tick("epoch", `left: ${scale.across(epoch)}%`, "number.0", epoch),
    ),
    element("span", { class: "end", style: `left: ${scale.across(Math.min(marked, last))}%` }),
  );
}

export function showDot(epoch) {
  at("dot").style.left = `${scale.across(epoch)}%`;
  at("dot").style.bottom = `${scale.up(scale.losses[epoch])}%`;
}

const at = (name) => document.getElementById(`lesson-${name}`);

function tick(kind, style, key, value) {
  const text = element("span", { text: [key, { value }] });
  return element("span", { class: `tick ${kind}`, style }, text);
}
