// @ts-check
// What answers stand on: which outlines may be drawn, how new parts join known ones, what a branch has in all.
// Nothing here touches the page.

/**
 * @typedef {import("./types.js").Entity} Entity
 * @typedef {import("./types.js").Grounding} Grounding
 * @typedef {import("./types.js").Media} Media
 * @typedef {import("./types.js").Message} Message
 * @typedef {import("./types.js").Region} Region
 * @typedef {import("./types.js").Span} Span
 */

const SLOTS = 12;

/** Longer outlines are refused: 200 points are what the server sends. */
export const MAX_PATH_LENGTH = 20000;
const PATH = /^[MLZ0-9 .,-]+$/;

/**
 * Says whether an outline may be drawn.
 * @param {unknown} path
 * @returns {path is string}
 */
export function isSafePath(path) {
  return typeof path === "string" && path.length <= MAX_PATH_LENGTH && path.startsWith("M") && PATH.test(path);
}

/** Whether a region can be drawn. @param {any} region @returns {region is Region} */
function isSound(region) {
  return isSafePath(region?.path) && Array.isArray(region.bbox) && region.bbox.length === 4 && region.bbox.every(Number.isFinite);
}

/**
 * Put new parts of an answer's evidence into what is known of it; links are told apart by where they stand.
 * @param {Grounding|null|undefined} known
 * @param {any} update
 * @returns {Grounding}
 */
export function mergeGrounding(known, update) {
  /** @param {any[]|undefined} before @param {any[]|undefined} after @param {(item: any) => string} key */
  const upsert = (before, after, key) => {
    const merged = new Map((before ?? []).map((item) => [key(item), item]));
    for (const item of after ?? []) merged.set(key(item), { ...merged.get(key(item)), ...item });
    return [...merged.values()];
  };
  const byId = (/** @type {any} */ item) => String(item.id);
  return {
    entities: upsert(known?.entities, update?.entities, byId),
    regions: upsert(known?.regions, (update?.regions ?? []).filter(isSound), byId),
    spans: upsert(known?.spans, update?.spans, byId),
    links: upsert(known?.links, update?.links, (link) => `${link.start}-${link.end}`),
    verdict: update?.verdict ?? known?.verdict ?? null,
  };
}

/**
 * An answer as it stands beside another: versions number their things alike, so what means something else than the
 * known thing of its number gets a name and a colour of its own.
 * @param {Message} answer @param {Map<string, Entity>} known @returns {Message}
 */
export function distinct(answer, known) {
  const name = (/** @type {string} */ id) => {
    const [mine, other] = [answer.grounding?.entities.find((one) => one.id === id), known.get(id)];
    return !mine || !other || mine.label === other.label ? id : `${id}b`;
  };
  /** @param {import("./types.js").Block} block @returns {import("./types.js").Block} */
  const rename = (block) => (typeof block === "string" ? block
    : [block[0], block[1].entity ? { ...block[1], entity: name(block[1].entity) } : block[1], block[2].map(rename)]);
  const entities = (answer.grounding?.entities ?? []).map((one) => {
    const id = name(one.id);
    return id === one.id ? one : { ...one, id, slot: one.slot + SLOTS / 2 };
  });
  const links = (answer.grounding?.links ?? []).map((link) => ({ ...link, entity: name(link.entity) }));
  return { ...answer, blocks: (answer.blocks ?? []).map(rename), grounding: { ...answer.grounding, entities, links } };
}

/**
 * Media, entities, regions and spans of all messages of a branch; an entity has what any of them knows of it.
 * @param {Message[]} branch
 */
export function evidenceOf(branch) {
  /** @type {Map<string, Media>} */
  const shelf = new Map();
  /** @type {Map<string, Entity>} */
  const entities = new Map();
  /** @type {Map<string, Region>} */
  const regions = new Map();
  /** @type {Map<string, Span>} */
  const spans = new Map();
  for (const { media, grounding } of branch) {
    for (const medium of media ?? []) shelf.set(medium.id, medium);
    for (const region of grounding?.regions ?? []) if (isSound(region)) regions.set(region.id, region);
    for (const span of grounding?.spans ?? []) spans.set(span.id, span);
    for (const entity of grounding?.entities ?? []) {
      const known = entities.get(entity.id);
      const union = (/** @type {"regions"|"spans"} */ name) => [...new Set([...(known?.[name] ?? []), ...(entity[name] ?? [])])];
      const slot = Math.abs(Math.trunc(Number(entity.slot) || 0)) % SLOTS;
      entities.set(entity.id, { ...known, ...entity, slot, regions: union("regions"), spans: union("spans") });
    }
  }
  // A thing and the sound it makes have one mask: number and colour are those of the first that has it.
  /** @type {Map<string, Entity>} */
  const first = new Map();
  for (const [id, entity] of entities) {
    const { number = id, slot } = first.get(entity.regions[0]) ?? entity;
    const alike = { ...entity, number, slot };
    entities.set(id, alike);
    for (const region of entity.regions) if (!first.has(region)) first.set(region, alike);
  }
  return { shelf, entities, regions, spans };
}
