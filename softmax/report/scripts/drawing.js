// Classifies what readers draw on a canvas, and shows the model's confidence.

import { contributions, largestOf } from "softmax/contributions";
import { CLASSES, classify, forming, images, theta } from "softmax/digits";
import { element } from "softmax/elements";
import { explain } from "softmax/explanation";
import { label, setText } from "softmax/i18n";
import { paintContributions, paintImage, paintWeights } from "softmax/maps";
import { predict, rows } from "softmax/model";
import { normalize } from "softmax/normalization";
import { rove } from "softmax/roving";
import { scores } from "softmax/scores";

const PEN = { lineWidth: 24, lineCap: "round", lineJoin: "round", strokeStyle: "#fff" };
const CONFIDENT = 50; // percent; below it, the second class is shown, too

const at = (name) => document.getElementById(`drawing-${name}`);

export function start({ samples, result }) {
  if (!at("pad")) return;
  const pad = new Pad(at("pad"), result.accuracy);
  followPointer(at("pad"), (from, to) => pad.draw(from, to));
  at("clear").addEventListener("click", () => pad.clear());
  at("why").addEventListener("click", () => explain(pad.shown, pad.title));
  for (const button of at("answers").children) {
    button.addEventListener("click", () => pad.answer(Number(button.dataset.class)));
  }
  followClass(document.getElementById("drawing"), (k) => pad.look(k));
  document.addEventListener("trained", ({ detail }) => pad.compare(detail));
  rove(at("classes"));
  pad.clear();
  const blank = pad.shown;
  images.then((all) => {
    for (const button of at("classes").children) offer(button, pad, [...all.values()]);
    if (pad.shown === blank) pad.take(all.get(samples[0]));
  });
  forming.then((epochs) => {
    pad.epochs = epochs;
    pad.recall();
  });
}

/** Make each click on a button show a test image of its class, misclassified images last. */
function offer(button, pad, images) {
  const k = Number(button.dataset.class);
  const those = images.filter((shown) => shown.label === k);
  those.sort((one, other) => (other.prediction === k) - (one.prediction === k));
  let next = 0;
  button.disabled = those.length === 0;
  button.addEventListener("click", () => pad.take(those[next++ % those.length]));
}

class Pad {
  constructor(canvas, accuracy) {
    this.canvas = canvas;
    this.pen = Object.assign(canvas.getContext("2d", { willReadFrequently: true }), PEN);
    this.accuracy = accuracy;
    this.drawing = 0; // number of the current drawing
    this.correct = new Map(); // from the number of a drawing to whether the prediction was correct
    this.epochs = [];
  }

  clear() {
    this.wipe();
    this.update();
  }

  /** Draw a line, after removing a test image. */
  draw(from, to) {
    if ("index" in this.shown) this.wipe();
    this.pen.stroke(new Path2D(`M${from}L${to}h0.01`)); // h0.01 draws a dot if from equals to
    this.update();
  }

  wipe() {
    this.drawing++;
    this.pen.clearRect(0, 0, this.canvas.width, this.canvas.height);
  }

  update() {
    this.show({ pixels: normalize(opacityOf(this.pen), this.canvas.width) }, "drawing.name");
  }

  /** Show a test image on the canvas. The model gets the pixels of the image, not of the canvas. */
  take(shown) {
    this.show(shown, "image.name");
    this.pen.drawImage(at("image"), 0, 0, this.canvas.width, this.canvas.height);
  }

  /** Show pixels as the model gets them, and the model's output. */
  show(shown, name) {
    const { pixels, ...named } = shown;
    const output = classify(pixels);
    const prediction = predict(output.z);
    const drawn = pixels.some(Boolean);
    Object.assign(this, { shown, drawn, prediction, title: [name, { ...named, prediction }] });
    setText(at("verdict"), ...(drawn ? verdict(output) : ["drawing.empty"]));
    paintImage(at("image"), pixels);
    this.look();
    at("scores").replaceChildren(...scores(output, drawn ? { prediction } : {}));
    at("why").disabled = !drawn;
    for (const button of at("answers").children) button.disabled = !drawn || "index" in shown;
    rove(at("answers"));
    this.recall();
  }

