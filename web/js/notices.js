// @ts-check
/** What the page says beside the conversation: toasts, the bar above the log, dialogs, whole pages. */

import { api } from "./api.js";
import { button, byId, icon, make, say } from "./dom.js";
import { language, languageNames, t } from "./i18n.js";
import { owl, words } from "./words.js";

/** @typedef {import("./store.js").Store} Store */

/**
 * @param {{key?: string, values?: Record<string, any>, text?: string, error?: any, action?: string, act?: () => Promise<void>|void, seconds?: number}} notice
 */
export function toast(notice) {
  const text = notice.error ? words(notice.error) : notice.text ?? t(notice.key ?? "", notice.values);
  const shown = make("div", { class: "toast" }, make("span", {}, text));
  const gone = () => shown.remove();
  if (notice.action) {
    shown.append(button("", notice.action, async () => {
      gone();
      try {
        await notice.act?.();
      } catch (error) {
        toast({ error });
      }
    }, { text: true, class: "" }));
  }
  byId("toasts").append(shown);
  say(text);
  setTimeout(gone, (notice.seconds ?? 4) * 1000);
}

/** Put a text into the clipboard, and say so. @param {string} text @param {string} key Of what is said. */
export async function copy(text, key) {
  try {
    await navigator.clipboard.writeText(text);
    toast({ key });
  } catch {
    toast({ key: "chat.not_copied" });
  }
}

/** The bar above the log: one thing that is the matter with everything; and below the composer, which languages the model
 * understands, where that of the page is not among them. @param {Store} store */
export function wireNotice(store) {
  const bar = byId("notice");
  const understood = make("p", { class: "composer-hint quiet" });
  byId("composer").append(understood);
  let timer = 0;
  let answered = false;
  const draw = () => {
    const { session, online } = store.state;
    const model = session?.model;
    const [kind, text] = !online ? ["offline", t("notice.offline")] : model?.state === "loading" ? ["loading", t("notice.loading", { model: model.id ?? "" })]
      : model?.state === "failed" ? ["failed", t("notice.failed", { reason: model.message ?? "" })] : ["", ""];
    bar.hidden = !kind;
    /** @type {string[]} */
    const tags = model?.languages ?? [];
    understood.hidden = !tags.length || tags.some((tag) => tag.split("-")[0] === language);
    understood.textContent = understood.hidden ? "" : t("composer.languages", { languages: languageNames(tags) });
    bar.className = `notice ${kind}`;
    bar.replaceChildren(...(kind ? [kind === "loading" ? make("span", { class: "spinner", "aria-hidden": "true" }) : icon(kind === "offline" ? "offline" : "warn"), make("span", {}, text)] : []));
    clearTimeout(timer);
    if (kind === "loading" || kind === "failed") {
      timer = window.setTimeout(async () => {
        try {
          const before = model?.state;
          store.state.session = await api.session();
          if (before === "loading" && store.state.session?.model?.state === "ready") {
            if (!answered) say(t("notice.ready")); // who has heard an answer knows
            store.emit("session");
          }
        } catch { /* asked again soon */ }
        draw();
      }, kind === "loading" ? 1500 : 10000);
    }
  };
  store.on("session online", draw);
  store.on("finished", () => (answered = true));
  const connection = () => {
    store.state.online = navigator.onLine;
    store.emit("online");
  };
  addEventListener("online", connection);
  addEventListener("offline", connection);
  connection();
}

/** @type {HTMLDialogElement|null} */
let open = null;

/** @param {string} title @param {(Node|string|false|null|undefined)[]} content @param {string} [kind] Its class. */
export function dialog(title, content, kind = "dialog") {
  closeDialog();
  const shown = /** @type {HTMLDialogElement} */ (make("dialog", { class: kind, "aria-label": title },
    make("div", { class: "dialog-head" }, make("h2", {}, title), button("close", t("settings.close"), () => closeDialog())),
    make("div", { class: "dialog-body" }, ...content)));
  shown.addEventListener("close", () => shown.remove());
  shown.addEventListener("click", (event) => event.target === shown && shown.close());
  document.body.append(shown);
  shown.showModal();
  open = shown;
}

export function closeDialog() {
  open?.close();
  open = null;
}

/** A page of its own in place of the app. @param {string} title @param {(Node|string|false|null|undefined)[]} content */
export function page(title, content) {
  byId("skip").hidden = byId("app").hidden = true;
  const place = byId("page");
  place.hidden = false;
  place.className = "page";
  document.title = `${title} · Bubo`;
  place.replaceChildren(make("main", { class: "card" }, owl(), make("h1", {}, title), ...content));
}

/** @param {string} kind "missing" or "broken" @param {() => void} act */
export function problemPage(kind, act) {
  const way = kind === "missing" ? make("a", { href: "/", class: "button primary" }, t("page.missing_home")) : button("again", t("chat.retry"), act, { text: true, class: "button primary" });
  page(t(`page.${kind}`), [make("p", {}, t(`page.${kind}_text`)), way]);
}

/** @param {string} auth "token" or "users" @param {() => Promise<void>|void} enter What to do once signed in. @param {boolean} [expired] */
export function loginPage(auth, enter, expired = false) {
  const problem = make("p", { class: "problem", role: "alert" });
  const names = auth === "token" ? ["token"] : ["name", "password"];
  const fields = names.map((name) => /** @type {HTMLInputElement} */ (make("input", {
    class: "field", name, required: true, type: name === "name" ? "text" : "password", autocomplete: name === "name" ? "username" : "current-password",
  })));
  const press = /** @type {HTMLButtonElement} */ (make("button", { class: "button primary", type: "submit" }, t("page.sign_in")));
  const form = make("form", {}, ...fields.map((field) => make("label", {}, t(`page.${field.name}`), field)), problem, press);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    press.disabled = true;
    try {
      await api.signIn(Object.fromEntries(fields.map((field) => [field.name, field.value])));
      await enter();
    } catch (error) {
      const status = /** @type {any} */ (error).status;
      problem.textContent = status === 401 ? t(`page.wrong_${auth === "token" ? "token" : "password"}`) : words(error);
      press.disabled = false;
      fields.at(-1)?.select();
    }
  });
  page(t("page.sign_in"), [make("p", {}, t(expired ? "page.expired" : `page.sign_in_${auth === "token" ? "token" : "users"}`)), form]);
  fields[0].focus();
}
