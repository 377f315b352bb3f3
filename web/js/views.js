// @ts-check
/** How the picture is shown: spotlight, outline, cut-out or off; how strong a lit mask is; the picture's tools, and
 * what can be saved: the picture with its masks, one thing cut out of it, the conversation. */

import { api } from "./api.js";
import { button, icon, make, say } from "./dom.js";
import { percent, t } from "./i18n.js";
import { keep, keptObject } from "./preferences.js";
import { badge } from "./words.js";
import { toggleFullscreen } from "./zoom.js";

/** @typedef {import("./types.js").View["mode"]} Mode */
/**
 * @typedef {import("./overlay.js").Overlay} Overlay
 * @typedef {import("./overlay.js").Shown} Shown
 * @typedef {import("./store.js").Store} Store
 */

/** @type {Mode[]} */
export const MODES = ["spotlight", "outline", "cutout", "off"];
const ICONS = { spotlight: "spotlight", outline: "outline", cutout: "cutout", off: "eye-off" };
const KEPT = "bubo.view";

/** The kept choice of this browser. */
function keptView() {
  const { mode, opacity } = keptObject(KEPT);
  return {
    mode: MODES.includes(mode) ? mode : MODES[0],
    opacity: typeof opacity === "number" && opacity >= 0 && opacity <= 1 ? opacity : 0.55,
  };
}

/** @param {Store} store @param {Partial<import("./types.js").View>} change */
function choose(store, change) {
  store.setView(change);
  const { mode, opacity } = store.state.view;
  keep(KEPT, JSON.stringify({ mode, opacity }));
}

/** The next way of showing. @param {Store} store */
export function nextMode(store) {
  const mode = MODES[(MODES.indexOf(store.state.view.mode) + 1) % MODES.length];
  choose(store, { mode });
  say(t(`views.${mode}`));
}

/**
 * The bar of tools below the picture.
 * @param {HTMLElement} host of the stage, for the full screen
 * @param {Store} store
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

/** What can be saved. @param {Store} store @param {import("./pointing.js").Pointer} pointer */
function exportMenu(store, pointer) {
  const summary = make("summary", { class: "icon-button", "aria-label": t("export.title"), title: t("export.title") }, icon("export"));
  const { image, overlay } = pointer;
  const item = (/** @type {string} */ key, /** @type {() => void} */ act) => make("button", { type: "button", class: "menu-item", on: { click: act } }, t(key));
  const leave = () => {
    menu.open = false;
    summary.focus();
  };
  const items = make("div", { class: "menu-items", on: { click: () => leave() } },
    item("export.png", () => savePicture(image, overlay, store)),
    item("export.cutout", () => saveCutout(image, overlay, store)),
    item("export.json", () => store.state.conversation && download(api.exportAddress(store.state.conversation.id), "")));
  const menu = /** @type {HTMLDetailsElement} */ (make("details", { class: "menu bar-export" }, summary, items));
  document.addEventListener("pointerdown", (event) => {
    if (!menu.contains(/** @type {Node} */ (event.target))) menu.open = false;
  });
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.open) return;
    event.stopPropagation();
    leave();
  });
  return menu;
}

/** @param {string} address @param {string} name */
function download(address, name) {
  make("a", { href: address, download: name }).click();
}

/** Where a canvas can be read as PNG, for ten minutes. @param {HTMLCanvasElement} canvas @returns {Promise<string>} */
function addressOf(canvas) {
  return new Promise((resolve) => canvas.toBlob((blob) => {
    const address = URL.createObjectURL(/** @type {Blob} */ (blob));
    resolve(address);
    setTimeout(() => URL.revokeObjectURL(address), 600000);
  }));
}

/** A file's name without its ending. @param {Overlay} overlay */
function stem(overlay) {
  return (overlay.medium?.name ?? "").replace(/\.[^.]*$/, "").replace(/[^\p{L}\p{N}_-]+/gu, "-").slice(0, 60) || "bubo";
}

/** A canvas in pixels of the served picture. @param {Overlay} overlay */
function canvasFor(overlay) {
  const canvas = document.createElement("canvas");
  canvas.width = overlay.medium?.width ?? 1;
  canvas.height = overlay.medium?.height ?? 1;
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  return { canvas, context };
}

/** The colour of a slot on pictures. @param {Overlay} overlay @param {number} slot */
function colourOf(overlay, slot) {
  const probe = document.createElementNS("http://www.w3.org/2000/svg", "path");
  probe.setAttribute("class", `lit-region slot-${slot}`);
  overlay.light.append(probe);
  const colour = getComputedStyle(probe).stroke;
  probe.remove();
  return colour;
}

/**
 * The picture with the masks of what the answers mention, and their names.
 * @param {HTMLImageElement} image @param {Overlay} overlay @param {Store} store
 */
async function savePicture(image, overlay, store) {
  const { canvas, context } = canvasFor(overlay);
  const unit = Math.max(1, Math.max(canvas.width, canvas.height) / 800);
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  const shown = overlay.regions.filter((region) => region.mentioned).sort((a, b) => b.area - a.area);
  for (const region of shown) {
    const path = new Path2D(region.path);
    const colour = colourOf(overlay, region.entity.slot);
    context.globalAlpha = store.state.view.opacity * 0.6;
    context.fillStyle = colour;
    context.fill(path, "evenodd");
    context.globalAlpha = 1;
    for (const [width, stroke] of /** @type {[number, string][]} */ ([[4, "#fff"], [2.5, colour]])) {
      context.lineWidth = width * unit;
      context.strokeStyle = stroke;
      context.stroke(path);
    }
  }
  for (const region of shown) drawName(context, region, colourOf(overlay, region.entity.slot), unit);
  download(await addressOf(canvas), `${stem(overlay)}-masks.png`);
}

/** @param {CanvasRenderingContext2D} context @param {Shown} region @param {string} colour @param {number} unit */
function drawName(context, region, colour, unit) {
  const text = `${badge(region.entity)}  ${region.entity.label}`.slice(0, 40);
  context.font = `600 ${14 * unit}px system-ui, sans-serif`;
  const width = context.measureText(text).width + 14 * unit;
  const height = 24 * unit;
  const x = Math.max(0, Math.min(context.canvas.width - width, region.label.x - width / 2));
  const y = Math.max(0, Math.min(context.canvas.height - height, region.label.y - height / 2));
  context.fillStyle = "#fff";
  context.fillRect(x, y, width, height);
  context.fillStyle = colour;
  context.fillRect(x, y, 4 * unit, height);
  context.fillStyle = "#16181d";
  context.textBaseline = "middle";
  context.fillText(text, x + 9 * unit, y + height / 2);
}

/** What is pointed at or pinned. @param {HTMLImageElement} image @param {Overlay} overlay @param {Store} store */
async function saveCutout(image, overlay, store) {
  const { href, download: name } = await cutout(image, overlay, store.active);
  download(href, name);
}

/**
 * One thing cut out along its mask; without one, everything mentioned.
 * @param {HTMLImageElement} image @param {Overlay} overlay @param {string|null} entity
 * @returns {Promise<{href: string, download: string}>} a link to it, good for some time
 */
export async function cutout(image, overlay, entity) {
  const { canvas, context } = canvasFor(overlay);
  const wanted = overlay.regions.filter((region) => (entity ? region.entity.id === entity : region.mentioned));
  context.fillStyle = "#000";
  for (const region of wanted) context.fill(new Path2D(region.path), "evenodd");
  context.globalCompositeOperation = "source-in";
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  return { href: await addressOf(canvas), download: `${stem(overlay)}-cutout.png` };
}
