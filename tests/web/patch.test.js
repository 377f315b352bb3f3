import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeDocument, outline, phrases, removed } from "./fake_dom.js";
import { randomly } from "./random.js";

globalThis.document = fakeDocument;
const { build, phraseKey, blockOf, childrenOf, tagOf } = await import("../../web/js/tree.js");
const { patch } = await import("../../web/js/patch.js");

const copy = (value) => JSON.parse(JSON.stringify(value));

function shown(blocks) {
  const root = fakeDocument.createElement("div");
  patch(root, copy(blocks));
  return root;
}

function inline(random, depth = 0) {
  const kind = random.below(depth > 1 ? 3 : 5);
  if (kind < 2) return random.pick(["a ", "big ", "dog", " and ", "猫", "👩‍👩‍👧", "é"]);
  if (kind === 2) return phrase(random);
  return [random.pick(["strong", "em", "code", "a"]), {}, inlines(random, depth + 1)];
}

function phrase(random) {
  return ["g", { entity: `e${random.below(5)}`, state: random.pick(["pending", "ready", "none"]) },
    [random.pick(["dog", "brown dog", "cat"])]];
}

function inlines(random, depth = 0) {
  return Array.from({ length: random.below(5) }, () => inline(random, depth));
}

function block(random) {
  const kind = random.below(4);
  if (kind === 0) return ["ul", {}, Array.from({ length: 1 + random.below(3) }, () => ["li", {}, inlines(random)])];
  if (kind === 1) return ["blockquote", {}, [["p", {}, inlines(random)]]];
  return [random.pick(["p", "h2", "pre"]), {}, inlines(random)];
}

/** One small change anywhere. */
function change(random, blocks) {
  const after = copy(blocks);
  let list = after;
  for (;;) {
    const inner = list.filter((node) => Array.isArray(node) && node[0] !== "g");
    if (!inner.length || random.next() < 0.35) break;
    list = random.pick(inner)[2];
  }
  const at = random.below(list.length + 1);
  const top = list === after;
  const act = random.below(5);
  if (act === 0) list.splice(at, 0, top ? block(random) : inline(random));
  else if (act === 1) list.splice(at, 1);
  else if (act === 2 && typeof list[at] === "string") list[at] += "more";
  else if (act === 3 && list[at]?.[0] === "g") list[at][1].state = "ready";
  else if (act === 4 && Array.isArray(list[at]) && list[at][0] !== "g") list[at][0] = top ? random.pick(["p", "h2", "ol"]) : "em";
  else list.push(top ? block(random) : inline(random));
  return after;
}

const keysOf = (nodes) => nodes.map((node) => phraseKey(blockOf.get(node)));
const count = (list, wanted) => list.filter((item) => item === wanted).length;

test("a patched tree equals a fresh one, and phrases that stay keep their element", () => {
  for (let seed = 0; seed < 400; seed += 1) {
    const random = randomly(seed);
    let blocks = Array.from({ length: random.below(4) }, () => block(random));
    const root = shown(blocks);
    for (let step = 0; step < 4; step += 1) {
      const before = phrases(root);
      const keys = keysOf(before);
      for (let changes = 1 + random.below(3); changes; changes -= 1) blocks = change(random, blocks);
      patch(root, copy(blocks));
      assert.deepEqual(outline(root), outline(shown(blocks)), `seed ${seed}`);
      const after = phrases(root);
      for (const key of new Set(keys)) {
        const kept = before.filter((node, index) => keys[index] === key && after.includes(node)).length;
        const wanted = Math.min(count(keys, key), count(keysOf(after), key));
        assert.equal(kept, wanted, `seed ${seed}: ${key} lost its element`);
      }
    }
  }
});

test("while an answer grows no phrase is taken off the page", () => {
  const words = "A brown dog barks at the cat. Then it sleeps near the old car in the sun.".split(/(?<= )/);
  const links = new Map([[1, "e1"], [6, "e2"], [12, "e3"]]);
  const root = fakeDocument.createElement("div");
  removed.length = 0;
  for (let length = 1; length <= words.length + 3; length += 1) {
    const shownWords = words.slice(0, length);
    const children = [];
    shownWords.forEach((word, index) => {
      const entity = links.get(index);
      if (entity && length > index + 2) {
        children.push(["g", { entity, state: length > index + 4 ? "ready" : "pending" }, [word]]);
      } else if (typeof children.at(-1) === "string") children[children.length - 1] += word;
      else children.push(word);
    });
    patch(root, [["p", {}, children]]);
  }
  assert.equal(phrases(root).length, 3);
  assert.deepEqual(removed.filter((node) => node.attributes.get("class") === "g"), []);
});

test("text grows in place", () => {
  const root = shown([["p", {}, ["A dog"]]]);
  const text = root.childNodes[0].childNodes[0];
  patch(root, [["p", {}, ["A dog barks"]]]);
  assert.equal(root.childNodes[0].childNodes[0], text);
  assert.equal(text.data, "A dog barks");
});

test("hostile nodes are words, not elements", () => {
  const hostile = [
    ["script", { src: "https://evil.example/x.js" }, ["alert(1)"]],
    ["img", { src: "x", onerror: "alert(1)" }, []],
    ["p", { onclick: "alert(1)", style: "position:fixed", class: "g" }, ["x"]],
    ["a", { href: "javascript:alert(1)" }, ["go"]],
    ["a", { href: "data:text/html,x" }, ["go"]],
    ["iframe", {}, []], ["svg", {}, [["use", {}, []]]], ["__proto__", {}, ["y"]], [null, null, null], 7, null,
  ];
  const root = fakeDocument.createElement("div");
  patch(root, hostile);
  const names = new Set();
  const walk = (node) => {
    names.add(node.nodeName);
    assert.deepEqual([...node.attributes.keys()], []);
    node.childNodes.forEach(walk);
  };
  walk(root);
  assert.deepEqual([...names].sort(), ["#text", "a", "div", "p", "span"]);
});

test("links that are allowed say where they lead", () => {
  const link = build(["a", { href: "https://example.org/a?b=1" }, ["here"]]);
  assert.equal(link.attributes.get("href"), "https://example.org/a?b=1");
  assert.equal(link.attributes.get("rel"), "noopener noreferrer nofollow");
  assert.equal(link.attributes.get("data-host"), "example.org");
  assert.equal(tagOf(["x", {}, []]), "span");
  assert.deepEqual(childrenOf(["p", {}, "no list"]), []);
});

test("a very deep tree is cut, not fatal", () => {
  let deep = "end";
  for (let level = 0; level < 5000; level += 1) deep = ["em", {}, [deep]];
  const root = fakeDocument.createElement("div");
  assert.doesNotThrow(() => root.appendChild(build(deep)));
});
