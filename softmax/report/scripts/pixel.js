// Shows the position and the values of the pixel under the pointer in all maps.

import { setText } from "softmax/i18n";

const notes = new WeakMap();

/** Show the string at(n), [key, values], while the pointer is on pixel n of `canvas`. */
export function annotate(canvas, at) {
  notes.set(canvas, at);
}

export function start() {
  const note = document.getElementById("pixel");
  const follow = (event) => {
    const at = notes.get(event.target);
    if (at) show(note, at, event);
    else if (note.matches(":popover-open")) note.hidePopover();
  };
  for (const kind of ["pointermove", "pointerdown"]) document.addEventListener(kind, follow);
}

function show(note, at, { target, offsetX, offsetY, clientX, clientY }) {
  const column = cell(offsetX / target.clientWidth, target.width);
  const row = cell(offsetY / target.clientHeight, target.height);
  const [key, values] = at(row * target.width + column);
  setText(note, key, { row: row + 1, column: column + 1, ...values });
  if (!note.matches(":popover-open")) note.showPopover(); // above everything, including dialogs
  note.style.left = `${Math.min(clientX + 12, innerWidth - note.offsetWidth - 8)}px`;
  note.style.top = `${Math.min(clientY + 16, innerHeight - note.offsetHeight - 8)}px`;
}

const cell = (share, count) => Math.min(Math.max(Math.floor(share * count), 0), count - 1);
