// @ts-check
/** Files on their way into a question: what is refused before it is sent, and how far the rest has come. */

import { api } from "./api.js";

/** @typedef {import("./store.js").Store} Store @typedef {import("./types.js").Attachment} Attachment */

const FALLBACK = { body_bytes: 25e6, picture_pixels: 40e6, sound_s: 120, media_per_turn: 5, text_characters: 8000, places_per_turn: 5, max_tokens: 2048 };

/** @param {Store} store @returns {typeof FALLBACK} */
export function limitsOf(store) {
  return { ...FALLBACK, ...store.state.session?.limits };
}

/** What a file is by its type; the server looks inside. @param {{type: string, name: string}} file @returns {Attachment["kind"]} */
export function kindOf(file) {
  if (/svg/.test(file.type) || /\.svgz?$/i.test(file.name)) return "unknown";
  if (file.type.startsWith("image/") || /\.(png|jpe?g|webp|gif|bmp|tiff?|heic|avif)$/i.test(file.name)) return "picture";
  if (/^(audio|video)\//.test(file.type) || /\.(wav|mp3|m4a|aac|flac|ogg|opus|webm|mp4)$/i.test(file.name)) return "sound";
  return "unknown";
}

export class Files {
  /** @param {Store} store */
  constructor(store) {
    this.store = store;
    /** @type {Map<string, AbortController>} */
    this.sending = new Map();
    /** Addresses of what was chosen, by key. @type {Map<string, string>} */
    this.previews = new Map();
    store.on("attachments", () => this.#letGo());
  }

  /** What is not held any more, sent or not, takes no memory and goes no further. */
  #letGo() {
    const held = new Set(this.store.state.attachments.map((one) => one.key));
    for (const [key, stop] of this.sending) if (!held.has(key)) stop.abort();
    for (const [key, address] of this.previews) {
      if (held.has(key)) continue;
      URL.revokeObjectURL(address);
      this.previews.delete(key);
    }
  }

  /** @param {Iterable<File>} files */
  add(files) {
    const limits = limitsOf(this.store);
    for (const file of files) {
      if (this.store.state.attachments.length >= limits.media_per_turn) {
        this.store.emit("toast", { key: "error.too_many_media", values: { count: limits.media_per_turn } });
        return;
      }
      this.#start(file);
    }
  }

  /** @param {File} file */
  async #start(file) {
    const limits = limitsOf(this.store);
    const kind = kindOf(file);
    const key = this.store.key();
    const preview = kind === "unknown" ? undefined : URL.createObjectURL(file);
    if (preview) this.previews.set(key, preview);
    /** @type {Attachment} */
    const attachment = { key, name: file.name, bytes: file.size, kind, progress: 0, state: "uploading", preview };
    this.store.setAttachments([...this.store.state.attachments, attachment]);
    const refused = kind === "unknown" ? "unsupported_media" : file.size > limits.body_bytes ? "file_too_large" : file.size === 0 ? "empty_file"
      : await tooMuch(kind, preview ?? "", limits);
    if (refused) {
      this.#change(key, { state: "failed", error: refused });
      return;
    }
    if (!this.store.state.attachments.some((one) => one.key === key)) return;
    const stop = new AbortController();
    this.sending.set(key, stop);
    try {
      const media = await api.upload(file, file.name, (progress) => this.#change(key, { progress }), stop.signal);
      this.#change(key, { state: "ready", progress: 1, media });
    } catch (error) {
      if (/** @type {Error} */ (error).name !== "AbortError") this.#change(key, { state: "failed", error: /** @type {any} */ (error) });
    } finally {
      this.sending.delete(key);
    }
  }

  /** @param {string} key @param {Partial<Attachment>} change */
  #change(key, change) {
    this.store.setAttachments(this.store.state.attachments.map((one) => (one.key === key ? { ...one, ...change } : one)));
  }

  /** Put media that the server has already into the composer. @param {import("./types.js").Media[]} media */
  put(media) {
    const ready = media.map((medium) => /** @type {Attachment} */ ({
      key: this.store.key(), name: medium.name, bytes: medium.bytes ?? 0, kind: medium.kind, progress: 1, state: "ready", media: medium,
      preview: medium.kind === "picture" ? medium.thumbnail ?? medium.url : undefined,
    }));
    this.store.setAttachments(ready);
  }

  /** @param {string} key */
  remove(key) {
    const { attachments, messages, chips } = this.store.state;
    const gone = attachments.find((one) => one.key === key);
    this.store.setAttachments(attachments.filter((one) => one.key !== key));
    const id = gone?.media?.id;
    if (!id || this.store.state.shelf.includes(id)) return;
    chips.filter((chip) => chip.place.media === id).forEach((chip) => this.store.removeChip(chip.key));
    const used = [...messages.values()].some((message) => message.media?.some((medium) => medium.id === id));
    if (!used) api.deleteMedia(id).catch(() => undefined);
  }
}

/**
 * Why a picture or sound is more than the server takes, or null; what the browser cannot open the server may.
 * @param {Attachment["kind"]} kind @param {string} address @param {typeof FALLBACK} limits @returns {Promise<string|null>}
 */
function tooMuch(kind, address, limits) {
  return new Promise((resolve) => {
    const probe = kind === "picture" ? new Image() : new Audio();
    const give = (/** @type {string|null} */ answer) => {
      clearTimeout(timer);
      resolve(answer);
    };
    const timer = setTimeout(() => resolve(null), 3000);
    probe.onerror = () => give(null);
    if (probe instanceof HTMLImageElement) {
      probe.onload = () => give(probe.naturalWidth * probe.naturalHeight > limits.picture_pixels ? "picture_too_large" : null);
    } else {
      probe.preload = "metadata";
      probe.onloadedmetadata = () => give(Number.isFinite(probe.duration) && probe.duration > limits.sound_s ? "sound_too_long" : null);
    }
    probe.src = address;
  });
}
