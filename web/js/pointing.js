// @ts-check
/**
 * Pointing at the picture, with a mouse, a finger, a pen or keys. A region under the pointer lights its entity;
 * a click or a drawn box becomes a chip of the question. All places are pixels of the served picture.
 */

import { say } from "./dom.js";
import { adjustBox, boxBetween, isDrag, isOnPicture, pixelAt, smallestAt } from "./geometry.js";
import { t } from "./i18n.js";
import { placeLabel } from "./words.js";
import { arrow } from "./zoom.js";

/**
 * @typedef {import("./geometry.js").Box} Box
 * @typedef {import("./geometry.js").Point} Point
 * @typedef {import("./overlay.js").Shown} Shown
 */

const CROP = 40;

export class Pointer {
  /**
   * @param {HTMLElement} frame
   * @param {HTMLImageElement} image
   * @param {import("./store.js").Store} store
   * @param {import("./overlay.js").Overlay} overlay
   * @param {import("./zoom.js").Zoom} zoom
   */
  constructor(frame, image, store, overlay, zoom) {
    this.frame = frame;
    this.image = image;
    this.store = store;
    this.overlay = overlay;
    this.zoom = zoom;
    /** @type {{id: number, x: number, y: number, from: Point, alt: boolean, dragged: boolean, pans: boolean} | null} */
    this.press = null;
    /** @type {{kind: "box" | "point", box: Box} | null} what the keys move */
    this.tool = null;
    /** A finger draws boxes instead of moving the picture. */
    this.draws = false;
    /** @type {Shown | null} */
    this.under = null;
    /** @type {{entity: string | null} | null} */
    this.tapped = null;
    /** @type {(string | null)[]} what the last two presses added */
    this.added = [];
    /** @type {(point: Point | null) => void} told where the pointer rests on nothing known */
    this.wondering = () => undefined;
    /** @type {((point: Point, positive: boolean) => void) | null} takes the clicks while a mask is corrected */
    this.taking = null;
    this.listen();
  }

  listen() {
    const on = (/** @type {string} */ name, /** @type {(event: any) => void} */ listener) => this.frame.addEventListener(name, listener);
    on("pointerdown", (event) => this.down(event));
    on("pointermove", (event) => this.moved(event));
    on("pointerup", (event) => this.up(event));
    on("pointercancel", () => this.drop());
    on("pointerleave", () => this.leave());
    on("click", () => this.lightTapped());
    on("dblclick", (event) => this.twice(event));
    on("keydown", (event) => this.key(event) && (event.preventDefault(), event.stopPropagation()));
    on("blur", () => this.setTool(null));
  }

  get size() {
    const { width = 1, height = 1 } = this.overlay.medium ?? {};
    return { width, height };
  }

  /** @param {Event} event */
  isOwn(event) {
    return !(event.target instanceof Element && event.target.closest("[data-own]"));
  }

  // --- pointer --------------------------------------------------------------------------------------------

  /** @param {PointerEvent} event */
  down(event) {
    if (!this.overlay.medium || event.button !== 0 || this.zoom.busy || !this.isOwn(event)) {
      this.drop();
      return;
    }
    const pans = event.pointerType === "touch" && !this.zoom.isWhole && !this.draws;
    const from = this.overlay.pointOf(event);
    this.press = { id: event.pointerId, x: event.clientX, y: event.clientY, from, alt: event.altKey, dragged: false, pans };
    if (event.pointerType !== "touch") this.frame.setPointerCapture(event.pointerId);
  }

  /** @param {PointerEvent} event */
  moved(event) {
    const { press } = this;
    if (press && (this.zoom.busy || event.pointerId !== press.id)) {
      this.drop();
    } else if (press) {
      this.drag(event, press);
    } else if (event.pointerType !== "touch") {
      this.hover(this.isOwn(event) ? this.overlay.pointOf(event) : null);
    }
  }

