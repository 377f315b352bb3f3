// @ts-check
/** The conversations: by day, searched, renamed, deleted with a way back. */

import { api } from "./api.js";
import { button, byId, icon, make } from "./dom.js";
import { date, moment, relativeDay, t } from "./i18n.js";
import { owl } from "./words.js";

/** @typedef {import("./store.js").Store} Store @typedef {import("./types.js").Conversation} Conversation */

const DAY = 86400000;

/** Days between a moment and now, by the calendar. @param {Date} then @param {Date} now */
export function daysAgo(then, now) {
  const start = (/** @type {Date} */ day) => Date.UTC(day.getFullYear(), day.getMonth(), day.getDate());
  return Math.round((start(now) - start(then)) / DAY);
}

export class Sidebar {
  /** @param {Store} store @param {{go: (id: string|null) => void, settings: () => void}} actions */
  constructor(store, actions) {
    this.store = store;
    this.actions = actions;
    /** @type {Conversation[]} */
    this.shown = [];
    this.next = null;
    this.asked = 0;
    this.renaming = false;
    this.root = byId("sidebar");
    this.scrim = byId("scrim");
    this.list = make("nav", { class: "side-list", "aria-label": t("sidebar.conversations") });
    this.search = /** @type {HTMLInputElement} */ (make("input", { type: "search", class: "field", placeholder: t("sidebar.search"), "aria-label": t("sidebar.search") }));
    this.#build();
    store.on("conversation created", () => this.mark());
    store.on("created run", () => this.refreshSoon());
    document.addEventListener("visibilitychange", () => !document.hidden && this.refreshSoon());
    store.on("session", () => this.refreshSoon());
  }

  #build() {
    const home = make("a", { href: "/", class: "brand" }, owl(), make("span", {}, "Bubo"));
    home.addEventListener("click", (event) => this.#go(event, null));
    const fresh = make("a", { href: "/", class: "button new-button" }, icon("plus"), make("span", {}, t("sidebar.new")));
    fresh.addEventListener("click", (event) => this.#go(event, null));
    let timer = 0;
    this.search.addEventListener("input", () => {
      clearTimeout(timer);
      timer = window.setTimeout(() => this.refresh(), 200);
    });
    this.root.setAttribute("aria-label", t("sidebar.label"));
    this.root.append(
      make("div", { class: "side-head" }, home, button("close", t("sidebar.close"), () => this.close(), { class: "icon-button drawer-button" })),
      fresh, this.search, this.list,
      make("div", { class: "side-foot" }, button("settings", t("settings.title"), () => this.actions.settings(), { text: true, class: "side-row" })));
    this.scrim.addEventListener("click", () => this.close());
    this.list.addEventListener("scroll", () => this.list.scrollTop + this.list.clientHeight > this.list.scrollHeight - 200 && this.#more(), { passive: true });
  }

  /** @param {MouseEvent} event @param {string|null} id */
  #go(event, id) {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    this.close();
    this.actions.go(id);
  }

  open() {
    document.body.classList.add("drawer-open");
    this.scrim.hidden = false;
    this.before = document.activeElement;
    for (const id of ["top", "talk", "stage"]) byId(id).inert = true;
    /** @type {HTMLElement} */ (this.root.querySelector(".drawer-button")).focus();
  }

  get isOpen() {
    return document.body.classList.contains("drawer-open");
  }

  close() {
    if (!this.isOpen) return;
    document.body.classList.remove("drawer-open");
    this.scrim.hidden = true;
    for (const id of ["top", "talk", "stage"]) byId(id).inert = false;
    if (this.before instanceof HTMLElement) this.before.focus();
  }

  refreshSoon() {
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.refresh(), 150);
  }

  async refresh() {
    this.asked += 1;
    const asked = this.asked;
    try {
      const { conversations, next } = await api.conversations({ q: this.search.value.trim() });
      if (asked !== this.asked) return;
      this.shown = conversations;
      this.next = next ?? null;
      this.#draw();
    } catch { /* the list stays as it was; what is wrong is told where the person acts */ }
  }

