// @ts-check
/** The end of a session: signing out leaves nothing behind; one that ended in the middle is taken up again. */

import { api } from "./api.js";
import { byId } from "./dom.js";
import { t } from "./i18n.js";
import { loginPage } from "./notices.js";
import { forgetDrafts, TABS } from "./preferences.js";

/**
 * @typedef {import("./store.js").Store} Store
 * @typedef {{go: (id: string|null) => Promise<void>, composer: import("./composer.js").Composer}} Parts
 */

export async function signOut() {
  await api.signOut();
  new BroadcastChannel(TABS).postMessage("out");
  leave();
}

/** Nothing of who was here stays, not even in the page that the browser keeps for its back button. */
export function leave() {
  forgetDrafts();
  document.documentElement.hidden = true;
  location.replace("/");
}

let asking = false;

/** The server does not know us any more: sign in again, or begin anew where nobody signs in. @param {Store} store @param {Parts} parts */
export function renew(store, parts) {
  if (asking) return;
  asking = true;
  const auth = store.state.session?.auth;
  if (auth === "none") goOn(store, parts).finally(() => (asking = false));
  else loginPage(auth, () => goOn(store, parts).finally(() => (asking = false)), true);
}

/** Somebody else gets a page of their own; the same person goes on with all that stands here. @param {Store} store @param {Parts} parts */
async function goOn(store, { go, composer }) {
  const { session: before, conversation, attachments } = store.state;
  const session = await api.session();
  if (session.name !== before?.name) {
    forgetDrafts();
    location.reload();
    return;
  }
  store.state.session = session;
  byId("page").hidden = true;
  byId("skip").hidden = byId("app").hidden = false;
  // whoever has no name gets a new owner with each session
  const needed = [conversation && api.conversation(conversation.id), ...attachments.map(({ media }) => media && api.media(media.id))];
  const kept = (await Promise.allSettled(needed)).every(({ status }) => status === "fulfilled");
  if (kept) composer.warn(null);
  else {
    const text = composer.box.value;
    await go(null);
    composer.write(text);
    composer.warn(t("page.begun_anew"));
  }
  store.emit("session");
  store.emit("messages");
  composer.box.focus();
}
