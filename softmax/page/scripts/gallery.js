// The test images that the page shows: samples, mistakes, and those behind a cell of the confusion
// matrix. Each opens its explanation.

import { open } from "softmax/dialogs";
import { classify, images } from "softmax/digits";
import { element } from "softmax/elements";
import { explain } from "softmax/explanation";
import { say } from "softmax/i18n";
import { image, pixelated } from "softmax/pictures";
import { rove } from "softmax/roving";
import { scores } from "softmax/scores";

const at = (id) => document.getElementById(id);

export function start({ samples, mistakes }) {
  at("sample-cards").append(...samples.map((k) => card(images.get(k))));
  at("most-confident").append(...mistakes.map((k) => item(images.get(k))));
  for (const cell of document.querySelectorAll("button[data-prediction]")) {
    cell.addEventListener("click", () => openCell(cell));
  }
  for (const place of [at("sample-cards"), at("most-confident"), at("confusion")]) rove(place);
}

/** The images behind a cell, in the dialog. */
function openCell(cell) {
  const [label, prediction] = [cell.dataset.label, cell.dataset.prediction].map(Number);
  const count = Number(cell.textContent);
  const behind = [...images.values()].filter(
    (shown) => shown.label === label && shown.prediction === prediction,
  );
  say(at("cell-title"), "cell.title", { label, prediction });
  say(at("cell-text"), "cell.text", { shown: behind.length, count });
  at("cell-images").replaceChildren(...behind.map(item));
  rove(at("cell-images"));
  open("cell");
}

/** A test image and its scores. */
function card(shown) {
  const judged = classify(shown.pixels);
  const { index, label, prediction } = shown;
  const a = judged.a[prediction];
  const title = element("h3", { say: ["samples.image", { index }] });
  const verdict = label === prediction ? "samples.right" : "samples.wrong";
  const text = element("p", { say: [verdict, { label, prediction, a }] });
  const rows = element("tbody", {}, ...scores(judged, shown));
  const table = element("table", { class: "scores" }, rows);
  return element("article", {}, title, text, opener(shown), table);
}

/** A test image in a list, with what it is called. */
function item(shown) {
  const { label, prediction, pixels } = shown;
  const a = classify(pixels).a[prediction];
  const caption = element("span", { say: ["gallery.caption", { label, prediction, a }] });
  return element("li", {}, opener(shown), caption);
}

function opener(shown) {
  const { pixels, ...named } = shown;
  const canvas = pixelated(["image.name", named]);
  image(canvas, pixels);
  const properties = { type: "button", class: "image", label: ["image.open", named] };
  const button = element("button", properties, canvas);
  button.addEventListener("click", () => explain(shown, ["image.name", named]));
  return button;
}
