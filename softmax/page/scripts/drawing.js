// A pad to draw digits on, and what the model says while they are drawn.

import { classify } from "softmax/digits";
import { contributions } from "softmax/explanation";
import { label, say } from "softmax/i18n";
import { predict } from "softmax/model";
import { normalize } from "softmax/normalization";
import { diverging, image, legend } from "softmax/pictures";
import { scores } from "softmax/scores";

const PEN = 24; // of the pad's 280
const STROKES = [
  "M140 45C95 45 78 100 78 145S100 235 140 235 202 190 202 135 185 45 140 45Z",
  "M150 45L130 235",
  "M85 95C90 40 195 40 190 105C185 150 100 190 80 230H205",
  "M85 65C130 30 195 55 185 95C180 130 135 135 115 135C150 130 205 150 195 195C185 245 110 245 80 215",
  "M95 50L85 145H195M190 50L175 240",
  "M205 50L115 55L95 125C140 125 175 150 170 190C160 230 110 240 75 220",
  "M165 40C115 80 90 140 90 185C92 240 185 245 190 195C190 145 120 135 93 185",
  "M80 60H200L125 240",
  "M190 75C170 40 110 50 115 90C125 125 170 150 165 195C155 240 100 240 100 200C105 155 180 130 190 75Z",
  "M190 95C185 40 95 45 95 100C95 150 180 150 190 95L170 240",
]; // of each digit, for those who cannot draw

const at = (name) => document.getElementById(`drawing-${name}`);

export function start() {
  const pad = at("pad");
  const pen = pad.getContext("2d", { willReadFrequently: true });
  Object.assign(pen, { lineWidth: PEN, lineCap: "round", lineJoin: "round", strokeStyle: "#fff" });
  const clear = () => pen.clearRect(0, 0, pad.width, pad.height);
  const judge = () => show(normalize(inkOf(pen), pad.width));
  followPointer(pad, (from, to) => {
    pen.stroke(new Path2D(`M${from}L${to}h0.01`)); // of no length, it would leave no dot
    judge();
  });
  at("clear").addEventListener("click", () => {
    clear();
    judge();
  });
  document.querySelectorAll("[data-stroke]").forEach((button) => {
    button.addEventListener("click", () => {
      clear();
      pen.stroke(new Path2D(STROKES[button.dataset.stroke]));
      judge();
    });
  });
  judge();
}

/** Call line(from, to), places on the pad, while a pointer is down and moves. */
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
    pad.setPointerCapture(event.pointerId);
    last = place(event);
    move(event);
  });
  pad.addEventListener("pointermove", (event) => last && move(event));
  pad.addEventListener("lostpointercapture", () => (last = undefined));
}

/** How much ink each cell of the pad has, 0 to 255. */
function inkOf(pen) {
  const { width, height } = pen.canvas;
  const { data } = pen.getImageData(0, 0, width, height);
  return new Uint8Array(width * height).map((_, n) => data[4 * n + 3]);
}

/** Show 784 pixels as the model sees them, and what it says of them. */
function show(pixels) {
  const judged = classify(pixels);
  const prediction = predict(judged.z);
  const drawn = pixels.some(Boolean);
  const share = contributions(prediction, pixels);
  const largest = Math.max(...share.map(Math.abs));
  say(at("verdict"), drawn ? "drawing.says" : "drawing.empty", { prediction });
  image(at("image"), pixels);
  diverging(at("contributions"), share, largest);
  label(at("contributions"), "contributions.name", { k: prediction });
  say(at("winner"), "contributions.name", { k: prediction });
  legend(at("legend"), largest);
  at("scores").replaceChildren(...scores(judged, drawn ? { prediction } : {}));
}
