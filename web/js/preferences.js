// @ts-check
/** What this browser keeps: the settings of answers, and words that were not sent. */

const KEPT = "bubo.settings";
/** Before the id of a conversation: where its unsent words are. */
export const DRAFT = "bubo.draft.";
/** The channel on which the tabs of a browser tell each other that somebody signed out. */
export const TABS = "bubo.session";
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

/** Throw away all words that were not sent. */
export function forgetDrafts() {
  try {
    for (const name of Object.keys(sessionStorage)) if (name.startsWith(DRAFT)) sessionStorage.removeItem(name);
  } catch { /* storage is off: there are none */ }
}