  /** @param {PointerEvent} event @param {NonNullable<Pointer["press"]>} press */
  drag(event, press) {
    if (!press.dragged && !isDrag(event.clientX - press.x, event.clientY - press.y)) return;
    if (!press.dragged) {
      press.dragged = true;
      this.hover(null);
    }
    if (press.pans) {
      this.zoom.pan(event.clientX - press.x, event.clientY - press.y);
      press.x = event.clientX;
      press.y = event.clientY;
    } else {
      this.overlay.drawBox(boxBetween(press.from, this.overlay.pointOf(event), this.size));
    }
  }

  /** @param {PointerEvent} event */
  up(event) {
    const { press } = this;
    this.drop();
    if (!press || press.id !== event.pointerId) return;
    this.added = [...this.added.slice(-1), null];
    const to = this.overlay.pointOf(event);
    if (press.dragged && !press.pans && !this.taking) this.addBox(boxBetween(press.from, to, this.size));
    else if (!press.dragged && isOnPicture(press.from, this.size)) this.click(press.from, press.alt, event.pointerType === "touch");
  }

  drop() {
    this.press = null;
    this.overlay.drawBox(this.tool?.box ?? null);
  }

  leave() {
    if (!this.press) this.hover(null);
  }

  /** @param {Point | null} point in the picture */
  hover(point) {
    const inside = point && !this.taking && isOnPicture(point, this.size) && this.store.state.view.mode !== "off";
    const under = inside ? smallestAt(this.overlay.regions, point.x, point.y) : null;
    this.wondering(inside && !under ? pixelAt(point, this.size) : null);
    if (under?.id === this.under?.id) return;
    this.under = under;
    this.frame.classList.toggle("is-over", under !== null);
    if (under?.mentioned) this.store.light(under.entity.id, "region");
    else if (this.store.state.pointing.source === "region") this.store.light(null, "region");
    this.overlay.drawHovered(under && !under.mentioned ? under : null);
  }

  /** @param {Point} point @param {boolean} negative @param {boolean} touched */
  click(point, negative, touched) {
    if (this.taking) {
      this.taking(pixelAt(point, this.size), !negative);
      return;
    }
    const under = negative ? null : smallestAt(this.overlay.regions, point.x, point.y);
    if (touched) this.tapped = { entity: under?.mentioned ? under.entity.id : null };
    if (under) this.toggleEntity(under.entity);
    else this.addPoint(pixelAt(point, this.size), !negative);
  }

  /** A tap lights once the focus has moved, as losing the focus puts out what a phrase had lit. */
  lightTapped() {
    if (this.tapped) this.store.light(this.tapped.entity, "region");
    this.tapped = null;
  }

  /** The first clicks of a double click meant no places. @param {MouseEvent} event */
  twice(event) {
    if (this.taking || !this.isOwn(event)) return;
    for (const key of this.added) if (key) this.store.removeChip(key);
    this.added = [];
    this.zoom.toggle(event);
  }

  // --- chips ----------------------------------------------------------------------------------------------

  /** Ask about an entity, or no longer. @param {import("./types.js").Entity} entity */
  toggleEntity(entity) {
    const known = this.store.state.chips.find((chip) => chip.place.kind === "entity" && chip.place.entity === entity.id);
    if (known) this.store.removeChip(known.key);
    else if (this.store.own.has(entity.id)) this.add({ place: { kind: "entity", entity: entity.id }, label: entity.label, slot: entity.slot });
    else { // the next answer does not know what only a version beside this one names
      const region = this.overlay.regions.find((one) => one.entity.id === entity.id);
      if (region) this.addBox(region.bbox);
    }
  }

  /** @param {Point} point @param {boolean} positive */
  addPoint({ x, y }, positive) {
    this.addPlace({ kind: "point", media: this.overlay.medium?.id, x, y, positive }, [x - CROP, y - CROP, 2 * CROP, 2 * CROP]);
  }

  /** @param {Box} box */
  addBox(box) {
    this.addPlace({ kind: "box", media: this.overlay.medium?.id, box }, box);
  }

