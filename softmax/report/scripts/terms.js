// Highlights all symbols of a section with the same meaning as the symbol that has the pointer or
// the focus, and shows the meaning in words. The symbols of a line form a single tab stop.

import { setText } from "softmax/i18n";

const OUTERMOST = "[data-term]:not([data-term] [data-term])";
const TURNS = { ArrowLeft: -1, ArrowRight: 1 };

export function start() {
  for (const section of document.querySelectorAll("section:has([data-term])")) {
    const meaning = section.querySelector("[data-meaning]");
    const light = (target) => {
      const term = target?.closest(OUTERMOST)?.dataset.term;
      for (const other of section.querySelectorAll(OUTERMOST)) {
        other.classList.toggle("lit", other.dataset.term === term);
      }
      if (meaning) setText(meaning, term ? `term.${term}` : "term.none");
    };
    section.addEventListener("pointerover", (event) => light(event.target));
    section.addEventListener("focusin", (event) => light(event.target));
    section.addEventListener("pointerleave", () => light(document.activeElement));
    section.addEventListener("focusout", () => light());
  }
  for (const line of document.querySelectorAll("[data-symbols]")) makeOneStop(line);
}

function makeOneStop(line) {
  const symbols = [...line.querySelectorAll(OUTERMOST)];
  symbols.forEach((symbol, k) => symbol.setAttribute("tabindex", k ? -1 : 0));
  line.addEventListener("keydown", (event) => {
    const turn = TURNS[event.key];
    if (!turn) return;
    event.preventDefault();
    const from = symbols.indexOf(document.activeElement);
    const to = symbols[(from + turn + symbols.length) % symbols.length];
    symbols[from].setAttribute("tabindex", -1);
    to.setAttribute("tabindex", 0);
    to.focus();
  });
}
