// @ts-check
/** The phrases of answers: what each says of itself, and what pointing at one does. */

import { clock, t } from "./i18n.js";
import { badge } from "./words.js";

/** @typedef {import("./store.js").Store} Store @typedef {import("./types.js").Entity} Entity */

/** "brown dog, region 1 of 3, shows in picture". @param {string} phrase @param {Entity} entity @param {Store} store */
export function spokenName(phrase, entity, store) {
  const all = [...store.state.regions.keys()];
  const places = entity.regions.map((id) => all.indexOf(id) + 1).filter((place) => place > 0);
  const parts = [phrase];
  if (places.length) {
    parts.push(t("phrase.region", { count: places.length, places: places.join(", "), all: all.length }), t("phrase.in_picture"));
  }
  for (const id of entity.spans.slice(0, 3)) {
    const span = store.state.spans.get(id);
    if (span) parts.push(t("phrase.heard", { from: clock(span.t0, true), to: clock(span.t1, true) }));
  }
  return parts.join(", ");
}

/** Bring colour, number, name and role of all phrases below `root` up to date. @param {Element} root @param {Store} store */
export function decorate(root, store) {
  for (const phrase of root.querySelectorAll(".g")) {
    const element = /** @type {HTMLElement} */ (phrase);
    const entity = store.state.entities.get(element.dataset.entity ?? "");
    const live = entity && element.dataset.state !== "none";
    const lit = live && store.active === entity.id;
    const absent = !live && entity?.status === "absent";
    const name = ["g", live ? `slot-${entity.slot}` : "none", absent && "absent", live && entity.spans.length && "heard",
      live && element.dataset.state === "pending" && "pending", lit && "lit"].filter(Boolean).join(" ");
    if (element.className !== name) element.className = name;
    if (!live) {
      for (const attribute of ["role", "tabindex", "aria-label", "aria-pressed", "data-badge"]) element.removeAttribute(attribute);
      if (absent) set(element, "data-badge", t("phrase.absent"));
      continue;
    }
    const pending = element.dataset.state === "pending";
    const text = element.textContent ?? "";
    set(element, "role", "button");
    set(element, "tabindex", "0");
    set(element, "data-badge", badge(entity));
    set(element, "aria-pressed", String(store.state.pointing.pinned === entity.id));
    set(element, "aria-label", pending ? t("phrase.pending", { phrase: text }) : spokenName(text, entity, store));
  }
}

/** @param {Element} element @param {string} name @param {string} value */
function set(element, name, value) {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

/** @param {EventTarget|null} target @returns {HTMLElement|null} */
function phraseAt(target) {
  return target instanceof Element ? target.closest(".g[role]") : null;
}

/** @param {HTMLElement} log @param {Store} store */
export function wirePhrases(log, store) {
  const entityOf = (/** @type {HTMLElement|null} */ phrase) => phrase?.dataset.entity ?? null;
  const focused = () => entityOf(phraseAt(log.querySelector(".g:focus-visible")));
  log.addEventListener("pointerover", (event) => {
    const phrase = phraseAt(event.target);
    if (phrase && event.pointerType !== "touch") store.light(entityOf(phrase), "phrase");
  });
  log.addEventListener("pointerout", (event) => {
    if (phraseAt(event.target) && !phraseAt(event.relatedTarget)) store.light(focused(), "phrase");
  });
  log.addEventListener("focusin", (event) => {
    const phrase = phraseAt(event.target);
    if (phrase?.matches(":focus-visible")) store.light(entityOf(phrase), "phrase");
  });
  log.addEventListener("focusout", (event) => {
    if (phraseAt(event.target)) store.light(null, "phrase");
  });
  const press = (/** @type {HTMLElement} */ phrase) => {
    const entity = entityOf(phrase);
    store.pin(entity, "phrase");
    if (entity && store.state.pointing.pinned === entity) store.playEntity(entity);
  };
  log.addEventListener("click", (event) => {
    const phrase = phraseAt(event.target);
    // the click that ends a selection of text is not meant for the phrase
    if (phrase && (getSelection()?.isCollapsed ?? true)) press(phrase);
  });
  log.addEventListener("keydown", (event) => {
    const phrase = phraseAt(event.target);
    if (!phrase || (event.key !== "Enter" && event.key !== " ")) return;
    event.preventDefault();
    press(phrase);
  });
  store.on("pointing", () => {
    const { pinned } = store.state.pointing;
    for (const element of log.querySelectorAll(".g[role]")) {
      const id = /** @type {HTMLElement} */ (element).dataset.entity;
      element.classList.toggle("lit", id === store.active);
      set(element, "aria-pressed", String(id === pinned));
    }
  });
}
