// @ts-check
/** Puts the page together: who we are, which conversation is open, and where the parts stand. */

import { api, ApiError, expired } from "./api.js";
import { Composer } from "./composer.js";
import { button, byId, isTaken, make } from "./dom.js";
import { loadLanguage, t } from "./i18n.js";
import { copy, loginPage, problemPage, toast, wireNotice } from "./notices.js";
import { TABS } from "./preferences.js";
import { Sidebar } from "./sidebar.js";
import { Store } from "./store.js";
import { wireWelcome } from "./welcome.js";

const store = new Store();

/** What makes and shows answers; fetched with the first conversation. @type {Promise<import("./runs.js").Runs>|null} */
let talk = null;

/** @type {Composer} */
let composer;
/** @type {Sidebar} */
let sidebar;
/** @type {Promise<void>|null} */
let stage = null;

/** @returns {Promise<import("./runs.js").Runs>} */
function loadTalk() {
  talk ??= Promise.all([import("./runs.js"), import("./chat.js")]).then(([{ Runs }, { Chat }]) => {
    new Chat(store, { again, edit: (message) => composer.edit(message) });
    return new Runs(store);
  }).catch(() => {
    talk = null;
    throw new ApiError(0, { code: "offline" });
  });
  return talk;
}

/** The stage is fetched when there is something to put on it. */
function wireStage() {
  const root = byId("stage");
  const show = () => {
    const wanted = store.state.shelf.length > 0;
    if (wanted && !stage) stage = loadStage(root);
    root.hidden = !wanted;
    byId("app").classList.toggle("with-stage", wanted);
  };
  store.on("shelf", show);
  store.on("conversation", show);
}

/** @param {HTMLElement} root */
async function loadStage(root) {
  const styles = /** @type {HTMLLinkElement} */ (make("link", { rel: "stylesheet", href: "/assets/css/stage.css" }));
  document.head.append(styles);
  const [{ mountStage }] = await Promise.all([import("./stage.js"), new Promise((resolve) => { styles.onload = styles.onerror = resolve; })]);
  mountStage(root, store);
}

/** How often somebody went to a conversation. */
let gone = 0;

/** Open a conversation, or the empty page. @param {string|null} id @param {boolean} [push] Make it the address. */
async function go(id, push = true) {
  gone += 1;
  const mine = gone;
  (await talk)?.leave();
  if (mine !== gone) return;
  if (id === null) store.open(null);
  else if (!id) return problemPage("missing", () => undefined);
  else {
    try {
      const [conversation] = await Promise.all([api.conversation(id), loadTalk()]);
      if (mine !== gone) return; // somebody did not wait for it, and is elsewhere
      (await talk)?.leave(); // what was taken up meanwhile
      if (mine !== gone) return;
      store.open(conversation);
    } catch (error) {
      if (mine !== gone) return;
      if (error instanceof ApiError && error.status === 404) problemPage("missing", () => undefined);
      else if (error instanceof ApiError && error.status !== 401) problemPage("broken", () => location.reload());
      return;
    }
  }
  if (push) history.pushState(null, "", id === null ? "/" : `/c/${encodeURIComponent(id)}`);
  byId("page").hidden = true;
  byId("skip").hidden = byId("app").hidden = false;
  (await talk)?.resume();
  composer.grow();
  if (matchMedia("(hover: hover)").matches) composer.box.focus();
}

/** The conversation that the address names; "" if it names nothing of ours. */
function addressed() {
  const path = location.pathname;
  return path === "/" ? null : /^\/c\/([^/]+)\/?$/.exec(path)?.[1] ?? "";
}

let asking = false;

/** @param {any} question */
async function ask(question) {
  asking = true;
  try {
    await (await loadTalk()).ask(question);
  } finally {
    asking = false;
  }
}

async function stop() {
  (await talk)?.stop();
}

