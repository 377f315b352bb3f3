// @ts-check
/** The list of everything that was found: one tab stop, arrow keys, what the masks are to those who see them; and a tour of it. */

import { button, icon, make, rove, say } from "./dom.js";
import { number, percent, t } from "./i18n.js";
import { mentionedEntities } from "./overlay.js";
import { badge } from "./words.js";

/**
 * @typedef {import("./types.js").Entity} Entity
 * @typedef {import("./store.js").Store} Store
 * @typedef {{root: HTMLElement, name: HTMLButtonElement, text: HTMLElement, count: HTMLElement, score: HTMLElement,
 *   badge: HTMLElement, spoken: HTMLElement, eye: HTMLButtonElement, play: HTMLButtonElement, drawn: string}} Row
 */

const MOMENT_MS = 1600;

/** Ends the tour that is running. @type {(() => void) | null} */
let end = null;

/**
 * @param {Store} store
 * @param {import("./pointing.js").Pointer} pointer
 * @returns {HTMLElement}
 */
export function outliner(store, pointer) {
  /** @type {Map<string, Row>} */
  const rows = new Map();
  const list = make("ul", { class: "outliner-list", role: "list" });
  const count = make("span", { class: "outliner-count" });
  const tour = button("tour", t("outliner.tour"), () => toggleTour(store, tour), { class: "icon-button outliner-tour" });
  const phone = matchMedia("(max-width: 760px)");
  const summary = make("summary", {}, icon("chevron"), make("span", {}, t("outliner.title")), count);
  const box = /** @type {HTMLDetailsElement} */ (make("details", { class: "outliner" }, summary, list));
  const root = make("div", { class: "outliner-box" }, box, tour);
  const adapt = () => {
    box.open = !phone.matches;
    summary.firstElementChild?.replaceWith(icon(phone.matches ? "list" : "chevron"));
  };
  phone.addEventListener("change", adapt);
  adapt();
  const stops = rove(list, ".outliner-name");

  const show = () => {
    const shown = [...store.state.entities.values()].filter((entity) => entity.regions.length || entity.spans.length);
    const mentioned = mentionedEntities(store);
    for (const [id, row] of rows) if (!shown.some((entity) => entity.id === id)) (row.root.remove(), rows.delete(id));
    for (const entity of shown) {
      const row = rows.get(entity.id) ?? addRow(store, pointer, entity, rows, list);
      update(row, entity, mentioned.has(entity.id));
    }
    count.textContent = number(shown.length);
    root.hidden = shown.length === 0;
    mark();
    stops.refresh();
  };
  const mark = () => {
    const { pointing, view, playing } = store.state;
    for (const [id, row] of rows) {
      row.root.classList.toggle("is-lit", id === store.active);
      row.root.classList.toggle("is-sounding", playing?.entity === id);
      row.name.setAttribute("aria-pressed", String(pointing.pinned === id));
      row.eye.setAttribute("aria-pressed", String(view.hidden.has(id)));
      row.root.classList.toggle("is-hidden", view.hidden.has(id));
    }
  };
  store.on("grounding", show);
  store.on("pointing view playing", mark);
  show();
  return root;
}

