// The plane of the lesson: points that readers move, add and remove, and a cross at the place that
// they choose. Places are inputs x of the model, [255 x1, 255 x2, 255].

import { label } from "softmax/i18n";
import { NAMES, drawn } from "softmax/marks";
import { WHITE, input } from "softmax/model";

const STEP = 5; // of a key, in 255ths
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
const TURNS = { PageUp: -1, PageDown: 1 };
const REMOVE = ["Delete", "Backspace"];
export const MOST = 3000; // points for which docs/arithmetic.md, "The lesson", proves that sums are exact

/** A point for each sample {x, y} of a list that changes, and after them the cross, {x}. */
export class Plane {
  /** `changed(samples)` is called with what a reader made of them, `pointed(x)` with a place. */
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

  /** Show these samples; the one with the number `chosen` is the stop of the tab key. */
  put(samples, chosen = samples.length) {
    this.samples = samples;
    this.marks?.forEach((mark) => mark.remove());
    this.marks = [...samples, this.cross].map(({ y }) => drawn(y));
    this.svg.append(...this.marks);
    this.marks.forEach((_, n) => this.place(n));
    this.choose(chosen);
  }

  /** Rim the points of which the model is wrong. */
  judge(wrong) {
    this.samples.forEach((sample, n) => this.marks[n].classList.toggle("wrong", wrong(sample)));
  }

  /** Let a press add a point of class y, or where y is undefined move one. */
  use(y) {
    this.color = y;
    for (const button of document.querySelectorAll("[data-add]")) {
      button.setAttribute("aria-pressed", Number(button.dataset.add) === y);
    }
  }

  /** A point of the chosen class at x. */
  add(x) {
    const count = this.samples.length;
    if (count < MOST) this.change([...this.samples, { x, y: this.color }], count);
  }

  /** Take away the chosen point, if it is one and not the last. */
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

  /** Put a mark where it belongs. */
  place(n) {
    const { x, y } = this.at(n);
    const name = y === undefined ? "lesson.cross" : `lesson.point.${NAMES[y]}`;
    this.marks[n].setAttribute("transform", `translate(${x[0]} ${-x[1]})`);
    label(this.marks[n], name, { x1: x[0] / WHITE, x2: x[1] / WHITE });
  }

  /** Only one mark is a stop of the tab key. */
  choose(n) {
    this.chosen = n;
    this.marks.forEach((mark, k) => {
      mark.setAttribute("tabindex", k === n ? 0 : -1);
      mark.classList.toggle("chosen", k === n);
    });
    this.pointed(this.at(n).x);
  }

  /** Arrows move the chosen mark; page up and page down go to another one, enter adds one there. */
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

  /** The main button takes the nearest point, if it went down on any and adds none. */
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

  /** Where the pointer is, add a point or, beside the points, put the cross. */
  press(event) {
    if (!this.beside) return;
    if (this.adds) return this.add(inside(this.under(event)));
    this.move(this.samples.length, this.under(event));
    this.focus(this.samples.length);
  }

  /** The place under the pointer. */
  under({ clientX, clientY }) {
    const { left, top, width, height } = this.svg.getBoundingClientRect();
    const [across, down] = [(clientX - left) / width, (clientY - top) / height];
    return [(2 * across - 1) * (WHITE + 1), (1 - 2 * down) * (WHITE + 1)];
  }
}

/** The place of the square that is nearest, as an input. */
export const inside = (place) =>
  input(place.map((value) => Math.min(Math.max(Math.round(value), -WHITE), WHITE)));
