// @ts-check
/** The sheet of keys. */

import { button, make } from "./dom.js";
import { has, t } from "./i18n.js";

/** What the sheet lists: a heading, then keys and the words for them. @type {[string, [string, string][]][]} */
const SHEET = [
  ["shortcuts.writing", [
    ["Enter", "shortcuts.send"], ["Shift Enter", "shortcuts.new_line"], ["↑", "shortcuts.edit_last"], ["Esc", "shortcuts.stop"],
  ]],
  ["shortcuts.picture", [
    ["V", "shortcuts.view"], ["B", "shortcuts.box"], ["P", "shortcuts.point"], ["Alt Enter", "shortcuts.negative"],
    ["+ - 0", "shortcuts.zoom"], ["← ↑ → ↓", "shortcuts.move"],
  ]],
  ["shortcuts.phrases", [["Enter", "shortcuts.pin"], ["Esc", "shortcuts.unpin"], ["H", "shortcuts.hide"], ["A", "shortcuts.ask"], ["C", "shortcuts.correct"]]],
  ["shortcuts.sound", [["Space", "shortcuts.play"], ["← →", "shortcuts.seek"], ["Shift ← →", "shortcuts.mark"], ["Enter", "shortcuts.mark_done"]]],
];

/** @type {HTMLDialogElement | null} */
let sheet = null;

/** Show the sheet; where it is shown, close it. */
export function toggleShortcuts() {
  if (sheet?.open) {
    sheet.close();
    return;
  }
  sheet?.remove();
  const made = /** @type {HTMLDialogElement} */ (make("dialog", { class: "dialog sheet", "aria-labelledby": "sheet-title" }));
  const close = button("close", t("shortcuts.close"), () => made.close());
  made.append(make("header", { class: "dialog-head" }, make("h2", { id: "sheet-title" }, t("shortcuts.title")), close),
    make("div", { class: "dialog-body sheet-columns" }, ...SHEET.map(([heading, keys]) => section(heading, keys))));
  made.addEventListener("click", (event) => event.target === made && made.close());
  document.body.append(made);
  made.showModal();
  sheet = made;
}

/** @param {string} heading @param {[string, string][]} keys */
function section(heading, keys) {
  const rows = keys.flatMap(([names, words]) => [
    make("dt", {}, ...names.split(" ").map((name) => make("kbd", {}, has(`shortcuts.key.${name}`) ? t(`shortcuts.key.${name}`) : name))),
    make("dd", {}, t(words)),
  ]);
  return make("section", {}, make("h3", {}, t(heading)), make("dl", {}, ...rows));
}
