// Converts a drawing to an image as NIST's scans were converted to MNIST's images, with the same
// bytes as softmax/data/normalization.py. docs/image-preparation.md specifies it. All numbers are
// integers below 2^53 for up to 2^15 rows or columns, so only quotients round, and too little to
// change a result.

const BOX = 20; // pixels of the longer side of the scaled drawing
const SIDE = 28;

/** Return 784 pixels, 0 to 255, from the strokes, 0 to 255, row by row with `columns` columns. */
export function normalize(strokes, columns) {
  const image = new Uint8Array(SIDE * SIDE);
  const drawn = bounds(strokes, columns);
  if (!drawn) return image;
  const { pixels, area } = fit(strokes, columns, drawn);
  const [right, down] = [first("x", pixels), first("y", pixels)];
  for (const { x, y, sum } of pixels) {
    const inside = [x + right, y + down].every((place) => 0 <= place && place < SIDE);
    if (inside) image[(y + down) * SIDE + x + right] = nearest(sum, area);
  }
  return image;
}

/** Return the smallest box of cells that contains all strokes, or undefined if there are none. */
function bounds(strokes, columns) {
  const box = { left: columns, top: strokes.length, right: 0, bottom: 0 };
  strokes.forEach((shade, n) => {
    if (shade === 0) return;
    const [x, y] = [n % columns, Math.floor(n / columns)];
    box.left = Math.min(box.left, x);
    box.top = Math.min(box.top, y);
    box.right = Math.max(box.right, x + 1);
    box.bottom = Math.max(box.bottom, y + 1);
  });
  return box.right > 0 ? box : undefined;
}

/** Return 20 x 20 pixels {x, y, sum} over the box, and the area of a pixel in (1/20 cell)^2. */
function fit(strokes, columns, { left, top, right, bottom }) {
  const size = Math.max(right - left, bottom - top);
  const [down, across] = [bottom - top, right - left].map((cells) =>
    Array.from({ length: BOX }, (_, pixel) => shares(pixel, size, cells)),
  );
  const sum = (x, y) => {
    let total = 0;
    for (const [row, height] of down[y]) {
      for (const [column, width] of across[x]) {
        total += strokes[(top + row) * columns + left + column] * height * width;
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

/** Return the cells in a pixel of side `size` / 20 cells, and how many twentieths of each. */
function shares(pixel, size, cells) {
  const [start, end] = [pixel * size, (pixel + 1) * size];
  const found = [];
  for (let n = Math.floor(start / BOX); n < Math.min(end / BOX, cells); n++) {
    found.push([n, Math.min(BOX * (n + 1), end) - Math.max(BOX * n, start)]);
  }
  return found;
}

/** Return where the box starts, so its center of mass is from 14 to 15, as in MNIST. */
function first(axis, pixels) {
  const total = pixels.reduce((all, { sum }) => all + sum, 0);
  const moment = pixels.reduce((all, pixel) => all + pixel.sum * (2 * pixel[axis] + 1), 0);
  return Math.ceil((SIDE * total - moment) / (2 * total));
}

/** Return the integer nearest to a / b, with ties up. */
const nearest = (a, b) => Math.floor((2 * a + b) / (2 * b));
