import assert from "node:assert/strict";
import { test } from "node:test";
import { mergeGrounding } from "../../web/js/evidence.js";
import { Store } from "../../web/js/store.js";
import { plainBlocks } from "../../web/js/tree.js";

const region = (id, media = "p") => ({ id, media, bbox: [0, 0, 1, 1], area: 1, path: "M0,0L1,1Z", score: 1 });
const entity = (id, regions, spans = []) => ({ id, label: id, slot: 1, status: "seen", score: 1, regions, spans });
const message = (id, parent, role, more = {}) => ({ id, parent, role, text: id, blocks: [], media: [], places: [], status: "complete", ...more });

function opened() {
  const store = new Store();
  store.open({
    id: "c", title: "t", leaf: "a2", messages: [
      message("q1", null, "user", { media: [{ id: "p", kind: "picture" }] }),
      message("a1", "q1", "assistant", { grounding: { entities: [entity("e1", ["r1"])], regions: [region("r1")], spans: [], links: [] } }),
      message("q2", "a1", "user", { media: [{ id: "p2", kind: "picture" }] }),
      message("a2", "q2", "assistant", { grounding: { entities: [entity("e1", ["r2"])], regions: [region("r2", "p2")], spans: [], links: [] } }),
      message("a2b", "q2", "assistant"),
    ],
  });
  return store;
}

test("an entity of several answers has the regions of all of them, and only of the shown branch", () => {
  const store = opened();
  assert.deepEqual(store.state.entities.get("e1").regions, ["r1", "r2"]);
  store.follow("a2b");
  assert.deepEqual(store.state.entities.get("e1").regions, ["r1"]);
  assert.deepEqual(store.branch().map((one) => one.id), ["q1", "a1", "q2", "a2b"]);
  assert.deepEqual(store.versions("a2").map((one) => one.id), ["a2", "a2b"]);
});

test("pointing: lit wins over pinned, a second press unpins, the stage follows to where the entity is", () => {
  const store = opened();
  const seen = [];
  store.on("pointing", ({ lit, pinned }) => seen.push([lit, pinned]));
  assert.equal(store.state.medium, "p2");
  store.pin("e1", "phrase");
  store.light("e9", "region");
  assert.equal(store.active, "e9");
  store.light(null, "region");
  assert.equal(store.active, "e1");
  store.pin("e1", "phrase");
  assert.equal(store.active, null);
  assert.deepEqual(seen, [[null, "e1"], ["e9", "e1"], [null, "e1"], [null, null]]);
  store.follow("a2b");
  store.show("p2");
  store.light("e1", "phrase");
  assert.equal(store.state.medium, "p");
});

test("a path that is not an outline never reaches the page", () => {
  const bad = ["M0,0L1,1Z\"><script>", "url(#x)", "M0 0 A1 1", "M".repeat(30000), 5, undefined];
  const merged = mergeGrounding(null, { regions: bad.map((path, at) => ({ ...region(`r${at}`), path })) });
  assert.deepEqual(merged.regions, []);
  assert.equal(mergeGrounding(null, { regions: [region("r")] }).regions.length, 1);
});

test("links are upserted by where they stand", () => {
  const first = mergeGrounding(null, { links: [{ start: 0, end: 3, entity: "e1", state: "pending" }] });
  const second = mergeGrounding(first, { links: [{ start: 0, end: 3, entity: "e1", state: "ready" }, { start: 5, end: 8, entity: "e2", state: "none" }] });
  assert.deepEqual(second.links.map((link) => link.state), ["ready", "none"]);
});

test("a question takes five places, the same one once", () => {
  const store = new Store();
  const notices = [];
  store.on("toast", (notice) => notices.push(notice.key));
  const point = (x) => ({ place: { kind: "point", media: "p", x, y: 1, positive: true }, label: "" });
  for (let x = 0; x < 5; x += 1) assert.equal(store.addChip(point(x)), true);
  store.addChip(point(2));
  assert.equal(store.state.chips.length, 5);
  assert.equal(store.addChip(point(9)), false);
  assert.deepEqual(notices, ["composer.chips_full"]);
});

test("links count code points: emoji, combining marks and Chinese before them change nothing", () => {
  for (const before of ["", "👩‍👩‍👧 ", "é́ ", "猫和 ", "🇪🇸🐶"]) {
    const text = `${before}dog barks`;
    const start = [...before].length;
    const [[, , children]] = plainBlocks(text, [{ start, end: start + 3, entity: "e1", state: "ready" }]);
    assert.deepEqual(children.find((child) => Array.isArray(child)), ["g", { entity: "e1", state: "ready" }, ["dog"]]);
    assert.equal(children.flat(Infinity).filter((part) => typeof part === "string" && part !== "g").join(""), text);
  }
});

test("a version beside the answer brings its things along; what only shares a number is told apart", () => {
  const store = opened();
  const block = (id) => ["p", {}, [["g", { entity: id, state: "ready" }, [id]]]];
  const other = { ...entity("e1", ["r3"]), label: "cat" };
  const links = [{ start: 0, end: 2, entity: "e1", state: "ready" }, { start: 3, end: 5, entity: "e2", state: "ready" }];
  const grounding = { entities: [other, entity("e2", ["r4"])], regions: [region("r3", "p2"), region("r4", "p2")], spans: [], links };
  store.setMessage(message("a2b", "q2", "assistant", { blocks: [block("e1"), block("e2")], grounding }));
  assert.deepEqual([...store.state.entities.keys()], ["e1"]);
  store.compare("a2b");
  assert.deepEqual([...store.state.entities].map(([id, one]) => [id, one.label, one.slot, one.regions]),
    [["e1", "e1", 1, ["r1", "r2"]], ["e1b", "cat", 7, ["r3"]], ["e2", "e2", 1, ["r4"]]]);
  assert.deepEqual([...store.own.keys()], ["e1"]);
  const beside = store.beside("a2");
  assert.deepEqual(beside.blocks, [block("e1b"), block("e2")].map(([tag, none, [g]]) => [tag, none, [[g[0], g[1], [g[1].entity.slice(0, 2)]]]]));
  assert.deepEqual(beside.grounding.links.map((link) => link.entity), ["e1b", "e2"]);
  assert.equal(store.beside("a1"), undefined);
  store.follow("a2b");
  assert.equal(store.beside("a2b"), undefined);
  assert.deepEqual([...store.state.entities.keys()], ["e1", "e2"]);
  store.open(null);
  assert.equal(store.state.compared, null);
});

test("a corrected region is the same in every answer that stands on it", () => {
  const store = opened();
  const both = { entities: [entity("e1", ["r1"])], regions: [region("r1")], spans: [], links: [] };
  store.setMessage(message("a2b", "q2", "assistant", { grounding: both }));
  store.correct({ ...region("r1"), path: "M2,2L3,3Z" });
  assert.equal(store.state.regions.get("r1").path, "M2,2L3,3Z");
  for (const [id, path] of [["a1", "M2,2L3,3Z"], ["a2b", "M2,2L3,3Z"], ["a2", "M0,0L1,1Z"]]) {
    assert.equal(store.state.messages.get(id).grounding.regions[0].path, path);
  }
  assert.deepEqual([...store.state.regions.keys()], ["r1", "r2"]);
});
