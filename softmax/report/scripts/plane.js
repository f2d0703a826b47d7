// Shows the plane of the 2-D example: points that readers move, add and remove, and a cross that
// they place. Positions are inputs x of the model, [255 x1, 255 x2, 255].

import { label } from "softmax/i18n";
import { NAMES, drawn } from "softmax/marks";
import { MAX_PIXEL, input } from "softmax/model";

const STEP = 5; // of an arrow key, in units of 1/255
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
const TURNS = { PageUp: -1, PageDown: 1 };
const REMOVE = ["Delete", "Backspace"];
export const MAX_POINTS = 3000; // points, so sums are exact: docs/arithmetic.md, "The lesson"

/** A mark for each sample {x, y} of a list that readers change, and a last mark, the cross {x}. */
export class Plane {
  /** Call `changed(samples)` after each change, and `pointed(x)` with the pointer's position. */
  constructor({ changed, pointed }) {
    this.svg = document.getElementById("lesson-plane");
    this.changed = changed;
    this.pointed = pointed;
    this.cross = { x: input([0, 0]) };
    this.svg.addEventListener("focusin", (event) => this.choose(this.marks.indexOf(event.target)));
    this.svg.addEventListener("keydown", (event) => this.type(event));
    this.svg.addEventListener("pointerdown", (event) => this.take(event));
    this.svg.addEventListener("pointermove", (event) => this.follow(event));
    this.svg.addEventListener("pointerleave", () => this.leave());
    this.svg.addEventListener("click", (event) => this.press(event));
    for (const end of ["pointerup", "pointercancel"]) {
      this.svg.addEventListener(end, () => (this.taken = undefined));
    }
  }

  /** Show these samples. The mark with the number `chosen` is the tab stop. */
  put(samples, chosen = samples.length) {
    this.samples = samples;
    this.marks?.forEach((mark) => mark.remove());
    this.marks = [...samples, this.cross].map(({ y }) => drawn(y));
    this.svg.append(...this.marks);
    this.marks.forEach((_, n) => this.place(n));
    this.choose(chosen);
  }

  /** Draw a rim around the misclassified points. */
  rim(missed) {
    this.samples.forEach((sample, n) => this.marks[n].classList.toggle("wrong", missed(sample)));
  }

  /** Make presses add points of class y, or move points if y is undefined. */
  use(y) {
    this.color = y;
    for (const button of document.querySelectorAll("[data-add]")) {
      button.setAttribute("aria-pressed", Number(button.dataset.add) === y);
    }
  }

  /** Add a point of the chosen class at x. */
  add(x) {
    const count = this.samples.length;
    if (count < MAX_POINTS) this.change([...this.samples, { x, y: this.color }], count);
  }

  /** Remove the chosen point, unless it is the cross or the only point. */
  remove() {
    const samples = this.samples.toSpliced(this.chosen, 1);
    if (this.samples[this.chosen] && samples.length) this.change(samples, this.chosen);
  }

  change(samples, chosen) {
    this.put(samples, chosen);
    this.focus(chosen);
    this.changed(samples);
  }

  at(n) {
    return this.samples[n] ?? this.cross;
  }

  move(n, place) {
    const x = inside(place);
    if (n < this.samples.length) this.samples = this.samples.with(n, { ...this.samples[n], x });
    else this.cross.x = x;
    this.place(n);
    this.pointed(x);
    if (n < this.samples.length) this.changed(this.samples);
  }

  /** Set the position and the name of a mark. */
  place(n) {
    const { x, y } = this.at(n);
    const name = y === undefined ? "lesson.cross" : `lesson.point.${NAMES[y]}`;
    this.marks[n].setAttribute("transform", `translate(${x[0]} ${-x[1]})`);
    label(this.marks[n], name, { x1: x[0] / MAX_PIXEL, x2: x[1] / MAX_PIXEL });
  }

  /** Make mark n the only tab stop. */
  choose(n) {
    this.chosen = n;
    this.marks.forEach((mark, k) => {
      mark.setAttribute("tabindex", k === n ? 0 : -1);
      mark.classList.toggle("chosen", k === n);
    });
    this.pointed(this.at(n).x);
  }

  /** Handle keys: arrows move the mark, page up and down choose a mark, enter adds a point. */
  type(event) {
    const { [event.key]: arrow } = ARROWS;
    const { [event.key]: turn } = TURNS;
    if (REMOVE.includes(event.key)) this.remove();
    else if (event.key === "Enter" && this.adds) this.add(this.at(this.chosen).x);
    else if (turn) this.focus((this.chosen + turn + this.marks.length) % this.marks.length);
    else if (arrow) this.step(arrow);
    else return;
    event.preventDefault();
  }

  step(arrow) {
    const { x } = this.at(this.chosen);
    this.move(this.chosen, arrow.map((sign, i) => x[i] + sign * STEP));
  }

  focus(n) {
    this.marks[n].focus({ preventScroll: true });
  }

  get adds() {
    return this.color !== undefined;
  }

  /** Grab the nearest point if the main button is pressed on a point and adds none. */
  take(event) {
    this.beside = event.button === 0 && (this.adds || !event.target.closest(".point"));
    if (event.button !== 0 || this.beside) return;
    const [x1, x2] = this.under(event);
    const distances = this.samples.map(({ x }) => Math.hypot(x[0] - x1, x[1] - x2));
    this.taken = distances.indexOf(Math.min(...distances));
    this.svg.setPointerCapture(event.pointerId);
    event.preventDefault();
    this.focus(this.taken);
  }

  follow(event) {
    if (this.taken !== undefined) this.move(this.taken, this.under(event));
    else if (event.pointerType !== "touch") this.pointed(inside(this.under(event)));
  }

  leave() {
    if (this.taken === undefined) this.pointed(this.at(this.chosen).x);
  }

  /** Add a point under the pointer or, beside the points, move the cross there. */
  press(event) {
    if (!this.beside) return;
    if (this.adds) return this.add(inside(this.under(event)));
    this.move(this.samples.length, this.under(event));
    this.focus(this.samples.length);
  }

  /** Return the position under the pointer, in units of 1/255. */
  under({ clientX, clientY }) {
    const { left, top, width, height } = this.svg.getBoundingClientRect();
    const [across, down] = [(clientX - left) / width, (clientY - top) / height];
    return [(2 * across - 1) * (MAX_PIXEL + 1), (1 - 2 * down) * (MAX_PIXEL + 1)];
  }
}

/** Return the nearest position in the square as an input. */
export const inside = (place) =>
  input(place.map((value) => Math.min(Math.max(Math.round(value), -MAX_PIXEL), MAX_PIXEL)));
