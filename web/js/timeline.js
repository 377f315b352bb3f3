// @ts-check
// Pure numbers of a sound: seconds along a wave, rows of spans, the outline of a wave. Nothing here touches the page.

import { clamp } from "./geometry.js";

/**
 * The second at a place along a wave.
 * @param {number} x
 * @param {number} width
 * @param {number} duration_s
 */
export function timeAt(x, width, duration_s) {
  return width > 0 ? clamp((x / width) * duration_s, 0, duration_s) : 0;
}

/**
 * The time between two seconds, in order, to hundredths and at least a tenth of a second long.
 * @param {number} a
 * @param {number} b
 * @param {number} duration_s
 * @returns {[number, number]}
 */
export function timeBetween(a, b, duration_s) {
  const shortest = Math.min(0.1, duration_s);
  const t0 = clamp(Math.min(a, b), 0, duration_s - shortest);
  const t1 = clamp(Math.max(a, b), t0 + shortest, duration_s);
  return [Math.round(t0 * 100) / 100, Math.round(t1 * 100) / 100];
}

/**
 * Rows for spans so that none covers another: each takes the first row that is free at its start.
 * @template {{t0: number, t1: number}} S
 * @param {S[]} spans
 * @returns {Map<S, number>}
 */
export function lanesOf(spans) {
  /** @type {number[]} */
  const ends = [];
  const rows = new Map();
  for (const span of [...spans].sort((a, b) => a.t0 - b.t0 || b.t1 - a.t1)) {
    let row = ends.findIndex((end) => end <= span.t0 + 1e-6);
    if (row < 0) row = ends.length;
    ends[row] = span.t1;
    rows.set(span, row);
  }
  return rows;
}

/**
 * The outline of a wave as one closed shape: its upper edge there, its lower edge back.
 * @param {Array<[number, number]>} peaks least and greatest value of every bucket, -1 to 1
 * @param {number} height
 * @param {number} [least] the thinnest line, so that silence is still seen
 * @returns {string} one unit of x per bucket
 */
export function wavePath(peaks, height, least = 1) {
  if (!peaks.length) return "";
  const middle = height / 2;
  const y = (/** @type {number} */ value) => Number((middle - clamp(value, -1, 1) * middle).toFixed(2));
  const upper = peaks.map(([, high], i) => `${i} ${Math.min(y(Math.max(high, 0)), middle - least / 2)}`);
  const lower = peaks.map(([low], i) => `${i} ${Math.max(y(Math.min(low, 0)), middle + least / 2)}`).reverse();
  return `M${upper.join(" L")} L${lower.join(" L")}Z`;
}
