// @ts-check
/** How the picture is shown: spotlight, outline, cut-out or off; how strong a lit mask is; the picture's tools. */

import { button, icon, make, say } from "./dom.js";
import { percent, t } from "./i18n.js";
import { toggleFullscreen } from "./zoom.js";

/** @typedef {import("./types.js").View["mode"]} Mode */

/** @type {Mode[]} */
export const MODES = ["spotlight", "outline", "cutout", "off"];
const ICONS = { spotlight: "spotlight", outline: "outline", cutout: "cutout", off: "eye-off" };
const KEPT = "bubo.view";

/** The kept choice of this browser. */
function keptView() {
  try {
    const { mode, opacity } = JSON.parse(localStorage.getItem(KEPT) ?? "{}");
    return {
      mode: MODES.includes(mode) ? mode : MODES[0],
      opacity: typeof opacity === "number" && opacity >= 0 && opacity <= 1 ? opacity : 0.55,
    };
  } catch {
    return { mode: MODES[0], opacity: 0.55 };
  }
}

/** @param {import("./store.js").Store} store @param {Partial<import("./types.js").View>} change */
function choose(store, change) {
  store.setView(change);
  const { mode, opacity } = store.state.view;
  try {
    localStorage.setItem(KEPT, JSON.stringify({ mode, opacity }));
  } catch { /* storage is off: the choice lasts as long as the page */ }
}

/** The next way of showing. @param {import("./store.js").Store} store */
export function nextMode(store) {
  const mode = MODES[(MODES.indexOf(store.state.view.mode) + 1) % MODES.length];
  choose(store, { mode });
  say(t(`views.${mode}`));
}

/**
 * The bar of tools below the picture.
 * @param {HTMLElement} host of the stage, for the full screen
 * @param {import("./store.js").Store} store
 * @param {import("./zoom.js").Zoom} zoom
 * @param {import("./pointing.js").Pointer} pointer
 * @returns {HTMLElement}
 */
export function viewBar(host, store, zoom, pointer) {
  store.setView(keptView());
  const modes = MODES.map((mode) => button(ICONS[mode], t(`views.${mode}`), () => choose(store, { mode }), { data: { mode } }));
  const group = make("div", { class: "bar-group bar-modes", role: "group", "aria-label": t("views.title") }, ...modes);
  const cycle = button(ICONS.spotlight, t("views.next"), () => nextMode(store), { class: "icon-button bar-cycle" });
  const opacity = /** @type {HTMLInputElement} */ (make("input", {
    type: "range", min: 0, max: 1, step: 0.05, class: "bar-opacity", "aria-label": t("views.opacity"), title: t("views.opacity"),
    on: { input: () => choose(store, { opacity: Number(opacity.value) }) },
  }));
  const draws = button("box", t("stage.box_tool"), () => {
    pointer.draws = !pointer.draws;
    draws.setAttribute("aria-pressed", String(pointer.draws));
    host.classList.toggle("is-drawing", pointer.draws);
  }, { "aria-pressed": "false", class: "icon-button bar-box", title: `${t("stage.box_tool")} (B)` });
  const share = make("button", { type: "button", class: "bar-zoom", title: `${t("views.zoom_fit")} (0)`, on: { click: () => zoom.fit() } });
  const zooms = make("div", { class: "bar-group bar-zooms", role: "group", "aria-label": t("views.zoom") },
    button("zoom-out", t("views.zoom_out"), () => zoom.by(1 / 1.5), { title: `${t("views.zoom_out")} (-)` }), share,
    button("zoom-in", t("views.zoom_in"), () => zoom.by(1.5), { title: `${t("views.zoom_in")} (+)` }));
  const full = button("fullscreen", t("views.fullscreen"), () => toggleFullscreen(host).catch(() => undefined), { class: "icon-button bar-full" });
  const show = () => {
    const { mode, opacity: strength } = store.state.view;
    for (const one of modes) one.setAttribute("aria-pressed", String(one.dataset.mode === mode));
    cycle.replaceChildren(icon(ICONS[mode]));
    opacity.value = String(strength);
    host.dataset.mode = mode;
  };
  store.on("view", show);
  show();
  const follow = zoom.changed;
  zoom.changed = (view, frame) => {
    follow(view, frame);
    share.textContent = percent(zoom.factor);
    share.setAttribute("aria-label", `${share.textContent}, ${t("views.zoom_fit")}`);
  };
  return make("div", { class: "stage-bar", role: "toolbar", "aria-label": t("stage.tools"), data: { own: "" } },
    group, cycle, opacity, draws, make("span", { class: "bar-space" }), zooms, exportMenu(store, pointer), full);
}

/** What can be saved. @param {import("./store.js").Store} store @param {import("./pointing.js").Pointer} pointer */
function exportMenu(store, pointer) {
  const summary = make("summary", { class: "icon-button", "aria-label": t("export.title"), title: t("export.title") }, icon("export"));
  const item = (/** @type {string} */ key, /** @type {(saving: typeof import("./export.js")) => void} */ act) => {
    const press = async () => {
      menu.open = false;
      act(await import("./export.js"));
    };
    return make("button", { type: "button", class: "menu-item", on: { click: press } }, t(key));
  };
  const items = make("div", { class: "menu-items" },
    item("export.png", (saving) => saving.savePicture(pointer.image, pointer.overlay, store)),
    item("export.cutout", (saving) => saving.saveCutout(pointer.image, pointer.overlay, store)),
    item("export.json", (saving) => saving.saveConversation(store)));
  const menu = /** @type {HTMLDetailsElement} */ (make("details", { class: "menu bar-export" }, summary, items));
  document.addEventListener("pointerdown", (event) => {
    if (!menu.contains(/** @type {Node} */ (event.target))) menu.open = false;
  });
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.open) return;
    event.stopPropagation();
    menu.open = false;
    /** @type {HTMLElement} */ (summary).focus();
  });
  return menu;
}
