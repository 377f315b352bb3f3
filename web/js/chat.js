// @ts-check
/** The log of the shown branch: what stands in it, where it is scrolled to, what is said aloud. */

import { button, byId, say } from "./dom.js";
import { t } from "./i18n.js";
import { MessageView } from "./message.js";
import { decorate, wirePhrases } from "./phrases.js";

/** @typedef {import("./store.js").Store} Store */

const NEAR = 120;
const phone = matchMedia("(max-width: 760px)");
const still = matchMedia("(prefers-reduced-motion: reduce)");

export class Chat {
  /** @param {Store} store @param {{again: (id: string) => void, edit: (message: any) => void}} actions */
  constructor(store, actions) {
    this.store = store;
    this.actions = actions;
    this.log = byId("log");
    this.scroller = byId("scroll");
    /** @type {Map<string, MessageView>} */
    this.views = new Map();
    this.following = true;
    this.pending = 0;
    this.log.setAttribute("aria-label", t("chat.log"));
    const jump = byId("jump");
    jump.append(button("down", t("chat.jump"), () => this.toEnd(true), { text: true, class: "button jump-button" }));
    wirePhrases(this.log, store);
    this.#listen(jump);
  }

  /** @param {HTMLElement} jump */
  #listen(jump) {
    const { store } = this;
    store.on("messages", (id) => this.update(id));
    store.on("run", () => store.state.run && this.update(store.state.run.message));
    store.on("grounding", () => this.#decorateSoon());
    store.on("conversation asked", () => (this.following = true));
    store.on("finished", (id) => this.#announce(id));
    store.on("pin", (pointing) => ["region", "span", "outliner"].includes(pointing.source) && this.#showPhrase(pointing.pinned));
    let top = 0;
    let share = 0;
    let narrow = phone.matches;
    const watch = () => {
      // what grows below is no reason to stop following: only who goes up stays there
      if (narrow !== phone.matches) return; // what scrolls is another by now: nobody went up
      const { scrollTop, scrollHeight } = this.#box;
      share = scrollTop / scrollHeight;
      if (this.#distance() <= NEAR) this.following = true;
      else if (scrollTop < top) this.following = false;
      top = scrollTop;
      jump.hidden = this.following;
    };
    this.scroller.addEventListener("scroll", watch, { passive: true });
    addEventListener("scroll", watch, { passive: true });
    phone.addEventListener("change", () => {
      narrow = phone.matches;
      if (this.following) this.toEnd();
      else this.#box.scrollTop = share * this.#box.scrollHeight;
      top = this.#box.scrollTop;
    });
    new ResizeObserver(() => this.following && this.toEnd()).observe(this.log);
  }

  /** What scrolls: the log, or on phones the page. */
  get #box() {
    return phone.matches ? document.documentElement : this.scroller;
  }

  #distance() {
    const box = this.#box;
    return box.scrollHeight - box.scrollTop - box.clientHeight;
  }

  /** @param {boolean} [smooth] */
  toEnd(smooth = false) {
    this.following = true;
    this.#box.scrollTo({ top: this.#box.scrollHeight, behavior: smooth && !still.matches ? "smooth" : "instant" });
  }

  /** @param {string} [id] Only this message has changed. */
  update(id) {
    const branch = this.store.branch();
    const view = id === undefined ? undefined : this.views.get(id);
    const message = branch.find((one) => one.id === id);
    const at = [...this.log.children].findIndex((one) => one.contains(document.activeElement));
    const label = document.activeElement?.ariaLabel;
    const standing = branch.length === this.log.children.length && branch.every((one, at) => this.log.children[at] === this.views.get(one.id)?.element);
    if (view && message && standing) view.update(message);
    else this.#draw(branch);
    if (at < 0 || document.activeElement !== document.body) return;
    // the control that had the focus is gone: its successor has it
    const controls = /** @type {HTMLElement[]} */ ([...(this.log.children[at]?.querySelectorAll(".message-foot button:enabled") ?? [])]);
    (controls.find((one) => one.ariaLabel === label) ?? controls[0] ?? this.scroller).focus();
  }

  /** @param {import("./types.js").Message[]} branch */
  #draw(branch) {
    const ids = new Set(branch.map((message) => message.id));
    for (const [id, view] of this.views) {
      if (ids.has(id)) continue;
      view.element.remove();
      this.views.delete(id);
    }
    branch.forEach((message, at) => {
      let view = this.views.get(message.id);
      if (!view) {
        view = new MessageView(message, { store: this.store, ...this.actions });
        this.views.set(message.id, view);
      }
      view.update(message);
      if (this.log.children[at] !== view.element) this.log.insertBefore(view.element, this.log.children[at] ?? null);
    });
    if (this.following) this.toEnd();
  }

  #decorateSoon() {
    cancelAnimationFrame(this.pending);
    this.pending = requestAnimationFrame(() => decorate(this.log, this.store));
  }

  /** The latest message that names the entity comes into view. @param {string|null} entity */
  #showPhrase(entity) {
    if (entity === null) return;
    const found = [...this.log.querySelectorAll(".g[role]")].filter((one) => /** @type {HTMLElement} */ (one).dataset.entity === entity);
    const article = found.at(-1)?.closest("article");
    [...(article?.querySelectorAll(".g") ?? [])].find((one) => found.includes(one))?.scrollIntoView({ block: "center", behavior: still.matches ? "instant" : "smooth" });
  }

  /** @param {string} id */
  #announce(id) {
    const message = this.store.state.messages.get(id);
    const linked = this.views.get(id)?.body.querySelectorAll(".g[role]").length ?? 0;
    if (message?.status === "error") say(t("chat.said_error"));
    else if (message) say(t(message.status === "complete" ? "chat.said_finished" : "chat.said_stopped", { count: linked }));
  }
}
