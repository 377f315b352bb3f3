// @ts-check
/** Where questions are written: text, files, places of the stage, the microphone. */

import { button, byId, fill, icon, make } from "./dom.js";
import { Files, limitsOf } from "./files.js";
import { bytes, clock, number, percent, seconds, t } from "./i18n.js";
import { readDraft, writeDraft } from "./preferences.js";
import { badge, placeLabel, placeSign, words } from "./words.js";

/** @typedef {import("./store.js").Store} Store @typedef {import("./types.js").Message} Message */

export class Composer {
  /** @param {Store} store @param {{ask: (question: any) => Promise<void>, stop: () => void}} actions */
  constructor(store, actions) {
    this.store = store;
    this.actions = actions;
    this.files = new Files(store);
    /** @type {Message|null} */
    this.editing = null;
    /** What was here before a question was changed. @type {{text: string, media: import("./types.js").Media[], chips: import("./types.js").Chip[]}|null} */
    this.before = null;
    this.busy = false;
    /** How many conversations were opened. */
    this.opened = 0;
    /** @type {{stop: () => void, cancel: () => void}|null} */
    this.recording = null;
    this.form = /** @type {HTMLFormElement} */ (byId("composer"));
    const limits = limitsOf(this.store);
    this.chips = make("div", { class: "chips", role: "group", "aria-label": t("composer.held") });
    this.note = make("div", { class: "composer-note", role: "alert" });
    this.box = /** @type {HTMLTextAreaElement} */ (make("textarea", {
      id: "question", rows: 1, maxlength: limits.text_characters, "aria-label": t("composer.question"), "aria-describedby": "composer-hint",
      placeholder: t("composer.placeholder"), enterkeyhint: "send", autocomplete: "off",
    }));
    this.picker = /** @type {HTMLInputElement} */ (make("input", {
      type: "file", multiple: true, accept: "image/*,audio/*", class: "visually-hidden", tabindex: -1, "aria-hidden": "true",
    }));
    const allowed = t("composer.limits", {
      count: limits.media_per_turn, size: bytes(limits.body_bytes), pixels: number(limits.picture_pixels / 1e6, { maximumFractionDigits: 0 }), time: seconds(limits.sound_s, 0),
    });
    this.attach = button("attach", t("composer.attach"), () => this.picker.click(), { title: `${t("composer.attach")}. ${allowed}` });
    this.mic = button("mic", t("composer.record"), () => this.#record());
    this.send = button("send", t("composer.send"), () => undefined, { class: "send-button", type: "submit" });
    this.stop = button("stop", t("composer.stop"), () => this.actions.stop(), { class: "send-button stop" });
    this.meter = make("div", { class: "recording", hidden: true });
    this.form.setAttribute("aria-label", t("composer.form"));
    fill(this.form, [
      this.note,
      make("div", { class: "composer-box" }, this.chips, this.box, this.meter,
        make("div", { class: "composer-row" }, this.attach, this.mic, make("span", { class: "grow" }), this.stop, this.send)),
      make("p", { class: "composer-hint quiet", id: "composer-hint" }, make("span", { class: "keys" }, t("composer.keys"), " "), make("span", {}, allowed)),
      this.picker,
    ]);
    this.drop = make("div", { class: "drop", hidden: true }, make("div", { class: "drop-card" }, icon("picture"), make("strong", {}, t("composer.drop")), make("span", { class: "quiet" }, allowed)));
    document.body.append(this.drop);
    this.#listen();
    this.refresh();
  }

  #listen() {
    const { box, form, store } = this;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
    box.addEventListener("input", () => {
      this.grow();
      this.#keep();
      this.refresh();
      if (box.value.length === box.maxLength) this.warn(t("composer.full", { count: number(box.maxLength) }));
    });
    box.addEventListener("keydown", (event) => this.#key(event));
    this.picker.addEventListener("change", () => {
      this.files.add(this.picker.files ?? []);
      this.picker.value = "";
      box.focus();
    });
    addEventListener("paste", (event) => {
      const files = [...(event.clipboardData?.files ?? [])];
      if (!files.length) return;
      event.preventDefault();
      this.files.add(files);
    });
    this.#listenToDrops();
    store.on("chips attachments", () => this.#drawChips());
    store.on("run", () => this.refresh());
    store.on("conversation", () => this.#restore());
    store.on("ask", (text) => this.write(text));
  }

  #listenToDrops() {
    const holdsFiles = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes("Files");
    let depth = 0;
    const shown = (/** @type {number} */ now) => {
      depth = Math.max(0, now);
      this.drop.hidden = depth === 0;
    };
    addEventListener("dragenter", (event) => holdsFiles(event) && shown(depth + 1));
    addEventListener("dragleave", (event) => holdsFiles(event) && shown(depth - 1));
    addEventListener("dragover", (event) => holdsFiles(event) && event.preventDefault());
    addEventListener("drop", (event) => {
      shown(0);
      if (!holdsFiles(event)) return;
      event.preventDefault();
      this.files.add(event.dataTransfer?.files ?? []);
    });
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing && event.keyCode !== 229) {
      event.preventDefault();
      this.submit();
    } else if (event.key === "ArrowUp" && !this.box.value && !this.editing) {
      const last = this.store.branch().filter((message) => message.role === "user").at(-1);
      if (!last) return;
      event.preventDefault();
      this.edit(last);
    } else if (event.key === "Escape" && this.editing) {
      event.preventDefault();
      event.stopPropagation();
      this.#leaveEdit();
    }
  }

  get #ready() {
    const { attachments, chips, run } = this.store.state;
    const there = this.box.value.trim() || chips.length || attachments.some((one) => one.state === "ready");
    return Boolean(there) && !this.busy && !run && !this.recording && !attachments.some((one) => one.state === "uploading");
  }

