// Computes the value of each formula for the lecture's model at one point. Readers choose the point
// and its label, which are the same in all sections.

import { WEIGHT_GRID, snap } from "softmax/arithmetic";
import { element } from "softmax/elements";
import { setText } from "softmax/i18n";
import { NAMES } from "softmax/marks";
import { MAX_PIXEL, crossEntropy, step, input, logits, residuals, softmax } from "softmax/model";

// values shown with three decimals, as in the lecture
const ROUNDED = "z a s sum sigmoids losses cost jacobian dz dW next".split(" ");

export function start({ slides, lesson }) {
  const theta = slides.weights.map((row, k) =>
    Float64Array.of(...row, slides.biases[0][k]).map((value) => snap(value, WEIGHT_GRID)),
  );
  const points = NAMES.map((_, k) => slides.points.map((row) => row[k]));
  const chosen = { x: points[0], y: 1 }; // y is not the predicted class, so the gradient is large
  const choose = (change) => {
    Object.assign(chosen, change);
    show(worked(theta, chosen, lesson.learning_rate), chosen, points);
  };
  for (const button of document.querySelectorAll("[data-point]")) {
    button.addEventListener("click", () => choose({ x: points[button.dataset.point] }));
  }
  for (const button of document.querySelectorAll("[data-y]")) {
    button.addEventListener("click", () => choose({ y: Number(button.dataset.y) }));
  }
  for (const slider of document.querySelectorAll("[data-coordinate]")) {
    const coordinate = Number(slider.dataset.coordinate);
    slider.addEventListener("input", () =>
      choose({ x: chosen.x.with(coordinate, Number(slider.value)) }),
    );
  }
  choose({});
}

/** Return all quantities at {x, y}, by their names in the templates. */
function worked(theta, { x, y }, rate) {
  const scaled = input(x.map((value) => value * MAX_PIXEL));
  const z = logits(theta, scaled);
  const [a, e, s] = [softmax(z), z.map(Math.exp), z.map(sigmoid)];
  const oneHot = z.map((_, k) => Number(k === y));
  const dz = residuals(a, y);
  const gradient = dz.map((slope) => Float64Array.of(...x, 1).map((value) => slope * value));
  const next = step(theta, gradient, rate);
  const loss = crossEntropy(z, y);
  return {
    x, z, a, e, s, dz, loss, next, rate,
    y: oneHot,
    total: sum(e),
    sum: sum(a),
    sigmoids: sum(s),
    da: oneHot.map((value) => (value ? -Math.exp(loss) : 0)), // -1 / a, also if a rounds to 0
    jacobian: a.map((row, m) => a.map((column, i) => row * (Number(i === m) - column))),
    dW: gradient,
    after: crossEntropy(logits(next, scaled), y),
  };
}

/** Return the sigmoid of z as the softmax of two classes. */
const sigmoid = (z) => softmax([0, z])[1];

function show(values, { x, y }, points) {
  fill(values);
  const rows = NAMES.map((name, k) =>
    element(
      "tr",
      { class: name },
      element("th", { scope: "row", text: [`lesson.${name}`] }),
      element("td", { text: ["number.3", { value: values.z[k] }] }),
      element("td", { text: ["number", { value: values.e[k] }] }),
      share(values.a[k]),
      share(values.s[k]),
    ),
  );
  document.getElementById("softmax-shares").replaceChildren(...rows);
  const { loss, after, rate } = values;
  setText(document.getElementById("gradient-after"), "gradient.after", { loss, after, rate });
  for (const slider of document.querySelectorAll("[data-coordinate]")) {
    slider.value = x[slider.dataset.coordinate];
  }
  for (const button of document.querySelectorAll("[data-point]")) {
    button.setAttribute("aria-pressed", String(points[button.dataset.point]) === String(x));
  }
  for (const button of document.querySelectorAll("[data-y]")) {
    button.setAttribute("aria-pressed", Number(button.dataset.y) === y);
  }
}

/** Write the values of these names into the numbers of formulas, #name.index. */
export function fill(values) {
  for (const place of document.querySelectorAll("[data-number]")) {
    const [name, ...indices] = place.dataset.number.split(".");
    if (!(name in values)) continue;
    const value = indices.reduce((list, index) => list[index], values[name]);
    if (ROUNDED.includes(name)) setText(place, "number.3", { value: Number(value.toFixed(3)) });
    else setText(place, "number", { value });
  }
}

function share(value) {
  const bar = element("span", { class: "bar", style: `--share: ${100 * value}%` });
  const number = element("span", { text: ["number.3", { value }] });
  return element("td", {}, element("div", { class: "share" }, bar, number));
}

const sum = (values) => values.reduce((total, value) => total + value, 0);
