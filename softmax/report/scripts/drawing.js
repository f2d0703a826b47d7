// A canvas to draw on, and what the model says of the drawing, and how sure it is.

import { contributions, largestOf } from "softmax/contributions";
import { CLASSES, classify, forming, images, theta } from "softmax/digits";
import { element } from "softmax/elements";
import { explain } from "softmax/explanation";
import { label, say } from "softmax/i18n";
import { paintContributions, paintImage, paintWeights } from "softmax/maps";
import { predict, rows } from "softmax/model";
import { normalize } from "softmax/normalization";
import { rove } from "softmax/roving";
import { scores } from "softmax/scores";

const PEN = { lineWidth: 24, lineCap: "round", lineJoin: "round", strokeStyle: "#fff" };
const SURE = 50; // percent, below which the model doubts

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

/** Let a button put the test images of its class on the canvas, one after another, mistakes last. */
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
    this.drawing = 0; // its number
    this.right = new Map(); // whether the model was, by the numbers of drawings
    this.epochs = [];
  }

  clear() {
    this.wipe();
    this.judge();
  }

  /** Draw a line, not over a test image. */
  draw(from, to) {
    if ("index" in this.shown) this.wipe();
    this.pen.stroke(new Path2D(`M${from}L${to}h0.01`)); // of no length, it would leave no dot
    this.judge();
  }

  wipe() {
    this.drawing++;
    this.pen.clearRect(0, 0, this.canvas.width, this.canvas.height);
  }

  judge() {
    this.show({ pixels: normalize(inkOf(this.pen), this.canvas.width) }, "drawing.name");
  }

  /** Put a test image on the canvas. The model sees its pixels, not those of the canvas. */
  take(shown) {
    this.show(shown, "image.name");
    this.pen.drawImage(at("image"), 0, 0, this.canvas.width, this.canvas.height);
  }

  /** Show pixels as the model sees them, and what it says of them. */
  show(shown, name) {
    const { pixels, ...named } = shown;
    const judged = classify(pixels);
    const prediction = predict(judged.z);
    const drawn = pixels.some(Boolean);
    Object.assign(this, { shown, drawn, prediction, title: [name, { ...named, prediction }] });
    say(at("verdict"), ...(drawn ? verdict(judged) : ["drawing.empty"]));
    paintImage(at("image"), pixels);
    this.look();
    at("scores").replaceChildren(...scores(judged, drawn ? { prediction } : {}));
    at("why").disabled = !drawn;
    for (const button of at("answers").children) button.disabled = !drawn || "index" in shown;
    rove(at("answers"));
    this.recall();
  }

  /** Show what each pixel adds to a class, and over the image its weights; else to the prediction. */
  look(k) {
    at("map").hidden = k === undefined;
    if (k !== undefined) paintWeights(at("map"), theta[k], largestOf([theta[k].subarray(0, -1)]));
    const [shown, row] = [k ?? this.prediction, theta[k ?? this.prediction]];
    const { pixels } = this.shown;
    paintContributions(at("contributions"), row, pixels, largestOf([contributions(row, pixels)]));
    label(at("contributions"), "contributions.name", { k: shown });
    say(at("winner"), this.drawn ? "drawing.winner" : "drawing.nothing", { prediction: shown });
  }

  /** Say what the weights after each epoch say, and those that were trained in the browser. */
  recall() {
    const { pixels } = this.shown;
    const epochs = this.drawn ? this.epochs : [];
    const answers = epochs.map(({ epoch, theta }) => {
      const prediction = predict(classify(pixels, theta).z);
      return element("li", { say: ["drawing.epoch", { epoch, prediction }] });
    });
    at("epochs")?.replaceChildren(...answers);
    at("trained").hidden = !this.drawn || !this.other;
    if (this.other) say(at("other-verdict"), ...verdict(classify(pixels, this.other)));
  }

  /** Let a model, trained in the browser, answer beside the one of the file. */
  compare({ weights, label }) {
    this.other = rows(weights, CLASSES);
    say(at("other"), ...label);
    this.recall();
  }

  /** Count a drawing of the class `actual` once, and say why the model calls it another. */
  answer(actual) {
    const { prediction } = this;
    this.right.set(this.drawing, actual === prediction);
    const right = [...this.right.values()].filter(Boolean).length;
    say(at("count"), "drawing.count", { right, total: this.right.size, accuracy: this.accuracy });
    if (actual === prediction) return;
    explain({ ...this.shown, label: actual }, ["drawing.called", { label: actual, prediction }]);
  }
}

/** The string, [key, values], that says the prediction, how sure a model is, and what comes next. */
function verdict({ z, a }) {
  const prediction = predict(z);
  const next = predict(z.with(prediction, -Infinity));
  const [sure, less] = [prediction, next].map((k) => Math.round(100 * a[k]));
  return [sure < SURE ? "drawing.doubts" : "drawing.says", { prediction, sure, next, less }];
}

/** Call look(k) while the pointer or the focus is where class k is, and look() after it. */
function followClass(place, look) {
  const follow = ({ target }) => {
    const { class: k } = target.closest("[data-class]")?.dataset ?? {};
    look(k && Number(k));
  };
  for (const name of ["pointerover", "focusin"]) place.addEventListener(name, follow);
  for (const name of ["pointerleave", "focusout"]) place.addEventListener(name, () => look());
}

/** Call line(from, to), places on the canvas, while its pointer is down, by the main button. */
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
    at("verdict").ariaBusy = true; // screen readers read it when the stroke is done
    last = place(event);
    move(event);
  });
  pad.addEventListener("pointermove", (event) => last && event.isPrimary && move(event));
  pad.addEventListener("lostpointercapture", () => {
    at("verdict").ariaBusy = false;
    last = undefined;
  });
}

/** How much ink each cell of the canvas has, 0 to 255. */
function inkOf(pen) {
  const { width, height } = pen.canvas;
  const { data } = pen.getImageData(0, 0, width, height);
  return new Uint8Array(width * height).map((_, n) => data[4 * n + 3]);
}
