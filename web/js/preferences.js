// @ts-check
/** The settings of answers that this browser keeps. */

const KEPT = "bubo.settings";
const NAMES = ["temperature", "max_tokens", "grounding", "threshold"];

/** @returns {Record<string, any>} */
export function readSettings() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEPT) ?? "{}");
    return Object.fromEntries(NAMES.filter((name) => ["number", "boolean"].includes(typeof kept[name])).map((name) => [name, kept[name]]));
  } catch {
    return {};
  }
}

/** @param {Record<string, any>} settings */
export function writeSettings(settings) {
  try {
    localStorage.setItem(KEPT, JSON.stringify(settings));
  } catch { /* storage is off: they last until the page is left */ }
}
