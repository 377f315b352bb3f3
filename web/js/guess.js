// @ts-check
/**
 * What would be taken under a resting pointer: the segmenter's outline of things nobody asked about. One
 * question at a time, after a pause, and none while the server has said that it cannot.
 */

import { api } from "./api.js";
import { isSafePath } from "./evidence.js";
import { isInside, parsePath } from "./geometry.js";

const PAUSE_MS = 280;
const REST_AFTER_ERROR_MS = 15000;

/**
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
