// @ts-check
/** A sound: its wave, what is heard in it and when, and playing just those seconds. */

import { api } from "./api.js";
import { button, icon, make, say } from "./dom.js";
import { clamp, isDrag } from "./geometry.js";
import { clock, t } from "./i18n.js";
import { draw } from "./overlay.js";
import { Player } from "./player.js";
import { lanesOf, timeAt, timeBetween, wavePath } from "./timeline.js";
import { badge } from "./words.js";

/**
 * @typedef {import("./types.js").Media} Media
 * @typedef {import("./types.js").Span} Span
 * @typedef {import("./types.js").Entity} Entity
 * @typedef {{id: string, t0: number, t1: number, entity: Entity}} Heard
 */

const HEIGHT = 100;
const STEP_S = 0.5;

export class Wave {
  /** @param {HTMLElement} host @param {import("./store.js").Store} store */
  constructor(host, store) {
    this.store = store;
    /** @type {Media | null} */
    this.sound = null;
    /** @type {Heard[]} */
    this.heard = [];
    this.player = new Player(() => this.tick(), () => this.sound && store.emit("toast", { key: "wave.cannot_play" }));
    /** @type {[number, number] | null} */
    this.picked = null;
    /** @type {{x: number, from: number, dragged: boolean} | null} */
    this.press = null;
    this.frame = 0;
    /** Which spans are shown. */
    this.drawn = "";
    this.name = make("span", { class: "wave-name" });
    this.toggleButton = button("play", t("wave.play"), () => this.player.toggle(), { class: "icon-button wave-play" });
    this.times = make("span", { class: "wave-times" });
    this.mute = button("volume", t("wave.mute"), () => (this.player.audio.muted = !this.player.audio.muted), { "aria-pressed": "false" });
    this.volume = /** @type {HTMLInputElement} */ (make("input", { type: "range", min: 0, max: 1, step: 0.05, value: 1, class: "wave-volume",
      "aria-label": t("wave.volume"), on: { input: () => (this.player.audio.volume = Number(this.volume.value)) } }));
    this.shape = draw("path", { class: "wave-shape" });
    this.done = draw("path", { class: "wave-shape" });
    const under = draw("svg", { class: "wave-peaks", preserveAspectRatio: "none", "aria-hidden": "true" }, this.shape);
    this.played = draw("svg", { class: "wave-peaks wave-played", preserveAspectRatio: "none", "aria-hidden": "true" }, this.done);
    this.drawings = [under, this.played];
    this.bands = make("div", { class: "wave-bands", "aria-hidden": "true" });
    this.pick = make("div", { class: "wave-pick", hidden: true });
    this.head = make("div", { class: "wave-head" });
    this.track = make("div", { class: "wave-track", tabindex: 0, role: "slider", "aria-valuemin": 0, "aria-describedby": "wave-help" },
      this.bands, under, this.played, this.pick, this.head);
    this.lanes = make("div", { class: "wave-lanes" });
    const bar = make("div", { class: "wave-bar" }, this.toggleButton, this.name, this.times, this.mute, this.volume);
    const help = make("p", { id: "wave-help", class: "visually-hidden" }, t("wave.help"));
    this.root = make("section", { class: "wave", "aria-label": t("wave.title") }, bar, this.track, this.lanes, help, this.player.audio);
    host.append(this.root);
    this.listen();
    store.on("grounding", () => this.showSpans());
    store.on("pointing playing view", () => this.mark());
    store.on("chips", () => this.showPlaces());
  }

  listen() {
    const { audio } = this.player;
    audio.addEventListener("volumechange", () => {
      this.mute.setAttribute("aria-pressed", String(audio.muted));
      this.mute.replaceChildren(icon(audio.muted ? "mute" : "volume"));
    });
    this.track.addEventListener("pointerdown", (event) => this.down(event));
    this.track.addEventListener("pointermove", (event) => this.move(event));
    this.track.addEventListener("pointerup", (event) => this.up(event));
    this.track.addEventListener("pointercancel", () => this.drop());
    this.track.addEventListener("pointerleave", () => this.store.state.pointing.source === "span" && !this.press && this.store.light(null, "span"));
    this.track.addEventListener("keydown", (event) => {
      if (!event.ctrlKey && !event.metaKey && !event.altKey && this.key(event)) {
        event.preventDefault();
        event.stopPropagation();
      }
    });
  }

  get duration() {
    return this.sound?.duration_s || this.player.duration;
  }

