// The probabilities that the lecture's model gave three images, beside those of this one.

import { classify, images } from "softmax/digits";
import { element } from "softmax/elements";
import { predict } from "softmax/model";
import { image, pixelated } from "softmax/pictures";

export async function start({ lecture }) {
  if (!lecture) return;
  const all = await images;
  const shown = lecture.images.filter(([index]) => all.has(index));
  document
    .getElementById("lecture-images")
    .append(...shown.map(([index, ...numbers]) => card(all.get(index), ...numbers)));
}

function card({ index, label, pixels }, theirs, least, largest) {
  const { z, a } = classify(pixels);
  const [said, says] = [predict(theirs), predict(z)];
  const canvas = pixelated(["lecture.image", { index, label }]);
  image(canvas, pixels);
  const head = ["scores.class", "lecture.theirs", "lecture.ours"].map((key) =>
    element("th", { scope: "col", say: [key] }),
  );
  const rows = theirs.map((value, k) =>
    element("tr", {}, element("th", { scope: "row" }, String(k)), share(value), share(a[k])),
  );
  return element(
    "article",
    {},
    element("h3", { say: ["lecture.image", { index, label }] }),
    canvas,
    element("p", {
      say: ["lecture.called", { said, p: theirs[said], says, a: a[says], least, largest }],
    }),
    element(
      "table",
      { class: "values shares" },
      element("thead", {}, element("tr", {}, ...head)),
      element("tbody", {}, ...rows),
    ),
  );
}

function share(value) {
  const bar = element("span", { class: "bar", style: `--share: ${100 * value}%` });
  const number = element("span", { say: ["number.2", { value }] });
  return element("td", {}, element("div", { class: "share" }, bar, number));
}
