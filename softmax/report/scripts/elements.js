// Creates an element of the page in one expression.

import { label, say } from "softmax/i18n";

/**
 * Return an element with `children`, which are elements or text. The properties `say` and `label`
 * are [key, values] of a string; all other properties are attributes.
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
