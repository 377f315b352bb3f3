// @ts-check
/**
 * Words of the chosen language, and numbers and dates its way. Texts live in locales/*.json and nowhere else.
 * A text may hold {name} for a value; a key that ends in _one or _other is chosen by `values.count`.
 */

import { keep, kept } from "./preferences.js";

export const LANGUAGES = ["en", "es"];
const KEPT = "bubo.language";

/** @type {Record<string, any>} */
let words = {};
export let language = "en";

/** The kept choice, else the first language of the browser that we have. */
export function preferredLanguage() {
  const wanted = [kept(KEPT) ?? "", ...navigator.languages].map((tag) => tag.slice(0, 2).toLowerCase());
  return wanted.find((tag) => LANGUAGES.includes(tag)) ?? LANGUAGES[0];
}

/** Keep a choice; the page is drawn anew in that language, with the settings open. @param {string} tag */
export function chooseLanguage(tag) {
  keep(KEPT, tag);
  history.replaceState("settings", "");
  location.reload();
}

/** Fetch the words and set `<html lang>`. @param {string} [tag] */
export async function loadLanguage(tag = preferredLanguage()) {
  const response = await fetch(`/assets/locales/${tag}.json`);
  setWords(tag, await response.json());
  document.documentElement.lang = tag;
}

/** @param {string} tag @param {Record<string, any>} table */
export function setWords(tag, table) {
  language = tag;
  words = table;
}

/** @param {string} key @returns {string|undefined} */
function find(key) {
  const found = key.split(".").reduce((at, part) => at?.[part], /** @type {any} */ (words));
  return typeof found === "string" ? found : undefined;
}

/** Whether there are words for a key, one for all counts or one for each. @param {string} key */
export function has(key) {
  return (find(key) ?? find(`${key}_other`)) !== undefined;
}

/**
 * The words for a key. Numbers among the values are written the language's way.
 * @param {string} key @param {Record<string, any>} [values] @returns {string}
 */
export function t(key, values = {}) {
  const count = values.count;
  const plural = typeof count === "number" ? find(`${key}_${new Intl.PluralRules(language).select(count)}`) : undefined;
  const text = plural ?? find(key) ?? find(`${key}_other`) ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => {
    const value = values[name];
    if (value === undefined || value === null) return whole;
    return typeof value === "number" ? number(value) : String(value);
  });
}

/** @param {number} value @param {Intl.NumberFormatOptions} [options] */
export function number(value, options = { maximumFractionDigits: 2 }) {
  return new Intl.NumberFormat(language, options).format(value);
}

/** "40 %", of 0.4. @param {number} share */
export function percent(share) {
  return number(share, { style: "percent", maximumFractionDigits: 0 });
}

/** "2.4 MB". @param {number} count */
export function bytes(count) {
  const [unit, size] = count >= 1e6 ? ["megabyte", 1e6] : count >= 1e3 ? ["kilobyte", 1e3] : ["byte", 1];
  return number(count / Number(size), {
    style: "unit", unit: String(unit), unitDisplay: "short", maximumFractionDigits: count >= 1e6 ? 1 : 0,
  });
}

/** "1.2 s". @param {number} value @param {number} [digits] */
export function seconds(value, digits = 1) {
  return number(value, { style: "unit", unit: "second", unitDisplay: "narrow", maximumFractionDigits: digits });
}

/** "0:03" or, with tenths, "0:03.4". @param {number} value @param {boolean} [tenths] */
export function clock(value, tenths = false) {
  const all = tenths ? Math.round(value * 10) / 10 : Math.floor(value);
  const digits = { minimumIntegerDigits: 2, minimumFractionDigits: tenths ? 1 : 0, maximumFractionDigits: tenths ? 1 : 0 };
  return `${number(Math.floor(all / 60))}:${number(all % 60, digits)}`;
}

/** A moment of the server: seconds since 1970 or ISO 8601. @param {number|string} value */
export function moment(value) {
  return new Date(typeof value === "number" ? value * 1000 : value);
}

/** @param {Date} value @param {Intl.DateTimeFormatOptions} options */
export function date(value, options) {
  return new Intl.DateTimeFormat(language, options).format(value);
}

/** "English and Spanish". @param {string[]} tags */
export function languageNames(tags) {
  const names = new Intl.DisplayNames(language, { type: "language" });
  return new Intl.ListFormat(language).format(tags.map((tag) => names.of(tag) ?? tag));
}

/** "today", "yesterday". @param {number} days */
export function relativeDay(days) {
  return new Intl.RelativeTimeFormat(language, { numeric: "auto" }).format(days, "day");
}