  async #more() {
    if (!this.next || this.loading) return;
    this.loading = true;
    const { asked } = this;
    try {
      const { conversations, next } = await api.conversations({ q: this.search.value.trim(), before: this.next });
      if (asked !== this.asked) return;
      this.shown = [...this.shown, ...conversations];
      this.next = next ?? null;
      this.#draw();
    } catch { /* asked again when the list is moved again */ } finally {
      this.loading = false;
    }
  }

  #draw() {
    if (this.renaming) return; // what is being written stays; the list is drawn when that is done
    const now = new Date();
    /** @type {Map<string, Conversation[]>} */
    const groups = new Map();
    for (const one of this.shown) {
      const then = moment(one.updated ?? one.created);
      const ago = daysAgo(then, now);
      const name = ago < 2 ? relativeDay(-Math.max(0, ago)) : date(then, { day: "numeric", month: "long", ...(then.getFullYear() === now.getFullYear() ? {} : { year: "numeric" }) });
      groups.set(name, [...(groups.get(name) ?? []), one]);
    }
    const drawn = [...groups].map(([name, members]) => make("section", {}, make("h2", { class: "day" }, name), make("ul", {}, ...members.map((one) => this.#row(one)))));
    if (!drawn.length) drawn.push(make("p", { class: "quiet side-empty" }, t(this.search.value ? "sidebar.none_found" : "sidebar.none")));
    const focused = this.list.contains(document.activeElement) ? document.activeElement?.getAttribute("href") : null;
    this.list.replaceChildren(...drawn);
    if (focused) /** @type {HTMLElement|null} */ (this.list.querySelector(`[href="${CSS.escape(focused)}"]`))?.focus();
    this.mark();
  }

  /** @param {Conversation} one */
  #row(one) {
    const title = one.title || t("sidebar.untitled");
    const link = make("a", { href: `/c/${encodeURIComponent(one.id)}`, title, data: { id: one.id } },
      one.running && make("span", { class: "running-dot", title: t("sidebar.running") }), make("span", { class: "side-title" }, title));
    link.addEventListener("click", (event) => this.#go(event, one.id));
    const row = make("li", { class: "side-item" }, link,
      make("span", { class: "side-tools" },
        button("edit", t("sidebar.rename", { title }), () => this.#rename(row, one), { class: "icon-button small", title: t("sidebar.rename_short") }),
        button("trash", t("sidebar.delete", { title }), () => this.#delete(one), { class: "icon-button small", title: t("sidebar.delete_short") })));
    return row;
  }

  /** @param {HTMLElement} row @param {Conversation} one */
  #rename(row, one) {
    const field = /** @type {HTMLInputElement} */ (make("input", { class: "field", maxlength: 200, value: one.title, "aria-label": t("sidebar.new_title") }));
    this.renaming = true;
    const finish = async (/** @type {boolean} */ keep) => {
      if (!this.renaming) return;
      this.renaming = false;
      const title = field.value.trim();
      if (keep && title && title !== one.title) {
        try {
          await api.changeConversation(one.id, { title });
          for (const same of [one, ...this.shown.filter(({ id }) => id === one.id)]) same.title = title; // the list may be newer
          this.store.emit("renamed", one);
        } catch (error) {
          this.store.emit("toast", { error });
        }
      }
      if (this.renaming) return; // another one by now
      this.#draw();
      /** @type {HTMLElement|null} */ (this.list.querySelector(`[data-id="${CSS.escape(one.id)}"]`))?.focus();
    };
    field.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key === "Enter") finish(true);
      if (event.key === "Escape") finish(false);
    });
    field.addEventListener("blur", () => finish(true));
    row.replaceChildren(field);
    field.focus();
    field.select();
  }

  /** @param {Conversation} one */
  async #delete(one) {
    try {
      await api.deleteConversation(one.id);
    } catch (error) {
      this.store.emit("toast", { error });
      return;
    }
    const open = this.store.state.conversation?.id === one.id;
    this.shown = this.shown.filter((other) => other.id !== one.id);
    this.#draw();
    this.search.focus();
    if (open) this.actions.go(null);
    this.store.emit("toast", {
      key: "sidebar.deleted", seconds: 25, action: t("sidebar.undo"),
      act: async () => {
        await api.restoreConversation(one.id);
        await this.refresh();
        this.search.focus();
        if (open) this.actions.go(one.id);
      },
    });
  }

  /** Which one is open. */
  mark() {
    const id = this.store.state.conversation?.id;
    for (const link of this.list.querySelectorAll("a")) {
      if (link.dataset.id === id) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
  }
}
