// @ts-check
/**
 * What the server's segmenter is asked for: the thing under a resting pointer, and a better mask of the pinned thing.
 *
 * The guess under the pointer is of things nobody asked about: one question at a time, after a pause, and none while
 * the server has said that it cannot. The pinned thing's mask is corrected by points; its cut-out is dragged or saved.
 * While a mask is corrected, clicks on the picture say what belongs to it and what does not. The server computes
 * the mask from these points, each time anew for the preview and once more when it is kept.
 */

import { api } from "./api.js";
import { button, icon, make, say } from "./dom.js";
import { isSafePath } from "./evidence.js";
import { isInside, parsePath } from "./geometry.js";
import { t } from "./i18n.js";
import { cutout } from "./views.js";

const PAUSE_MS = 280;
const REST_AFTER_ERROR_MS = 15000;

/** @typedef {import("./types.js").Region} Region @typedef {{x: number, y: number, positive: boolean}} Spot */

/**
 * @param {import("./store.js").Store} store
 * @param {import("./pointing.js").Pointer} pointer
 * @returns {{idle: HTMLElement, busy: HTMLElement, refresh: () => void, dodge: () => void, correct: () => boolean}} What lies over the picture,
 *   and below it while a mask is corrected; `correct` begins, or goes to the next region of the thing: false if there is none.
 */
