/** As much of a document as the tree builder and the patch use; moves and removals are counted. */

class FakeNode {
  constructor(name) {
    this.nodeName = name;
    this.childNodes = [];
    this.parentNode = null;
    this.attributes = new Map();
  }

  get firstChild() { return this.childNodes[0] ?? null; }
  get nextSibling() {
    const all = this.parentNode?.childNodes ?? [];
    return all[all.indexOf(this) + 1] ?? null;
  }
  appendChild(node) { return this.insertBefore(node, null); }
  insertBefore(node, before) {
    if (node.parentNode) node.parentNode.removeChild(node);
    const at = before === null ? this.childNodes.length : this.childNodes.indexOf(before);
    if (at < 0) throw new Error("insertBefore: the reference is not a child of this node");
    this.childNodes.splice(at, 0, node);
    node.parentNode = this;
    return node;
  }
  removeChild(node) {
    const at = this.childNodes.indexOf(node);
    if (at < 0) throw new Error("removeChild: not a child of this node");
    this.childNodes.splice(at, 1);
    node.parentNode = null;
    removed.push(node);
    return node;
  }
  setAttribute(name, value) { this.attributes.set(name, String(value)); }
  removeAttribute(name) { this.attributes.delete(name); }
  replaceData(offset, count, text) {
    this.data = this.data.slice(0, offset) + text + this.data.slice(offset + count);
  }
}

export const removed = [];

export const fakeDocument = {
  createElement: (tag) => new FakeNode(tag),
  createTextNode: (text) => Object.assign(new FakeNode("#text"), { data: text }),
};

/** A node with all below it, to compare. */
export function outline(node) {
  if (node.nodeName === "#text") return node.data;
  return [node.nodeName, Object.fromEntries([...node.attributes].sort()), node.childNodes.map(outline)];
}

/** All phrases below a node, in order. */
export function phrases(node) {
  if (node.attributes.get("class") === "g") return [node];
  return node.childNodes.flatMap(phrases);
}
