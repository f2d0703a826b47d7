// The first training images of each class, and one as a vector.

import { COLUMNS, ROWS, pictures } from "softmax/digits";
import { WHITE } from "softmax/model";
import { image } from "softmax/pictures";
import { tell } from "softmax/pixel";

export async function start({ data: { label, pixels } }) {
  const all = await pictures(pixels, label.length);
  for (const canvas of document.querySelectorAll("[data-examples]")) {
    const k = Number(canvas.dataset.examples);
    const those = all.filter((_, n) => label[n] === k);
    canvas.width = those.length * COLUMNS;
    image(canvas, sideBySide(those));
  }
  for (const name of ["image", "vector"]) {
    const canvas = document.getElementById(`data-${name}`);
    image(canvas, all[0]);
    tell(canvas, "pixel.vector", (n) => ({ n: n + 1, x: all[0][n] / WHITE }));
  }
}

/** Images as one, row after row. */
function sideBySide(those) {
  const row = (pixels, y) => [...pixels.subarray(y * COLUMNS, (y + 1) * COLUMNS)];
  return Array.from({ length: ROWS }, (_, y) => those.flatMap((pixels) => row(pixels, y))).flat();
}
