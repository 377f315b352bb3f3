import assert from "node:assert/strict";
import { test } from "node:test";
import { EventParser } from "../../web/js/sse.js";

const TEXT = ': ping\n\nid: 1\ndata: {"a": "día 👩‍👩‍👧 猫"}\n\nid:2\r\ndata: first\r\ndata:  second\r\n\r\nevent: note\rdata\r\rid: 3\ndata: [DONE]\n\n';
const WANTED = [
  { id: "1", event: "message", data: '{"a": "día 👩‍👩‍👧 猫"}' },
  { id: "2", event: "message", data: "first\n second" },
  { id: "2", event: "note", data: "" },
  { id: "3", event: "message", data: "[DONE]" },
];
const BYTES = new TextEncoder().encode(TEXT);

function parse(parts) {
  const parser = new EventParser();
  return [...parts.flatMap((part) => parser.push(part)), ...parser.end()];
}

test("events are the same wherever the bytes are split, inside characters too", () => {
  for (let at = 0; at <= BYTES.length; at += 1) {
    assert.deepEqual(parse([BYTES.slice(0, at), BYTES.slice(at)]), WANTED, `split at ${at}`);
    assert.deepEqual(parse([BYTES.slice(0, at), new Uint8Array(), BYTES.slice(at, at + 1), BYTES.slice(at + 1)]), WANTED);
  }
  assert.deepEqual(parse([...BYTES].map((byte) => Uint8Array.of(byte))), WANTED);
});

test("an event without its empty line is not given", () => {
  assert.deepEqual(parse([new TextEncoder().encode("data: cut off\n")]), []);
});
