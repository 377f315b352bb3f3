// @ts-check
/** The empty page: what this is, and four conversations to begin with. */

import { api } from "./api.js";
import { byId, icon, make } from "./dom.js";
import { language, t } from "./i18n.js";
import { owl } from "./words.js";

/** @typedef {import("./store.js").Store} Store */

/** @param {Store} store @param {(id: string) => Promise<void>} take Begin with an example. */
export function wireWelcome(store, take) {
  const gallery = make("ul", { class: "examples", "aria-label": t("welcome.examples") });
  const welcome = make("section", { class: "welcome" }, owl(), make("h1", {}, t("welcome.title")), make("p", {}, t("welcome.text")), gallery);
  let asked = false;
  const show = () => {
    const empty = !store.state.conversation;
    if (empty) {
      byId("log").before(welcome);
      if (!asked) {
        asked = true;
        api.examples(language).then((examples) => gallery.replaceChildren(...examples.map((/** @type {any} */ one) => card(one, take))), () => (asked = false));
      }
    } else welcome.remove();
    byId("talk").classList.toggle("is-empty", empty);
  };
  store.on("conversation created", show);
  show();
}

/** The questions of examples are English. @param {any} example @param {(id: string) => Promise<void>} take */
function card(example, take) {
  const pictures = example.media.filter((/** @type {any} */ medium) => medium.kind === "picture");
  const sounds = example.media.length > pictures.length;
  const face = pictures.length ? make("img", { src: pictures[0].thumbnail ?? pictures[0].url, alt: "", loading: "lazy" }) : icon("sound");
  const press = make("button", { type: "button", class: "example" },
    make("span", { class: "example-face" }, face, sounds && pictures.length > 0 && make("span", { class: "example-sound" }, icon("sound"))),
    make("span", { class: "example-words" }, make("strong", {}, example.title), make("span", { class: "quiet", lang: "en" }, example.text)));
  press.addEventListener("click", async () => {
    press.setAttribute("aria-busy", "true");
    await take(example.id);
    press.removeAttribute("aria-busy");
  });
  return make("li", {}, press);
}
