// @ts-check
/**
 * What is drawn over a picture, in pixels of the picture. Two SVG layers, so that lighting one region repaints
 * nothing else: the resting outlines below, and above them the light with what is being pointed at.
 */

import { make } from "./dom.js";
import { isSafePath } from "./evidence.js";
import { clamp, labelPlace, parsePath, viewBoxOf } from "./geometry.js";
import { percent } from "./i18n.js";
import { badge } from "./words.js";

/**
 * @typedef {import("./geometry.js").Box} Box
 * @typedef {import("./geometry.js").Point} Point
 * @typedef {{id: string, media: string, bbox: Box, area: number, path: string, score: number, rings: number[][],
 *   label: Point, entity: import("./types.js").Entity, mentioned: boolean}} Shown a region that can be drawn
 * @typedef {{element: HTMLElement | SVGElement, at: Point}} Pin
 */

const SVG = "http://www.w3.org/2000/svg";
const MAX_TAGS = 6;
const MAX_LINES = 4;

/**
 * Make an SVG element.
 * @param {string} tag @param {Record<string, string|number>} [attributes] @param {...Element} children
 */
export function draw(tag, attributes = {}, ...children) {
  const element = /** @type {SVGElement} */ (document.createElementNS(SVG, tag));
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

export class Overlay {
  /** @param {import("./store.js").Store} store */
  constructor(store) {
    this.store = store;
    /** @type {Shown[]} regions of the picture on the stage that are not hidden */
    this.regions = [];
    this.rest = draw("svg", { class: "stage-rest", "aria-hidden": "true" });
    this.badges = draw("g", { class: "stage-badges" });
    this.outlines = draw("g");
    this.rest.append(this.outlines, this.badges);
    this.hole = draw("g", { fill: "#000" });
    this.shade = draw("rect", { class: "stage-shade", mask: "url(#stage-hole)" });
    this.lit = draw("g", { class: "stage-lit" });
    this.hovered = draw("g");
    this.guess = draw("g");
    this.marks = draw("g", { class: "stage-marks" });
    this.tool = draw("g");
    this.backdrop = draw("rect", { fill: "#fff" });
    const mask = draw("mask", { id: "stage-hole", maskUnits: "userSpaceOnUse" }, this.backdrop, this.hole);
    this.mask = mask;
    const groups = [this.shade, this.lit, this.hovered, this.guess, this.marks, this.tool];
    this.light = /** @type {SVGSVGElement} */ (draw("svg", { class: "stage-light", "aria-hidden": "true" }, mask, ...groups));
    this.tags = make("div", { class: "stage-tags", "aria-hidden": "true" });
    /** @type {Record<"badges" | "tags" | "points", Pin[]>} things of constant size on the screen */
    this.pins = { badges: [], tags: [], points: [] };
    this.drawn = "";
    /** A region that is being corrected, as it is to be, and the points that say so.
     * @type {{id: string, region: import("./types.js").Region | null, points: import("./segmenting.js").Spot[]} | null} */
    this.draft = null;
    /** @type {Map<string, {rings: number[][], label: Point}>} */
    this.known = new Map();
    /** @type {Set<string>} */
    this.grown = new Set();
    /** @type {import("./types.js").Media | null} */
    this.medium = null;
    /** @type {import("./geometry.js").View} */
    this.view = { scale: 1, x: 0, y: 0 };
    this.frame = { width: 1, height: 1 };
  }

  /** @param {import("./types.js").Media | null} medium */
  setMedium(medium) {
    if (medium?.id !== this.medium?.id) this.known.clear();
    this.medium = medium;
    this.collect();
  }

  /** @param {import("./geometry.js").View} view @param {import("./geometry.js").Size} frame */
  setView(view, frame) {
    const box = viewBoxOf(view, frame);
    for (const layer of [this.rest, this.light]) layer.setAttribute("viewBox", box);
    const [x, y, width, height] = box.split(" ");
    for (const area of [this.mask, this.backdrop, this.shade]) {
      for (const [name, value] of Object.entries({ x, y, width, height })) area.setAttribute(name, value);
    }
    this.view = view;
    this.frame = frame;
    for (const pins of Object.values(this.pins)) this.place(pins);
  }

  /** @param {Pin[]} pins */
  place(pins) {
    const { scale, x, y } = this.view;
    for (const { element, at } of pins) {
      if (element instanceof SVGElement) element.setAttribute("transform", `translate(${at.x} ${at.y}) scale(${1 / scale})`);
      else {
        const left = clamp(at.x * scale + x - element.offsetWidth / 2, 4, Math.max(4, this.frame.width - element.offsetWidth - 4));
        const top = clamp(at.y * scale + y - element.offsetHeight - 6, 4, Math.max(4, this.frame.height - element.offsetHeight - 4));
        element.style.transform = `translate(${left}px, ${top}px)`;
      }
    }
  }

  /** Gather the regions of the picture anew and draw everything. */
  collect() {
    const { entities, regions, view } = this.store.state;
    const mentioned = mentionedEntities(this.store);
    // a thing and the sound it makes have one region: it goes with the thing
    const away = new Set([...view.hidden].flatMap((id) => entities.get(id)?.regions ?? []));
    this.regions = [];
    for (const entity of entities.values()) {
      for (const id of entity.regions) {
        if (away.has(id)) continue;
        const region = this.draft?.id === id && this.draft.region ? { ...this.draft.region, id } : regions.get(id);
        if (!region || region.media !== this.medium?.id || !isSafePath(region.path)) continue;
        const bbox = /** @type {Box} */ (region.bbox);
        this.regions.push({ ...region, bbox, ...this.shapeOf(region.path, bbox), entity, mentioned: mentioned.has(entity.id) });
      }
    }
    this.drawRest();
    this.drawLight();
    this.drawMarks();
  }

  /** @param {string} path @param {Box} bbox */
  shapeOf(path, bbox) {
    let shape = this.known.get(path);
    if (!shape) {
      const rings = parsePath(path);
      shape = { rings, label: labelPlace(rings, bbox) };
      this.known.set(path, shape);
    }
    return shape;
  }

  /** Thin outlines and numbers of what the answers mention; drawn anew only where that changed. */
  drawRest() {
    const { mode } = this.store.state.view;
    const first = new Map(this.regions.filter((region) => region.mentioned).reverse().map((region) => [region.id, region]));
    const shown = mode === "off" || mode === "cutout" ? [] : [...first.values()].reverse();
    const now = shown.map((region) => `${region.id} ${region.entity.slot} ${region.path.length} ${region.bbox}`).join("|");
    if (now === this.drawn) return;
    this.drawn = now;
    this.outlines.replaceChildren(...shown.map((region) => {
      const fresh = this.grown.has(region.id) ? "" : " is-new";
      this.grown.add(region.id);
      return draw("path", { class: `rest-region slot-${region.entity.slot}${fresh}`, d: region.path, "data-region": region.id });
    }));
    this.pins.badges = shown.map((region) => {
      const element = draw("g", { class: `rest-badge slot-${region.entity.slot}` }, draw("circle", { r: 10 }), draw("text", { dy: "0.36em" }));
      element.lastElementChild?.append(badge(region.entity));
      return { element, at: region.label };
    });
    this.badges.replaceChildren(...this.pins.badges.map((pin) => pin.element));
    this.place(this.pins.badges);
  }

  /** The entity that is pointed at, else pinned; and the one that is heard. */
  drawLight() {
    const { view, playing } = this.store.state;
    const active = this.store.active;
    const heard = playing?.entity ?? null;
    const lit = view.mode === "off" ? [] : this.regions.filter((region) => region.entity.id === active);
    const sounding = view.mode === "off" || heard === active ? [] : this.regions.filter((region) => region.entity.id === heard);
    this.light.classList.toggle("is-lit", lit.length > 0);
    this.hole.replaceChildren(...lit.map((region) => draw("path", { d: region.path, "fill-rule": "evenodd" })));
    this.lit.replaceChildren(...[...lit, ...sounding].map((region) => draw("path", {
      class: `lit-region slot-${region.entity.slot}${region.entity.id === heard ? " is-sounding" : ""}`,
      d: region.path, "data-region": region.id, "data-entity": region.entity.id,
    })));
    for (const path of this.lit.children) path.setAttribute("fill-opacity", String(view.opacity));
    this.hovered.replaceChildren();
    this.drawTags(lit);
  }

  /** Names of the lit regions. @param {Shown[]} lit */
  drawTags(lit) {
    this.pins.tags = lit.slice(0, MAX_TAGS).map(({ entity, score, bbox: [x, y, width] }) => {
      const share = score > 0 ? percent(score) : "";
      const tag = make("span", { class: `stage-tag slot-${entity.slot}` }, make("b", { class: "badge" }, badge(entity)), make("span", {}, entity.label), share && make("small", {}, share));
      return { element: tag, at: { x: x + width / 2, y } };
    });
    this.tags.replaceChildren(...this.pins.tags.map((pin) => pin.element));
    this.place(this.pins.tags);
  }

  /** Only the outline of a region that nobody mentioned. @param {Shown | null} region */
  drawHovered(region) {
    const paths = region && this.store.state.view.mode !== "off"
      ? [draw("path", { class: `hover-region slot-${region.entity.slot}`, d: region.path, "data-region": region.id })] : [];
    this.hovered.replaceChildren(...paths);
  }

  /** What the segmenter would take here. @param {string | null} path */
  drawGuess(path) {
    this.guess.replaceChildren(...(isSafePath(path) ? [draw("path", { class: "guess-region", d: path })] : []));
  }

  /** The box that is being drawn. @param {Box | null} box */
  drawBox(box) {
    this.tool.replaceChildren(...(box ? [boxMark(box, "stage-draft")] : []));
  }

  /** The places that the composer holds, or the points of a correction. */
  drawMarks() {
    const boxes = [];
    this.pins.points = [];
    const held = this.store.state.chips.map((chip) => chip.place).filter((place) => place.media === this.medium?.id);
    for (const place of this.draft?.points ?? held) {
      if ("box" in place && place.box) boxes.push(boxMark(/** @type {Box} */ (place.box), "stage-box"));
      if (!("x" in place)) continue;
      const negative = place.positive === false;
      const sign = draw("path", { d: negative ? "M-4 0H4" : "M-4 0H4M0 -4V4" });
      const mark = draw("g", { class: `stage-point${negative ? " is-negative" : ""}` }, draw("circle", { r: 8 }), sign);
      this.pins.points.push({ element: mark, at: { x: Number(place.x) + 0.5, y: Number(place.y) + 0.5 } });
    }
    this.marks.replaceChildren(...boxes, ...this.pins.points.map((pin) => pin.element));
    this.place(this.pins.points);
  }

  /** Where a place of the screen lies in the picture. @param {{clientX: number, clientY: number}} event @returns {Point} */
  pointOf({ clientX, clientY }) {
    const matrix = this.light.getScreenCTM();
    if (!matrix) return { x: -1, y: -1 };
    const { x, y } = new DOMPoint(clientX, clientY).matrixTransform(matrix.inverse());
    return { x, y };
  }
}

/** @param {Box} box @param {string} name */
function boxMark([x, y, width, height], name) {
  return draw("g", { class: name }, draw("rect", { class: "halo", x, y, width, height }), draw("rect", { x, y, width, height }));
}

/** Entities that some phrase of the shown branch stands for. @param {import("./store.js").Store} store */
export function mentionedEntities(store) {
  const found = new Set();
  for (const message of store.shown()) {
    for (const link of message.grounding?.links ?? []) if (link.state === "ready") found.add(link.entity);
  }
  return found;
}

/**
 * A thin line from the phrase that is pointed at to what it stands for, where the screen has room.
 * @param {import("./store.js").Store} store
 * @param {Overlay} overlay
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
    const log = phrase?.closest(".side-by-side") ?? phrase;
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
 * @param {number} slot @param {DOMRect} from @param {Point} to @param {DOMRect} column
 */
function line(slot, from, to, column) {
  const [x, y] = [from.left > to.x ? column.left - 3 : column.right + 3, from.top + from.height / 2];
  const bend = (x - to.x) / 2;
  return draw("path", { class: `leader-line slot-${slot}`, d: `M${x} ${y}C${x - bend} ${y} ${to.x + bend} ${to.y} ${to.x} ${to.y}` });
}
