// Explains the prediction for an image by the contributions to the score of each class.

import { legend, pixelated } from "softmax/canvases";
import { contributions, largestOf } from "softmax/contributions";
import { open } from "softmax/dialogs";
import { classify, theta } from "softmax/digits";
import { element } from "softmax/elements";
import { label, setText } from "softmax/i18n";
import { paintContributions, paintImage, terms } from "softmax/maps";
import { predict } from "softmax/model";
import { leading, scores } from "softmax/scores";
import { contest } from "softmax/versus";

const at = (id) => document.getElementById(id);

/** Show the dialog that explains an image. Its label may be undefined; `title` is [key, values]. */
export function explain({ pixels, label: actual }, title) {
  const output = classify(pixels);
  const prediction = predict(output.z);
  setText(at("explanation-title"), ...title);
  label(at("explained-image"), ...title);
  paintImage(at("explained-image"), pixels);
  at("explained-scores").replaceChildren(...scores(output, { label: actual, prediction }));

  const classes = leading(output.z, actual);
  const largest = largestOf(classes.map((k) => contributions(theta[k], pixels)));
  const tiles = classes.map((k) => [k, tile(k, theta[k], pixels, largest, output.z[k])]);
  at("contributions").replaceChildren(...tiles.map(([, figure]) => figure));
  legend(at("contributions-legend"), largest);
  contest(pixels, output.z, actual ?? prediction, new Map(tiles));
  open("explanation");
}

/** Return a figure of the contribution of each pixel to the score of class k. */
function tile(k, row, pixels, largest, score) {
  const empty = pixelated(["contributions.name", { k }]);
  const canvas = paintContributions(empty, row, pixels, largest);
  const title = element("strong", { text: ["contributions.class", { k }] });
  const caption = element("figcaption", {}, title, ...terms(row, pixels, score));
  return element("figure", {}, canvas, caption);
}
