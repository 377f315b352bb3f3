// @ts-check
/**
 * The one state of the page, and the actions that change it.
 *
 * `store.on(topic, listener)` calls the listener, at once, after each change of that topic and gives back a function that ends it. Topics:
 *   pointing      lit or pinned entity             chips, attachments   what the composer holds
 *   medium        the medium on the stage          shelf                the media that the stage offers
 *   grounding     entities, regions, spans         view                 mode, opacity, hidden, collapsed
 *   play          (request) play seconds           playing              what is heard now
 *   ask           (request) put text in the box    messages             the shown branch or its texts
 *   conversation  another conversation             run, session, online what the names say
 *   toast         (request) a short notice         finished, followed   an answer is done; another version is shown
 *   asked         the server took a question
 *   created, renamed  a conversation               pin                  something was pinned or unpinned
 * Nothing here touches the page, so that it runs under `node --test` as well.
 */

import { distinct, evidenceOf, mergeGrounding } from "./evidence.js";

/**
 * @typedef {import("./types.js").State} State
 * @typedef {import("./types.js").Media} Media
 * @typedef {import("./types.js").Message} Message
 * @typedef {import("./types.js").Source} Source
 * @typedef {import("./types.js").Chip} Chip
 */

export const MAX_CHIPS = 5;

/** @returns {State} */
function emptyState() {
  return {
    session: null, online: true, conversation: null, messages: new Map(), leaf: null, compared: null, run: null,
    media: new Map(), shelf: [], medium: null, entities: new Map(), regions: new Map(), spans: new Map(),
    pointing: { lit: null, pinned: null, source: "app" },
    view: { mode: "spotlight", opacity: 0.55, hidden: new Set(), collapsed: false },
    chips: [], attachments: [], playing: null,
  };
}

export class Store {
  constructor() {
    /** Entities of the shown branch, without those of a version beside it. @type {State["entities"]} */
    this.own = new Map();
    /** @type {State} */
    this.state = emptyState();
    /** @type {Map<string, Set<(detail?: any) => void>>} */
    this.listeners = new Map();
    this.keys = 0;
  }

  /** @param {string} topics One or several, with spaces. @param {(detail?: any) => void} listener */
  on(topics, listener) {
    for (const topic of topics.split(" ")) {
      if (!this.listeners.has(topic)) this.listeners.set(topic, new Set());
      this.listeners.get(topic)?.add(listener);
    }
    return () => topics.split(" ").forEach((topic) => this.listeners.get(topic)?.delete(listener));
  }

  /** @param {string} topic @param {any} [detail] */
  emit(topic, detail) {
    for (const listener of [...(this.listeners.get(topic) ?? [])]) listener(detail);
  }

  /** A new key for a chip or an attachment. */
  key() {
    this.keys += 1;
    return `k${this.keys}`;
  }

  // --- pointing -------------------------------------------------------------------------------------------

  /** The entity to show: the one pointed at, else the pinned one. */
  get active() {
    return this.state.pointing.lit ?? this.state.pointing.pinned;
  }

  /** Light an entity, or none. @param {string|null} entity @param {Source} source */
  light(entity, source) {
    const { pointing } = this.state;
    if (pointing.lit === entity) return;
    this.state.pointing = { ...pointing, lit: entity, source };
    if (source !== "region" && source !== "span") this.#reveal(entity);
    this.emit("pointing", this.state.pointing);
  }

  /** Pin an entity; pinning the pinned one, or null, unpins. @param {string|null} entity @param {Source} source */
  pin(entity, source) {
    const pinned = entity === this.state.pointing.pinned ? null : entity;
    const lit = pinned === null ? null : this.state.pointing.lit;
    this.state.pointing = { lit, pinned, source };
    this.#reveal(pinned);
    this.emit("pointing", this.state.pointing);
    this.emit("pin", this.state.pointing);
  }

