// @ts-check
/** Making elements without ever parsing HTML. */

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

let saying = 0;

/** Have a screen reader say something, politely; of several at once the last counts. @param {string} text */
export function say(text) {
  clearTimeout(saying);
  saying = window.setTimeout(() => (byId("polite").textContent = text), 60);
}
