// @ts-check
/** Small things that several parts say or show alike. */

import { icon } from "./dom.js";
import { clock, has, t } from "./i18n.js";

/** @typedef {import("./types.js").Place} Place @typedef {import("./types.js").Entity} Entity */

/** What a badge says: entities are counted from one, those that have one mask as one. @param {Entity} entity */
export function badge(entity) {
  return /^e(\d{1,4})$/.exec(entity.number ?? entity.id)?.[1] ?? String(entity.slot + 1);
}

/** Our owl. */
export function owl() {
  const drawn = icon("owl");
  drawn.setAttribute("class", "icon owl");
  return drawn;
}

/** The icon of a place. @param {Place} place */
export function placeSign({ kind, positive }) {
  return positive === false ? "minus" : kind === "entity" ? "point" : kind;
}

/** @param {Place} place @param {string} [name] */
export function placeLabel(place, name) {
  if (place.kind === "time") return `${clock(place.t0 ?? 0, true)}–${clock(place.t1 ?? 0, true)}`;
  if (place.kind === "entity") return name ?? t("place.entity");
  if (place.kind === "point" && place.positive === false) return t("place.not_point");
  return t(`place.${place.kind}`);
}

/** Words for an error of the server: ours where we have some, else its own. @param {any} error */
export function words(error) {
  const code = String(error?.code ?? "");
  return has(`error.${code}`) ? t(`error.${code}`, error) : String(error?.message || t("error.unknown"));
}
