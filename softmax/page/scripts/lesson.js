// The lesson, live: the training of softmax/lesson.py in the reader's browser, with its bits.

import { element } from "softmax/elements";
import { doubles } from "softmax/facts";
import { say } from "softmax/i18n";
import { input, rows, toBytes } from "softmax/model";
import { NAMES, Plane } from "softmax/plane";
import { sha256 } from "softmax/sha256";
import { fit } from "softmax/training";

const SECONDS = 4; // that a training takes when it is played

export function start({ lesson }) {
  const live = new Lesson(lesson);
  at("epochs").max = Math.max(at("epochs").max, lesson.epochs);
  at("python").textContent = lesson.sha256;
  at("rate").addEventListener("input", () => live.train({ rate: Number(at("rate").value) }));
  at("epochs").addEventListener("input", () => live.train({ epochs: Number(at("epochs").value) }));
  at("reset").addEventListener("click", () => live.reset());
  at("step").addEventListener("click", () => live.step());
  at("play").addEventListener("click", () => (live.playing ? live.pause() : live.play()));
  live.reset();
}

/** A training whose rate, epochs and points can change, and the epoch of it that is shown. */
class Lesson {
  /** `original` has the settings of the pipeline, as softmax/report.py gives them. */
  constructor(original) {
    this.original = original;
    this.initial = rows(doubles(original.start), original.classes);
    this.samples = original.points.map(([x1, x2, y]) => ({ x: input([x1, x2]), y }));
    this.unmoved = [...this.samples];
    this.plane = new Plane(this.samples, (n, x) => {
      this.put(n, x);
      this.train();
    });
  }

  /** Go back to the settings of the pipeline. */
  reset() {
    this.unmoved.forEach(({ x }, n) => this.put(n, x));
    this.train({ rate: this.original.learning_rate, epochs: this.original.epochs });
  }

  put(n, x) {
    this.samples[n] = { ...this.samples[n], x };
    this.plane.place(n);
  }

  /** Train anew, and show the last epoch. */
  train({ rate = this.rate, epochs = this.epochs } = {}) {
    this.pause();
    Object.assign(this, { rate, epochs, history: fit(this.initial, this.samples, rate, epochs) });
    at("rate").value = rate;
    at("epochs").value = epochs;
    say(at("rate-value"), "number", { value: rate });
    say(at("epochs-value"), "number", { value: epochs });
    showCurve(this.history);
    this.show(epochs);
  }

  show(epoch) {
    const { theta, loss, correct } = this.history[epoch];
    this.epoch = epoch;
    this.plane.draw(theta);
    showDot(this.history, epoch);
    showParameters(theta);
    const { epochs, samples } = this;
    say(at("score"), "lesson.score", { epoch, epochs, loss, correct, total: samples.length });
    showVerdict(sha256(toBytes(theta)), this.original.sha256, this.changes());
  }

  /** What differs from the pipeline: the values of strings lesson.changed.* by their names. */
  changes() {
    const { original, rate, epoch, samples, unmoved } = this;
    const count = samples.filter(({ x }, n) => x.some((v, i) => v !== unmoved[n].x[i])).length;
    return {
      ...(rate !== original.learning_rate && { rate: { rate, original: original.learning_rate } }),
      ...(epoch !== original.epochs && { epoch: { epoch, original: original.epochs } }),
      ...(count && { points: { count } }),
    };
  }

  /** The next epoch, or after the last one the start. */
  step() {
    this.pause();
    this.show((this.epoch + 1) % (this.epochs + 1));
  }

  play() {
    const started = performance.now();
    const frame = (now) => {
      const share = Math.max(now - started, 0) / (1000 * SECONDS);
      this.show(Math.min(Math.floor(share * this.epochs), this.epochs));
      if (share < 1) this.playing = requestAnimationFrame(frame);
      else this.pause();
    };
    this.playing = requestAnimationFrame(frame);
    say(at("play"), "lesson.pause");
  }

  pause() {
    cancelAnimationFrame(this.playing);
    this.playing = undefined;
    say(at("play"), "lesson.play");
  }
}

const at = (name) => document.getElementById(`lesson-${name}`);

const highest = (history) => Math.max(...history.map(({ loss }) => loss));

/** The loss of all epochs, in a box of 100 by 100. */
function showCurve(history) {
  const scale = [100 / (history.length - 1), 100 / highest(history)];
  const places = history.map(({ loss }, epoch) => [epoch * scale[0], 100 - loss * scale[1]]);
  at("curve").setAttribute("d", `M${places.join("L")}`);
  say(at("highest"), "lesson.loss", { value: highest(history) });
  say(at("last"), "lesson.epoch", { value: history.length - 1 });
}

function showDot(history, epoch) {
  at("dot").style.left = `${(100 * epoch) / (history.length - 1)}%`;
  at("dot").style.bottom = `${(100 * history[epoch].loss) / highest(history)}%`;
}

function showParameters(theta) {
  const cell = (value) => element("td", { say: ["number.4", { value }] });
  const header = (k) => element("th", { scope: "row", say: [`lesson.${NAMES[k]}`, {}] });
  const rows = theta.map((row, k) => element("tr", {}, header(k), ...Array.from(row, cell)));
  at("parameters").replaceChildren(...rows);
}

function showVerdict(hash, python, changes) {
  const names = Object.keys(changes);
  const verdict = hash === python ? "equal" : names.length ? "changed" : "unequal";
  at("hash").textContent = hash;
  at("hash").className = verdict;
  say(at("verdict"), `lesson.${verdict}`);
  at("verdict").className = verdict;
  at("changes").replaceChildren(
    ...names.map((name) => element("li", { say: [`lesson.changed.${name}`, changes[name]] })),
  );
}
