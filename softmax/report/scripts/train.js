// Trains on images of the file, with the same bits as the pipeline. Each frame spends some
// milliseconds on steps, and some on scoring the test images with a copy of the weights. Scoring
// all test images takes several frames, and the score belongs to the step at which it began.
//
// At the end, "trained" is dispatched on document with detail {weights, accuracy, label}. weights
// is a Float64Array of theta, row by row, for rows(weights, classes) of softmax/model; accuracy is
// from 0 to 1; and label is [key, values] of a string that names the model.

import { legend } from "softmax/canvases";
import { CLASSES, images, pictures } from "softmax/digits";
import { element } from "softmax/elements";
import { label, setText } from "softmax/i18n";
import { largestOf } from "softmax/contributions";
import { paintWeights } from "softmax/maps";
import { predict } from "softmax/model";
import { OPTIMIZERS } from "softmax/optimizers";
import { initialWeights } from "softmax/randomness";
import { Trainer, logits, toRows } from "softmax/trainer";
import { showVerdict } from "softmax/verdict";

const FRAMES = 360; // minimum length of a training run, so readers can watch it
const SLICE = 4; // ms of each frame for training, and the same for scoring
const still = matchMedia("(prefers-reduced-motion: reduce)");

const at = (name) => document.getElementById(`train-${name}`);

export async function start({ train, data, listed }) {
  at("optimizer").append(...Object.keys(OPTIMIZERS).map((name) => element("option", {}, name)));
  const tests = [...(await images).values()];
  const total = data.test.reduce((sum, count) => sum + count, 0);
  if (tests.length < total) setText(at("some"), "train.some", { shown: tests.length, total });
  const pixels = await pictures(train.pixels, train.label.length);
  const samples = pixels.map((image, n) => ({ pixels: image, label: train.label[n] }));
  const theta = initialWeights(pixels[0].length, BigInt(train.hyperparameters.seed), CLASSES);
  const live = new Training(train, { theta, samples, tests, listed });
  at("play").addEventListener("click", () => (live.playing ? live.pause() : live.play()));
  at("reset").addEventListener("click", () => live.choose({}));
  at("larger").addEventListener("click", () => {
    live.choose({ learning_rate: 0.1, epochs: 20 });
    live.play();
  });
  for (const control of document.querySelectorAll("#train :is(input, select)")) {
    control.addEventListener("input", () => live.reset());
  }
  live.choose({});
}

/** Return the learning rate at a position of the logarithmic slider, with two digits. */
const rateOf = (place) => Number(Math.pow(10, place).toPrecision(2));

class Training {
  constructor({ hyperparameters, sha256 }, given) {
    const original = { ...hyperparameters, images: given.samples.length };
    Object.assign(this, given, { original, sha256 });
  }

  /** Reset to the lecture's hyperparameters, with changes. */
  choose(changes) {
    const { learning_rate, batch_size, optimizer, epochs, images } = { ...this.original, ...changes };
    at("rate").value = Math.log10(learning_rate);
    at("images").value = images;
    at("batch").value = batch_size;
    at("optimizer").value = optimizer;
    at("epochs").value = epochs;
    this.reset();
  }

  /** Reset to the initial weights, with the hyperparameters that the reader chose. */
  reset() {
    this.pause();
    this.hyperparameters = {
      ...this.original,
      learning_rate: rateOf(at("rate").value),
      images: Number(at("images").value),
      batch_size: Number(at("batch").value),
      optimizer: at("optimizer").value,
      epochs: Number(at("epochs").value),
    };
    setText(at("rate-value"), "number", { value: this.hyperparameters.learning_rate });
    at("rate").setAttribute("aria-valuetext", at("rate-value").textContent);
    setText(at("images-value"), "number.0", { value: this.hyperparameters.images });
    const samples = this.samples.slice(0, this.hyperparameters.images);
    this.trainer = new Trainer(this.theta, samples, CLASSES, this.hyperparameters);
    Object.assign(this, { training: this.trainer.run(), scoring: this.score(), scores: [] });
    Object.assign(this, { frames: 0, trained: false, finished: false });
    setText(at("score"), "train.untrained");
    label(at("chart"), "train.chart");
    at("curve").setAttribute("d", "");
    setText(at("verdict"), "train.waiting");
    at("verdict").className = at("hash").textContent = "";
    at("changes").replaceChildren();
    this.paint();
  }

  play() {
    if (this.finished) this.reset();
    this.playing = requestAnimationFrame(() => this.frame());
    setText(at("play"), "lesson.pause");
  }

  pause() {
    cancelAnimationFrame(this.playing);
    this.playing = undefined;
    setText(at("play"), "lesson.play");
  }

  frame() {
    const { trainer } = this;
    this.frames += 1;
    // start slowly, because the first steps change the most
    const goal = still.matches ? Infinity : trainer.steps * (this.frames / FRAMES) ** 2;
    this.trained ||= spend(this.training, () => trainer.step < goal);
    this.finished = spend(this.scoring);
    if (this.finished) this.finish();
    else this.playing = requestAnimationFrame(() => this.frame());
    if (this.finished || !still.matches) this.paint();
  }

  /** Score all test images repeatedly, the last time with the final weights. */
  *score() {
    const { trainer, tests } = this;
    while (this.scores.at(-1)?.step !== trainer.step || !this.trained) {
      const { step } = trainer;
      const theta = trainer.theta.slice();
      let correct = 0;
      for (const { pixels, label } of tests) {
        correct += Number(predict(logits(theta, pixels, CLASSES)) === label);
        yield;
      }
      this.show({ step, accuracy: correct / tests.length });
    }
  }

  show(score) {
    const { steps } = this.trainer;
    this.scores.push(score);
    const values = { ...score, steps, total: this.tests.length };
    setText(at("score"), "train.score", values);
    label(at("chart"), "train.score", values);
    const places = this.scores.map(
      ({ step, accuracy }) => `${(100 * step) / steps} ${100 - 100 * accuracy}`,
    );
    at("curve").setAttribute("d", `M${places.join("L")}`);
  }

  paint() {
    const theta = toRows(this.trainer.theta, CLASSES);
    const largest = largestOf(theta.map((row) => row.subarray(0, -1)));
    const canvases = document.querySelectorAll("#train-maps canvas");
    canvases.forEach((canvas, n) => paintWeights(canvas, theta[this.listed[n]], largest));
    legend(at("legend"), largest);
  }

  /** Compare the weights with Python's, and dispatch them to other sections. */
  finish() {
    this.pause();
    const { trainer } = this;
    if (!trainer.exact) return setText(at("verdict"), "train.inexact");
    const theta = toRows(trainer.theta, CLASSES);
    showVerdict("train", theta, this.sha256, this.changes());
    const { accuracy } = this.scores.at(-1);
    const weights = Float64Array.from(theta.flatMap((row) => [...row]));
    const detail = { weights, accuracy, label: ["train.model", { accuracy }] };
    document.dispatchEvent(new CustomEvent("trained", { detail }));
  }

  /** Return what differs from the lecture: the values of strings train.changed.*, by name. */
  changes() {
    const { original, hyperparameters } = this;
    const values = Object.entries(hyperparameters);
    const changed = values.filter(([name, value]) => value !== original[name]);
    return Object.fromEntries(
      changed.map(([name, value]) => [name, { value, original: original[name] }]),
    );
  }
}

/** Run a generator for SLICE ms, but only while wanted(), and tell whether it has ended. */
function spend(work, wanted = () => true) {
  const end = performance.now() + SLICE;
  while (wanted() && performance.now() < end) if (work.next().done) return true;
  return false;
}
