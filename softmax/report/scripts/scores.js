// Creates table rows with the scores and probabilities of the classes.

import { element } from "softmax/elements";

const MAX_ROWS = 10; // maximum number of rows

/** Return the classes with the highest scores, at most MAX_ROWS, always including the label. */
export function leading(z, label) {
  const classes = z.map((_, k) => k);
  if (z.length <= MAX_ROWS) return classes;
  const first = classes.sort((k, other) => z[other] - z[k]).slice(0, MAX_ROWS);
  return label === undefined || first.includes(label) ? first : first.with(-1, label);
}

/**
 * Return a row for each of the leading classes. Mark the rows of the label and of an incorrect
 * prediction. If `label` is undefined, mark the row of the prediction as "predicted".
 */
export function scores({ z, a }, { label, prediction }) {
  const missed = label === undefined ? "predicted" : "wrong";
  return leading(z, label).map((k) => {
    const mark = k === label ? "right" : k === prediction ? missed : "other";
    const bar = element("span", { class: "bar", style: `--share: ${100 * a[k]}%` });
    const probability = element("span", { text: ["number.%", { value: a[k] }] });
    return element(
      "tr",
      { class: mark, "data-class": k },
      element("th", { scope: "row", text: ["class", { k }] }),
      element("td", { text: ["number.3", { value: z[k] }] }),
      element("td", {}, bar, probability),
    );
  });
}
