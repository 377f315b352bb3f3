// @ts-check
/** Saving what is seen: the picture with its masks, one thing cut out of it, the conversation. */

import { api } from "./api.js";
import { make } from "./dom.js";
import { badge } from "./words.js";

/**
 * @typedef {import("./overlay.js").Overlay} Overlay
 * @typedef {import("./overlay.js").Shown} Shown
 * @typedef {import("./store.js").Store} Store
 */

/** @param {string} address @param {string} name */
function download(address, name) {
  const link = /** @type {HTMLAnchorElement} */ (make("a", { href: address, download: name }));
  link.click();
}

/** Where a canvas can be read as PNG, for ten minutes. @param {HTMLCanvasElement} canvas @returns {Promise<string>} */
function addressOf(canvas) {
  return new Promise((resolve) => canvas.toBlob((blob) => {
    const address = URL.createObjectURL(/** @type {Blob} */ (blob));
    resolve(address);
    setTimeout(() => URL.revokeObjectURL(address), 600000);
  }));
}

/** A file's name without its ending. @param {Overlay} overlay */
function stem(overlay) {
  return (overlay.medium?.name ?? "").replace(/\.[^.]*$/, "").replace(/[^\p{L}\p{N}_-]+/gu, "-").slice(0, 60) || "bubo";
}

/** A canvas in pixels of the served picture. @param {Overlay} overlay */
function canvasFor(overlay) {
  const canvas = document.createElement("canvas");
  canvas.width = overlay.medium?.width ?? 1;
  canvas.height = overlay.medium?.height ?? 1;
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  return { canvas, context };
}

/** The colour of a slot on pictures. @param {Overlay} overlay @param {number} slot */
function colourOf(overlay, slot) {
  const probe = document.createElementNS("http://www.w3.org/2000/svg", "path");
  probe.setAttribute("class", `lit-region slot-${slot}`);
  overlay.light.append(probe);
  const colour = getComputedStyle(probe).stroke;
  probe.remove();
  return colour;
}

/**
 * The picture with the masks of what the answers mention, and their names.
 * @param {HTMLImageElement} image @param {Overlay} overlay @param {Store} store
 */
export async function savePicture(image, overlay, store) {
  const { canvas, context } = canvasFor(overlay);
  const unit = Math.max(1, Math.max(canvas.width, canvas.height) / 800);
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  const shown = overlay.regions.filter((region) => region.mentioned).sort((a, b) => b.area - a.area);
  for (const region of shown) {
    const path = new Path2D(region.path);
    const colour = colourOf(overlay, region.entity.slot);
    context.globalAlpha = store.state.view.opacity * 0.6;
    context.fillStyle = colour;
    context.fill(path, "evenodd");
    context.globalAlpha = 1;
    for (const [width, stroke] of /** @type {[number, string][]} */ ([[4, "#fff"], [2.5, colour]])) {
      context.lineWidth = width * unit;
      context.strokeStyle = stroke;
      context.stroke(path);
    }
  }
  for (const region of shown) drawName(context, region, colourOf(overlay, region.entity.slot), unit);
  download(await addressOf(canvas), `${stem(overlay)}-masks.png`);
}

/** @param {CanvasRenderingContext2D} context @param {Shown} region @param {string} colour @param {number} unit */
function drawName(context, region, colour, unit) {
  const text = `${badge(region.entity)}  ${region.entity.label}`.slice(0, 40);
  context.font = `600 ${14 * unit}px system-ui, sans-serif`;
  const width = context.measureText(text).width + 14 * unit;
  const height = 24 * unit;
  const x = Math.max(0, Math.min(context.canvas.width - width, region.label.x - width / 2));
  const y = Math.max(0, Math.min(context.canvas.height - height, region.label.y - height / 2));
  context.fillStyle = "#fff";
  context.fillRect(x, y, width, height);
  context.fillStyle = colour;
  context.fillRect(x, y, 4 * unit, height);
  context.fillStyle = "#16181d";
  context.textBaseline = "middle";
  context.fillText(text, x + 9 * unit, y + height / 2);
}

/** What is pointed at or pinned. @param {HTMLImageElement} image @param {Overlay} overlay @param {Store} store */
export async function saveCutout(image, overlay, store) {
  const { href, download: name } = await cutout(image, overlay, store.active);
  download(href, name);
}

/**
 * One thing cut out along its mask; without one, everything mentioned.
 * @param {HTMLImageElement} image @param {Overlay} overlay @param {string|null} entity
 * @returns {Promise<{href: string, download: string}>} a link to it, good for some time
 */
export async function cutout(image, overlay, entity) {
  const { canvas, context } = canvasFor(overlay);
  const wanted = overlay.regions.filter((region) => (entity ? region.entity.id === entity : region.mentioned));
  context.fillStyle = "#000";
  for (const region of wanted) context.fill(new Path2D(region.path), "evenodd");
  context.globalCompositeOperation = "source-in";
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  return { href: await addressOf(canvas), download: `${stem(overlay)}-cutout.png` };
}

/** The whole conversation as the server writes it. @param {Store} store */
export function saveConversation(store) {
  const { conversation } = store.state;
  if (conversation) download(api.exportAddress(conversation.id), "");
}
