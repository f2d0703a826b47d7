// Scores and probabilities of the ten classes, as rows of a table.

import { element } from "softmax/elements";

/** A row for each class; the label's is marked, and the prediction's where it is another. */
export function scores({ z, a }, { label, prediction }) {
  return z.map((score, k) => {
    const mark = k === label ? "right" : k === prediction ? "wrong" : "other";
    const bar = element("span", { class: "bar", style: `--share: ${100 * a[k]}%` });
    const probability = element("span", { say: ["number.4", { value: a[k] }] });
    return element(
      "tr",
      { class: mark },
      element("th", { scope: "row" }, String(k)),
      element("td", { say: ["number.3", { value: score }] }),
      element("td", {}, bar, probability),
    );
  });
}
