// @ts-check
// Pure numbers of a picture: outlines and boxes in its pixels, and views of it. Nothing here touches the page.

import { isSafePath } from "./evidence.js";

/** @typedef {{x: number, y: number}} Point */
/** @typedef {[number, number, number, number]} Box x, y, width, height */
/** @typedef {{scale: number, x: number, y: number}} View a picture pixel p is shown at p * scale + (x, y) */
/** @typedef {{width: number, height: number}} Size */

/** Movements up to this many screen pixels are clicks, longer ones draw a box. */
export const DRAG_DISTANCE = 10;
export const MAX_ZOOM = 16;

/**
 * The corners of every ring of an outline; unsafe outlines have none.
 * @param {unknown} path
 * @returns {number[][]} one flat list x0, y0, x1, y1, ... per ring
 */
export function parsePath(path) {
  if (!isSafePath(path)) return [];
  const rings = [];
  for (const part of path.split("M")) {
    const numbers = (part.match(/-?\d*\.?\d+/g) ?? []).map(Number);
    if (numbers.length >= 6) rings.push(numbers.slice(0, numbers.length - (numbers.length % 2)));
  }
  return rings;
}

/**
 * Says whether a point lies within an outline, by the even-odd rule: holes are outside.
 * @param {number[][]} rings
 * @param {number} x
 * @param {number} y
 */
export function isInside(rings, x, y) {
  let inside = false;
  for (const ring of rings) {
    for (let i = 0, j = ring.length - 2; i < ring.length; j = i, i += 2) {
      const y0 = ring[i + 1];
      const y1 = ring[j + 1];
      if (y0 > y !== y1 > y && x < ((ring[j] - ring[i]) * (y - y0)) / (y1 - y0) + ring[i]) inside = !inside;
    }
  }
  return inside;
}

/**
 * @param {Box} box
 * @param {number} x
 * @param {number} y
 */
export function isInBox([left, top, width, height], x, y) {
  return x >= left && y >= top && x <= left + width && y <= top + height;
}

/**
 * The region under a point; where several overlap, the one of smallest area.
 * @template {{bbox: Box, area: number, rings: number[][]}} R
 * @param {Iterable<R>} regions
 * @param {number} x
 * @param {number} y
 * @returns {R | null}
 */
export function smallestAt(regions, x, y) {
  let best = null;
  for (const region of regions) {
    if (best && region.area >= best.area) continue;
    if (isInBox(region.bbox, x, y) && isInside(region.rings, x, y)) best = region;
  }
  return best;
}

/**
 * A place for a label well within an outline: the middle of the widest run on the row that holds the most of it.
 * @param {number[][]} rings
 * @param {Box} box
 * @returns {Point}
 */
export function labelPlace(rings, [left, top, width, height]) {
  let best = { x: left + width / 2, y: top + height / 2 };
  let widest = -1;
  for (let row = 1; row < 12; row += 1) {
    const y = top + (height * row) / 12;
    const crossings = rowCrossings(rings, y);
    const lean = 1 - Math.abs(row - 6) / 24;
    for (let i = 0; i + 1 < crossings.length; i += 2) {
      const run = (crossings[i + 1] - crossings[i]) * lean;
      if (run > widest) {
        widest = run;
        best = { x: (crossings[i] + crossings[i + 1]) / 2, y };
      }
    }
  }
  return best;
}

/** @param {number[][]} rings @param {number} y @returns {number[]} */
function rowCrossings(rings, y) {
  const found = [];
  for (const ring of rings) {
    for (let i = 0, j = ring.length - 2; i < ring.length; j = i, i += 2) {
      if (ring[i + 1] > y === ring[j + 1] > y) continue;
      found.push(ring[i] + ((y - ring[i + 1]) / (ring[j + 1] - ring[i + 1])) * (ring[j] - ring[i]));
    }
  }
  return found.sort((a, b) => a - b);
}

/**
 * The box between two corners, in whole pixels within the picture and at least one pixel wide and high.
 * @param {Point} a
 * @param {Point} b
 * @param {Size} size
 * @returns {Box}
 */
