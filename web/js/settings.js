// @ts-check
/** How answers are made, and how the page looks: kept in this browser. */

import { button, make } from "./dom.js";
import { limitsOf } from "./files.js";
import { chooseLanguage, language, LANGUAGES, number, t } from "./i18n.js";
import { closeDialog, dialog, toast } from "./notices.js";
import { keep, readSettings, writeSettings } from "./preferences.js";
import { signOut } from "./session.js";

/** @typedef {import("./store.js").Store} Store */

/** @param {string} name @param {string} help @param {HTMLElement} control @param {string} [id] */
function row(name, help, control, id) {
  return make("div", { class: "setting" },
    make("div", {}, make("label", { for: id ?? control.id }, name), help && make("p", { class: "quiet", id: `${id ?? control.id}-help` }, help)), control);
}

/**
 * A slider with its value beside it; "as the model has it" until it is moved.
 * @param {string} id @param {{min: number, max: number, step: number, usual: number, value: number|undefined}} range @param {(value: number|undefined) => void} change
 */
function slider(id, range, change) {
  const input = /** @type {HTMLInputElement} */ (make("input", { type: "range", id, min: range.min, max: range.max, step: range.step, "aria-describedby": `${id}-help` }));
  input.value = String(range.value ?? range.usual);
  const shown = make("output", { for: id });
  const reset = button("again", t("settings.reset"), () => {
    input.focus();
    show(undefined);
  }, { class: "icon-button small" });
  const show = (/** @type {number|undefined} */ value) => {
    shown.textContent = value === undefined ? t("settings.usual") : number(value);
    if (value === undefined) input.value = String(range.usual);
    input.setAttribute("aria-valuetext", shown.textContent);
    reset.disabled = value === undefined;
    change(value);
  };
  input.addEventListener("input", () => show(Number(input.value)));
  show(range.value);
  return make("div", { class: "slider" }, input, shown, reset);
}

/** @param {string} name @param {string} title @param {[string, string][]} choices @param {string} chosen @param {(value: string) => void} choose */
function choice(name, title, choices, chosen, choose) {
  const group = make("fieldset", { class: "setting choice" }, make("legend", {}, title));
  const options = make("div", { class: "segments" });
  for (const [value, label] of choices) {
    const input = /** @type {HTMLInputElement} */ (make("input", { type: "radio", name, value, id: `${name}-${value}`, checked: value === chosen }));
    input.addEventListener("change", () => choose(value));
    options.append(input, make("label", { for: `${name}-${value}` }, label));
  }
  group.append(options);
  return group;
}

/** @param {string} value */
function chooseTheme(value) {
  keep("bubo.theme", value);
  dispatchEvent(new Event("bubo-theme"));
}

/** @param {Store} store */
export function openSettings(store) {
  const settings = readSettings();
  const set = (/** @type {string} */ name, /** @type {any} */ value) => {
    if (value === undefined) delete settings[name];
    else settings[name] = value;
    writeSettings(settings);
  };
  const grounding = /** @type {HTMLInputElement} */ (make("input", {
    type: "checkbox", role: "switch", id: "set-grounding", class: "switch", checked: settings.grounding !== false, "aria-describedby": "set-grounding-help",
  }));
  grounding.addEventListener("change", () => set("grounding", grounding.checked ? undefined : false));
  const { session } = store.state;
  const model = session?.model;
  dialog(t("settings.title"), [
    choice("theme", t("settings.theme"), ["auto", "light", "dark"].map((value) => [value, t(`settings.theme_${value}`)]), document.documentElement.dataset.themeChoice ?? "auto", chooseTheme),
    choice("language", t("settings.language"), LANGUAGES.map((tag) => [tag, new Intl.DisplayNames(tag, { type: "language" }).of(tag) ?? tag]), language, chooseLanguage),
    row(t("settings.grounding"), t("settings.grounding_help"), grounding),
    row(t("settings.threshold"), t("settings.threshold_help"), slider("set-threshold", { min: 0, max: 1, step: 0.05, usual: 0, value: settings.threshold }, (value) => set("threshold", value)), "set-threshold"),
    row(t("settings.temperature"), t("settings.temperature_help"), slider("set-temperature", { min: 0, max: 2, step: 0.1, usual: 0, value: settings.temperature }, (value) => set("temperature", value)), "set-temperature"),
    row(t("settings.max_tokens"), t("settings.max_tokens_help"), slider("set-tokens", { min: 16, max: limitsOf(store).max_tokens, step: 16, usual: Math.min(160, limitsOf(store).max_tokens), value: settings.max_tokens }, (value) => set("max_tokens", value)), "set-tokens"),
    make("div", { class: "dialog-foot" },
      make("p", { class: "quiet" }, model?.id ? t("settings.model", { model: model.id }) : "", session?.version ? ` · Bubo ${session.version}` : ""),
      session && session.auth !== "none" && button("out", t("settings.sign_out"), async () => {
        closeDialog();
        await signOut().catch((error) => toast({ error }));
      }, { text: true })),
  ]);
}
