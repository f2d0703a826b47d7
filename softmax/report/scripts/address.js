// Keeps the state of the 2-D example in the URL fragment, so a link restores it:
// #lesson&rate=2&epoch=40&with=x1.x2.y_x1.x2.y&without=0.7. `with` contains the points that were
// moved or added, as 255 times their coordinates, and `without` the indices of the pipeline's
// points that were moved or removed.

import { attempt } from "softmax/i18n";
import { MAX_POINTS, inside } from "softmax/plane";

const RATES = [0.1, 1000]; // range of the slider

/** Return the state in the URL, {rate, epoch, samples}, or undefined without one. */
export function read(points) {
  const parameters = new URLSearchParams(location.hash.slice(1));
  if (!parameters.has("lesson") || !parameters.has("rate")) return undefined;
  const [minimum, maximum] = RATES;
  const removed = parameters.get("without")?.split(".").map(Number) ?? [];
  const added = (parameters.get("with") ?? "").matchAll(/(-?\d+)\.(-?\d+)\.([012])/g);
  const samples = [
    ...points.filter((_, n) => !removed.includes(n)),
    ...Array.from(added, ([, x1, x2, y]) => ({ x: inside([x1, x2].map(Number)), y: Number(y) })),
  ];
  return {
    rate: Math.min(Math.max(Number(parameters.get("rate")) || minimum, minimum), maximum),
    epoch: Math.max(Math.floor(parameters.get("epoch")) || 0, 0),
    samples: samples.length ? samples.slice(0, MAX_POINTS) : points,
  };
}

/** Replace the state in the URL, without a new entry in the browser's history. */
export function write({ rate, epoch, samples, points }) {
  const removed = points.flatMap((point, n) => (samples.includes(point) ? [] : [n]));
  const added = samples.filter((sample) => !points.includes(sample));
  const parameters = new URLSearchParams({ rate, epoch });
  if (removed.length) parameters.set("without", removed.join("."));
  const encoded = added.map(({ x, y }) => [x[0], x[1], y].join("."));
  if (added.length) parameters.set("with", encoded.join("_"));
  attempt(() => history.replaceState(history.state, "", `#lesson&${parameters}`));
}
