// Why an image is called what it is called. A linear model needs no method for that: the score of a
// class is the sum of what each pixel adds, w x, and of the bias.

import { CLASSES, classify, theta } from "softmax/digits";
import { element } from "softmax/elements";
import { label, say } from "softmax/i18n";
import { WHITE } from "softmax/model";
import { diverging, image, legend, pixelated } from "softmax/pictures";
import { scores } from "softmax/scores";

/** Show the explanation of a test image, {index, label, prediction, pixels}. */
export function explain(shown) {
  const place = (id) => document.getElementById(id);
  const judged = classify(shown.pixels);
  const { pixels, ...named } = shown;
  say(place("explanation-title"), "image.name", named);
  label(place("explained-image"), "image.name", named);
  image(place("explained-image"), pixels);
  place("explained-scores").replaceChildren(...scores(judged, shown));

  const shares = Array.from({ length: CLASSES }, (_, k) => contributions(k, pixels));
  const largest = Math.max(...shares.map((share) => Math.max(...share.map(Math.abs))));
  legend(place("contributions-legend"), largest);
  place("contributions").replaceChildren(
    ...shares.map((share, k) => {
      const canvas = pixelated(["contributions.name", { k }]);
      diverging(canvas, share, largest);
      const terms = { sum: pixelsPart(k, pixels), bias: theta[k].at(-1), score: judged.z[k] };
      const lines = Object.entries(terms).map(([name, value]) =>
        element("span", { say: [`contributions.${name}`, { value }] }),
      );
      const title = element("strong", { say: ["contributions.class", { k }] });
      return element("figure", {}, canvas, element("figcaption", {}, title, ...lines));
    }),
  );
  place("explanation").showModal();
}

/** What each pixel adds to the score of class k: w x, with x from 0 to 1. */
export function contributions(k, pixels) {
  return Float64Array.from(pixels, (pixel, i) => (theta[k][i] * pixel) / WHITE);
}

/** What all of them add to it. The sum is exact, as the score is; only the division rounds. */
export function pixelsPart(k, pixels) {
  return pixels.reduce((total, pixel, i) => total + theta[k][i] * pixel, 0) / WHITE;
}
