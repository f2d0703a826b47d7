// Compares the W and b of a section with the pipeline's by their SHA-256.

import { element } from "softmax/elements";
import { setText } from "softmax/i18n";
import { toBytes } from "softmax/model";
import { sha256 } from "softmax/sha256";

/** Show whether the SHA-256 of theta equals `python`, from the pipeline, or list `changes`. */
export function showVerdict(section, theta, python, changes) {
  const at = (name) => document.getElementById(`${section}-${name}`);
  const hash = sha256(toBytes(theta));
  const names = Object.keys(changes);
  const verdict = hash === python ? "equal" : names.length ? "changed" : "unequal";
  at("hash").textContent = hash;
  at("hash").className = verdict;
  setText(at("verdict"), `lesson.${verdict}`);
  at("verdict").className = verdict;
  const reasons = verdict === "changed" ? names : []; // moved points can be back in place
  at("changes").replaceChildren(
    ...reasons.map((key) => element("li", { text: [`${section}.changed.${key}`, changes[key]] })),
  );
}
