// @ts-check
/** Playing a sound, or only some seconds of it. */

import { make } from "./dom.js";

export class Player {
  /** @param {() => void} changed it plays, pauses, is elsewhere @param {() => void} failed it cannot be played */
  constructor(changed, failed) {
    this.changed = changed;
    this.failed = failed;
    this.audio = /** @type {HTMLAudioElement} */ (make("audio", { preload: "auto" }));
    /** @type {{t1: number, entity: string | null} | null} seconds after which playing stops, and what is heard */
    this.only = null;
    for (const event of ["play", "pause", "ended", "seeked", "loadedmetadata"]) this.audio.addEventListener(event, changed);
    this.audio.addEventListener("timeupdate", () => this.stopInTime());
    this.audio.addEventListener("error", () => this.audio.hasAttribute("src") && failed());
  }

  get time() {
    return this.audio.currentTime;
  }

  get paused() {
    return this.audio.paused;
  }

  get duration() {
    return Number.isFinite(this.audio.duration) ? this.audio.duration : 0;
  }

  /** @param {string | null} address */
  load(address) {
    this.audio.pause();
    this.only = null;
    if (address === null) this.audio.removeAttribute("src");
    else this.audio.src = address;
  }

  /** Play from one second to another, then stop. @param {number} t0 @param {number} t1 @param {string | null} [entity] */
  async play(t0, t1, entity = null) {
    this.only = null;
    this.audio.pause();
    const address = this.audio.src;
    if (this.audio.readyState === 0) await new Promise((ready) => this.audio.addEventListener("loadedmetadata", ready, { once: true }));
    if (this.audio.src !== address) return;
    this.audio.currentTime = t0;
    this.only = { t1, entity };
    this.start();
  }

  start() {
    this.audio.play().catch((error) => error.name !== "AbortError" && this.failed());
  }

  toggle() {
    if (!this.audio.paused) {
      this.audio.pause();
      return;
    }
    if (this.only && this.time >= this.only.t1 - 0.01) this.only = null;
    if (this.time >= this.duration - 0.05) this.audio.currentTime = 0;
    this.start();
  }

  /** @param {number} time */
  seek(time) {
    this.only = null;
    this.audio.currentTime = Math.max(0, Math.min(time, this.duration || time));
    this.changed();
  }

  stopInTime() {
    if (!this.only || this.audio.paused || this.time < this.only.t1) return;
    const { t1 } = this.only;
    this.audio.pause();
    this.audio.currentTime = t1;
    this.only = null;
  }
}
