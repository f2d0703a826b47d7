// Draws the loss of single batches as a line, and the loss of the training set and of the
// validation set, if there is one, after each epoch as dots. With the lecture's hyperparameters,
// more dots show the lecture's losses. Positions are percentages, so the chart is as wide as the
// page, and its text is HTML, which scripts translate.

import { element } from "softmax/elements";
import { label } from "softmax/i18n";

const TICKS = 6; // maximum number on an axis

export function start({ curves: { loss, epochs, validation }, lecture }) {
  const [last] = epochs.at(-1);
  const largest = Math.max(...[...loss, ...epochs, ...validation].map(([, value]) => value));
  const step = roundStep(largest / TICKS);
  const top = Math.ceil(largest / step) * step;
  const across = (x) => (100 * x) / last;
  const up = (y) => (100 * y) / top;

  const place = (x, y) => `left: ${across(x)}%; bottom: ${up(y)}%`;
  const dot = (kind) => ([x, y]) => element("span", { class: kind, style: place(x, y) });

  const [, final] = epochs.at(-1);
  const chart = document.getElementById("loss");
  label(chart, "curves.name", { first: epochs[0][1], last: final });
  const theirs = (lecture?.losses ?? []).map(([epoch, batch, value]) => [
    (epoch - 1) * epochs[0][0] + batch,
    value,
  ]);
  const levels = Array.from({ length: Math.round(top / step) + 1 }, (_, k) => k * step);
  const every = Math.ceil(epochs.length / TICKS);
  const labeled = epochs.filter((_, k) => (k + 1) % every === 0);
  chart.append(
    ...levels.map((y) => tick("level", `bottom: ${up(y)}%`, ["number", { value: y }])),
    ...labeled.map(([x], k) =>
      tick("epoch", `left: ${across(x)}%`, ["curves.tick", { epoch: (k + 1) * every }]),
    ),
    element("span", { class: "axis", text: ["curves.loss", {}] }),
    line(loss.map(([x, y]) => `${across(x)} ${100 - up(y)}`)),
    ...theirs.map(dot("dot theirs")),
    ...validation.map(dot("dot validation")),
    ...epochs.map(dot("dot")),
    element(
      "span",
      { class: "last", style: place(last, final) },
      element("span", { text: ["number.2", { value: final }] }),
    ),
  );
}

function tick(kind, style, text) {
  return element("span", { class: `tick ${kind}`, style }, element("span", { text }));
}

function line(points) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 100 100");
  svg.setAttribute("preserveAspectRatio", "none");
  const path = document.createElementNS(svg.namespaceURI, "path");
  path.setAttribute("d", points.length ? `M${points.join("L")}` : "");
  path.setAttribute("vector-effect", "non-scaling-stroke");
  svg.append(path);
  return svg;
}

/** Return the smallest number >= `minimum` that is 1, 2 or 5 times a power of ten. */
export function roundStep(minimum) {
  const power = Number(`1e${Math.floor(Math.log10(minimum))}`);
  return [1, 2, 5, 10].map((digit) => digit * power).find((step) => step >= minimum);
}