export function boxBetween(a, b, size) {
  const [left, right] = edges(a.x, b.x, size.width);
  const [top, bottom] = edges(a.y, b.y, size.height);
  return [left, top, right - left, bottom - top];
}

/** @param {number} a @param {number} b @param {number} limit @returns {[number, number]} */
function edges(a, b, limit) {
  const low = clamp(Math.round(Math.min(a, b)), 0, limit - 1);
  return [low, clamp(Math.round(Math.max(a, b)), low + 1, limit)];
}

/**
 * Moves and resizes a box by whole pixels, keeping it within the picture.
 * @param {Box} box
 * @param {{dx?: number, dy?: number, dw?: number, dh?: number}} change
 * @param {Size} size
 * @returns {Box}
 */
export function adjustBox([x, y, width, height], { dx = 0, dy = 0, dw = 0, dh = 0 }, size) {
  const w = clamp(width + dw, 1, size.width);
  const h = clamp(height + dh, 1, size.height);
  return [clamp(x + dx, 0, size.width - w), clamp(y + dy, 0, size.height - h), w, h];
}

/**
 * A pixel of the picture: whole numbers, never outside.
 * @param {Point} point
 * @param {Size} size
 * @returns {Point}
 */
export function pixelAt(point, size) {
  return {
    x: clamp(Math.floor(point.x), 0, size.width - 1),
    y: clamp(Math.floor(point.y), 0, size.height - 1),
  };
}

/** @param {Point} point @param {Size} size */
export function isOnPicture({ x, y }, size) {
  return x >= 0 && y >= 0 && x < size.width && y < size.height;
}

/** @param {number} dx @param {number} dy */
export function isDrag(dx, dy) {
  return Math.hypot(dx, dy) > DRAG_DISTANCE;
}

/** @param {number} value @param {number} low @param {number} high */
export function clamp(value, low, high) {
  return Math.max(low, Math.min(high, value));
}

// ---------------------------------------------------------------- views

/**
 * The view that shows the whole picture in the middle of a frame.
 * @param {Size} picture
 * @param {Size} frame
 * @returns {View}
 */
export function fitView(picture, frame) {
  const scale = Math.max(1e-6, Math.min(frame.width / picture.width, frame.height / picture.height));
  return {
    scale,
    x: (frame.width - picture.width * scale) / 2,
    y: (frame.height - picture.height * scale) / 2,
  };
}

/**
 * Zooms about a point of the frame, between the whole picture and 16 times that, leaving no needless border.
 * @param {View} view
 * @param {number} factor
 * @param {Point} at in pixels of the frame
 * @param {Size} picture
 * @param {Size} frame
 * @returns {View}
 */
export function zoomView(view, factor, at, picture, frame) {
  const whole = fitView(picture, frame).scale;
  const scale = clamp(view.scale * factor, whole, whole * MAX_ZOOM);
  const ratio = scale / view.scale;
  return keepInFrame({ scale, x: at.x - (at.x - view.x) * ratio, y: at.y - (at.y - view.y) * ratio }, picture, frame);
}

/**
 * Moves a view, no further than its edges.
 * @param {View} view
 * @param {number} dx
 * @param {number} dy
 * @param {Size} picture
 * @param {Size} frame
 * @returns {View}
 */
export function panView(view, dx, dy, picture, frame) {
  return keepInFrame({ ...view, x: view.x + dx, y: view.y + dy }, picture, frame);
}

/** @param {View} view @param {Size} picture @param {Size} frame @returns {View} */
function keepInFrame({ scale, x, y }, picture, frame) {
  const along = (/** @type {number} */ offset, /** @type {number} */ length, /** @type {number} */ room) =>
    length <= room ? (room - length) / 2 : clamp(offset, room - length, 0);
  return {
    scale,
    x: along(x, picture.width * scale, frame.width),
    y: along(y, picture.height * scale, frame.height),
  };
}

/**
 * What of the picture's plane a frame shows, as an SVG viewBox.
 * @param {View} view
 * @param {Size} frame
 * @returns {string}
 */
export function viewBoxOf({ scale, x, y }, frame) {
  return [-x / scale, -y / scale, frame.width / scale, frame.height / scale].map((v) => Number(v.toFixed(4))).join(" ");
}
