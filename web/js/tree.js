// @ts-check
/**
 * Elements from the server's nodes. Only tags and attributes of the lists below are ever made; what is unknown
 * becomes a plain span, so that its words stay. `document` is used when building, not when loading.
 */

/** @typedef {import("./types.js").Block} Block */

const TAGS = new Set([
  "p", "strong", "em", "del", "code", "pre", "ul", "ol", "li", "blockquote", "h1", "h2", "h3", "h4",
  "table", "thead", "tbody", "tr", "th", "td", "hr", "br", "a", "g",
]);
// an answer's headings stand below the page's own
const DRAWN_AS = new Map([["g", "span"], ["h1", "h3"], ["h2", "h4"], ["h3", "h5"], ["h4", "h6"]]);
const STATES = new Set(["pending", "ready", "none"]);
const ALIGNMENTS = new Set(["left", "center", "right"]);
const MAX_DEPTH = 64;

/** The block an element or text was made of. @type {WeakMap<Node, Block>} */
export const blockOf = new WeakMap();

/** @param {Block} block @returns {string} "#text" for a string */
export function tagOf(block) {
  if (typeof block === "string") return "#text";
  return TAGS.has(block[0]) ? block[0] : "span";
}

/** @param {Block} block @returns {Block[]} */
export function childrenOf(block) {
  const children = typeof block === "string" ? [] : block[2];
  return Array.isArray(children) ? children.filter((child) => typeof child === "string" || Array.isArray(child)) : [];
}

/** The words of a block without its marks. @param {Block} block @returns {string} */
function wordsOf(block) {
  return typeof block === "string" ? block : childrenOf(block).map(wordsOf).join("");
}

/**
 * Who a phrase is and what it says: its state may change while it stays the same, and so may its marks, which
 * are plain signs until the closing one has come.
 * @param {Block} block
 */
export function phraseKey(block) {
  return JSON.stringify([/** @type {any} */ (block)[1]?.entity ?? "", wordsOf(block)]);
}

/** An address a person may be sent to, or null. @param {unknown} href @returns {URL|null} */
export function safeAddress(href) {
  if (typeof href !== "string") return null;
  try {
    const url = new URL(href);
    return ["http:", "https:", "mailto:"].includes(url.protocol) ? url : null;
  } catch {
    return null;
  }
}

/**
 * Attributes as they are set on the element; everything not made here is dropped.
 * @param {Block} block @returns {Record<string, string>}
 */
export function attributesOf(block) {
  const given = typeof block === "string" ? {} : /** @type {Record<string, unknown>} */ (block[1] ?? {});
  switch (tagOf(block)) {
    case "a": {
      const url = safeAddress(given.href);
      if (!url) return {};
      return {
        href: url.href, rel: "noopener noreferrer nofollow", target: "_blank", "data-host": url.host || url.pathname,
      };
    }
    case "ol":
      return Number.isInteger(given.start) ? { start: String(given.start) } : {};
    case "th":
    case "td":
      return ALIGNMENTS.has(String(given.align)) ? { class: `align-${given.align}` } : {};
    case "code":
      return typeof given.lang === "string" ? { "data-lang": given.lang.slice(0, 30) } : {};
    case "pre":
      return { tabindex: "0" };
    case "g":
      return {
        class: "g", "data-entity": String(given.entity ?? ""),
        "data-state": STATES.has(String(given.state)) ? String(given.state) : "none",
      };
    default:
      return {};
  }
}

/** @param {Block} block @param {number} [depth] @returns {Node} */
export function build(block, depth = 0) {
  if (typeof block === "string") {
    const text = document.createTextNode(block);
    blockOf.set(text, block);
    return text;
  }
  const tag = tagOf(block);
  const element = document.createElement(DRAWN_AS.get(tag) ?? tag);
  for (const [name, value] of Object.entries(attributesOf(block))) element.setAttribute(name, value);
  if (depth < MAX_DEPTH) for (const child of childrenOf(block)) element.appendChild(build(child, depth + 1));
  blockOf.set(element, block);
  return element;
}

/**
 * Blocks for a text that came without them: one paragraph with its phrases. Links count code points.
 * @param {string} text @param {import("./types.js").Link[]} links @returns {Block[]}
 */
export function plainBlocks(text, links = []) {
  const points = Array.from(text);
  /** @type {Block[]} */
  const children = [];
  let at = 0;
  for (const { start, end, entity, state } of [...links].sort((a, b) => a.start - b.start)) {
    if (start < at || end <= start || end > points.length) continue;
    if (start > at) children.push(points.slice(at, start).join(""));
    children.push(["g", { entity, state }, [points.slice(start, end).join("")]]);
    at = end;
  }
  if (at < points.length) children.push(points.slice(at).join(""));
  return children.length ? [["p", {}, children]] : [];
}
