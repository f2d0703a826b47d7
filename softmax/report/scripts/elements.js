// Creates an element of the page in one expression.

import { label, setText } from "softmax/i18n";

/**
 * Return an element with `children`, which are elements or text. The properties `text` and `label`
 * are [key, values] of a string; all other properties are attributes.
 */
export function element(tag, properties = {}, ...children) {
  const { text, label: name, ...attributes } = properties;
  const made = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text) setText(made, ...text);
  if (name) label(made, ...name);
  made.append(...children);
  return made;
}
