// The square from -1 to 1: points that readers move, the regions of the classes, and their
// boundaries. Places are inputs x of the model, [255 x1, 255 x2, 255].

import { label } from "softmax/i18n";
import { WHITE, input, logits, predict, softmax } from "softmax/model";

export const NAMES = ["red", "green", "blue"];
export const COLOURS = [
  [203, 60, 51],
  [56, 152, 38],
  [64, 99, 216],
];
const SHAPES = ["M-7 0a7 7 0 1 0 14 0a7 7 0 1 0-14 0z", "M-7-7h14v14h-14z", "M0-9 9 7h-18z"];
const STEP = 5; // of a key, in 255ths
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
const TURNS = { PageUp: -1, PageDown: 1 };
const SQUARE = [
  [1, 0, 1],
  [-1, 0, 1],
  [0, 1, 1],
  [0, -1, 1],
]; // its sides: inside, side · x is not negative

/** The square from -1 to 1 in `count` cells across and down: their centres, from the top left. */
export function lattice(count) {
  const size = (2 * (WHITE + 1)) / count;
  const places = Array.from({ length: count }, (_, k) => size * k + size / 2 - WHITE - 1);
  return places.toReversed().flatMap((x2) => places.map((x1) => input([x1, x2])));
}

/** Where all of `sides` · x >= 0, the ends of the line on which line · x = 0; or undefined. */
function clip([a, b, c], sides) {
  const foot = -c / (a * a + b * b);
  const at = (t) => [foot * a - t * b, foot * b + t * a, 1];
  let [first, last] = [-Infinity, Infinity];
  for (const side of sides) {
    const value = dot(side, at(0));
    const slope = side[1] * a - side[0] * b;
    if (slope > 0) first = Math.max(first, -value / slope);
    else if (slope < 0) last = Math.min(last, -value / slope);
    else if (value < 0) return undefined;
  }
  return first < last ? [at(first), at(last)] : undefined;
}

/** Where two classes are equally likely and no other is likelier: pairs of places, divided by 255. */
function boundaries(theta) {
  const pairs = theta.flatMap((_, i) => theta.slice(0, i).map((_, j) => [i, j]));
  return pairs
    .map(([i, j]) => {
      const others = theta.filter((_, k) => k !== i && k !== j);
      const sides = others.map((row) => minus(theta[i], row));
      return clip(minus(theta[i], theta[j]), [...SQUARE, ...sides]);
    })
    .filter(Boolean);
}

/** The plane of the page, with a point for each sample {x, y} of a list that may change. */
export class Plane {
  /** `moved(n, x)` is called when a reader moves a point. */
  constructor(samples, moved) {
    this.svg = document.getElementById("lesson-plane");
    this.samples = samples;
    this.points = samples.map(({ y }) => point(y));
    this.regions = document.getElementById("lesson-regions");
    this.cells = lattice(this.regions.width);
    this.move = (n, x) => moved(n, input(x.map(clamp)));
    this.svg.append(...this.points);
    this.points[0].setAttribute("tabindex", 0);
    this.svg.addEventListener("keydown", (event) => this.type(event));
    this.svg.addEventListener("pointerdown", (event) => this.take(event));
    this.svg.addEventListener("pointermove", (event) => this.drag(event));
    for (const end of ["pointerup", "pointercancel"]) {
      this.svg.addEventListener(end, () => (this.taken = undefined));
    }
  }

  /** Put a point where its sample is. */
  place(n) {
    const { x, y } = this.samples[n];
    const [x1, x2] = x;
    this.points[n].setAttribute("transform", `translate(${x1} ${-x2})`);
    label(this.points[n], `lesson.point.${NAMES[y]}`, { x1: x1 / WHITE, x2: x2 / WHITE });
  }

  /** Show what theta says of each cell, stronger where it is surer, and of each sample. */
  draw(theta) {
    const context = this.regions.getContext("2d");
    const picture = context.createImageData(this.regions.width, this.regions.height);
    this.cells.forEach((x, n) => {
      const a = softmax(logits(theta, x));
      const largest = Math.max(...a);
      picture.data.set([...COLOURS[a.indexOf(largest)], 15 + 130 * largest], 4 * n);
    });
    context.putImageData(picture, 0, 0);
    const lines = boundaries(theta).map((ends) => ends.map(([x1, x2]) => [x1, -x2]));
    const path = lines.map((ends) => `M${ends.join("L")}`).join("");
    document.getElementById("lesson-boundaries").setAttribute("d", path);
    this.samples.forEach(({ x, y }, n) => {
      this.points[n].classList.toggle("wrong", predict(logits(theta, x)) !== y);
    });
  }

  /** Arrows move the point that has the focus; page up and page down go to another one. */
  type(event) {
    const n = this.points.indexOf(document.activeElement);
    const { [event.key]: arrow } = ARROWS;
    const { [event.key]: turn } = TURNS;
    if (n < 0 || !(arrow || turn)) return;
    event.preventDefault();
    if (turn) this.focus((n + turn + this.points.length) % this.points.length);
    else this.move(n, arrow.map((sign, i) => this.samples[n].x[i] + sign * STEP));
  }

  /** The pointer takes the nearest point, if it went down on any. */
  take(event) {
    if (!event.target.closest(".point")) return;
    const [x1, x2] = this.under(event);
    const distances = this.samples.map(({ x }) => Math.hypot(x[0] - x1, x[1] - x2));
    this.taken = distances.indexOf(Math.min(...distances));
    this.svg.setPointerCapture(event.pointerId);
    event.preventDefault();
    this.focus(this.taken);
  }

  drag(event) {
    if (this.taken !== undefined) this.move(this.taken, this.under(event));
  }

  /** The place under the pointer. */
  under({ clientX, clientY }) {
    const { left, top, width, height } = this.svg.getBoundingClientRect();
    const [across, down] = [(clientX - left) / width, (clientY - top) / height];
    return [(2 * across - 1) * (WHITE + 1), (1 - 2 * down) * (WHITE + 1)];
  }

  /** Only one point is a stop of the tab key. */
  focus(n) {
    for (const other of this.points) other.setAttribute("tabindex", -1);
    this.points[n].setAttribute("tabindex", 0);
    this.points[n].focus();
  }
}

/** Each class has a shape of its own, because not everybody tells the colours apart. */
function point(y) {
  const group = svg("g", { class: `point ${NAMES[y]}`, role: "img", tabindex: -1 });
  group.append(svg("circle", { class: "halo", r: 20 }), svg("path", { d: SHAPES[y] }));
  return group;
}

function svg(tag, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

const clamp = (value) => Math.min(Math.max(Math.round(value), -WHITE), WHITE);
const minus = (one, other) => one.map((value, i) => value - other[i]);
const dot = (one, other) => one.reduce((total, value, i) => total + value * other[i], 0);
