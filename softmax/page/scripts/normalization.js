// A drawing becomes an image as NIST's scans became MNIST's: fitted into a box of 20 x 20 pixels,
// its shape kept, in shades of gray, and put into 28 x 28 by its centre of mass
// (http://yann.lecun.com/exdb/mnist).

const BOX = 20;
const SIDE = 28;

/** 784 pixels, 0 to 255, of the ink, 0 to 255, on a square of `side` x `side` cells. */
export function normalize(ink, side) {
  const image = new Uint8Array(SIDE * SIDE);
  const drawn = bounds(ink, side);
  if (!drawn) return image;
  const pixels = fit(ink, side, drawn);
  const total = pixels.reduce((sum, { shade }) => sum + shade, 0);
  const shift = (axis) => {
    const moment = pixels.reduce((sum, pixel) => sum + pixel.shade * (pixel[axis] + 0.5), 0);
    return Math.round(SIDE / 2 - moment / total);
  };
  const [right, down] = [shift("x"), shift("y")];
  for (const { x, y, shade } of pixels) {
    const inside = [x + right, y + down].every((place) => 0 <= place && place < SIDE);
    if (inside) image[(y + down) * SIDE + x + right] = Math.round(shade);
  }
  return image;
}

/** The smallest box of cells that holds all ink; undefined without any. */
function bounds(ink, side) {
  const box = { left: side, top: side, right: 0, bottom: 0 };
  ink.forEach((shade, n) => {
    if (shade === 0) return;
    const [x, y] = [n % side, Math.floor(n / side)];
    box.left = Math.min(box.left, x);
    box.top = Math.min(box.top, y);
    box.right = Math.max(box.right, x + 1);
    box.bottom = Math.max(box.bottom, y + 1);
  });
  return box.right > 0 ? box : undefined;
}

/** The pixels {x, y, shade} of the box of 20 x 20, each the mean of the area that it covers. */
function fit(ink, side, { left, top, right, bottom }) {
  const size = Math.max(right - left, bottom - top) / BOX;
  const mean = (x, y) => {
    let total = 0;
    for (let row = Math.floor(y); row < Math.min(y + size, bottom); row++) {
      for (let column = Math.floor(x); column < Math.min(x + size, right); column++) {
        const area = overlap(row, y, size) * overlap(column, x, size);
        total += ink[row * side + column] * area;
      }
    }
    return total / (size * size);
  };
  return Array.from({ length: BOX * BOX }, (_, n) => {
    const [x, y] = [n % BOX, Math.floor(n / BOX)];
    return { x, y, shade: mean(left + x * size, top + y * size) };
  });
}

/** How much of the cell [n, n + 1] is in [start, start + size]. */
const overlap = (n, start, size) => Math.min(n + 1, start + size) - Math.max(n, start);
