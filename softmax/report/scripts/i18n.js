// Writes the text of the page in the reader's language. data-i18n is the key of an element's text,
// and data-i18n-label the key of its accessible name. data-values contains the values of
// placeholders: {name}, {name:3} (three decimals), {name:%} (a percentage with two decimals),
// {name:p} (a percentage without decimals), {name:g} (at most four digits), {name:i} (an integer
// without separators) and {name:c} (the name of the class with this number). A change of the
// language writes all text again. softmax/report/english.py has already written the English text
// into the file.

import { results } from "softmax/results";

const strings = JSON.parse(document.getElementById("strings").textContent);
const LANGUAGES = ["en", "vi"];
const KEPT = "softmax.language";
const FORMATS = {
  "%": { style: "percent", ...decimals(2) },
  p: { style: "percent" },
  g: { maximumSignificantDigits: 4 },
  i: { useGrouping: false },
};
const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";

const formatters = {};
const asked = new URLSearchParams(location.search).get("lang");
let language =
  [asked, attempt(() => localStorage.getItem(KEPT)), navigator.language]
    .map((wish) => LANGUAGES.find((known) => wish?.startsWith(known)))
    .find(Boolean) ?? "en";

/** Show the string `key` with `values` in `element`, also after a change of the language. */
export function setText(element, key, values = {}) {
  element.dataset.i18n = key;
  element.dataset.values = JSON.stringify(values);
  translate(element);
}

/** Make the string `key` with `values` the accessible name of `element`. */
export function label(element, key, values = {}) {
  element.dataset.i18nLabel = key;
  element.dataset.values = JSON.stringify(values);
  translate(element);
}

/** Make the language buttons of the page work. */
export function start() {
  for (const button of document.querySelectorAll("button[data-language]")) {
    button.addEventListener("click", () => {
      use(button.dataset.language);
      remember();
    });
  }
  use(language);
}

/** Return the string `key` with `values` in place of its placeholders. */
function text(key, values = {}) {
  if (!(key in strings)) throw new Error(`no string ${key}`);
  return strings[key][language].replace(/\{(\w+)(?::([\d%pgic]))?\}/g, (_, name, format) => {
    if (!(name in values)) throw new Error(`${key}: no value ${name}`);
    const value = values[name];
    if (format === "c") return className(results.data.classes[value]);
    return typeof value === "number" ? number(value, format) : value;
  });
}

/** Return the name of a class, translated if a translation exists. */
const className = (name) => strings[`class.${name}`]?.[language] ?? name;

/** Return `value` in the language's notation: with `format` decimals, or in a format of FORMATS. */
function number(value, format = "0") {
  if (format === "g" && value !== 0 && Math.abs(value) < 1e-3) return scientific(value);
  return local(value, FORMATS[format] ?? decimals(Number(format)));
}

function decimals(count) {
  return { minimumFractionDigits: count, maximumFractionDigits: count };
}

function scientific(value) {
  const [digits, exponent] = value.toExponential(2).split("e-");
  const power = [...exponent].map((digit) => SUPERSCRIPTS[digit]).join("");
  return `${local(Number(digits), decimals(2))}\u00a0·\u00a010⁻${power}`; // no line break inside
}

function local(value, format) {
  const key = language + JSON.stringify(format);
  // formatters are slow to create, so they are kept; zeros have no sign
  formatters[key] ??= new Intl.NumberFormat(language, { signDisplay: "negative", ...format });
  return formatters[key].format(value).replace("-", "−");
}

function use(chosen) {
  language = chosen;
  document.documentElement.lang = chosen;
  for (const button of document.querySelectorAll("button[data-language]")) {
    button.setAttribute("aria-pressed", button.dataset.language === chosen);
  }
  for (const element of document.querySelectorAll("[data-i18n], [data-i18n-label]")) {
    translate(element);
  }
}

/** Store the language for the next visit, and write it into the URL. */
function remember() {
  const url = new URL(location);
  url.searchParams.set("lang", language);
  attempt(() => localStorage.setItem(KEPT, language));
  attempt(() => history.replaceState(history.state, "", url));
}

/** Return the result of `action`, or undefined if a sandbox such as MLflow's viewer forbids it. */
export function attempt(action) {
  try {
    return action();
  } catch {
    return undefined;
  }
}

function translate(element) {
  const { i18n, i18nLabel, values = "{}" } = element.dataset;
  const shown = i18n && text(i18n, JSON.parse(values));
  // unchanged text is not written, because screen readers would read it again
  if (i18n && element.textContent !== shown) element.textContent = shown;
  if (i18nLabel) element.setAttribute("aria-label", text(i18nLabel, JSON.parse(values)));
}
