// @ts-check
/** The sheet of keys. */

import { make } from "./dom.js";
import { has, t } from "./i18n.js";
import { closeDialog, dialog } from "./notices.js";

/** What the sheet lists: a heading, then keys and the words for them. @type {[string, [string, string][]][]} */
const SHEET = [
  ["shortcuts.writing", [
    ["Enter", "composer.send"], ["Shift Enter", "shortcuts.new_line"], ["↑", "shortcuts.edit_last"], ["Esc", "composer.stop"],
  ]],
  ["shortcuts.picture", [
    ["V", "shortcuts.view"], ["B", "stage.box_tool"], ["P", "shortcuts.point"], ["Alt Enter", "shortcuts.negative"],
    ["+ - 0", "shortcuts.zoom"], ["← ↑ → ↓", "shortcuts.move"],
  ]],
  ["shortcuts.phrases", [["Enter", "shortcuts.pin"], ["Esc", "shortcuts.unpin"], ["H", "outliner.hide"], ["A", "outliner.ask"], ["C", "pinned.correct"], ["⌫", "pinned.undo"], ["Enter", "pinned.use"]]],
  ["wave.title", [["Space", "shortcuts.play"], ["← →", "shortcuts.seek"], ["Shift ← →", "shortcuts.mark"], ["Enter", "shortcuts.mark_done"]]],
];

/** Show the sheet; where it is shown, close it. */
export function toggleShortcuts() {
  if (document.querySelector(".sheet")) closeDialog();
  else dialog(t("shortcuts.title"), SHEET.map(([heading, keys]) => section(heading, keys)), "dialog sheet");
}

/** @param {string} heading @param {[string, string][]} keys */
function section(heading, keys) {
  const rows = keys.flatMap(([names, words]) => [
    make("dt", {}, ...names.split(" ").map((name) => make("kbd", {}, has(`shortcuts.key.${name}`) ? t(`shortcuts.key.${name}`) : name))),
    make("dd", {}, t(words)),
  ]);
  return make("section", {}, make("h3", {}, t(heading)), make("dl", {}, ...rows));
}
