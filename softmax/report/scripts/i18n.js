// What the page says, in the language of its reader. An element names its text by data-i18n, and
// an accessible name by data-i18n-label; data-values holds what stands for {name}, {name:3} (with
// three decimals), {name:%}, {name:p} (a whole percentage), {name:g} (four digits, as short as may be), {name:i} (a name in digits)
// and {name:c} (the class of that number) in it. A change of language says all of it again. The
// English is in the file already, by softmax/report/english.py.

import { facts } from "softmax/facts";

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

/** Let `element` show the string `key` with `values`, now and in each language. */
export function say(element, key, values = {}) {
  element.dataset.i18n = key;
  element.dataset.values = JSON.stringify(values);
  translate(element);
}

/** Let `element` be called by the string `key` with `values`, where that is not its text. */
export function label(element, key, values = {}) {
  element.dataset.i18nLabel = key;
  element.dataset.values = JSON.stringify(values);
  translate(element);
}

/** Make the buttons of the page that name a language switch to it. */
export function start() {
  for (const button of document.querySelectorAll("button[data-language]")) {
    button.addEventListener("click", () => {
      use(button.dataset.language);
      remember();
    });
  }
  use(language);
}

/** The string `key` with `values` in it. */
function text(key, values = {}) {
  if (!(key in strings)) throw new Error(`no string ${key}`);
  return strings[key][language].replace(/\{(\w+)(?::([\d%pgic]))?\}/g, (_, name, format) => {
    if (!(name in values)) throw new Error(`${key}: no value ${name}`);
    const value = values[name];
    if (format === "c") return className(facts.data.classes[value]);
    return typeof value === "number" ? number(value, format) : value;
  });
}

/** The name of a class, translated if a translation is here. */
const className = (name) => strings[`class.${name}`]?.[language] ?? name;

/** `value` as people of the language write it: with `format` decimals, or as "%" or "g". */
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
  return `${local(Number(digits), decimals(2))}\u00a0·\u00a010⁻${power}`; // not to be broken
}

function local(value, format) {
  const key = language + JSON.stringify(format);
  // which takes longer to make than to use; no zero has a sign
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

/** Keep the language for the next visit, and say it in the address. */
function remember() {
  const address = new URL(location);
  address.searchParams.set("lang", language);
  attempt(() => localStorage.setItem(KEPT, language));
  attempt(() => history.replaceState(history.state, "", address));
}

/** What `action` returns, if a page in a sandbox, as in MLflow's viewer, may do it. */
export function attempt(action) {
  try {
    return action();
  } catch {
    return undefined;
  }
}

function translate(element) {
  const { i18n, i18nLabel, values = "{}" } = element.dataset;
  const said = i18n && text(i18n, JSON.parse(values));
  // what is said again, screen readers would read out again
  if (i18n && element.textContent !== said) element.textContent = said;
  if (i18nLabel) element.setAttribute("aria-label", text(i18nLabel, JSON.parse(values)));
}