  refresh() {
    const running = Boolean(this.store.state.run);
    if (document.activeElement === (running ? this.send : this.stop) && matchMedia("(hover: hover)").matches) this.box.focus();
    this.send.disabled = !this.#ready;
    this.send.hidden = running;
    this.stop.hidden = !running;
    this.form.classList.toggle("is-editing", this.editing !== null);
  }

  async submit() {
    if (this.store.state.run && this.box.value.trim()) this.warn(t("composer.running"));
    if (!this.#ready) return;
    const { chips, attachments } = this.store.state;
    const { value } = this.box;
    const typed = value.trim();
    const edited = this.editing;
    const [opened, draft] = [this.opened, this.#draft];
    const question = {
      text: typed || t("composer.what_is_this"),
      media: attachments.filter((one) => one.state === "ready" && one.media).map((one) => one.media?.id),
      places: chips.map((chip) => chip.place),
      parent: edited ? edited.parent : this.store.state.leaf,
      ...(edited ? { edit: edited.id } : {}),
    };
    this.busy = true;
    this.refresh();
    this.warn(null);
    try {
      await this.actions.ask(question);
      if (!edited) writeDraft(draft, "");
      if (opened === this.opened) this.clear(value, { chips, attachments });
    } catch (error) {
      // somebody who is in another conversation by now finds the words where they were written
      if (opened === this.opened) this.warn(words(error));
      else this.store.emit("toast", { error });
    } finally {
      this.busy = false;
      this.refresh();
      if (matchMedia("(hover: hover)").matches) this.box.focus();
    }
  }

  /** Take out what was sent: what came since stays, and what was here before a question was changed comes back. @param {string} [sent] @param {Pick<import("./types.js").State, "chips"|"attachments">} [held] */
  clear(sent = this.box.value, { chips, attachments } = this.store.state) {
    const { before, box, store } = this;
    this.editing = this.before = null;
    box.value = (before?.text ?? "") + (box.value.startsWith(sent) ? box.value.slice(sent.length) : box.value);
    this.grow();
    this.#keep();
    for (const { key } of chips) store.removeChip(key);
    if (before) this.files.put(before.media);
    else store.setAttachments(store.state.attachments.filter((one) => !attachments.includes(one)));
    for (const chip of before?.chips ?? []) store.addChip(chip);
  }

  /** A problem with what is being sent, or null. @param {string|null} text */
  warn(text) {
    this.note.replaceChildren(...(text ? [icon("warn"), text] : []));
  }

  /** @param {string} text */
  write(text) {
    this.box.value = text;
    this.grow();
    this.refresh();
    this.box.focus();
  }

  /** Ask a new version of a question. @param {Message} message */
  edit(message) {
    const { attachments, chips } = this.store.state;
    this.before ??= { text: this.box.value, media: attachments.flatMap((one) => one.media ?? []), chips };
    this.editing = message;
    this.files.put(message.media ?? []);
    this.store.removeChip();
    for (const place of message.places ?? []) {
      const entity = this.store.state.entities.get(place.entity ?? "");
      this.store.addChip({ place, label: placeLabel(place, entity?.label), slot: entity?.slot });
    }
    this.write(message.text);
    this.note.replaceChildren(icon("edit"), t("composer.editing"), button("", t("composer.cancel"), () => this.#leaveEdit(), { text: true, class: "link-button" }));
  }

  #leaveEdit() {
    this.warn(null);
    this.clear();
    this.refresh();
    this.box.focus();
  }

  #drawChips() {
    const { attachments, chips } = this.store.state;
    const remove = (/** @type {string} */ name, /** @type {() => void} */ act) => button("close", t("composer.remove", { name }), () => {
      act();
      this.box.focus();
    }, { class: "chip-remove" });
    const files = attachments.map((one) => {
      const failed = one.state === "failed";
      const error = failed ? (typeof one.error === "string" ? words({ code: one.error }) : words(one.error)) : "";
      const length = one.media?.duration_s;
      const state = failed ? error : one.state === "uploading" ? t("composer.uploading", { share: percent(one.progress) })
        : [length ? clock(length) : "", bytes(one.bytes)].filter(Boolean).join(" · ");
      const bar = one.state === "uploading" && make("progress", { max: 1, value: one.progress, "aria-label": t("composer.uploading_name", { name: one.name }) });
      return make("div", { class: `chip file ${one.state}` },
        one.kind === "picture" && one.preview && !failed ? make("img", { src: one.preview, alt: "" }) : icon(failed ? "warn" : one.kind === "sound" ? "sound" : "picture"),
        make("span", { class: "chip-words" }, make("span", { class: "chip-name" }, one.name), make("span", { class: "quiet", role: failed ? "alert" : null }, state), bar),
        remove(one.name, () => this.files.remove(one.key)));
    });
    const places = chips.map((chip) => {
      const entity = this.store.state.entities.get(chip.place.entity ?? "");
      return make("div", { class: `chip place ${chip.slot === undefined ? "" : `slot-${chip.slot}`}` },
        chip.crop instanceof HTMLCanvasElement ? chip.crop : entity ? make("span", { class: "badge" }, badge(entity)) : icon(placeSign(chip.place)),
        make("span", { class: "chip-name" }, chip.label), remove(chip.label, () => this.store.removeChip(chip.key)));
    });
    this.chips.replaceChildren(...files, ...places);
    this.chips.hidden = !files.length && !places.length;
    this.box.placeholder = t(places.length ? "composer.placeholder_place" : "composer.placeholder");
    this.grow();
    this.refresh();
  }

  async #record() {
    const limits = limitsOf(this.store);
    this.warn(null);
    this.mic.disabled = true;
    try {
      const { record } = await import("./recorder.js");
      const level = make("i");
      const time = make("span", {}, clock(0));
      const recording = await record(limits.sound_s, (past, loud) => {
        time.textContent = `${clock(past)} / ${clock(limits.sound_s)}`;
        level.style.transform = `scaleX(${Math.max(0.02, loud)})`;
      });
      this.recording = recording;
      this.meter.replaceChildren(make("span", { class: "level", "aria-hidden": "true" }, level), time,
        button("", t("composer.cancel"), () => recording.cancel(), { text: true, class: "link-button" }),
        button("check", t("composer.record_done"), () => recording.stop(), { text: true, class: "button primary" }));
      this.meter.hidden = false;
      this.refresh();
      /** @type {HTMLElement} */ (this.meter.querySelector(".primary")).focus();
      const wav = await recording.wav;
      if (wav) this.files.add([new File([wav], `${t("composer.recording")}.wav`, { type: "audio/wav" })]);
    } catch (error) {
      const name = /** @type {Error} */ (error)?.name;
      this.warn(t(name === "NotAllowedError" || name === "SecurityError" ? "error.mic_refused" : name === "NotFoundError" ? "error.mic_missing" : "error.mic_failed"));
    } finally {
      this.recording = null;
      this.meter.hidden = true;
      this.mic.disabled = false;
      this.refresh();
      this.box.focus();
    }
  }

  /** The box is as high as its text, up to a limit that the style sheet sets. */
  grow() {
    this.box.style.height = "auto";
    if (this.box.scrollHeight) this.box.style.height = `${this.box.scrollHeight}px`;
  }

  get #draft() {
    return this.store.state.conversation?.id ?? "new";
  }

  #keep() {
    if (!this.editing) writeDraft(this.#draft, this.box.value);
  }

  #restore() {
    this.editing = this.before = null;
    this.opened += 1;
    this.warn(null);
    this.box.value = readDraft(this.#draft);
    this.grow();
    this.refresh();
  }
}