  /** @param {Media | null} sound */
  show(sound) {
    this.root.hidden = sound === null;
    if (sound?.id === this.sound?.id) return;
    this.sound = sound;
    this.player.load(sound?.url ?? null);
    this.store.setPlaying(null);
    this.setPicked(null);
    if (!sound) return;
    this.name.textContent = sound.name;
    this.name.title = sound.name;
    this.track.setAttribute("aria-label", t("wave.position", { name: sound.name }));
    this.track.setAttribute("aria-valuemax", String(this.duration));
    this.showPeaks(sound);
    this.drawn = "";
    this.showSpans();
    this.tick();
  }

  /** @param {Media} sound */
  async showPeaks(sound) {
    this.shape.removeAttribute("d");
    this.done.removeAttribute("d");
    const peaks = sound.peaks ?? (await api.media(sound.id).catch(() => null))?.peaks;
    if (!Array.isArray(peaks) || this.sound?.id !== sound.id) return;
    const path = wavePath(peaks.filter((pair) => Array.isArray(pair) && pair.every(Number.isFinite)), HEIGHT, 2);
    for (const one of [this.shape, this.done]) one.setAttribute("d", path);
    for (const svg of this.drawings) svg.setAttribute("viewBox", `0 0 ${Math.max(1, peaks.length - 1)} ${HEIGHT}`);
  }

  // --- spans ----------------------------------------------------------------------------------------------

  showSpans() {
    const { entities, spans } = this.store.state;
    const heard = [...entities.values()].flatMap((entity) => entity.spans.map((id) => ({ span: spans.get(id), entity })));
    this.heard = heard.filter(({ span }) => span && span.media === this.sound?.id && span.t1 > span.t0)
      .map(({ span, entity }) => ({ ...(/** @type {Span} */ (span)), entity }));
    const now = JSON.stringify(this.heard.map(({ id, t0, t1, entity }) => [id, t0, t1, entity.id, entity.label, entity.slot]));
    if (now === this.drawn) return;
    this.drawn = now;
    const rows = lanesOf(this.heard);
    this.bands.replaceChildren(...this.heard.map((one) => this.placed(make("div", { class: `wave-band slot-${one.entity.slot}`, data: { entity: one.entity.id } }), one)));
    this.lanes.replaceChildren(...this.heard.map((one) => this.spanButton(one, rows.get(one) ?? 0)));
    this.lanes.style.setProperty("--rows", String(Math.max(0, ...[...rows.values()].map((row) => row + 1))));
    this.mark();
  }

  /** @param {HTMLElement} element @param {{t0: number, t1: number}} times */
  placed(element, { t0, t1 }) {
    const share = (/** @type {number} */ time) => clamp(time / (this.duration || 1), 0, 1) * 100;
    element.style.left = `${share(t0)}%`;
    element.style.width = `${share(t1) - share(t0)}%`;
    return element;
  }

  /** @param {Heard} one @param {number} row */
  spanButton(one, row) {
    const { entity, t0, t1 } = one;
    const times = t("wave.span", { label: entity.label, from: clock(t0, true), to: clock(t1, true) });
    const made = make("button", { type: "button", class: `wave-span slot-${entity.slot}`, title: times, data: { entity: entity.id } },
      make("b", { class: "badge", "aria-hidden": "true" }, badge(entity)), make("span", { "aria-hidden": "true" }, entity.label), make("span", { class: "visually-hidden" }, times));
    made.style.setProperty("--row", String(row));
    const leave = () => this.store.state.pointing.lit === entity.id && this.store.light(null, "span");
    made.addEventListener("pointerenter", (event) => event.pointerType !== "touch" && this.store.light(entity.id, "span"));
    made.addEventListener("pointerleave", leave);
    made.addEventListener("focus", () => this.store.light(entity.id, "span"));
    made.addEventListener("blur", leave);
    made.addEventListener("click", () => this.player.play(t0, t1, entity.id));
    return this.placed(made, one);
  }

  mark() {
    const { playing } = this.store.state;
    for (const element of [...this.bands.children, ...this.lanes.children]) {
      const { entity } = /** @type {HTMLElement} */ (element).dataset;
      element.classList.toggle("is-lit", entity === this.store.active);
      element.classList.toggle("is-sounding", playing?.media === this.sound?.id && playing?.entity === entity);
    }
    this.root.classList.toggle("is-lit", this.heard.some(({ entity }) => entity.id === this.store.active));
  }

  /** The times that the composer holds. */
  showPlaces() {
    for (const old of this.track.querySelectorAll(".wave-place")) old.remove();
    for (const { place } of this.store.state.chips) {
      if (place.kind !== "time" || place.media !== this.sound?.id) continue;
      this.track.append(this.placed(make("div", { class: "wave-place" }), { t0: Number(place.t0), t1: Number(place.t1) }));
    }
  }

  // --- playing --------------------------------------------------------------------------------------------

