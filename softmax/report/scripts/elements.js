// Elements of the page, made in one expression.

import { label, say } from "softmax/i18n";

/**
 * An element with `children`, elements or text. Of `properties`, `say` and `label` are
 * [key, values] of a string; the others are attributes.
 */
export function element(tag, properties = {}, ...children) {
  const { say: said, label: labelled, ...attributes } = properties;
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (said) say(made, ...said);
  if (labelled) label(made, ...labelled);
  made.append(...children);
  return made;
}
