import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeWav, RATE } from "../../web/js/recorder.js";
import { kindOf } from "../../web/js/files.js";

test("a recording is a WAV of 16 kHz, mono, 16 bit, clipped to what fits", () => {
  const view = new DataView(encodeWav(Float32Array.of(0, 1, -1, 2, -2, 0.5)));
  const word = (at) => String.fromCharCode(...[0, 1, 2, 3].map((step) => view.getUint8(at + step)));
  assert.deepEqual([word(0), word(8), word(12), word(36)], ["RIFF", "WAVE", "fmt ", "data"]);
  assert.deepEqual([view.getUint16(22, true), view.getUint32(24, true), view.getUint16(34, true)], [1, RATE, 16]);
  assert.equal(view.getUint32(4, true), view.byteLength - 8);
  assert.deepEqual([44, 46, 48, 50, 52, 54].map((at) => view.getInt16(at, true)), [0, 32767, -32768, 32767, -32768, 16384]);
});

test("what a file is, before the server looks inside", () => {
  assert.equal(kindOf({ type: "image/png", name: "a" }), "picture");
  assert.equal(kindOf({ type: "image/svg+xml", name: "a.svg" }), "unknown");
  assert.equal(kindOf({ type: "", name: "A.FLAC" }), "sound");
  assert.equal(kindOf({ type: "application/pdf", name: "a.pdf" }), "unknown");
});
