// @ts-check
/** One message of the log: made once, then brought up to date in place. */

import { api } from "./api.js";
import { button, icon, make } from "./dom.js";
import { clock, has, number, percent, seconds, t } from "./i18n.js";
import { copy } from "./notices.js";
import { patch } from "./patch.js";
import { decorate } from "./phrases.js";
import { plainBlocks } from "./tree.js";
import { badge, owl, placeLabel, placeSign, words } from "./words.js";

/** @typedef {import("./types.js").Message} Message @typedef {import("./types.js").Place} Place */
/** @typedef {{store: import("./store.js").Store, again: (id: string) => void, edit: (message: Message) => void}} Context */

export class MessageView {
  /** @param {Message} message @param {Context} context */
  constructor(message, context) {
    this.context = context;
    this.id = message.id;
    const answer = message.role === "assistant";
    this.body = make("div", { class: answer ? "text prose" : "text said" });
    this.other = make("div", { class: "text prose", role: "group" });
    this.above = make("div", { class: "message-media" });
    this.state = make("div", { class: "message-state" });
    this.verdict = make("div", { class: "verdict-place" });
    this.foot = make("div", { class: "message-foot" });
    const who = make("h2", { class: answer ? "who" : "visually-hidden" }, answer && owl(), t(answer ? "chat.bubo" : "chat.you"));
    this.element = make("article", { class: `message ${answer ? "answer" : "question"}`, data: { message: message.id } },
      who, this.above, answer ? make("div", { class: "side-by-side" }, this.body) : this.body, this.state, this.verdict, this.foot);
    /** @type {Record<string, string>} */
    this.drawn = {};
  }

  /** Draw a part anew only when what it shows has changed. @param {string} part @param {any} now @param {() => void} draw */
  when(part, now, draw) {
    const key = JSON.stringify(now);
    if (this.drawn[part] === key) return;
    this.drawn[part] = key;
    draw();
  }

