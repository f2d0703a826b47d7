// Makes a group of buttons a single tab stop. Arrow keys move the focus within the group:
// left and right in document order, up and down by position.

const MOVES = {
  ArrowLeft: (all, from) => all[all.indexOf(from) - 1],
  ArrowRight: (all, from) => all[all.indexOf(from) + 1],
  ArrowUp: (all, from) => nearest(all, from, -1),
  ArrowDown: (all, from) => nearest(all, from, 1),
  Home: (all) => all[0],
  End: (all) => all.at(-1),
};

/** Make the buttons in `place` a single tab stop. Call this again after the buttons change. */
export function rove(place) {
  place.addEventListener("focusin", follow); // adding a listener again has no effect
  place.addEventListener("keydown", type);
  stopAt(buttons(place)[0], place);
}

const buttons = (place) => [...place.querySelectorAll("button:enabled")];

function stopAt(chosen, place) {
  for (const button of buttons(place)) button.tabIndex = button === chosen ? 0 : -1;
}

function follow({ target, currentTarget }) {
  stopAt(target, currentTarget);
}

function type(event) {
  const move = MOVES[event.key];
  if (!move) return;
  event.preventDefault();
  move(buttons(event.currentTarget), event.target)?.focus();
}

/** Return the nearest button above (-1) or below (1) in the same column. */
function nearest(all, from, sign) {
  const { x, y, width } = from.getBoundingClientRect();
  const away = (button) => sign * (button.getBoundingClientRect().y - y);
  return all
    .filter((button) => Math.abs(button.getBoundingClientRect().x - x) < width / 2)
    .filter((button) => away(button) > 0)
    .sort((one, other) => away(one) - away(other))[0];
}
