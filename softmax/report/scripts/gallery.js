// Shows test images: samples, mistakes, and the images of a cell of the confusion matrix. A click
// on an image opens its explanation.

import { image, pixelated } from "softmax/canvases";
import { open } from "softmax/dialogs";
import { classify, images, theta } from "softmax/digits";
import { element } from "softmax/elements";
import { explain } from "softmax/explanation";
import { setText } from "softmax/i18n";
import { predict } from "softmax/model";
import { rove } from "softmax/roving";
import { scores } from "softmax/scores";

const BATCH = 100; // images that are painted in a frame

const at = (id) => document.getElementById(id);

export async function start({ samples, mistakes, lecture }) {
  const all = await images;
  const theirs = lecture?.images ?? {};
  const single = [...new Set([...samples, ...Object.keys(theirs).map(Number)])];
  at("sample-figures")?.append(...single.map((k) => predictionFigure(all.get(k), theirs[k])));
  const misclassified = mistakes.filter((k) => all.has(k)).map((k) => withProbability(all.get(k)));
  at("most-confident").append(...misclassified.map(item));
  for (const cell of document.querySelectorAll("button[data-prediction]")) {
    cell.addEventListener("click", () => openCell(cell, [...all.values()]));
  }
  for (const id of ["samples", "mistakes", "confusion"]) if (at(id)) rove(at(id));
}

/** Show the images of a cell of the confusion matrix in the dialog. */
function openCell(cell, images) {
  const [label, prediction] = [cell.dataset.label, cell.dataset.prediction].map(Number);
  const count = Number(cell.textContent);
  const selected = images
    .filter((shown) => shown.label === label && shown.prediction === prediction)
    .map(withProbability);
  setText(at("cell-title"), "cell.title", { label, prediction });
  setText(at("cell-text"), "cell.text", { shown: selected.length, count });
  open("cell");
  fill(selected);
}

/** Show images in batches, so the page stays responsive even if there are a thousand. */
async function fill(selected) {
  const list = element("ul", { class: "gallery", id: "cell-images" });
  at("cell-images").replaceWith(list);
  for (let k = 0; k < selected.length && list.isConnected; k += BATCH) {
    list.append(...selected.slice(k, k + BATCH).map(item));
    rove(list);
    await new Promise(requestAnimationFrame);
  }
}

/** Return a test image with a, the probability of its prediction. */
function withProbability(shown) {
  return { a: shown.a ?? classify(shown.pixels).a[shown.prediction], ...shown };
}

/** Return a test image with its scores and, if given, those of the lecture's model in between. */
function predictionFigure(shown, theirs) {
  const output = classify(shown.pixels);
  const { index, label, prediction } = shown;
  const a = output.a[prediction];
  const title = element("h3", { text: ["samples.image", { index }] });
  const verdict = label === prediction ? "samples.correct" : "samples.misclassified";
  const text = element("p", {}, element("span", { text: [verdict, { label, prediction, a }] }));
  const rows = scores(output, shown);
  if (theirs) compare(rows, theirs, text);
  const table = element("table", { class: "scores" }, element("tbody", {}, ...rows));
  return element("article", {}, title, text, opener(shown), table);
}

/** Add the prediction of the lecture's model to the text, and its scores below each row. */
function compare(rows, { scores: z, probabilities: a, seeds: [minimum, maximum] }, text) {
  const prediction = predict(z);
  const values = { prediction, a: a[prediction], minimum, maximum };
  text.append(" ", element("span", { text: ["samples.lecture", values] }));
  const theirs = scores({ z, a }, { prediction });
  theirs.forEach((row, k) => {
    row.classList.add("theirs");
    setText(row.firstChild, "lecture.theirs");
    rows.splice(2 * k + 1, 0, row);
  });
}

/** Return a list item with a test image and its prediction. */
function item(shown) {
  const { label, prediction, a } = shown;
  const caption = element("span", { text: ["gallery.caption", { label, prediction, a }] });
  return element("li", {}, opener(shown), caption);
}

/** Return a test image, as a button that opens its explanation if the report has the weights. */
function opener(shown) {
  const { pixels, ...named } = shown;
  const canvas = pixelated(["image.name", named]);
  image(canvas, pixels);
  if (!theta) return canvas;
  const properties = { type: "button", class: "image", label: ["image.open", named] };
  const button = element("button", properties, canvas);
  button.addEventListener("click", () => explain(shown, ["image.name", named]));
  return button;
}
