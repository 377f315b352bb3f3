// @ts-check
/**
 * The media stage: the picture with what the words stand on, the sounds, the filmstrip and the list of regions.
 *
 *     import { mountStage } from "./stage.js";
 *     mountStage(document.querySelector("#media"), store);   // fills the element; once, after the words are loaded
 *
 * It reads `store.state` and calls `store.light / pin / addChip / play / show / setView`; nothing else is needed.
 */

import { button, icon, isTaken, make, rove } from "./dom.js";
import { clock, t } from "./i18n.js";
import { outliner } from "./outliner.js";
import { leadFromPhrases, Overlay } from "./overlay.js";
import { Pointer } from "./pointing.js";
import { guessUnderPointer, pinnedTools } from "./segmenting.js";
import { nextMode, viewBar } from "./views.js";
import { Wave } from "./wave.js";
import { Zoom } from "./zoom.js";

/**
 * @typedef {import("./types.js").Media} Media
 * @typedef {import("./store.js").Store} Store
 */

class Stage {
  /** @param {HTMLElement} host @param {Store} store */
  constructor(host, store) {
    this.host = host;
    this.store = store;
    /** @type {{picture: Media | null, sound: Media | null}} */
    this.shown = { picture: null, sound: null };
    this.pending = 0;
    this.image = /** @type {HTMLImageElement} */ (make("img", { class: "stage-picture", alt: "", draggable: "false" }));
    this.overlay = new Overlay(store);
    const help = make("p", { id: "stage-help", class: "visually-hidden" }, t("stage.help"));
    this.frame = make("div", { class: "stage-frame", tabindex: 0, role: "group", "aria-describedby": "stage-help" },
      this.image, this.overlay.rest, this.overlay.light, this.overlay.tags);
    this.zoom = new Zoom(this.frame, (view, frame) => {
      this.image.style.transform = `matrix(${view.scale}, 0, 0, ${view.scale}, ${view.x}, ${view.y})`;
      this.overlay.setView(view, frame);
      this.pinned?.dodge();
    });
    this.pointer = new Pointer(this.frame, this.image, store, this.overlay, this.zoom);
    guessUnderPointer(store, this.overlay, this.pointer);
    leadFromPhrases(store, this.overlay, this.frame);
    this.strip = make("div", { class: "filmstrip", role: "group", "aria-label": t("stage.filmstrip") });
    this.stops = rove(this.strip, "button", "horizontal");
    this.waves = make("div", { class: "stage-waves" });
    this.wave = new Wave(this.waves, store);
    this.fold = button("chevron", t("stage.fold"), () => store.setView({ collapsed: !store.state.view.collapsed }), { class: "icon-button stage-fold" });
    this.title = make("span", { class: "stage-title" });
    this.pinned = pinnedTools(store, this.pointer);
    this.frame.append(this.pinned.idle);
    const bar = viewBar(host, store, this.zoom, this.pointer);
    const head = make("div", { class: "stage-head" }, this.title, this.fold);
    host.classList.add("stage");
    if (!host.hasAttribute("aria-label")) host.setAttribute("aria-label", t("stage.title"));
    host.replaceChildren(head, make("div", { class: "stage-body" }, make("div", { class: "stage-view" }, this.frame, this.pinned.busy, bar), this.strip, this.waves, outliner(store, this.pointer)), help);
    this.listen();
    this.showMedium();
  }

  listen() {
    const { store, overlay } = this;
    store.on("medium shelf conversation", () => this.showMedium());
    store.on("grounding", () => this.collectSoon());
    store.on("pointing", () => {
      this.showSoundOf(store.active);
      overlay.drawLight();
    });
    store.on("playing", () => overlay.drawLight());
    store.on("chips", () => overlay.drawMarks());
    store.on("view", () => {
      this.host.classList.toggle("is-folded", store.state.view.collapsed);
      this.fold.setAttribute("aria-expanded", String(!store.state.view.collapsed));
      overlay.collect();
    });
    store.on("play", (request) => this.play(request));
    store.on("pin", () => store.state.pointing.pinned && this.comeIntoView());
    document.addEventListener("keydown", (event) => this.key(event));
  }

  /** Evidence comes in small steps; drawing it once a frame is enough. */
  collectSoon() {
    cancelAnimationFrame(this.pending);
    this.pending = requestAnimationFrame(() => this.overlay.collect());
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (isTaken(event)) return;
    const key = event.key.toLowerCase();
    const entity = this.store.state.entities.get(/** @type {HTMLElement} */ (event.target).dataset.entity ?? "");
    if (key === "v" && this.shown.picture) nextMode(this.store);
    else if (key === "h" && entity) this.store.toggleHidden(entity.id);
    else if (key === "a" && entity) this.pointer.toggleEntity(entity);
    else if (key !== "c" || !this.pinned.correct()) return;
    event.preventDefault();
  }

