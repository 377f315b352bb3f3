// @ts-check
/** A tour of the latest answer: each thing it mentions is lit for a moment, in the order of the words. */

import { say } from "./dom.js";
import { t } from "./i18n.js";

const MOMENT_MS = 1600;

/** @type {(() => void) | null} */
let end = null;

/** Things in the order in which the latest answer that has any mentions them. @param {import("./store.js").Store} store */
export function stopsOf(store) {
  for (const message of store.branch().reverse()) {
    const links = [...(message.grounding?.links ?? [])].filter((link) => link.state === "ready");
    if (links.length) return [...new Set(links.sort((a, b) => a.start - b.start).map((link) => link.entity))];
  }
  return [];
}

/**
 * Start the tour, or end it.
 * @param {import("./store.js").Store} store
 * @param {HTMLElement} control pressed while the tour runs
 */
export function toggleTour(store, control) {
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
