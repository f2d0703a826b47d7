// Shows the first training images of each class, and one image as a vector.

import { image } from "softmax/canvases";
import { CHANNELS, COLUMNS, ROWS, pictures } from "softmax/digits";
import { paintImage } from "softmax/maps";
import { MAX_PIXEL } from "softmax/model";
import { annotate } from "softmax/pixel";

const HEIGHT = 3; // rem, of each image

export async function start({ data: { label, pixels } }) {
  const all = await pictures(pixels, label.length);
  for (const canvas of document.querySelectorAll("[data-examples]")) {
    const k = Number(canvas.dataset.examples);
    const those = all.filter((_, n) => label[n] === k);
    canvas.hidden = those.length === 0;
    canvas.width = those.length * COLUMNS;
    canvas.style.maxWidth = `${(HEIGHT * canvas.width) / ROWS}rem`;
    if (those.length) image(canvas, sideBySide(those));
  }
  paintImage(document.getElementById("data-image"), all[0]);
  showVector(document.getElementById("data-vector"), all[0]);
}

/** Draw x as a strip, but only every n-th number of a long vector, as browsers limit the width. */
function showVector(canvas, pixels) {
  const step = Math.ceil(pixels.length / 2 ** 14);
  canvas.width = Math.ceil(pixels.length / step);
  image(canvas, pixels.filter((_, n) => n % step === 0), 1);
  annotate(canvas, (n) => ["pixel.vector", { n: n * step + 1, x: pixels[n * step] / MAX_PIXEL }]);
}

/** Return the pixels of one image in which these images are side by side. */
function sideBySide(those) {
  const size = COLUMNS * CHANNELS;
  const row = (pixels, y) => [...pixels.subarray(y * size, (y + 1) * size)];
  return Array.from({ length: ROWS }, (_, y) => those.flatMap((pixels) => row(pixels, y))).flat();
}
