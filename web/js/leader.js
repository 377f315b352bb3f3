// @ts-check
/** A thin line from the phrase that is pointed at to what it stands for, where the screen has room. */

import { draw } from "./overlay.js";

const MAX_LINES = 4;

/**
 * @param {import("./store.js").Store} store
 * @param {import("./overlay.js").Overlay} overlay
 * @param {HTMLElement} frame
 */
export function leadFromPhrases(store, overlay, frame) {
  const wide = matchMedia("(min-width: 1000px)");
  const layer = draw("svg", { class: "leader", "aria-hidden": "true" });
  document.body.append(layer);
  let pending = 0;
  const clear = () => {
    cancelAnimationFrame(pending);
    layer.replaceChildren();
  };
  const show = () => {
    const { lit, source } = store.state.pointing;
    if (!lit || source !== "phrase" || !wide.matches || store.state.view.mode === "off") return;
    const phrase = [...document.querySelectorAll(`[data-entity="${CSS.escape(lit)}"]:is(:hover, :focus)`)].find((one) => !frame.contains(one));
    const from = phrase?.getClientRects()[0];
    const log = phrase?.closest(".prose") ?? phrase;
    if (!from || !log) return;
    const { left, top, right, bottom } = frame.getBoundingClientRect();
    const { scale, x, y } = overlay.view;
    for (const region of overlay.regions.filter((one) => one.entity.id === lit).slice(0, MAX_LINES)) {
      const to = { x: left + region.label.x * scale + x, y: top + region.label.y * scale + y };
      if (to.x < left || to.x > right || to.y < top || to.y > bottom) continue;
      layer.append(line(region.entity.slot, from, to, log.getBoundingClientRect()));
    }
  };
  store.on("pointing", () => {
    clear();
    // some browsers tell only afterwards that the phrase is pointed at
    pending = requestAnimationFrame(show);
  });
  addEventListener("scroll", clear, { capture: true, passive: true });
  addEventListener("resize", clear);
}

/**
 * From the margin beside the phrase's line, so that no words are crossed.
 * @param {number} slot @param {DOMRect} from @param {import("./geometry.js").Point} to @param {DOMRect} column
 */
function line(slot, from, to, column) {
  const [x, y] = [from.left > to.x ? column.left - 3 : column.right + 3, from.top + from.height / 2];
  const bend = (x - to.x) / 2;
  return draw("path", { class: `leader-line slot-${slot}`, d: `M${x} ${y}C${x - bend} ${y} ${to.x + bend} ${to.y} ${to.x} ${to.y}` });
}
