// Trains the 2-D example of softmax/report/examples.py in the browser, with the same bits.

import { read, write } from "softmax/address";
import { element } from "softmax/elements";
import { fit } from "softmax/full_batch";
import { setText } from "softmax/i18n";
import { showCurve, showDot } from "softmax/lesson_curve";
import { NAMES } from "softmax/marks";
import { MAX_PIXEL, input, logits, predict, softmax } from "softmax/model";
import { Plane } from "softmax/plane";
import { boundaries, lattice, paint } from "softmax/regions";
import { showVerdict } from "softmax/verdict";

const EPOCHS = 100; // minimum number of epochs
const SECONDS = 20; // to play all epochs, slow enough for at most three flashes per second
const TOO_HIGH = 100; // a learning rate at which the loss never converges if labels are incorrect
const MISLABELED = 10; // every tenth point then has an incorrect label
const PAUSE = 300; // ms without a change before the URL is updated
const still = matchMedia("(prefers-reduced-motion: reduce)");

export function start({ lesson }) {
  const live = new Lesson(lesson);
  at("python").textContent = lesson.sha256;
  at("rate").addEventListener("input", () => live.train({ rate: rateOf(at("rate").value) }));
  at("epoch").addEventListener("input", () => live.go(Number(at("epoch").value)));
  at("reset").addEventListener("click", () => live.set());
  at("diverge").addEventListener("click", () => live.diverge());
  at("step").addEventListener("click", () => live.go(live.epoch + 1));
  at("play").addEventListener("click", () => (live.playing ? live.pause() : live.play()));
  at("remove").addEventListener("click", () => live.plane.remove());
  for (const button of document.querySelectorAll("[data-add]")) {
    const y = Number(button.dataset.add);
    button.addEventListener("click", () => live.plane.use(live.plane.color === y ? undefined : y));
  }
  live.set();
  if (!follow(live) && !still.matches) playInView(live);
  addEventListener("hashchange", () => follow(live));
  keepAddress(live);
}

/** Restore the state in the URL, and tell whether there is one. */
function follow(live) {
  const linked = read(live.points);
  if (!linked) return false;
  live.set(linked);
  document.querySelector(".lesson").scrollIntoView({ behavior: "instant" });
  return true;
}

function playInView(live) {
  const observer = new IntersectionObserver(
    ([{ isIntersecting }]) => {
      if (!isIntersecting) return;
      observer.disconnect();
      if (live.epoch === 0) live.play();
    },
    { threshold: 0.8 },
  );
  observer.observe(at("plane"));
}

/** Update the URL once the reader changes nothing and nothing plays. */
function keepAddress(live) {
  let timer;
  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(() => (live.playing ? later() : write(live)), PAUSE);
  };
  for (const kind of ["input", "click"]) {
    document.querySelector(".lesson").addEventListener(kind, later);
  }
  at("plane").addEventListener("keydown", (event) => event.defaultPrevented && later());
}

/** Return the learning rate at a position of the logarithmic slider, with two digits. */
const rateOf = (place) => Number(Math.pow(10, place).toPrecision(2));

/** A training run with changeable learning rate and points, all its epochs, and the epoch shown. */
class Lesson {
  /** `original` is `lesson` of the JSON object that softmax/report/document.py describes. */
  constructor(original) {
    this.original = original;
    this.initial = original.start;
    this.points = original.points.map(([x1, x2, y]) => ({ x: input([x1, x2]), y }));
    this.cells = lattice(at("regions").width);
    this.plane = new Plane({
      changed: (samples) => this.train({ samples }),
      pointed: (x) => this.point(x),
    });
  }

  /** Start again, by default with the hyperparameters and points of the pipeline. */
  set({ rate = this.original.learning_rate, samples = this.points, epoch = 0 } = {}) {
    this.plane.use(undefined);
    this.plane.put(samples);
    this.epoch = epoch;
    this.train({ rate, samples });
  }

  /** Play a training run that never converges. */
  diverge() {
    const mislabeled = ({ x, y }) => ({ x, y: (y + 1) % NAMES.length });
    const samples = this.points.map((point, n) => (n % MISLABELED ? point : mislabeled(point)));
    this.set({ rate: TOO_HIGH, samples });
    this.play();
  }