  /** What is true at this moment: playhead, clock, what is heard. */
  tick() {
    cancelAnimationFrame(this.frame);
    this.player.stopInTime();
    const { time, paused, only } = this.player;
    const share = clamp(time / (this.duration || 1), 0, 1);
    this.head.style.left = `${share * 100}%`;
    this.played.style.clipPath = `inset(0 ${(1 - share) * 100}% 0 0)`;
    this.times.textContent = `${clock(time, true)} / ${clock(this.duration, true)}`;
    this.track.setAttribute("aria-valuenow", time.toFixed(1));
    this.track.setAttribute("aria-valuetext", t("wave.value", { now: clock(time, true), all: clock(this.duration, true) }));
    this.root.classList.toggle("is-playing", !paused);
    this.showToggle(paused);
    if (!this.sound) return;
    const entity = only?.entity ?? this.at(time)?.entity.id ?? null;
    this.store.setPlaying(paused ? null : { media: this.sound.id, entity });
    if (!paused) this.frame = requestAnimationFrame(() => this.tick());
  }

  /** @param {boolean} paused */
  showToggle(paused) {
    const label = t(paused ? "wave.play" : "wave.pause");
    if (this.toggleButton.getAttribute("aria-label") === label) return;
    this.toggleButton.setAttribute("aria-label", label);
    this.toggleButton.title = label;
    this.toggleButton.replaceChildren(icon(paused ? "play" : "pause"));
  }

  // --- pointing -------------------------------------------------------------------------------------------

  /** The shortest span at a second. @param {number} time @returns {Heard | undefined} */
  at(time) {
    return this.heard.filter(({ t0, t1 }) => time >= t0 && time < t1).sort((a, b) => a.t1 - a.t0 - (b.t1 - b.t0))[0];
  }

  /** @param {PointerEvent} event */
  timeOf({ clientX }) {
    const { left, width } = this.track.getBoundingClientRect();
    return timeAt(clientX - left, width, this.duration);
  }

  /** @param {PointerEvent} event */
  down(event) {
    if (event.button !== 0) return;
    this.press = { x: event.clientX, from: this.timeOf(event), dragged: false };
    this.track.setPointerCapture(event.pointerId);
  }

  /** @param {PointerEvent} event */
  move(event) {
    const { press } = this;
    if (!press) {
      if (event.pointerType !== "touch") this.store.light(this.at(this.timeOf(event))?.entity.id ?? null, "span");
    } else if (press.dragged || isDrag(event.clientX - press.x, 0)) {
      press.dragged = true;
      this.setPicked(timeBetween(press.from, this.timeOf(event), this.duration));
    }
  }

  /** @param {PointerEvent} event */
  up(event) {
    const { press } = this;
    this.drop();
    if (!press) return;
    const time = this.timeOf(event);
    const one = this.at(time);
    if (press.dragged) this.addTime(timeBetween(press.from, time, this.duration));
    else if (one) this.player.play(one.t0, one.t1, one.entity.id);
    else this.player.seek(time);
  }

  drop() {
    this.press = null;
    this.setPicked(null);
  }

  /** @param {[number, number] | null} picked */
  setPicked(picked) {
    this.picked = picked;
    this.pick.hidden = picked === null;
    if (picked) this.placed(this.pick, { t0: picked[0], t1: picked[1] });
  }

  /** @param {[number, number]} times */
  addTime([t0, t1]) {
    const tenths = Math.floor(t0) === Math.floor(t1) || t1 - t0 < 2;
    const label = `${clock(t0, tenths)}-${clock(t1, tenths)}`;
    if (this.store.addChip({ place: { kind: "time", media: this.sound?.id, t0, t1 }, label })) say(t("stage.added", { label }));
  }

  /** @param {KeyboardEvent} event @returns {boolean} whether the key was one of these */
  key(event) {
    const way = Number(event.key === "ArrowRight") - Number(event.key === "ArrowLeft");
    if (way && event.shiftKey) this.extend(way * 0.1);
    else if (way) this.player.seek(this.player.time + way * STEP_S);
    else if (event.key === "Home" || event.key === "End") this.player.seek(event.key === "Home" ? 0 : this.duration);
    else if (event.key === " ") this.player.toggle();
    else if (event.key === "Enter" && this.picked) {
      this.addTime(this.picked);
      this.setPicked(null);
    } else if (event.key === "Escape" && this.picked) this.setPicked(null);
    else return false;
    return true;
  }

  /** Mark seconds with Shift and the arrows, as one marks letters. @param {number} by */
  extend(by) {
    const from = this.picked ? this.anchor ?? 0 : (this.anchor = this.player.time);
    this.caret = clamp((this.picked ? this.caret ?? from : from) + by, 0, this.duration);
    this.setPicked(timeBetween(from, this.caret, this.duration));
    if (this.picked) say(`${clock(this.picked[0], true)}-${clock(this.picked[1], true)}`);
  }
}