  /** @param {Message} message */
  update(message) {
    const { store } = this.context;
    const answer = message.role === "assistant";
    const beside = answer ? store.beside(message.id) : undefined;
    if (answer) {
      patch(this.body, blocksOf(message));
      patch(this.other, beside ? blocksOf(beside) : []);
      if (beside) this.body.after(this.other);
      else this.other.remove();
      decorate(this.element, store);
      this.body.hidden = !message.text && !message.blocks?.length;
    } else {
      this.when("text", message.text, () => (this.body.textContent = message.text));
      this.body.hidden = !message.text;
      this.when("above", [message.media, message.places], () => this.#drawMedia(message));
    }
    const run = store.state.run?.message === message.id ? store.state.run : null;
    this.element.classList.toggle("running", message.status === "running");
    this.element.setAttribute("aria-busy", String(message.status === "running"));
    this.when("state", [message.status, message.error, run?.status, Boolean(message.text)], () => this.#drawState(message, run?.status ?? null));
    const verdict = news(message, store);
    this.when("verdict", verdict, () => this.#drawVerdict(verdict));
    const versions = store.versions(message.id).filter((other) => other.role === message.role);
    this.when("foot", [message.status, message.rating, message.timings, versions.map((one) => one.id), beside?.id, message.text.length > 0],
      () => this.#drawFoot(message, versions));
  }

  /** @param {Message} message */
  #drawMedia(message) {
    const media = (message.media ?? []).map((medium) => {
      const picture = medium.kind === "picture";
      const label = t("chat.show_medium", { name: medium.name });
      const small = make("button", { type: "button", class: `thumb ${medium.kind}`, title: label, "aria-label": picture && label });
      if (picture) small.append(make("img", { src: medium.thumbnail ?? medium.url, alt: "", loading: "lazy", width: medium.width, height: medium.height }));
      else small.append(icon("sound"), make("span", {}, medium.name), make("span", { class: "quiet" }, clock(medium.duration_s ?? 0)));
      small.addEventListener("click", () => this.context.store.show(medium.id));
      return small;
    });
    const places = (message.places ?? []).map((place) => this.#placeTag(place));
    this.above.replaceChildren(...media, ...places);
    this.above.hidden = !media.length && !places.length;
  }

  /** @param {Place} place */
  #placeTag(place) {
    const entity = place.kind === "entity" ? this.context.store.state.entities.get(place.entity ?? "") : undefined;
    return make("span", { class: `tag ${entity ? `slot-${entity.slot}` : ""}` },
      entity ? make("span", { class: "badge" }, badge(entity)) : icon(placeSign(place)), placeLabel(place, entity?.label));
  }

  /** @param {Message} message @param {Record<string, any>|null} status */
  #drawState(message, status) {
    this.state.replaceChildren();
    const state = status?.state ?? "thinking";
    if (message.status === "running" && (!message.text || ["queued", "reconnecting", "stopping"].includes(state))) {
      const key = has(`status.${state}`) ? `status.${state}` : "status.thinking";
      this.state.append(make("p", { class: "thinking" }, make("span", { class: "dots", "aria-hidden": "true" }, make("i"), make("i"), make("i")),
        t(key, { position: status?.position ?? 0, count: status?.position ?? 0 })));
    } else if (message.status === "error") {
      this.state.append(problem(message.error, () => this.context.again(message.id)));
    } else if (message.status === "stopped" || message.status === "interrupted") {
      this.state.append(make("p", { class: "quiet" }, t(`chat.${message.status}`), " ",
        button("", t("chat.again"), () => this.context.again(message.id), { text: true, class: "link-button" })));
    }
    this.state.hidden = !this.state.childNodes.length;
  }

  /** @param {import("./types.js").Verdict|null} verdict */
  #drawVerdict(verdict) {
    const kinds = { match: "check", partly: "warn", mismatch: "close" };
    this.verdict.replaceChildren();
    this.verdict.hidden = !verdict || !(verdict.kind in kinds);
    if (this.verdict.hidden || !verdict) return;
    const kind = /** @type {keyof typeof kinds} */ (verdict.kind);
    const { store } = this.context;
    const things = (verdict.entities ?? []).map((id) => store.state.entities.get(id)).filter((entity) => entity !== undefined);
    this.verdict.append(make("section", { class: `verdict ${kind}` },
      make("span", { class: "verdict-sign" }, icon(kinds[kind])),
      make("div", {}, make("h3", {}, t(`verdict.${kind}`)), verdict.text && make("p", {}, verdict.text),
        things.length > 0 && make("p", { class: "verdict-things" }, ...things.map((entity) => {
          const tag = make("button", { type: "button", class: `tag slot-${entity.slot}` }, make("span", { class: "badge" }, badge(entity)), entity.label);
          tag.addEventListener("click", () => store.pin(entity.id, "outliner"));
          return tag;
        }))),
      make("span", { class: "quiet verdict-score" }, t("verdict.sure", { share: percent(verdict.score) }))));
  }

  /** @param {Message} message @param {Message[]} versions */
  #drawFoot(message, versions) {
    const { store, again, edit } = this.context;
    const at = versions.findIndex((one) => one.id === message.id);
    const step = (/** @type {number} */ by) => store.follow(versions[at + by].id);
    const small = (/** @type {string} */ name, /** @type {string} */ label, /** @type {() => void} */ press, props = {}) => button(name, label, press, { class: "icon-button small", ...props });
    /** @type {(Node|string|false|null|undefined)[]} */
    const parts = [];
    if (versions.length > 1) {
      parts.push(make("span", { class: "versions", role: "group", "aria-label": t("chat.versions") },
        small("left", t("chat.version_before"), () => step(-1), { disabled: at === 0 }),
        make("span", {}, t("chat.version", { at: at + 1, all: versions.length })),
        small("right", t("chat.version_after"), () => step(1), { disabled: at === versions.length - 1 })));
      if (message.role === "assistant") {
        const beside = store.beside(message.id);
        this.other.setAttribute("aria-label", t("chat.version", { at: versions.findIndex((one) => one.id === beside?.id) + 1, all: versions.length }));
        parts.push(small("compare", t("chat.compare"), () => store.compare(beside ? null : versions[at ? at - 1 : 1].id), { "aria-pressed": String(Boolean(beside)) }));
      }
    }
    if (message.role === "user") parts.push(small("edit", t("chat.edit"), () => edit(message)));
    else if (message.status !== "running") {
      if (message.text) parts.push(small("copy", t("chat.copy"), () => copy(this.body.innerText, "chat.copied")), this.#copyMarkdown(message));
      parts.push(small("again", t("chat.again"), () => again(message.id)));
      for (const [name, rating] of /** @type {const} */ ([["up", 1], ["down", -1]])) {
        const given = message.rating === rating;
        parts.push(small(`${name}-thumb`, t(`chat.rate_${name}`), () => this.#rate(message.id, given ? 0 : rating), { "aria-pressed": String(given) }));
      }
      parts.push(timings(message));
    }
    this.foot.replaceChildren(...parts.filter((part) => part instanceof Node));
    this.foot.hidden = !this.foot.childNodes.length;
  }

  /** @param {Message} message */
  #copyMarkdown(message) {
    return button("", t("chat.copy_markdown"), () => copy(message.text, "chat.copied"), { text: true, class: "icon-button small wide" });
  }

  /** @param {string} id @param {-1|0|1} rating */
  async #rate(id, rating) {
    const { store } = this.context;
    const before = store.state.messages.get(id)?.rating;
    store.setMessage({ id, rating });
    try {
      await api.rate(id, rating);
      if (rating) store.emit("toast", { key: "chat.rated" });
    } catch (error) {
      store.setMessage({ id, rating: before });
      store.emit("toast", { error });
    }
  }
}

/** The blocks to show of an answer. @param {Message} message */
function blocksOf(message) {
  if (message.blocks?.length || !message.text) return message.blocks ?? [];
  return plainBlocks(message.text, message.grounding?.links ?? []);
}

/** @param {Message["error"]|undefined} error @param {() => void} retry */
function problem(error, retry) {
  return make("div", { class: "problem-box" }, icon("warn"), make("p", {}, words(error)),
    error?.retryable !== false && button("again", t("chat.retry"), retry, { text: true }));
}

/** @param {Message} message */
function timings(message) {
  const given = /** @type {Record<string, number>} */ (message.timings ?? {});
  const parts = [];
  const count = message.turns_dropped;
  if (count) parts.push(t("chat.left_out", { count }));
  const first = given.first_token_s;
  if (Number.isFinite(first)) parts.push(t("chat.first_word", { time: seconds(first, 2) }));
  if (Number.isFinite(given.tokens_per_s)) parts.push(t("chat.pace", { rate: number(given.tokens_per_s, { maximumFractionDigits: 0 }) }));
  const evidence = given.grounding_s;
  if (evidence >= 0.005) parts.push(t("chat.evidence_time", { time: seconds(evidence, 2) }));
  return parts.length ? make("span", { class: "timings quiet" }, parts.join(" · ")) : null;
}

/**
 * The verdict of an answer, if an earlier answer of the branch has not said the same.
 * @param {Message} message @param {import("./store.js").Store} store @returns {import("./types.js").Verdict|null}
 */
function news(message, store) {
  const verdict = message.grounding?.verdict;
  if (!verdict) return null;
  const branch = store.branch();
  const before = branch.slice(0, branch.findIndex((one) => one.id === message.id)).map((one) => one.grounding?.verdict).filter(Boolean).at(-1);
  return before?.kind === verdict.kind && before?.text === verdict.text ? null : verdict;
}
