// @ts-check
/** Making elements without ever parsing HTML; moving among them by keys, and what is said aloud. */

const SVG = "http://www.w3.org/2000/svg";

/**
 * Make an element.
 * @param {string} tag
 * @param {Record<string, any>} [props] `class`, `on` (listeners by event), `data` (dataset); a boolean sets or
 *   leaves out an attribute; anything else becomes an attribute. null and undefined are left out.
 * @param {...(Node|string|null|undefined|false)} children
 * @returns {HTMLElement}
 */
export function make(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "on") for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    else if (name === "data") Object.assign(element.dataset, value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  fill(element, children);
  return element;
}

/** Append what is there. @param {Element} parent @param {(Node|string|null|undefined|false)[]} children */
export function fill(parent, children) {
  for (const child of children) if (child || child === "") parent.append(/** @type {Node|string} */ (child));
}

/** One of our own icons, decoration only. @param {string} name @returns {SVGElement} */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  const use = document.createElementNS(SVG, "use");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `/assets/icons.svg#${name}`);
  svg.append(use);
  return svg;
}

/**
 * A button with an icon; the label is its name and its tooltip, or its text.
 * @param {string} name Of the icon, or "".
 * @param {string} label
 * @param {(event: MouseEvent) => void} press
 * @param {Record<string, any>} [props] As in `make`; `text: true` writes the label out.
 */
export function button(name, label, press, { text = false, ...props } = {}) {
  const made = make("button", { type: "button", class: text ? "button" : "icon-button", ...props });
  if (name) made.append(icon(name));
  if (text) made.append(make("span", {}, label));
  else {
    made.setAttribute("aria-label", label);
    made.title = props.title ?? label;
  }
  made.addEventListener("click", press);
  return /** @type {HTMLButtonElement} */ (made);
}

/** Element by id; it is in index.html. @param {string} id @returns {HTMLElement} */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`index.html has no element #${id}`);
  return found;
}

/** Whether a key is meant for what is written in, or for the browser, or for an open dialog. @param {KeyboardEvent} event */
export function isTaken(event) {
  const { target } = event;
  const writes = target instanceof HTMLElement && target.matches("input:not([type=range]), textarea, select, [contenteditable]");
  return event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || writes || Boolean(document.querySelector("dialog[open]"));
}

let saying = 0;

/** Have a screen reader say something, politely; of several at once the last counts. @param {string} text */
export function say(text) {
  clearTimeout(saying);
  saying = window.setTimeout(() => (byId("polite").textContent = text), 60);
}

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
