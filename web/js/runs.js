// @ts-check
/** Questions on their way: asking, following the answer as it is made, attaching to it again, stopping it; and what other tabs ask. */

import { api, ApiError } from "./api.js";
import { readSettings } from "./preferences.js";

/** @typedef {import("./store.js").Store} Store */

/** Without chance the same words would come again. */
const ANOTHER = { temperature: 0.5 };
const WAITS = [300, 700, 1500, 3000, 5000, 8000, 8000, 8000];
/** The channel on which a tab tells the others in which conversation it has asked. */
const ASKED = "bubo.asked";

export class Runs {
  /** @param {Store} store */
  constructor(store) {
    this.store = store;
    /** @type {AbortController|null} */
    this.listening = null;
    this.tabs = new BroadcastChannel(ASKED);
    /** Whether something was asked elsewhere while an answer was followed here. */
    this.late = false;
    this.tabs.onmessage = ({ data }) => data === store.state.conversation?.id && !document.hidden && this.catchUp();
    document.addEventListener("visibilitychange", () => !document.hidden && this.catchUp());
  }

  /**
   * Ask; gives back once the server has taken the question.
   * @param {{text?: string, media?: string[], places?: any[], parent: string|null, edit?: string, regenerate?: string}} ask
   */
  async ask(ask) {
    const { store } = this;
    if (!store.state.conversation) {
      const conversation = await api.createConversation();
      store.state.conversation = conversation;
      store.emit("created", conversation);
    }
    const conversation = /** @type {{id: string}} */ (store.state.conversation).id;
    const { run, question, answer } = await api.ask(conversation, { ...ask, settings: { ...(ask.regenerate ? ANOTHER : {}), ...readSettings() } });
    this.tabs.postMessage(conversation);
    if (store.state.conversation?.id !== conversation) return;
    store.emit("asked");
    store.pin(null, "app");
    store.setMessage(question, !ask.regenerate);
    store.setMessage(answer, true);
    this.follow(run?.id ?? run, answer.id, conversation);
  }

  /** Take over what was asked elsewhere, in another tab or on another machine, and follow it; at once, or when this answer has ended. */
  async catchUp() {
    const { store } = this;
    const { id } = store.state.conversation ?? {};
    this.late = store.state.run !== null;
    if (!id || this.late) return;
    const now = await api.conversation(id).catch(() => null);
    if (store.state.conversation?.id !== id || store.state.run) return;
    for (const one of now?.messages ?? []) {
      const known = store.state.messages.get(one.id);
      if (known?.status === one.status) continue;
      store.setMessage(one, !known && (one.parent === null || store.branch().some((shown) => shown.id === one.parent)));
    }
    this.resume();
  }

  /** Attach to an answer that is still being made, first to that of the shown branch. */
  resume() {
    const { store } = this;
    const made = [...store.state.messages.values()].filter((message) => message.status === "running" && message.run);
    const shown = store.branch();
    const answer = made.find((message) => shown.includes(message)) ?? made[0];
    if (answer?.run && store.state.conversation) {
      // everything is sent again from the first event on
      store.setMessage({ id: answer.id, text: "", blocks: [] });
      this.follow(answer.run, answer.id, store.state.conversation.id);
    }
  }

  /** @param {string} run @param {string} message @param {string} conversation */
  async follow(run, message, conversation) {
    this.leave();
    const { store } = this;
    const listening = new AbortController();
    this.listening = listening;
    store.setRun({ id: run, message, conversation, status: null });
    let after = 0;
    let done = false;
    for (let attempt = 0; !done && !listening.signal.aborted; attempt += 1) {
      try {
        for await (const event of api.events(run, after, listening.signal)) {
          if (listening.signal.aborted) return;
          after = event.id || after;
          attempt = 0;
          this.#take(message, event.data);
        }
        done = true;
      } catch (error) {
        if (listening.signal.aborted) return;
        // a connection that breaks in mid-answer is no ApiError, nor is a module that could not be fetched
        const lost = !(error instanceof ApiError) || error.status === 0 || error.status > 500;
        if (!lost || (attempt >= WAITS.length && store.state.online)) {
          await this.#reload(conversation, message);
          done = true;
        } else {
          store.setRun({ id: run, message, conversation, status: { state: "reconnecting" } });
          await new Promise((resolve) => setTimeout(resolve, WAITS[attempt] ?? WAITS.at(-1)));
        }
      }
    }
    if (this.listening !== listening) return;
    this.listening = null;
    store.setRun(null);
    const answer = store.state.messages.get(message);
    if (answer?.status === "running") store.setMessage({ id: message, status: "interrupted" });
    store.emit("finished", message);
    if (this.late) this.catchUp();
    else this.resume();
  }

  /** The events are gone: what the server has kept counts. @param {string} conversation @param {string} message */
  async #reload(conversation, message) {
    try {
      const kept = (await api.conversation(conversation)).messages.find((/** @type {any} */ one) => one.id === message);
      if (kept) this.store.setMessage(kept);
    } catch {
      this.store.setMessage({ id: message, status: "error", error: { code: "connection_lost", message: "", retryable: true } });
    }
  }

  /** @param {string} id @param {any} data */
  #take(id, data) {
    const { store } = this;
    const known = store.state.messages.get(id);
    if (!known) return;
    if (data.error) {
      store.setMessage({ id, status: "error", error: data.error });
      return;
    }
    if (data.status && store.state.run) store.setRun({ ...store.state.run, status: data.status });
    if (data.grounding) store.ground(id, data.grounding);
    /** @type {any} */
    const change = { id };
    const content = data.choices?.[0]?.delta?.content;
    if (content) change.text = known.text + content;
    if (data.ui && Array.isArray(data.ui.blocks)) {
      change.blocks = [...(known.blocks ?? []).slice(0, data.ui.from ?? 0), ...data.ui.blocks];
    }
    if (data.message) Object.assign(change, data.message);
    if (Object.keys(change).length > 1) store.setMessage(change);
  }

  /** Stop listening; the answer goes on being made. */
  leave() {
    this.listening?.abort();
    this.listening = null;
    if (this.store.state.run) this.store.setRun(null);
  }

  /** Stop the answer; what there is of it stays. */
  async stop() {
    const { run } = this.store.state;
    if (!run || run.status?.state === "stopping") return;
    this.store.setRun({ ...run, status: { state: "stopping" } });
    try {
      await api.stop(run.id);
    } catch {
      // the server will not say more; what it has kept does
      await this.#reload(run.conversation, run.message);
    }
  }
}