  /** Train from the start, and show the same epoch. */
  train({ rate = this.rate, samples = this.samples }) {
    const history = fit(this.initial, samples, rate, Math.max(EPOCHS, this.original.epochs));
    Object.assign(this, { rate, samples, history });
    at("rate").value = Math.log10(rate);
    at("epoch").max = history.length - 1;
    setText(at("rate-value"), "number", { value: rate });
    at("rate").setAttribute("aria-valuetext", at("rate-value").textContent);
    showCurve(history.map(({ loss }) => loss), this.original.epochs);
    this.go(this.epoch);
  }

  /** Stop playing, and show an epoch, or the last epoch if there are fewer. */
  go(epoch) {
    this.pause();
    this.show(Math.min(epoch, this.history.length - 1));
  }

  show(epoch) {
    const { theta, loss, correct } = this.history[epoch];
    this.epoch = epoch;
    at("epoch").value = epoch;
    setText(at("epoch-value"), "number.0", { value: epoch });
    paint(at("regions"), this.cells, theta);
    at("boundaries").setAttribute("d", boundaries(theta));
    this.plane.rim(({ x, y }) => predict(logits(theta, x)) !== y);
    this.point(this.place);
    showDot(epoch);
    setText(at("score"), "lesson.score", { epoch, loss, correct, total: this.samples.length });
    showVerdict("lesson", theta, this.original.sha256, this.changes());
  }

  /** Show W and b, and the z and a of the point x. */
  point(x) {
    this.place = x;
    if (!this.history) return;
    const { theta } = this.history[this.epoch];
    const z = logits(theta, x);
    const a = softmax(z);
    setText(at("place"), "lesson.place", { x1: x[0] / MAX_PIXEL, x2: x[1] / MAX_PIXEL });
    at("parameters").replaceChildren(...theta.map((row, k) => parameters(k, row, z[k], a[k])));
  }

  /** Return what differs from the pipeline: the values of strings lesson.changed.*, by name. */
  changes() {
    const { original, rate, epoch, samples, points } = this;
    const others = samples.filter((sample) => !points.includes(sample));
    return {
      ...(rate !== original.learning_rate && { rate: { rate, original: original.learning_rate } }),
      ...(epoch !== original.epochs && { epoch: { epoch, original: original.epochs } }),
      ...(others.length && { points: { count: others.length } }),
      ...(samples.length !== points.length && {
        count: { count: samples.length, original: points.length },
      }),
    };
  }

  /** Play to the pipeline's last epoch, then to the last of all, then from the start. */
  play() {
    const last = this.history.length - 1;
    const from = this.epoch < last ? this.epoch : 0;
    const to = from < this.original.epochs ? Math.min(this.original.epochs, last) : last;
    if (still.matches) return this.show(to);
    const started = performance.now();
    const frame = (now) => {
      const share = Math.max(now - started, 0) / (1000 * SECONDS);
      const epoch = from + Math.floor(share * last);
      this.show(Math.min(epoch, to));
      if (epoch < to) this.playing = requestAnimationFrame(frame);
      else this.pause();
    };
    this.playing = requestAnimationFrame(frame);
    setText(at("play"), "lesson.pause");
  }

  pause() {
    cancelAnimationFrame(this.playing);
    this.playing = undefined;
    setText(at("play"), "lesson.play");
  }
}

const at = (name) => document.getElementById(`lesson-${name}`);

/** Return a table row for class k: weights, bias, score and probability. */
function parameters(k, row, z, a) {
  const cell = (term, value) => {
    const key = Math.abs(value) < 100 ? "number.3" : "number.1"; // keeps the column narrow
    return element("td", { "data-term": term, text: [key, { value }] });
  };
  const header = element("th", { scope: "row", class: NAMES[k], text: [`lesson.${NAMES[k]}`] });
  const weights = Array.from(row, (value, i) => cell(i < row.length - 1 ? "W" : "b", value));
  return element("tr", {}, header, ...weights, cell("z", z), cell("a", a));
}
