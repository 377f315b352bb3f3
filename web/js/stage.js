// @ts-check
/**
 * The media stage: the picture with what the words stand on, the sounds, the filmstrip and the list of regions.
 *
 *     import { mountStage } from "./stage.js";
 *     mountStage(document.querySelector("#stage"), store);   // fills the element; once, after the words are loaded
 *
 * It reads `store.state` and calls `store.light / pin / addChip / play / show / setView`; nothing else is needed.
 */

/** @param {HTMLElement} host @param {import("./store.js").Store} store */
export function mountStage(host, store) {
  host.dataset.stage = store.state.view.mode;
}
