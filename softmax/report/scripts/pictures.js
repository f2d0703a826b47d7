// Pictures on canvases, one cell for each value. Where a value is zero the paper shines through, so
// that they suit a light page and a dark one.

import { CHANNELS, COLUMNS, ROWS } from "softmax/digits";
import { element } from "softmax/elements";

// of values below 0 and above
const BLUE_RED = [
  [51, 121, 205],
  [213, 62, 52],
];
export const PURPLE_ORANGE = [
  [128, 84, 200],
  [230, 97, 1],
]; // which no class of the lesson has

/** A canvas for so many images side by side, called by a string, [key, values]. */
export function pixelated(label, count = 1) {
  return element("canvas", { width: COLUMNS * count, height: ROWS, role: "img", label });
}

/** Paint values from black, the least of them, to white, the largest. */
export function gray(canvas, values) {
  const least = Math.min(...values);
  const span = Math.max(...values) - least || 1;
  paint(canvas, values, (value) => [...Array(3).fill((255 * (value - least)) / span), 255]);
}

/** Paint pixels as they are: gray, 0 black and 255 white, or RGB. */
export function image(canvas, pixels, channels = CHANNELS) {
  const context = canvas.getContext("2d");
  const picture = context.createImageData(canvas.width, canvas.height);
  const { data } = picture;
  for (let n = 0; 4 * n < data.length; n++) { // hundreds of images at a time: no arrays
    if (channels === 1) data.fill(pixels[n], 4 * n, 4 * n + 3);
    else for (let k = 0; k < 3; k++) data[4 * n + k] = pixels[3 * n + k];
    data[4 * n + 3] = 255;
  }
  context.putImageData(picture, 0, 0);
}

/** Paint values below 0 in one colour and above 0 in another, full at ± `largest`. */
export function diverging(canvas, values, largest, colours = BLUE_RED) {
  paint(canvas, values, (value) => [
    ...colours[Number(value > 0)],
    (255 * Math.abs(value)) / (largest || 1),
  ]);
}

/** Paint values from 0 to 1 in the RGB colour `colour`. */
export function tint(canvas, values, colour) {
  paint(canvas, values, (value) => [...colour, 255 * value]);
}

/** The scale of `diverging`, into `place`. */
export function legend(place, largest, [below, above] = BLUE_RED) {
  const end = (value) => element("span", { say: ["number", { value }] });
  const stops = `rgb(${below}), rgb(${below}, 0) 50%, rgb(${above}, 0) 50%, rgb(${above})`;
  const style = `background: linear-gradient(to right, ${stops})`;
  place.replaceChildren(end(-largest), element("span", { class: "scale", style }), end(largest));
}

function paint(canvas, values, colour) {
  const context = canvas.getContext("2d");
  const picture = context.createImageData(canvas.width, canvas.height);
  for (let k = 0; k < values.length; k++) picture.data.set(colour(values[k]), 4 * k);
  context.putImageData(picture, 0, 0);
}