  /** Bring a medium on the stage in which the entity shows. @param {string|null} id */
  #reveal(id) {
    const entity = id === null ? undefined : this.state.entities.get(id);
    if (!entity) return;
    const media = entity.regions.map((region) => this.state.regions.get(region)?.media);
    if (!media.length) media.push(...entity.spans.map((span) => this.state.spans.get(span)?.media));
    const first = media.find((medium) => medium !== undefined && this.state.shelf.includes(medium));
    if (first !== undefined && !media.includes(this.state.medium ?? "")) this.show(first);
  }

  // --- stage ----------------------------------------------------------------------------------------------

  /** @param {string|null} medium */
  show(medium) {
    if (this.state.medium === medium) return;
    this.state.medium = medium;
    this.emit("medium", medium);
  }

  /** @param {Partial<import("./types.js").View>} change */
  setView(change) {
    this.state.view = { ...this.state.view, ...change };
    this.emit("view", this.state.view);
  }

  /** Hide or show an entity's regions on the stage. @param {string} entity */
  toggleHidden(entity) {
    const hidden = new Set(this.state.view.hidden);
    if (!hidden.delete(entity)) hidden.add(entity);
    this.setView({ hidden });
  }

  /** Ask the wave to play seconds of a sound, and only those. @param {string} media @param {number} t0 @param {number} t1 @param {string|null} [entity] */
  play(media, t0, t1, entity = null) {
    this.emit("play", { media, t0, t1, entity });
  }

  /** Play what is heard of an entity, first span first. @param {string} id */
  playEntity(id) {
    const span = this.state.spans.get(this.state.entities.get(id)?.spans[0] ?? "");
    if (span) this.play(span.media, span.t0, span.t1, id);
  }

  /** The wave says what is heard now. @param {State["playing"]} playing */
  setPlaying(playing) {
    if (playing?.media === this.state.playing?.media && playing?.entity === this.state.playing?.entity) return;
    this.state.playing = playing;
    this.emit("playing", playing);
  }

  // --- composer -------------------------------------------------------------------------------------------

  /** Put a place into the composer. @param {Omit<Chip, "key"> & {key?: string}} chip @returns {boolean} whether it fits */
  addChip(chip) {
    const same = JSON.stringify(chip.place);
    if (this.state.chips.some((other) => JSON.stringify(other.place) === same)) return true;
    if (this.state.chips.length >= MAX_CHIPS) {
      this.emit("toast", { key: "composer.chips_full", values: { count: MAX_CHIPS } });
      return false;
    }
    this.state.chips = [...this.state.chips, { ...chip, key: chip.key ?? this.key() }];
    this.emit("chips", this.state.chips);
    return true;
  }

  /** @param {string|null} [key] All of them without a key. */
  removeChip(key = null) {
    this.state.chips = key === null ? [] : this.state.chips.filter((chip) => chip.key !== key);
    this.emit("chips", this.state.chips);
  }

  /** @param {import("./types.js").Attachment[]} attachments */
  setAttachments(attachments) {
    this.state.attachments = attachments;
    this.#collect();
    this.emit("attachments", attachments);
  }

  // --- conversation ---------------------------------------------------------------------------------------

  /** Open a conversation, or the empty page. @param {any} conversation As GET /api/conversations/{id} answers. */
  open(conversation) {
    const { session, online, view } = this.state;
    this.state = { ...emptyState(), session, online, view: { ...view, hidden: new Set() } };
    if (conversation) {
      const { messages = [], ...rest } = conversation;
      this.state.conversation = rest;
      this.state.messages = new Map(messages.map((/** @type {Message} */ message) => [message.id, message]));
      this.state.leaf = conversation.leaf ?? messages.at(-1)?.id ?? null;
    }
    this.#collect();
    for (const topic of ["conversation", "messages", "chips", "attachments", "pointing", "view", "run"]) this.emit(topic);
  }

  /** Add or change a message. @param {Partial<Message> & {id: string}} message @param {boolean} [shown] Its branch is the one to show. */
  setMessage(message, shown = false) {
    const known = this.state.messages.get(message.id);
    this.state.messages.set(message.id, /** @type {Message} */ ({ ...known, ...message }));
    if (shown) this.state.leaf = message.id;
    this.#collect();
    this.emit("messages", message.id);
  }

  /** Add evidence to an answer. @param {string} id @param {any} update */
  ground(id, update) {
    const message = this.state.messages.get(id);
    if (!message) return;
    this.state.messages.set(id, { ...message, grounding: mergeGrounding(message.grounding, update) });
    this.#collect();
  }

  /** A region has been put right: all answers that stand on it show it so. @param {import("./types.js").Region} region */
  correct(region) {
    for (const { id, grounding } of this.state.messages.values()) {
      if (grounding?.regions?.some((known) => known.id === region.id)) this.ground(id, { regions: [{ corrected: undefined, ...region }] });
    }
  }

  /** Show the branch that ends below a message. @param {string} id */
  follow(id) {
    let leaf = id;
    for (let next = this.versions(leaf, true).at(-1); next; next = this.versions(leaf, true).at(-1)) leaf = next.id;
    this.state.leaf = leaf;
    this.#collect();
    this.emit("messages");
    this.emit("followed", leaf);
  }

  /** Show another version beside an answer of the branch, or none. @param {string|null} id */
  compare(id) {
    this.state.compared = id;
    this.#collect();
    this.emit("messages");
  }

  /** The version that stands beside an answer of the branch. @param {string} id @returns {Message | undefined} */
  beside(id) {
    const other = this.state.messages.get(this.state.compared ?? "");
    return other && other.id !== id && other.parent === this.state.messages.get(id)?.parent ? distinct(other, this.own) : undefined;
  }

  /** The shown branch and what stands beside it. @returns {Message[]} */
  shown() {
    const branch = this.branch();
    return [...branch, ...branch.flatMap(({ id }) => this.beside(id) ?? [])];
  }

  /** The shown branch, first message first. @returns {Message[]} */
  branch() {
    const found = [];
    const seen = new Set();
    for (let at = this.state.leaf; at && !seen.has(at); at = this.state.messages.get(at)?.parent ?? null) {
      const message = this.state.messages.get(at);
      seen.add(at);
      if (message) found.push(message);
    }
    return found.reverse();
  }

  /** A message and its siblings, oldest first; or its children. @param {string} id @param {boolean} [children] */
  versions(id, children = false) {
    const parent = children ? id : this.state.messages.get(id)?.parent ?? null;
    return [...this.state.messages.values()].filter((message) => (message.parent ?? null) === parent);
  }

  /** @param {State["run"]} run */
  setRun(run) {
    this.state.run = run;
    this.emit("run", run);
  }

  /** Gather media and evidence of the shown branch and the composer; tells of what changed. */
  #collect() {
    const { state } = this;
    this.own = evidenceOf(this.branch()).entities;
    const { shelf, ...evidence } = evidenceOf(this.shown());
    for (const { media } of state.attachments) if (media) shelf.set(media.id, media);
    Object.assign(state, evidence);
    const before = state.shelf;
    state.media = shelf;
    state.shelf = [...shelf.keys()];
    if (before.join() !== state.shelf.join()) {
      const fresh = state.shelf.filter((id) => !before.includes(id)).at(-1);
      const kept = state.medium !== null && shelf.has(state.medium) ? state.medium : null;
      this.emit("shelf", state.shelf);
      this.show(fresh ?? kept ?? state.shelf.at(-1) ?? null);
    }
    this.emit("grounding");
  }
}