export function pinnedTools(store, pointer) {
  const { overlay } = pointer;
  /** @type {Spot[]} */
  let points = [];
  /** The region that is being corrected. @type {Region | null} */
  let wrong = null;
  /** @type {AbortController | null} the preview that is being computed */
  let question = null;

  const cut = /** @type {HTMLAnchorElement} */ (make("a", { class: "button", href: "#", draggable: "true", title: t("pinned.drag") }, icon("cutout"), t("views.cutout")));
  const start = button("edit", t("pinned.correct"), () => correct(), { text: true, title: `${t("pinned.correct")} (C)` });
  const hint = make("p");
  const less = button("minus", t("pinned.exclude"), () => less.setAttribute("aria-pressed", String(!exclude())), { "aria-pressed": "false" });
  const undo = button("again", t("pinned.undo"), () => takeBack());
  const use = button("check", t("pinned.use"), () => put(), { text: true, class: "button primary" });
  const found = button("", t("pinned.found"), () => put(true), { text: true });
  const cancel = button("close", t("composer.cancel"), () => end());
  const idle = make("div", { class: "pinned-bar", data: { own: "" } }, start, cut);
  const busy = make("div", { class: "correct-bar", role: "group", "aria-label": t("pinned.correct") }, hint, less, undo, found, use, cancel);
  const exclude = () => less.getAttribute("aria-pressed") === "true";

  /** The regions of the pinned thing in the picture on the stage. */
  const regionsHere = () => {
    const { entities, pointing, regions } = store.state;
    const ids = entities.get(pointing.pinned ?? "")?.regions ?? [];
    return ids.flatMap((id) => regions.get(id) ?? []).filter((region) => region.media === overlay.medium?.id);
  };
  /** The bar stands where it covers nothing of the pinned thing: at the left, else at the right, else at the top. */
  const dodge = () => {
    const { view: { scale, x, y }, frame } = overlay;
    const { offsetWidth: wide, offsetHeight: high } = idle;
    const low = regionsHere().filter(({ bbox }) => (bbox[1] + bbox[3]) * scale + y > frame.height - high - 8);
    const left = low.some(({ bbox }) => bbox[0] * scale + x < wide + 8);
    const right = low.some(({ bbox }) => (bbox[0] + bbox[2]) * scale + x > frame.width - wide - 8);
    idle.dataset.own = !left ? "" : right ? "top" : "end";
  };
  const refresh = () => {
    if (wrong && (store.state.run || !regionsHere().some((region) => region.id === wrong?.id))) end();
    idle.hidden = wrong !== null || !regionsHere().length || store.state.view.mode === "off";
    busy.hidden = wrong === null;
    dodge();
    found.hidden = !wrong?.corrected;
    start.disabled = store.state.run !== null;
    use.disabled = question !== null || !overlay.draft?.region;
    cut.removeAttribute("download");
    cut.firstElementChild?.replaceWith(icon("cutout"));
  };
  /** Show the points, and the mask that the server makes of them. @param {Region | null} region */
  const show = (region) => {
    overlay.draft = wrong && { id: wrong.id, region, points };
    overlay.collect();
    refresh();
  };
  const place = () => ({ points, ...(points.some((point) => point.positive) ? {} : { box: wrong?.bbox }) });
  const preview = async () => {
    question?.abort();
    const mine = new AbortController();
    question = points.length ? mine : null;
    show(points.length ? overlay.draft?.region ?? null : null);
    if (!question || !wrong) return;
    try {
      const { region } = await api.segment(wrong.media, place(), mine.signal);
      if (mine.signal.aborted) return;
      question = null;
      show(region);
      say(t(region ? "pinned.shown" : "pinned.nothing"));
    } catch (error) {
      if (mine.signal.aborted) return;
      question = null;
      show(null);
      store.emit("toast", { error });
    }
  };
  const takeBack = () => {
    points = points.slice(0, -1);
    preview();
  };
  const correct = () => {
    const all = regionsHere();
    if (!all.length || store.state.run) return false;
    wrong = all[(all.findIndex((region) => region.id === wrong?.id) + 1) % all.length];
    points = [];
    pointer.hover(null);
    pointer.taking = (point, positive) => {
      points = [...points, { ...point, positive: positive && !exclude() }];
      preview();
    };
    const label = store.state.entities.get(store.state.pointing.pinned ?? "")?.label ?? "";
    hint.textContent = t("pinned.hint", { label });
    document.addEventListener("keydown", onKey, true);
    pointer.frame.focus();
    say(hint.textContent);
    preview();
    return true;
  };
  const end = () => {
    question?.abort();
    question = wrong = null;
    if (busy.contains(document.activeElement)) pointer.frame.focus();
    pointer.taking = null;
    less.setAttribute("aria-pressed", "false");
    document.removeEventListener("keydown", onKey, true);
    show(null);
  };
  /** Keep the mask that is shown, or bring the one back that the model found. @param {boolean} [back] */
  const put = async (back) => {
    const message = store.branch().find((one) => one.grounding?.regions?.some((region) => region.id === wrong?.id));
    if ((use.disabled && !back) || !wrong || !message) return;
    const { id } = wrong;
    const act = async () => store.correct(await api.uncorrect(message.id, id));
    use.disabled = true;
    try {
      if (back) await act();
      else {
        store.correct(await api.correct(message.id, id, place()));
        store.emit("toast", { key: "pinned.shown", seconds: 15, action: t("pinned.found"), act });
      }
      end();
    } catch (error) {
      refresh();
      store.emit("toast", { error });
    }
  };
  const onKey = (/** @type {KeyboardEvent} */ event) => {
    const act = { Enter: event.target === pointer.frame && put, Backspace: event.target === pointer.frame && takeBack, Escape: end }[event.key];
    if (!act || pointer.tool || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  };

  const cutOut = async () => {
    const { pinned } = store.state.pointing;
    const made = await cutout(pointer.image, overlay, pinned);
    const seen = Object.assign(new Image(), { src: made.href });
    await seen.decode();
    const [region] = regionsHere();
    if (!region || pinned !== store.state.pointing.pinned) return;
    Object.assign(cut, made);
    cut.firstElementChild?.replaceWith(pointer.cropOf(/** @type {import("./geometry.js").Box} */ (region.bbox), seen) ?? icon("cutout"));
  };
  cut.addEventListener("pointerenter", cutOut);
  cut.addEventListener("focus", cutOut);
  cut.addEventListener("click", async (event) => {
    if (cut.download) return;
    event.preventDefault();
    await cutOut();
    if (cut.download) cut.click();
  });
  cut.addEventListener("dragstart", (event) => {
    if (!cut.download) event.preventDefault();
    event.dataTransfer?.setData("DownloadURL", `image/png:${cut.download}:${cut.href}`);
    event.dataTransfer?.setDragImage(/** @type {Element} */ (cut.firstElementChild), 12, 12);
  });

  store.on("pointing grounding view run", refresh);
  refresh();
  return { idle, busy, refresh, dodge, correct };
}

/**
 * Outline what would be taken under the pointer.
 * @param {import("./store.js").Store} store
 * @param {import("./overlay.js").Overlay} overlay
 * @param {import("./pointing.js").Pointer} pointer
 */
export function guessUnderPointer(store, overlay, pointer) {
  let timer = 0;
  let quietUntil = 0;
  /** @type {AbortController | null} */
  let question = null;
  /** @type {{medium: string, rings: number[][]} | null} */
  let shown = null;

  const clear = () => {
    clearTimeout(timer);
    question?.abort();
    question = null;
    if (shown) overlay.drawGuess(null);
    shown = null;
  };
  const ask = async (/** @type {string} */ medium, /** @type {import("./geometry.js").Point} */ { x, y }) => {
    const mine = new AbortController();
    question = mine;
    try {
      const { region } = (await api.segment(medium, { points: [{ x, y, positive: true }] }, mine.signal)) ?? {};
      if (mine.signal.aborted || overlay.medium?.id !== medium || !isSafePath(region?.path)) return;
      shown = { medium, rings: parsePath(region.path) };
      overlay.drawGuess(region.path);
    } catch (error) {
      if (/** @type {Error} */ (error).name !== "AbortError") quietUntil = performance.now() + REST_AFTER_ERROR_MS;
    }
  };
  pointer.wondering = (point) => {
    const medium = overlay.medium?.id;
    if (point && shown && shown.medium === medium && isInside(shown.rings, point.x + 0.5, point.y + 0.5)) return;
    clear();
    const ready = store.state.online && store.state.session?.model?.state === "ready" && !store.state.run;
    if (!point || !medium || !ready || performance.now() < quietUntil) return;
    timer = window.setTimeout(() => ask(medium, point), PAUSE_MS);
  };
}