/** @param {Store} store @param {import("./pointing.js").Pointer} pointer @param {Entity} entity @param {Map<string, Row>} rows @param {HTMLElement} list @returns {Row} */
function addRow(store, pointer, { id }, rows, list) {
  const parts = { badge: make("b", { class: "badge" }), text: make("span", { class: "outliner-label" }), count: make("span", { class: "outliner-times" }),
    score: make("span", { class: "outliner-score" }), spoken: make("span", { class: "visually-hidden" }) };
  const { text, count, score, spoken } = parts;
  for (const seen of [parts.badge, text, count, score]) seen.setAttribute("aria-hidden", "true");
  const name = /** @type {HTMLButtonElement} */ (make("button", { type: "button", class: "outliner-name", tabindex: -1, "aria-pressed": "false", data: { entity: id } },
    parts.badge, text, count, score, spoken));
  const ask = () => {
    const entity = store.state.entities.get(id);
    if (entity) pointer.toggleEntity(entity);
  };
  const inner = { tabindex: -1 };
  const eye = button("eye", t("outliner.hide"), () => store.toggleHidden(id), { ...inner, class: "icon-button outliner-eye", title: `${t("outliner.hide")} (H)` });
  const play = button("play", t("outliner.play"), () => store.playEntity(id), { ...inner, class: "icon-button outliner-play" });
  const plus = button("plus", t("outliner.ask"), ask, { ...inner, class: "icon-button outliner-ask", title: `${t("outliner.ask")} (A)` });
  const root = make("li", { class: "outliner-row" }, name, play, plus, eye);
  name.addEventListener("click", () => store.pin(id, "outliner"));
  root.addEventListener("pointerenter", (event) => event.pointerType !== "touch" && store.light(id, "outliner"));
  root.addEventListener("pointerleave", () => store.state.pointing.lit === id && store.light(null, "outliner"));
  root.addEventListener("focusin", () => store.light(id, "outliner"));
  root.addEventListener("focusout", () => store.state.pointing.lit === id && store.light(null, "outliner"));
  root.addEventListener("keydown", (event) => {
    /** @type {Record<string, (() => void)|undefined>} */
    const acts = { h: () => store.toggleHidden(id), a: ask, p: () => store.playEntity(id), ArrowRight: () => step(root, 1), ArrowLeft: () => step(root, -1) };
    const act = event.ctrlKey || event.metaKey || event.altKey ? undefined : acts[event.key];
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  });
  const row = { root, name, eye, play, drawn: "", ...parts };
  rows.set(id, row);
  list.append(root);
  return row;
}

/** To the next button of a row. @param {HTMLElement} root @param {number} way */
function step(root, way) {
  const all = /** @type {HTMLElement[]} */ ([...root.querySelectorAll("button")]).filter((one) => !one.hidden);
  const at = all.indexOf(/** @type {HTMLElement} */ (document.activeElement));
  all[Math.max(0, Math.min(all.length - 1, at + way))].focus();
}

/** @param {Row} row @param {Entity} entity @param {boolean} mentioned */
function update(row, entity, mentioned) {
  const { label, slot, score, regions, spans } = entity;
  const now = JSON.stringify([label, slot, score, regions.length, spans.length, mentioned]);
  if (row.drawn === now) return;
  row.drawn = now;
  const share = score > 0 ? percent(score) : "";
  row.root.className = `outliner-row slot-${slot}${mentioned ? "" : " is-unmentioned"}`;
  row.badge.textContent = badge(entity);
  row.text.textContent = label;
  row.count.textContent = regions.length > 1 ? `× ${number(regions.length)}` : "";
  row.score.textContent = share;
  row.play.hidden = spans.length === 0;
  row.eye.hidden = regions.length === 0;
  const places = [regions.length && t("outliner.regions", { count: regions.length }), spans.length && t("outliner.spans", { count: spans.length })];
  row.spoken.textContent = [label, ...places, share && t("outliner.score", { score: share })].filter(Boolean).join(", ");
}

/** Things in the order in which the latest answer that has any mentions them. @param {import("./store.js").Store} store */
function stopsOf(store) {
  for (const message of store.branch().reverse()) {
    const links = [...(message.grounding?.links ?? [])].filter((link) => link.state === "ready");
    if (links.length) return [...new Set(links.sort((a, b) => a.start - b.start).map((link) => link.entity))];
  }
  return [];
}

/**
 * Start a tour of the latest answer, or end it: each thing is lit for a moment, in the order of the words.
 * @param {Store} store
 * @param {HTMLElement} control pressed while the tour runs
 */
function toggleTour(store, control) {
  if (end) {
    end();
    return;
  }
  const stops = stopsOf(store);
  let timer = 0;
  const stop = () => {
    clearTimeout(timer);
    end = null;
    store.light(null, "app");
    control.setAttribute("aria-pressed", "false");
    document.removeEventListener("keydown", onKey, true);
  };
  const onKey = (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    stop();
  };
  const next = (/** @type {number} */ at) => {
    const entity = store.state.entities.get(stops[at]);
    if (!entity) {
      stop();
      return;
    }
    store.light(entity.id, "app");
    say(t("outliner.tour_stop", { number: at + 1, count: stops.length, label: entity.label }));
    timer = window.setTimeout(() => next(at + 1), MOMENT_MS);
  };
  end = stop;
  control.setAttribute("aria-pressed", "true");
  document.addEventListener("keydown", onKey, true);
  next(0);
}
