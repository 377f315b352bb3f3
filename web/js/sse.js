// @ts-check
/** Server-sent events out of bytes that may be split anywhere, inside a character too. */

/** @typedef {{id: string, event: string, data: string}} ServerEvent */

export class EventParser {
  constructor() {
    this.decoder = new TextDecoder("utf-8");
    this.rest = "";
    this.id = "";
    this.event = "";
    /** @type {string[]} */
    this.data = [];
    this.afterReturn = false;
  }

  /** Take more bytes. @param {Uint8Array} bytes @returns {ServerEvent[]} the events that are complete now */
  push(bytes) {
    return this.#take(this.decoder.decode(bytes, { stream: true }));
  }

  /** The stream is over; an event without its empty line is not one. @returns {ServerEvent[]} */
  end() {
    return this.#take(this.decoder.decode());
  }

  /** @param {string} text @returns {ServerEvent[]} */
  #take(text) {
    /** @type {ServerEvent[]} */
    const events = [];
    // a line may end in \r\n, and the border may lie between the two
    if (!text) return events;
    if (this.afterReturn && text.startsWith("\n")) text = text.slice(1);
    this.afterReturn = text.endsWith("\r");
    const lines = (this.rest + text).split(/\r\n|\r|\n/);
    this.rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line === "") {
        if (this.data.length) events.push({ id: this.id, event: this.event || "message", data: this.data.join("\n") });
        this.data = [];
        this.event = "";
      } else this.#field(line);
    }
    return events;
  }

  /** @param {string} line */
  #field(line) {
    const colon = line.indexOf(":");
    if (colon === 0) return; // a comment: the server's ping
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "data") this.data.push(value);
    else if (name === "event") this.event = value;
    else if (name === "id" && !value.includes("\0")) this.id = value;
  }
}
