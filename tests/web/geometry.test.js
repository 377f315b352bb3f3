// Outlines, boxes, views and times in numbers: `node --test tests/web/`.
import assert from "node:assert/strict";
import test from "node:test";

import {
  MAX_ZOOM, adjustBox, boxBetween, fitView, isDrag, isInside, isOnPicture,
  labelPlace, panView, parsePath, pixelAt, smallestAt, viewBoxOf, zoomView,
} from "../../web/js/geometry.js";
import { MAX_PATH_LENGTH, isSafePath } from "../../web/js/evidence.js";
import { lanesOf, timeAt, timeBetween, wavePath } from "../../web/js/timeline.js";

const square = (x, y, side) => `M${x} ${y}L${x + side} ${y}L${x + side} ${y + side}L${x} ${y + side}Z`;
const region = (id, path, bbox) => ({ id, path, bbox, area: bbox[2] * bbox[3], rings: parsePath(path) });

test("only outlines of the known letters and of bounded length are drawn", () => {
  assert.ok(isSafePath("M0 0L10.5,0L10 -1Z"));
  for (const bad of ["", "L0 0Z", "M0 0<script>", "M0 0\nL1 1Z", "M0 0url(#a)", "m0 0z", "M0 0e5", null, 3, ["M0 0"], {}]) {
    assert.equal(isSafePath(bad), false, String(bad));
    assert.deepEqual(parsePath(bad), []);
  }
  assert.ok(isSafePath(`M${"1 ".repeat((MAX_PATH_LENGTH - 1) / 2)}`));
  assert.equal(isSafePath(`M${"1 ".repeat(MAX_PATH_LENGTH)}`), false);
});

test("outlines parse to rings, whatever separates their numbers", () => {
  const expected = [[0, 0, 10, 0, 10, 10], [2, 2, 3, 2, 3, 3.5]];
  assert.deepEqual(parsePath("M0 0L10 0L10 10ZM2 2L3 2L3 3.5Z"), expected);
  assert.deepEqual(parsePath("M 0,0 L 10,0 L 10,10 Z M 2,2 L 3,2 L 3,3.5 Z"), expected);
  assert.deepEqual(parsePath("M0 0 10 0 10 10Z M2 2 3 2 3 3.5"), expected);
  assert.deepEqual(parsePath("M-1-2L3-4L5 6Z"), [[-1, -2, 3, -4, 5, 6]]);
  assert.deepEqual(parsePath("M0 0L1 1Z"), [], "two corners hold no area");
});

test("a hole is outside", () => {
  const ring = parsePath(square(0, 0, 30) + square(10, 10, 10));
  assert.ok(isInside(ring, 5, 5));
  assert.equal(isInside(ring, 15, 15), false);
  assert.equal(isInside(ring, 31, 15), false);
});

test("of overlapping regions the smallest is meant, in any order", () => {
  const big = region("big", square(0, 0, 100), [0, 0, 100, 100]);
  const small = region("small", square(40, 40, 20), [40, 40, 20, 20]);
  const slanted = region("slanted", "M0 0L10 0L0 10Z", [0, 0, 10, 10]);
  for (const regions of [[big, small, slanted], [slanted, small, big]]) {
    assert.equal(smallestAt(regions, 50, 50).id, "small");
    assert.equal(smallestAt(regions, 39, 50).id, "big");
    assert.equal(smallestAt(regions, 2, 2).id, "slanted");
    assert.equal(smallestAt(regions, 9, 9).id, "big", "within the box of the slanted one, not within its outline");
    assert.equal(smallestAt(regions, 101, 50), null);
  }
});

test("labels lie within their outline, also where its middle does not", () => {
  const ring = parsePath("M0 0L100 0L100 20L20 20L20 80L100 80L100 100L0 100Z");
  const place = labelPlace(ring, [0, 0, 100, 100]);
  assert.ok(isInside(ring, place.x, place.y), JSON.stringify(place));
  assert.deepEqual(labelPlace([], [10, 20, 30, 40]), { x: 25, y: 40 });
});

