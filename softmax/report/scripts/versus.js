// Compares two classes. Their scores differ by the sum of the differences of the contributions of
// all pixels and of the bias. A map of these differences shows why the first class wins.

import { legend, pixelated } from "softmax/canvases";
import { contributions, largestOf, minus } from "softmax/contributions";
import { CHANNELS, theta } from "softmax/digits";
import { element } from "softmax/elements";
import { setText } from "softmax/i18n";
import { paintContributions, paintWeights, terms } from "softmax/maps";
import { predict } from "softmax/model";
import { rove } from "softmax/roving";

const at = (id) => document.getElementById(id);

/**
 * Compare the predicted class of an image, whose scores are z, with its actual class or, if the
 * prediction is correct, with the second class. Readers can choose a different rival. `tiles` maps
 * classes to figures, and the figures of both classes are marked.
 */
export function contest(pixels, z, actual, tiles) {
  const winner = predict(z);
  const buttons = new Map([...tiles.keys()].map((k) => [k, choice(k)]));
  const against = (rival) => {
    buttons.forEach((button, k) => button.setAttribute("aria-pressed", k === rival));
    tiles.forEach((tile, k) => tile.classList.toggle("deciding", k === winner || k === rival));
    compare(pixels, z, winner, rival);
  };
  buttons.get(winner).disabled = true;
  buttons.forEach((button, k) => button.addEventListener("click", () => against(k)));
  at("versus-rivals").replaceChildren(...buttons.values());
  rove(at("versus-rivals"));
  const others = z.map((score, k) => (k === winner ? -Infinity : score));
  against(actual === winner ? predict(others) : actual);
}

const choice = (k) => element("button", { type: "button", text: ["class", { k }] });

function compare(pixels, z, winner, rival) {
  const pair = { winner, rival };
  const difference = z[winner] - z[rival];
  setText(at("versus-title"), "versus.title", pair);
  setText(at("versus-text"), "versus.text", { ...pair, difference });
  const columns = [
    { row: theta[winner], score: z[winner], names: named(winner) },
    { row: theta[rival], score: z[rival], names: named(rival) },
    {
      row: minus(theta[winner], theta[rival]),
      score: difference,
      names: ["difference", "weights", "shares"].map((name) => [`versus.${name}`, pair]),
    },
  ];
  at("versus").replaceChildren(...templates(columns), ...shares(columns, pixels));
}

const named = (k) =>
  ["weights.short", "weights.of.diverging", "contributions.name"].map((name) => [name, { k }]);

/** Return figures of the weights of each class. */
function templates(columns) {
  const largest = largestOf(columns.map(({ row }) => row.subarray(0, -1)));
  const figures = columns.map(({ row, names: [head, name] }) => {
    const caption = element("figcaption", {}, element("strong", { text: head }));
    return element("figure", {}, caption, paintWeights(pixelated(name, CHANNELS), row, largest));
  });
  return [...figures, scale(largest)];
}

/** Return figures of the contributions to each class. */
function shares(columns, pixels) {
  const largest = largestOf(columns.map(({ row }) => contributions(row, pixels)));
  const figures = columns.map(({ row, score, names: [, , name] }) => {
    const canvas = paintContributions(pixelated(name), row, pixels, largest);
    return element("figure", {}, canvas, element("figcaption", {}, ...terms(row, pixels, score)));
  });
  return [...figures, scale(largest)];
}

function scale(largest) {
  const place = element("p", { class: "legend" });
  legend(place, largest);
  return place;
}
