// @ts-check
/** What this browser keeps: choices, the settings of answers, and words that were not sent. Where storage is off, nothing. */

const SETTINGS = "bubo.settings";
/** Before the id of a conversation: where its unsent words are. */
const DRAFT = "bubo.draft.";
/** The channel on which the tabs of a browser tell each other that somebody signed out. */
export const TABS = "bubo.session";
const NAMES = ["temperature", "max_tokens", "grounding", "threshold"];

/** @param {string} name @returns {string|null} */
export function kept(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

/** @param {string} name @param {string} value */
export function keep(name, value) {
  try {
    localStorage.setItem(name, value);
  } catch { /* storage is off: it lasts until the page is left */ }
}

/** An object that was kept; empty if there is none. @param {string} name @returns {Record<string, any>} */
export function keptObject(name) {
  try {
    return JSON.parse(kept(name) ?? "{}") ?? {};
  } catch {
    return {};
  }
}

/** @returns {Record<string, any>} */
export function readSettings() {
  const settings = keptObject(SETTINGS);
  return Object.fromEntries(NAMES.filter((name) => ["number", "boolean"].includes(typeof settings[name])).map((name) => [name, settings[name]]));
}

/** @param {Record<string, any>} settings */
export function writeSettings(settings) {
  keep(SETTINGS, JSON.stringify(settings));
}

/** Words that were not sent. @param {string} conversation Its id, or "new". */
export function readDraft(conversation) {
  try {
    return sessionStorage.getItem(DRAFT + conversation) ?? "";
  } catch {
    return "";
  }
}

/** @param {string} conversation @param {string} text "" throws it away. */
export function writeDraft(conversation, text) {
  try {
    if (text) sessionStorage.setItem(DRAFT + conversation, text);
    else sessionStorage.removeItem(DRAFT + conversation);
  } catch { /* storage is off: the draft is lost at reload */ }
}

/** Throw away all words that were not sent. */
export function forgetDrafts() {
  try {
    for (const name of Object.keys(sessionStorage)) if (name.startsWith(DRAFT)) sessionStorage.removeItem(name);
  } catch { /* storage is off: there are none */ }
}
