// A drawing becomes an image as NIST's scans became MNIST's: docs/predict.md specifies it, and
// softmax/data/normalization.py gives the same bytes. All numbers are whole, below 2^53 for
// up to 2^15 rows or columns, and quotients are too far from the next one for rounding to matter.

const BOX = 20; // pixels that the longer side of the ink is made to have
const SIDE = 28;

/** 784 pixels, 0 to 255, of the ink, 0 to 255, row by row in so many `columns`. */
export function normalize(ink, columns) {
  const image = new Uint8Array(SIDE * SIDE);
  const drawn = bounds(ink, columns);
  if (!drawn) return image;
  const { pixels, area } = fit(ink, columns, drawn);
  const [right, down] = [first("x", pixels), first("y", pixels)];
  for (const { x, y, sum } of pixels) {
    const inside = [x + right, y + down].every((place) => 0 <= place && place < SIDE);
    if (inside) image[(y + down) * SIDE + x + right] = nearest(sum, area);
  }
  return image;
}

/** The smallest box of cells that holds all ink; undefined without any. */
function bounds(ink, columns) {
  const box = { left: columns, top: ink.length, right: 0, bottom: 0 };
  ink.forEach((shade, n) => {
    if (shade === 0) return;
    const [x, y] = [n % columns, Math.floor(n / columns)];
    box.left = Math.min(box.left, x);
    box.top = Math.min(box.top, y);
    box.right = Math.max(box.right, x + 1);
    box.bottom = Math.max(box.bottom, y + 1);
  });
  return box.right > 0 ? box : undefined;
}

/** The 20 x 20 pixels {x, y, sum} over the box, each of so many twentieths of cells in `area`. */
function fit(ink, columns, { left, top, right, bottom }) {
  const size = Math.max(right - left, bottom - top);
  const [down, across] = [bottom - top, right - left].map((cells) =>
    Array.from({ length: BOX }, (_, pixel) => shares(pixel, size, cells)),
  );
  const sum = (x, y) => {
    let total = 0;
    for (const [row, height] of down[y]) {
      for (const [column, width] of across[x]) {
        total += ink[(top + row) * columns + left + column] * height * width;
      }
    }
    return total;
  };
  const pixels = Array.from({ length: BOX * BOX }, (_, n) => {
    const [x, y] = [n % BOX, Math.floor(n / BOX)];
    return { x, y, sum: sum(x, y) };
  });
  return { pixels, area: size * size };
}

/** The cells in a pixel, `size` twentieths of cells long, and how many twentieths of each. */
function shares(pixel, size, cells) {
  const [start, end] = [pixel * size, (pixel + 1) * size];
  const found = [];
  for (let n = Math.floor(start / BOX); n < Math.min(end / BOX, cells); n++) {
    found.push([n, Math.min(BOX * (n + 1), end) - Math.max(BOX * n, start)]);
  }
  return found;
}

/** Where the box starts, so that the center of its mass is from 14 to 15, as in MNIST. */
function first(axis, pixels) {
  const total = pixels.reduce((all, { sum }) => all + sum, 0);
  const moment = pixels.reduce((all, pixel) => all + pixel.sum * (2 * pixel[axis] + 1), 0);
  return Math.ceil((SIDE * total - moment) / (2 * total));
}

/** The whole number nearest to a / b, of two the larger one. */
const nearest = (a, b) => Math.floor((2 * a + b) / (2 * b));