  /**
   * Show the weights of class k and the contributions to its score. Without k, show only the
   * contributions to the score of the prediction.
   */
  look(k) {
    at("map").hidden = k === undefined;
    if (k !== undefined) paintWeights(at("map"), theta[k], largestOf([theta[k].subarray(0, -1)]));
    const [shown, row] = [k ?? this.prediction, theta[k ?? this.prediction]];
    const { pixels } = this.shown;
    paintContributions(at("contributions"), row, pixels, largestOf([contributions(row, pixels)]));
    label(at("contributions"), "contributions.name", { k: shown });
    setText(at("winner"), this.drawn ? "drawing.winner" : "drawing.nothing", { prediction: shown });
  }

  /** Show the predictions after each epoch, and those of the model trained in the browser. */
  recall() {
    const { pixels } = this.shown;
    const epochs = this.drawn ? this.epochs : [];
    const answers = epochs.map(({ epoch, theta }) => {
      const prediction = predict(classify(pixels, theta).z);
      return element("li", { text: ["drawing.epoch", { epoch, prediction }] });
    });
    at("epochs")?.replaceChildren(...answers);
    at("trained").hidden = !this.drawn || !this.other;
    if (this.other) setText(at("other-verdict"), ...verdict(classify(pixels, this.other)));
  }

  /** Show the predictions of a model trained in the browser, too. */
  compare({ weights, label }) {
    this.other = rows(weights, CLASSES);
    setText(at("other"), ...label);
    this.recall();
  }

  /** Count the drawing, whose class is `actual`, and explain its prediction if it is incorrect. */
  answer(actual) {
    const { prediction } = this;
    this.correct.set(this.drawing, actual === prediction);
    const correct = [...this.correct.values()].filter(Boolean).length;
    const values = { correct, total: this.correct.size, accuracy: this.accuracy };
    setText(at("count"), "drawing.count", values);
    if (actual === prediction) return;
    explain({ ...this.shown, label: actual }, ["drawing.called", { label: actual, prediction }]);
  }
}

/** Return the string, [key, values], for the prediction, its confidence and the second class. */
function verdict({ z, a }) {
  const prediction = predict(z);
  const next = predict(z.with(prediction, -Infinity));
  const [sure, less] = [prediction, next].map((k) => Math.round(100 * a[k]));
  return [sure < CONFIDENT ? "drawing.doubts" : "drawing.says", { prediction, sure, next, less }];
}

/** Call look(k) when the pointer or focus enters an element of class k, and look() afterward. */
function followClass(place, look) {
  const follow = ({ target }) => {
    const { class: k } = target.closest("[data-class]")?.dataset ?? {};
    look(k && Number(k));
  };
  for (const name of ["pointerover", "focusin"]) place.addEventListener(name, follow);
  for (const name of ["pointerleave", "focusout"]) place.addEventListener(name, () => look());
}

/** Call line(from, to) with points of the canvas while the main button is down. */
function followPointer(pad, line) {
  let last;
  const place = ({ clientX, clientY }) => {
    const { left, top, width, height } = pad.getBoundingClientRect();
    return [((clientX - left) * pad.width) / width, ((clientY - top) * pad.height) / height];
  };
  const move = (event) => {
    const next = place(event);
    line(last, next);
    last = next;
  };
  pad.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || !event.isPrimary) return;
    pad.setPointerCapture(event.pointerId);
    at("verdict").ariaBusy = true; // screen readers wait until the stroke ends
    last = place(event);
    move(event);
  });
  pad.addEventListener("pointermove", (event) => last && event.isPrimary && move(event));
  pad.addEventListener("lostpointercapture", () => {
    at("verdict").ariaBusy = false;
    last = undefined;
  });
}

/** Return the opacity of the strokes at each pixel of the canvas, 0 to 255. */
function opacityOf(pen) {
  const { width, height } = pen.canvas;
  const { data } = pen.getImageData(0, 0, width, height);
  return new Uint8Array(width * height).map((_, n) => data[4 * n + 3]);
}