/** A new answer to the same question. @param {string} id */
async function again(id) {
  const answer = store.state.messages.get(id);
  if (!answer || asking || store.state.run) return;
  const question = store.state.messages.get(answer.parent ?? "");
  if (matchMedia("(hover: hover)").matches) composer.box.focus();
  try {
    await ask({ text: question?.text ?? "", parent: question?.parent ?? null, regenerate: id });
  } catch (error) {
    toast({ error });
  }
}

/** @param {string} id */
async function takeExample(id) {
  try {
    const { media, text } = await api.takeExample(id);
    composer.files.put(media);
    composer.write(text);
    await composer.submit();
  } catch (error) {
    toast({ error });
  }
}

function buildTop() {
  const title = make("h1", {});
  const share = button("link", t("top.copy_link"), () => copy(location.href, "top.link_copied"));
  const save = button("export", t("top.export"), () => {
    make("a", { href: api.exportAddress(store.state.conversation?.id ?? ""), download: "" }).click();
  });
  const keys = button("keyboard", t("top.shortcuts"), showKeys, { class: "icon-button wide-only" });
  byId("top").append(button("menu", t("top.menu"), () => sidebar.open(), { class: "icon-button drawer-button" }), title, make("span", { class: "grow" }), share, save, keys);
  const draw = () => {
    const { conversation } = store.state;
    const name = conversation?.title || (conversation ? store.branch()[0]?.text ?? "" : "");
    title.textContent = name.slice(0, 80);
    title.hidden = !name;
    document.title = name ? `${name.slice(0, 60)} · Bubo` : "Bubo";
    share.hidden = save.hidden = !conversation;
  };
  store.on("conversation messages", draw);
  store.on("renamed", (one) => {
    if (store.state.conversation?.id === one.id) Object.assign(store.state.conversation ?? {}, { title: one.title });
    draw();
  });
  draw();
}

async function showKeys() {
  (await import("./shortcuts.js")).toggleShortcuts();
}

/** Escape ends the nearest thing: drawer, pin, answer. @param {KeyboardEvent} event */
function escape(event) {
  if (event.key !== "Escape" || event.defaultPrevented || document.querySelector("dialog[open]")) return;
  if (sidebar.isOpen) sidebar.close();
  else if (store.state.pointing.pinned) store.pin(null, "keyboard");
  else if (store.state.run) stop();
}

async function openSettings() {
  sidebar.close();
  (await import("./settings.js")).openSettings(store);
}

async function start() {
  const words = loadLanguage();
  let session;
  try {
    [session] = await Promise.all([api.session(), words]);
  } catch {
    await words;
    problemPage("broken", () => location.reload());
    return;
  }
  byId("skip").textContent = t("top.skip");
  if (!session.signed_in && session.auth !== "none") {
    loginPage(session.auth, () => location.reload());
    return;
  }
  store.state.session = session;
  expired.addEventListener("expired", async () => (await import("./session.js")).renew(store, { go, composer }));
  new BroadcastChannel(TABS).addEventListener("message", async () => (await import("./session.js")).leave());
  byId("scroll").setAttribute("aria-label", t("chat.log"));
  composer = new Composer(store, { ask, stop });
  sidebar = new Sidebar(store, { go, settings: openSettings });
  wireStage();
  wireNotice(store);
  buildTop();
  store.on("toast", toast);
  store.on("created", (conversation) => history.pushState(null, "", `/c/${encodeURIComponent(conversation.id)}`));
  addEventListener("popstate", () => go(addressed(), false));
  document.addEventListener("keydown", escape);
  document.addEventListener("keydown", (event) => event.key === "?" && !isTaken(event) && (event.preventDefault(), showKeys()));
  // a version chosen here is the one that is shown next time
  store.on("followed", (leaf) => store.state.conversation && api.changeConversation(store.state.conversation.id, { leaf }).catch(() => undefined));
  await go(addressed(), false);
  wireWelcome(store, takeExample);
  store.emit("session");
  if (history.state) {
    history.replaceState(null, "");
    openSettings();
  }
}

// a page that the browser has kept may be somebody else's by now
addEventListener("pageshow", (event) => event.persisted && location.reload());
start();