  /** @param {import("./types.js").Place} place @param {Box} seen */
  addPlace(place, seen) {
    this.add({ place, label: placeLabel(place), crop: this.cropOf(seen) });
  }

  /** @param {Omit<import("./types.js").Chip, "key">} chip */
  add(chip) {
    const key = this.store.key();
    if (!this.store.addChip({ ...chip, key })) return;
    if (this.added.length) this.added[this.added.length - 1] = key;
    say(t("stage.added", { label: chip.label }));
  }

  /** A small picture of a box. @param {Box} box @param {HTMLImageElement} [image] @returns {HTMLCanvasElement | undefined} */
  cropOf([x, y, width, height], image = this.image) {
    const { size } = this;
    if (!image.naturalWidth) return undefined;
    const canvas = document.createElement("canvas");
    const scale = Math.min(1, 96 / Math.max(width, height));
    canvas.width = Math.max(1, Math.round(width * scale));
    canvas.height = Math.max(1, Math.round(height * scale));
    const [sx, sy] = [image.naturalWidth / size.width, image.naturalHeight / size.height];
    canvas.getContext("2d")?.drawImage(image, x * sx, y * sy, width * sx, height * sy, 0, 0, canvas.width, canvas.height);
    return canvas;
  }

  // --- keys -----------------------------------------------------------------------------------------------

  /** @param {Pointer["tool"]} tool */
  setTool(tool) {
    if (tool === this.tool) return;
    this.tool = tool;
    this.overlay.drawBox(tool?.box ?? null);
    this.frame.classList.toggle("is-placing", tool !== null);
  }

  /** A box or a spot in the middle of what is seen, to be moved with the arrows. @param {"box" | "point"} kind */
  startTool(kind) {
    const { view, size: frame } = this.zoom;
    const { width, height } = this.size;
    const [cx, cy] = [(frame.width / 2 - view.x) / view.scale, (frame.height / 2 - view.y) / view.scale];
    const seen = [Math.min(width, frame.width / view.scale), Math.min(height, frame.height / view.scale)];
    const [w, h] = kind === "point" ? [1, 1] : [Math.round(seen[0] / 3), Math.round(seen[1] / 3)];
    const box = adjustBox([Math.round(cx - w / 2), Math.round(cy - h / 2), w, h], {}, this.size);
    this.setTool({ kind, box });
    say(t(kind === "box" ? "stage.box_help" : "stage.point_help"));
  }

  /** @param {KeyboardEvent} event @returns {boolean} whether the key was one of these */
  key(event) {
    if (event.target !== this.frame || !this.overlay.medium || event.ctrlKey || event.metaKey) return false;
    if (this.tool) return this.toolKey(event, this.tool);
    const key = event.key.toLowerCase();
    if ((key === "b" && !this.taking) || key === "p") this.startTool(key === "b" ? "box" : "point");
    else return this.zoom.key(event);
    return true;
  }

  /** @param {KeyboardEvent} event @param {NonNullable<Pointer["tool"]>} tool @returns {boolean} */
  toolKey(event, { kind, box }) {
    if (event.key === "Escape") this.setTool(null);
    else if (event.key === "Enter") {
      this.setTool(null);
      if (kind === "box") this.addBox(box);
      else this.click({ x: box[0] + 0.5, y: box[1] + 0.5 }, event.altKey, false);
    } else if (event.key.startsWith("Arrow")) {
      const step = event.altKey ? 1 : Math.max(1, Math.round(Math.max(this.size.width, this.size.height) / 50));
      const [dx, dy] = arrow(event.key).map((way) => way * step);
      const change = event.shiftKey && kind === "box" ? { dw: dx, dh: dy } : { dx, dy };
      const moved = adjustBox(box, change, this.size);
      this.setTool({ kind, box: moved });
      say(t("stage.box_at", { x: moved[0], y: moved[1], width: moved[2], height: moved[3] }));
    } else return false;
    return true;
  }
}
