// @ts-check
/**
 * Bring what is shown to what should be, node by node. A phrase that stays the same keeps its element, and with
 * it focus, selection and the pointer over it; text grows in place.
 *
 * First it is planned which old node becomes which new one, level by level, by the longest common subsequence
 * in which equal nodes weigh most; then the page is changed, and no kept node is ever moved within its parent.
 */

import { attributesOf, blockOf, build, childrenOf, phraseKey, tagOf } from "./tree.js";

/** @typedef {import("./types.js").Block} Block */
/** @typedef {{kept: Map<Block, (Node|null)[]>, used: Set<Node>, pool: Map<string, Node[]>}} Plan */

const EQUAL = 1000;
const PHRASE = 100;
const ALIKE = 1;

/** What keeping `old` for `block` is worth; 0 where it cannot be kept. @param {Node} old @param {Block} block */
function worth(old, block) {
  const before = blockOf.get(old);
  if (before === undefined || tagOf(before) !== tagOf(block)) return 0;
  if (tagOf(block) === "g") return phraseKey(before) === phraseKey(block) ? PHRASE + EQUAL : 0;
  if (before === block || JSON.stringify(before) === JSON.stringify(block)) return EQUAL;
  const shared = typeof block === "string" ? 0 : phrasesShared(before, block);
  return ALIKE + shared * PHRASE;
}

/** @param {Block} before @param {Block} after */
function phrasesShared(before, after) {
  const keys = new Set(phrasesIn(before));
  return keys.size ? phrasesIn(after).filter((key) => keys.has(key)).length : 0;
}

/** @param {Block} block @returns {string[]} */
function phrasesIn(block) {
  if (tagOf(block) === "g") return [phraseKey(block)];
  return childrenOf(block).flatMap(phrasesIn);
}

/**
 * Old nodes for new blocks, in order, null where a new one must be made.
 * @param {Node[]} old @param {Block[]} blocks @returns {(Node|null)[]}
 */
function align(old, blocks) {
  /** @type {(Node|null)[]} */
  const kept = new Array(blocks.length).fill(null);
  let start = 0;
  let end = 0;
  while (start < old.length && start < blocks.length && worth(old[start], blocks[start]) >= EQUAL) {
    kept[start] = old[start];
    start += 1;
  }
  const room = Math.min(old.length, blocks.length) - start;
  while (end < room && worth(old[old.length - 1 - end], blocks[blocks.length - 1 - end]) >= EQUAL) {
    kept[blocks.length - 1 - end] = old[old.length - 1 - end];
    end += 1;
  }
  const left = old.slice(start, old.length - end);
  const right = blocks.slice(start, blocks.length - end);
  const values = left.map((node) => right.map((block) => worth(node, block)));
  const best = Array.from({ length: left.length + 1 }, () => new Array(right.length + 1).fill(0));
  for (let i = left.length - 1; i >= 0; i -= 1) {
    for (let j = right.length - 1; j >= 0; j -= 1) {
      const pair = values[i][j] ? values[i][j] + best[i + 1][j + 1] : 0;
      best[i][j] = Math.max(pair, best[i + 1][j], best[i][j + 1]);
    }
  }
  for (let i = 0, j = 0; i < left.length && j < right.length;) {
    if (values[i][j] && best[i][j] === values[i][j] + best[i + 1][j + 1]) {
      kept[start + j] = left[i];
      i += 1;
      j += 1;
    } else if (best[i][j] === best[i + 1][j]) i += 1;
    else j += 1;
  }
  return kept;
}

/** @param {Node} parent @param {Block[]} blocks @param {Block} owner @param {Plan} plan */
function planChildren(parent, blocks, owner, plan) {
  const kept = align([...parent.childNodes], blocks);
  plan.kept.set(owner, kept);
  kept.forEach((node, index) => {
    if (!node) return;
    plan.used.add(node);
    const block = blocks[index];
    if (typeof block !== "string" && tagOf(block) !== "g") planChildren(node, childrenOf(block), block, plan);
  });
}

/** Phrases that have lost their place, to be used where they turn up again. @param {Node} parent @param {Plan} plan */
function collectFree(parent, plan) {
  for (const node of parent.childNodes) {
    const block = blockOf.get(node);
    if (block !== undefined && tagOf(block) === "g") {
      if (plan.used.has(node)) continue;
      const key = phraseKey(block);
      plan.pool.set(key, [...(plan.pool.get(key) ?? []), node]);
    } else collectFree(node, plan);
  }
}

/** @param {Block} block @param {Plan} plan @returns {Node} */
function fresh(block, plan) {
  if (tagOf(block) === "g") {
    const free = plan.pool.get(phraseKey(block))?.shift();
    if (free) {
      update(free, block);
      return free;
    }
    return build(block);
  }
  if (typeof block === "string" || !plan.pool.size) return build(block);
  const element = build([block[0], block[1], []]);
  for (const child of childrenOf(block)) element.appendChild(fresh(child, plan));
  blockOf.set(element, block);
  return element;
}

/** Bring text or attributes of a kept node up to date. @param {Node} node @param {Block} block */
function update(node, block) {
  const before = blockOf.get(node);
  blockOf.set(node, block);
  if (typeof block === "string") {
    const old = String(before);
    if (old === block) return;
    let same = 0;
    while (same < old.length && old[same] === block[same]) same += 1;
    /** @type {Text} */ (node).replaceData(same, old.length - same, block.slice(same));
    return;
  }
  const element = /** @type {Element} */ (node);
  const after = attributesOf(block);
  const past = before === undefined ? {} : attributesOf(before);
  for (const [name, value] of Object.entries(after)) if (past[name] !== value) element.setAttribute(name, value);
  for (const name of Object.keys(past)) if (!(name in after)) element.removeAttribute(name);
  if (tagOf(block) !== "g" || before === undefined) return;
  const inside = childrenOf(block);
  if (JSON.stringify(childrenOf(before)) === JSON.stringify(inside)) return;
  element.replaceChildren(...inside.map((one) => build(one)));
}

/** @param {Node} parent @param {Block[]} blocks @param {Block} owner @param {Plan} plan */
function apply(parent, blocks, owner, plan) {
  const kept = plan.kept.get(owner) ?? [];
  /** @type {Node|null} */
  let last = null;
  const next = () => (last ? last.nextSibling : parent.firstChild);
  blocks.forEach((block, index) => {
    const node = kept[index];
    if (node) {
      for (let other = next(); other && other !== node; other = next()) parent.removeChild(other);
      const same = blockOf.get(node) === block;
      if (!same) update(node, block);
      if (typeof block !== "string" && tagOf(block) !== "g" && !same) apply(node, childrenOf(block), block, plan);
      last = node;
    } else {
      const made = fresh(block, plan);
      const place = next();
      if (made !== place) parent.insertBefore(made, place);
      last = made;
    }
  });
  for (let other = next(); other; other = next()) parent.removeChild(other);
}

/**
 * Make the children of `root` show `blocks`.
 * @param {Node} root Holds nothing but what was made here. @param {Block[]} blocks
 */
export function patch(root, blocks) {
  /** @type {Plan} */
  const plan = { kept: new Map(), used: new Set(), pool: new Map() };
  /** @type {Block} */
  const owner = ["root", {}, blocks];
  planChildren(root, childrenOf(owner), owner, plan);
  collectFree(root, plan);
  apply(root, childrenOf(owner), owner, plan);
}
