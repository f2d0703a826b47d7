// A pad to draw on, and what the model says of it.

import { contributions, largestOf } from "softmax/contributions";
import { classify, images, theta } from "softmax/digits";
import { explain } from "softmax/explanation";
import { label, say } from "softmax/i18n";
import { paintContributions, paintImage } from "softmax/maps";
import { predict } from "softmax/model";
import { normalize } from "softmax/normalization";
import { rove } from "softmax/roving";
import { scores } from "softmax/scores";

const PEN = { lineWidth: 24, lineCap: "round", lineJoin: "round", strokeStyle: "#fff" };

const at = (name) => document.getElementById(`drawing-${name}`);

export async function start({ samples }) {
  if (!at("pad")) return;
  const all = [...(await images).values()];
  const pad = new Pad(at("pad"));
  followPointer(at("pad"), (from, to) => pad.draw(from, to));
  at("clear").addEventListener("click", () => pad.clear());
  at("why").addEventListener("click", () => explain(pad.shown, pad.title));
  for (const button of at("classes").children) offer(button, pad, all);
  rove(at("classes"));
  pad.take(all.find(({ index }) => index === samples[0]));
}

/** Let a button put the test images of its class on the pad, one after another, mistakes last. */
function offer(button, pad, images) {
  const k = Number(button.dataset.class);
  const those = images.filter((shown) => shown.label === k);
  those.sort((one, other) => (other.prediction === k) - (one.prediction === k));
  let next = 0;
  button.disabled = those.length === 0;
  button.addEventListener("click", () => pad.take(those[next++ % those.length]));
}

class Pad {
  constructor(canvas) {
    this.canvas = canvas;
    this.pen = Object.assign(canvas.getContext("2d", { willReadFrequently: true }), PEN);
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
    this.pen.clearRect(0, 0, this.canvas.width, this.canvas.height);
  }

  judge() {
    this.show({ pixels: normalize(inkOf(this.pen), this.canvas.width) }, "drawing.name");
  }

  /** Put a test image on the pad. The model sees its pixels, not those of the pad. */
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
    Object.assign(this, { shown, title: [name, { ...named, prediction }] });
    say(at("verdict"), drawn ? "drawing.says" : "drawing.empty", { prediction });
    paintImage(at("image"), pixels);
    const row = theta[prediction];
    const largest = largestOf([contributions(row, pixels)]);
    paintContributions(at("contributions"), row, pixels, largest);
    label(at("contributions"), "contributions.name", { k: prediction });
    say(at("winner"), "drawing.winner", { prediction });
    at("scores").replaceChildren(...scores(judged, drawn ? { prediction } : {}));
    at("why").disabled = !drawn;
  }
}

/** Call line(from, to), places on the pad, while its pointer is down, by the main button. */
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
    last = place(event);
    move(event);
  });
  pad.addEventListener("pointermove", (event) => last && event.isPrimary && move(event));
  pad.addEventListener("lostpointercapture", () => (last = undefined));
}

/** How much ink each cell of the pad has, 0 to 255. */
function inkOf(pen) {
  const { width, height } = pen.canvas;
  const { data } = pen.getImageData(0, 0, width, height);
  return new Uint8Array(width * height).map((_, n) => data[4 * n + 3]);
}
