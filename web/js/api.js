// @ts-check
/** Calls to the server. A failure is an ApiError, whose code chooses the words that a person reads. */

export class ApiError extends Error {
  /** @param {number} status @param {{message?: string, code?: string, type?: string, retryable?: boolean}} detail */
  constructor(status, detail) {
    super(detail.message ?? "");
    this.status = status;
    this.code = detail.code ?? detail.type ?? `http_${status}`;
    this.retryable = detail.retryable ?? (status === 0 || status === 429 || status >= 500);
  }
}

/** Called when the server no longer knows who we are. */
export const expired = new EventTarget();

/** @param {number} status @param {string} text */
function failure(status, text) {
  let detail = {};
  try {
    detail = JSON.parse(text)?.error ?? {};
  } catch { /* a proxy's page: its text is of no use to anybody */ }
  if (status === 401 && /** @type {any} */ (detail).code === "not_signed_in") expired.dispatchEvent(new Event("expired"));
  return new ApiError(status, detail);
}

/**
 * @param {string} method @param {string} path @param {any} [body] @param {RequestInit} [options]
 * @returns {Promise<Response>}
 */
async function send(method, path, body, options = {}) {
  const json = body === undefined ? {} : { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } };
  let response;
  try {
    response = await fetch(path, { method, credentials: "same-origin", ...json, ...options });
  } catch (error) {
    if (/** @type {Error} */ (error).name === "AbortError") throw error;
    throw new ApiError(0, { code: "offline" });
  }
  if (!response.ok) throw failure(response.status, await response.text());
  return response;
}

/** @param {string} method @param {string} path @param {any} [body] @param {RequestInit} [options] */
async function call(method, path, body, options) {
  const response = await send(method, path, body, options);
  return response.status === 204 ? null : response.json();
}

/** @param {Record<string, any>} values */
function query(values) {
  const given = Object.entries(values).filter(([, value]) => value !== undefined && value !== null && value !== "");
  return given.length ? `?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}` : "";
}

const at = encodeURIComponent;

export const api = {
  session: () => call("GET", "/api/session"),
  /** @param {Record<string, string>} secret */
  signIn: (secret) => call("POST", "/api/session", secret),
  signOut: () => call("DELETE", "/api/session"),

  /** @param {{q?: string, before?: string, limit?: number}} [filter] */
  conversations: (filter = {}) => call("GET", `/api/conversations${query(filter)}`),
  createConversation: () => call("POST", "/api/conversations", {}),
  /** @param {string} id */
  conversation: (id) => call("GET", `/api/conversations/${at(id)}`),
  /** @param {string} id @param {{title?: string, leaf?: string}} change */
  changeConversation: (id, change) => call("PATCH", `/api/conversations/${at(id)}`, change),
  /** @param {string} id */
  deleteConversation: (id) => call("DELETE", `/api/conversations/${at(id)}`),
  /** @param {string} id */
  restoreConversation: (id) => call("POST", `/api/conversations/${at(id)}/restore`),
  /** @param {string} id */
  exportAddress: (id) => `/api/conversations/${at(id)}/export`,

  /** @param {string} conversation @param {any} ask */
  ask: (conversation, ask) => call("POST", `/api/conversations/${at(conversation)}/runs`, ask),
  /** @param {string} run */
  stop: (run) => call("POST", `/api/runs/${at(run)}/stop`),
  /** @param {string} message @param {number} rating @param {string} [comment] */
  rate: (message, rating, comment) => call("POST", `/api/messages/${at(message)}/rating`, { rating, comment }),

  /** @param {string} language Of their titles. */
  examples: (language) => call("GET", `/api/examples${query({ language })}`),
  /** @param {string} id */
  takeExample: (id) => call("POST", `/api/examples/${at(id)}`),
  /** @param {string} id */
  media: (id) => call("GET", `/api/media/${at(id)}`),
  /** @param {string} id */
  deleteMedia: (id) => call("DELETE", `/api/media/${at(id)}`),
  /** What lies under points or in a box, in pixels of the served picture. @param {string} id @param {{points?: {x: number, y: number, positive: boolean}[], box?: number[]}} place @param {AbortSignal} [signal] */
  segment: (id, place, signal) => call("POST", `/api/media/${at(id)}/segment`, place, { signal }),
  /** Put a region right: the server takes what `segment` finds there. @param {string} message @param {string} region @param {{points?: {x: number, y: number, positive: boolean}[], box?: number[]}} place */
  correct: (message, region, place) => call("PUT", `/api/messages/${at(message)}/regions/${at(region)}`, place),
  /** Give it the outline back that the model found. @param {string} message @param {string} region */
  uncorrect: (message, region) => call("DELETE", `/api/messages/${at(message)}/regions/${at(region)}/correction`),

  /**
   * Follow a run from an event on. Yields {id, data}; ends at [DONE], or when the connection ends.
   * @param {string} run @param {number} after @param {AbortSignal} signal
   */
  async *events(run, after, signal) {
    const { EventParser } = await import("./sse.js");
    const response = await send("GET", `/api/runs/${at(run)}/events${query({ after })}`, undefined, {
      signal, headers: { Accept: "text/event-stream" },
    });
    const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader();
    const parser = new EventParser();
    try {
      for (;;) {
        const { done, value } = await reader.read();
        for (const event of done ? parser.end() : parser.push(value)) {
          if (event.data === "[DONE]") return;
          yield { id: Number(event.id) || 0, data: JSON.parse(event.data) };
        }
        if (done) throw new ApiError(0, { code: "connection_lost" });
      }
    } finally {
      reader.cancel().catch(() => undefined);
    }
  },

  /**
   * Send a file; XMLHttpRequest, since fetch tells nothing of the progress.
   * @param {File|Blob} file @param {string} name @param {(part: number) => void} progress @param {AbortSignal} signal
   * @returns {Promise<import("./types.js").Media>}
   */
  upload(file, name, progress, signal) {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      const form = new FormData();
      form.append("file", file, name);
      request.upload.onprogress = (event) => event.lengthComputable && progress(event.loaded / event.total);
      request.onload = () => (request.status < 300 ? resolve(JSON.parse(request.responseText))
        : reject(failure(request.status, request.responseText)));
      request.onerror = () => reject(new ApiError(0, { code: navigator.onLine ? "upload_refused" : "offline" }));
      request.onabort = () => reject(new DOMException("", "AbortError"));
      signal.addEventListener("abort", () => request.abort());
      request.open("POST", "/api/media");
      request.send(form);
    });
  },
};