  // --- media ----------------------------------------------------------------------------------------------

  /** The medium of the store, and beside it the latest of the other kind, so that both can be lit at once. */
  showMedium() {
    const { media, shelf, medium } = this.store.state;
    const chosen = medium === null ? null : media.get(medium) ?? null;
    const latest = (/** @type {Media["kind"]} */ kind) => shelf.map((id) => media.get(id)).filter((one) => one?.kind === kind).at(-1) ?? null;
    for (const kind of /** @type {const} */ (["picture", "sound"])) {
      const before = this.shown[kind];
      const kept = before && media.has(before.id) ? media.get(before.id) ?? null : null;
      this.shown[kind] = chosen?.kind === kind ? chosen : kept ?? latest(kind);
    }
    this.showPicture(this.shown.picture);
    this.wave.show(this.shown.sound);
    this.host.classList.toggle("is-empty", shelf.length === 0);
    this.host.classList.toggle("has-picture", this.shown.picture !== null);
    this.host.classList.toggle("has-sound", this.shown.sound !== null);
    this.title.textContent = (this.shown.picture ?? this.shown.sound)?.name ?? "";
    this.showStrip();
  }

  /** @param {Media | null} picture */
  showPicture(picture) {
    if (picture?.id === this.overlay.medium?.id) return;
    this.image.hidden = picture === null;
    if (picture) {
      const { width = 1, height = 1, name, url } = picture;
      this.image.width = width;
      this.image.height = height;
      this.image.src = url;
      this.image.alt = name;
      this.frame.style.setProperty("--ratio", `${width} / ${height}`);
      this.frame.setAttribute("aria-label", t("stage.picture", { name }));
      this.zoom.setPicture({ width, height });
    } else this.image.removeAttribute("src");
    this.pointer.hover(null);
    this.pointer.setTool(null);
    this.overlay.setMedium(picture);
    this.pinned.refresh();
  }

  /** A thing that is heard brings its sound along, whatever picture is shown. @param {string | null} id */
  showSoundOf(id) {
    const { entities, spans, media } = this.store.state;
    const places = (entities.get(id ?? "")?.spans ?? []).map((span) => spans.get(span)?.media ?? "");
    if (!places.length || places.includes(this.shown.sound?.id ?? "")) return;
    const sound = media.get(places[0]);
    if (sound?.kind !== "sound" || !this.wave.player.paused) return;
    this.shown.sound = sound;
    this.wave.show(sound);
  }

  /** @param {{media: string, t0: number, t1: number, entity: string | null}} request */
  play({ media, t0, t1, entity }) {
    const sound = this.store.state.media.get(media);
    if (sound?.kind !== "sound" || !(t1 > t0)) return;
    this.shown.sound = sound;
    this.wave.show(sound);
    this.wave.player.play(t0, t1, entity);
  }

  showStrip() {
    const { shelf, media, medium } = this.store.state;
    this.strip.hidden = shelf.length < 2;
    const known = new Map([...this.strip.children].map((one) => [/** @type {HTMLElement} */ (one).dataset.media, one]));
    this.strip.replaceChildren(...shelf.map((id) => {
      const made = known.get(id) ?? this.film(/** @type {Media} */ (media.get(id)));
      if (id === medium) made.setAttribute("aria-current", "true");
      else made.removeAttribute("aria-current");
      made.classList.toggle("is-shown", id === this.shown.picture?.id || id === this.shown.sound?.id);
      return made;
    }));
    this.stops.refresh();
  }

  /** @param {Media} medium */
  film({ id, kind, name, thumbnail, url, duration_s }) {
    const inside = kind === "picture" ? make("img", { src: thumbnail ?? url, alt: "", loading: "lazy" })
      : make("span", { class: "film-sound", "aria-hidden": "true" }, icon("sound"), clock(duration_s ?? 0));
    const label = t(kind === "picture" ? "stage.show_picture" : "stage.show_sound", { name });
    return make("button", { type: "button", class: "film", tabindex: -1, title: name, data: { media: id }, on: { click: () => this.store.show(id) } },
      inside, make("span", { class: "visually-hidden" }, label));
  }

  /** On a phone the stage may be folded or scrolled away when something is pinned. */
  comeIntoView() {
    if (this.store.state.view.collapsed) this.store.setView({ collapsed: false });
    const { top, bottom } = this.host.getBoundingClientRect();
    if (bottom < 40 || top > innerHeight - 40) this.host.scrollIntoView({ block: "nearest" });
  }
}

/** @param {HTMLElement} host @param {Store} store */
export function mountStage(host, store) {
  return new Stage(host, store);
}
