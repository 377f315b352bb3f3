// @ts-check
/** For people who use the page by keys alone. */

/**
 * One tab stop for a group: the arrow keys, Home and End move within it.
 * @param {HTMLElement} group
 * @param {string} selector of its items
 * @param {"vertical" | "horizontal"} [way]
 */
export function rove(group, selector, way = "vertical") {
  const items = () => /** @type {HTMLElement[]} */ ([...group.querySelectorAll(selector)]);
  const choose = (/** @type {HTMLElement} */ chosen) => items().forEach((item) => (item.tabIndex = item === chosen ? 0 : -1));
  const [back, on] = way === "vertical" ? ["ArrowUp", "ArrowDown"] : ["ArrowLeft", "ArrowRight"];
  group.addEventListener("focusin", (event) => {
    const item = /** @type {HTMLElement} */ (event.target).closest(selector);
    if (item instanceof HTMLElement) choose(item);
  });
  group.addEventListener("keydown", (event) => {
    const all = items();
    const at = all.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    if (at < 0) return;
    const places = { [back]: at - 1, [on]: at + 1, Home: 0, End: all.length - 1 };
    const to = places[event.key];
    if (to === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    all[Math.max(0, Math.min(all.length - 1, to))].focus();
  });
  return {
    /** After the items changed: exactly one is a tab stop. */
    refresh() {
      const all = items();
      if (all.length && !all.some((item) => item.tabIndex === 0)) all[0].tabIndex = 0;
      const stops = all.filter((item) => item.tabIndex === 0);
      stops.slice(1).forEach((item) => (item.tabIndex = -1));
    },
  };
}
