// Scores and probabilities of the classes, as rows of a table.

import { element } from "softmax/elements";

/**
 * A row for each class; the label's is marked, and the prediction's where it is another. Where no
 * label is known, a prediction is neither right nor wrong.
 */
export function scores({ z, a }, { label, prediction }) {
  const missed = label === undefined ? "predicted" : "wrong";
  return z.map((score, k) => {
    const mark = k === label ? "right" : k === prediction ? missed : "other";
    const bar = element("span", { class: "bar", style: `--share: ${100 * a[k]}%` });
    const probability = element("span", { say: ["number.4", { value: a[k] }] });
    return element(
      "tr",
      { class: mark },
      element("th", { scope: "row", say: ["class", { k }] }),
      element("td", { say: ["number.3", { value: score }] }),
      element("td", {}, bar, probability),
    );
  });
}
