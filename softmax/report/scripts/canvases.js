// Paints images on canvases, with a pixel for each value. In colored maps, zero is transparent,
// which suits light and dark pages.

import { CHANNELS, COLUMNS, ROWS } from "softmax/digits";
import { element } from "softmax/elements";

// the colors of values below and above 0
const BLUE_RED = [
  [51, 121, 205],
  [213, 62, 52],
];
export const PURPLE_ORANGE = [
  [128, 84, 200],
  [230, 97, 1],
]; // no class of the 2-D example has these colors

/** Return a canvas for `count` images side by side. `label`, [key, values], is its name. */
export function pixelated(label, count = 1) {
  return element("canvas", { width: COLUMNS * count, height: ROWS, role: "img", label });
}

/** Paint values from black (the minimum) to white (the maximum). */
export function gray(canvas, values) {
  const minimum = Math.min(...values);
  const span = Math.max(...values) - minimum || 1;
  paint(canvas, values, (value) => [...Array(3).fill((255 * (value - minimum)) / span), 255]);
}

/** Paint pixels: gray, from 0 (black) to 255 (white), or RGB. */
export function image(canvas, pixels, channels = CHANNELS) {
  const context = canvas.getContext("2d");
  const picture = context.createImageData(canvas.width, canvas.height);
  const { data } = picture;
  for (let n = 0; 4 * n < data.length; n++) { // no allocation: there are hundreds of images
    if (channels === 1) data.fill(pixels[n], 4 * n, 4 * n + 3);
    else for (let k = 0; k < 3; k++) data[4 * n + k] = pixels[3 * n + k];
    data[4 * n + 3] = 255;
  }
  context.putImageData(picture, 0, 0);
}

/** Paint values below and above 0 in two colors, which are opaque at -largest and largest. */
export function diverging(canvas, values, largest, colors = BLUE_RED) {
  paint(canvas, values, (value) => [
    ...colors[Number(value > 0)],
    (255 * Math.abs(value)) / (largest || 1),
  ]);
}

/** Paint values from 0 to 1 in the RGB color `color`. */
export function tint(canvas, values, color) {
  paint(canvas, values, (value) => [...color, 255 * value]);
}

/** Show the scale of `diverging` in `place`. */
export function legend(place, largest, [below, above] = BLUE_RED) {
  const end = (value) => element("span", { text: ["number", { value }] });
  const stops = `rgb(${below}), rgb(${below}, 0) 50%, rgb(${above}, 0) 50%, rgb(${above})`;
  const style = `background: linear-gradient(to right, ${stops})`;
  place.replaceChildren(end(-largest), element("span", { class: "scale", style }), end(largest));
}

function paint(canvas, values, color) {
  const context = canvas.getContext("2d");
  const picture = context.createImageData(canvas.width, canvas.height);
  for (let k = 0; k < values.length; k++) picture.data.set(color(values[k]), 4 * k);
  context.putImageData(picture, 0, 0);
}
