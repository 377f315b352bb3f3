// @ts-check
/** Zooming and panning the picture: Ctrl + wheel, pinch, double click, keys and buttons; and the full screen. */

import { fitView, panView, zoomView } from "./geometry.js";

/**
 * @typedef {import("./geometry.js").Point} Point
 * @typedef {import("./geometry.js").Size} Size
 * @typedef {import("./geometry.js").View} View
 */

const STEP = 1.5;
const PAN = 60;

export class Zoom {
  /**
   * @param {HTMLElement} frame
   * @param {(view: View, frame: Size) => void} changed
   */
  constructor(frame, changed) {
    this.frame = frame;
    this.changed = changed;
    /** @type {Size} */
    this.picture = { width: 1, height: 1 };
    /** @type {Size} */
    this.size = { width: 1, height: 1 };
    /** @type {View} */
    this.view = { scale: 1, x: 0, y: 0 };
    /** Two fingers are down, or the picture is being dragged about. */
    this.busy = false;
    /** The picture has not been shown yet. */
    this.fresh = true;
    /** @type {Map<number, Point>} */
    this.fingers = new Map();
    new ResizeObserver(() => this.resize()).observe(frame);
    frame.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    frame.addEventListener("pointerdown", (event) => this.press(event));
    frame.addEventListener("pointermove", (event) => this.move(event));
    for (const end of ["pointerup", "pointercancel"]) frame.addEventListener(end, (event) => this.release(/** @type {PointerEvent} */ (event)));
  }

  get isWhole() {
    return this.view.scale <= fitView(this.picture, this.size).scale * 1.001;
  }

  /** How much larger than the whole picture. */
  get factor() {
    return this.view.scale / fitView(this.picture, this.size).scale;
  }

  /** @param {Size} picture */
  setPicture(picture) {
    this.picture = picture;
    this.fresh = true;
    this.resize();
  }

  /** Keep the whole picture in view, or what is in the middle. */
  resize() {
    const { clientWidth: width, clientHeight: height } = this.frame;
    if (!width || !height) return;
    const whole = this.fresh || this.isWhole;
    this.fresh = false;
    const middle = { x: this.size.width / 2, y: this.size.height / 2 };
    const moved = panView(this.view, width / 2 - middle.x, height / 2 - middle.y, this.picture, { width, height });
    this.size = { width, height };
    this.set(whole ? fitView(this.picture, this.size) : zoomView(moved, 1, { x: width / 2, y: height / 2 }, this.picture, this.size));
  }

  /** @param {View} view */
  set(view) {
    this.view = view;
    this.frame.classList.toggle("is-zoomed", !this.isWhole);
    this.changed(view, this.size);
  }

  /** The whole picture. */
  fit() {
    this.set(fitView(this.picture, this.size));
  }

  /** @param {number} factor @param {Point} [at] in pixels of the frame; its middle if not given */
  by(factor, at = { x: this.size.width / 2, y: this.size.height / 2 }) {
    this.set(zoomView(this.view, factor, at, this.picture, this.size));
  }

  /** @param {number} dx @param {number} dy */
  pan(dx, dy) {
    this.set(panView(this.view, dx, dy, this.picture, this.size));
  }

  /** @param {{clientX: number, clientY: number}} event @returns {Point} */
  placeOf({ clientX, clientY }) {
    const { left, top } = this.frame.getBoundingClientRect();
    return { x: clientX - left - this.frame.clientLeft, y: clientY - top - this.frame.clientTop };
  }

  /** Double click: nearer, or the whole again. @param {MouseEvent} event */
  toggle(event) {
    if (this.isWhole) this.by(2.5, this.placeOf(event));
    else this.fit();
  }

  /** @param {WheelEvent} event */
  wheel(event) {
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      this.by(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0025)), this.placeOf(event));
    } else if (!this.isWhole) {
      event.preventDefault();
      const line = event.deltaMode ? 20 : 1;
      const [dx, dy] = event.shiftKey ? [event.deltaY, event.deltaX] : [event.deltaX, event.deltaY];
      this.pan(-dx * line, -dy * line);
    }
  }

  /** @param {PointerEvent} event */
  press(event) {
    if (event.pointerType === "touch") {
      this.fingers.set(event.pointerId, this.placeOf(event));
      this.busy = this.fingers.size > 1;
    } else if (event.button === 1) {
      event.preventDefault();
      this.fingers.set(event.pointerId, this.placeOf(event));
      this.frame.setPointerCapture(event.pointerId);
      this.busy = true;
    }
  }

  /** @param {PointerEvent} event */
  move(event) {
    const before = this.fingers.get(event.pointerId);
    if (!before) return;
    const now = this.placeOf(event);
    this.fingers.set(event.pointerId, now);
    if (!this.busy) return;
    const other = [...this.fingers].find(([id]) => id !== event.pointerId)?.[1];
    if (!other) {
      this.pan(now.x - before.x, now.y - before.y);
      return;
    }
    const length = (/** @type {Point} */ p) => Math.max(1, Math.hypot(p.x - other.x, p.y - other.y));
    this.pan((now.x - before.x) / 2, (now.y - before.y) / 2);
    this.by(length(now) / length(before), { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 });
  }

  /** @param {PointerEvent} event */
  release(event) {
    this.fingers.delete(event.pointerId);
    if (this.fingers.size === 0) this.busy = false;
  }

  /** @param {KeyboardEvent} event @returns {boolean} whether the key was one of these */
  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return false;
    if (event.key === "+" || event.key === "=") this.by(STEP);
    else if (event.key === "-") this.by(1 / STEP);
    else if (event.key === "0") this.fit();
    else if (!this.isWhole && event.key.startsWith("Arrow")) {
      const [dx, dy] = arrow(event.key);
      this.pan(-dx * PAN, -dy * PAN);
    } else return false;
    return true;
  }
}

/** The direction of an arrow key. @param {string} key @returns {[number, number]} */
export function arrow(key) {
  return [Number(key === "ArrowRight") - Number(key === "ArrowLeft"), Number(key === "ArrowDown") - Number(key === "ArrowUp")];
}

/** Fill the screen with an element, or leave that. @param {HTMLElement} element */
export async function toggleFullscreen(element) {
  if (document.fullscreenElement) await document.exitFullscreen();
  else await element.requestFullscreen?.();
}