test("boxes are whole pixels within the picture, from any two corners", () => {
  const size = { width: 100, height: 50 };
  assert.deepEqual(boxBetween({ x: 10.4, y: 5.6 }, { x: 30, y: 25 }, size), [10, 6, 20, 19]);
  assert.deepEqual(boxBetween({ x: 30, y: 25 }, { x: 10.4, y: 5.6 }, size), [10, 6, 20, 19]);
  assert.deepEqual(boxBetween({ x: -40, y: -3 }, { x: 500, y: 500 }, size), [0, 0, 100, 50]);
  assert.deepEqual(boxBetween({ x: 500, y: 500 }, { x: 600, y: 600 }, size), [99, 49, 1, 1]);
  assert.deepEqual(adjustBox([90, 40, 10, 10], { dx: 5, dy: 5 }, size), [90, 40, 10, 10]);
  assert.deepEqual(adjustBox([10, 10, 10, 10], { dx: -3, dw: 4, dh: -20 }, size), [7, 10, 14, 1]);
  assert.deepEqual(pixelAt({ x: 99.99, y: 50 }, size), { x: 99, y: 49 });
  assert.equal(isOnPicture({ x: 100, y: 10 }, size), false);
  assert.equal(isDrag(6, 8), false, "exactly ten pixels is a click");
  assert.equal(isDrag(7, 8), true);
});

test("a view fits, zooms about its point and keeps to its edges", () => {
  const picture = { width: 400, height: 200 };
  const frame = { width: 800, height: 600 };
  const whole = fitView(picture, frame);
  assert.deepEqual(whole, { scale: 2, x: 0, y: 100 });
  assert.equal(viewBoxOf(whole, frame), "0 -50 400 300");
  const at = { x: 300, y: 250 };
  const near = zoomView(whole, 4, at, picture, frame);
  const under = (view) => [(at.x - view.x) / view.scale, (at.y - view.y) / view.scale];
  assert.deepEqual(under(near), under(whole), "the pixel under the pointer stays");
  assert.equal(zoomView(near, 1e9, at, picture, frame).scale, 2 * MAX_ZOOM);
  assert.deepEqual(zoomView(near, 1e-9, at, picture, frame), whole);
  assert.deepEqual(panView(whole, 70, -70, picture, frame), whole, "nothing to move while all is seen");
  const far = panView(near, 1e6, 1e6, picture, frame);
  assert.deepEqual([far.x, far.y], [0, 0]);
});

test("times are in order, within the sound and never empty", () => {
  assert.equal(timeAt(50, 200, 8), 2);
  assert.equal(timeAt(-5, 200, 8), 0);
  assert.equal(timeAt(500, 200, 8), 8);
  assert.equal(timeAt(5, 0, 8), 0);
  assert.deepEqual(timeBetween(5.004, 3.123, 8), [3.12, 5]);
  assert.deepEqual(timeBetween(8, 8, 8), [7.9, 8]);
  assert.deepEqual(timeBetween(0, 0, 0.05), [0, 0.05]);
});

test("no span covers another of its row", () => {
  const spans = [{ t0: 0, t1: 4 }, { t0: 1, t1: 2 }, { t0: 2, t1: 3 }, { t0: 4, t1: 5 }];
  const rows = lanesOf(spans);
  assert.deepEqual(spans.map((span) => rows.get(span)), [0, 1, 1, 0]);
});

test("a wave's shape is closed, and silence is still a line", () => {
  assert.equal(wavePath([], 40), "");
  assert.equal(wavePath([[-1, 1], [0, 0]], 40, 2), "M0 0 L1 19 L1 21 L0 40Z");
  assert.equal(wavePath([[-9, 9]], 40), "M0 0 L0 40Z", "values beyond full scale are cut");
  assert.ok(isSafePath(wavePath([[-0.123, 0.456]], 40)));
});
