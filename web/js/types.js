// @ts-check
/**
 * Types shared by all modules; nothing is run here and the browser never loads this file.
 * Say `@typedef {import("./types.js").Media} Media` to use one.
 *
 * @typedef {object} Media A picture or a sound as the server describes it.
 * @property {string} id
 * @property {"picture"|"sound"} kind
 * @property {string} name
 * @property {number} [width] Pixels of the served picture; regions and places count in these.
 * @property {number} [height]
 * @property {number} [duration_s]
 * @property {number} [bytes]
 * @property {string} url Where the picture or sound itself is read.
 * @property {string} [thumbnail] Address of a small picture.
 * @property {number[][]} [peaks] [low, high] per bucket, -1 to 1.
 *
 * @typedef {object} Entity One thing of the conversation; keeps its id and slot in all turns.
 * @property {string} id
 * @property {string} label
 * @property {number} slot Colour, 0 to 11: class `slot-0` to `slot-11`.
 * @property {"seen"|"heard"|"both"|"absent"|"unsure"} status
 * @property {number} score
 * @property {string[]} regions Ids, of all messages of the shown branch.
 * @property {string[]} spans
 * @property {string} [number] Id of the first entity with the same mask: what it is called on badges.
 *
 * @typedef {{id: string, media: string, bbox: number[], area: number, path: string, score: number, corrected?: string}} Region
 *   bbox is x, y, w, h in pixels of the served picture; path is "M..L..Z", evenodd, already validated here.
 * @typedef {{id: string, media: string, t0: number, t1: number, score: number}} Span Seconds.
 * @typedef {{start: number, end: number, entity: string, state: "pending"|"ready"|"none"}} Link Code points.
 * @typedef {{kind: string, score: number, text: string, entities: string[]}} Verdict
 *   kind is "match", "partly" or "mismatch"; text says why.
 * @typedef {{entities: Entity[], regions: Region[], spans: Span[], links: Link[], verdict?: Verdict|null}} Grounding
 *
 * @typedef {[tag: string, attributes: Record<string, string>, children: Block[]]} BlockElement
 * @typedef {string | BlockElement} Block A node of an answer: text, or tag, attributes and children.
 *
 * @typedef {object} Message A question or an answer. Versions of one are siblings: they have the same parent.
 * @property {string} id
 * @property {string|null} parent
 * @property {"user"|"assistant"} role
 * @property {string} text
 * @property {Block[]} blocks
 * @property {Media[]} media
 * @property {Place[]} places
 * @property {"running"|"complete"|"stopped"|"interrupted"|"error"} status
 * @property {string|null} [run]
 * @property {string} [model]
 * @property {Grounding} grounding
 * @property {{code: string, message: string, retryable?: boolean}|null} [error]
 * @property {Record<string, number>|null} [timings]
 * @property {number} [turns_dropped]
 * @property {-1|0|1} [rating]
 * @property {number|string} created
 *
 * @typedef {object} Place A part of a medium that a question is about: pixels of the served picture, seconds.
 * @property {"point"|"box"|"entity"|"time"} kind
 * @property {string} [media]
 * @property {number} [x]
 * @property {number} [y]
 * @property {boolean} [positive]
 * @property {number[]} [box] x, y, w, h.
 * @property {string} [entity]
 * @property {number} [t0]
 * @property {number} [t1]
 *
 * @typedef {object} Chip A place in the composer, not yet sent.
 * @property {string} key Unique in the composer; made by `store.addChip` when missing.
 * @property {Place} place What is sent.
 * @property {string} label What the chip says.
 * @property {number} [slot] Colour of the entity.
 * @property {HTMLCanvasElement} [crop] Small picture of a box or point.
 *
 * @typedef {object} Attachment A file in the composer.
 * @property {string} key
 * @property {string} name
 * @property {number} bytes
 * @property {"picture"|"sound"|"unknown"} kind
 * @property {number} progress 0 to 1.
 * @property {"uploading"|"ready"|"failed"} state
 * @property {string} [error]
 * @property {string} [preview] Object URL.
 * @property {Media} [media] Once uploaded.
 *
 * @typedef {{id: string, title: string, created: number|string, updated: number|string, leaf?: string|null,
 *   running?: boolean}} Conversation
 *
 * @typedef {"phrase"|"region"|"span"|"outliner"|"keyboard"|"play"|"app"} Source Where an action came from.
 *
 * @typedef {object} Pointing Which entity is shown as evidence right now.
 * @property {string|null} lit Under the pointer or the keyboard focus.
 * @property {string|null} pinned Kept until unpinned.
 * @property {Source} source What changed it last.
 *
 * @typedef {object} View How the stage draws.
 * @property {"outline"|"spotlight"|"cutout"|"off"} mode
 * @property {number} opacity Of a lit mask's fill, 0 to 1.
 * @property {Set<string>} hidden Entities switched off in the outliner.
 * @property {boolean} collapsed The media area is folded (phones).
 *
 * @typedef {object} State
 * @property {Record<string, any>|null} session Answer of /api/session.
 * @property {boolean} online
 * @property {Conversation|null} conversation The open one; null on the empty page.
 * @property {Map<string, Message>} messages All branches of the open conversation.
 * @property {string|null} leaf Last message of the shown branch.
 * @property {string|null} compared Another version of an answer, shown beside that of the branch.
 * @property {{id: string, message: string, conversation: string, status: Record<string, any>|null}|null} run
 *   The answer being made.
 * @property {Map<string, Media>} media All media of the conversation and the composer.
 * @property {string[]} shelf Ids of the media the stage offers, in order: the filmstrip.
 * @property {string|null} medium The medium on the stage.
 * @property {Map<string, Entity>} entities Of the shown branch.
 * @property {Map<string, Region>} regions
 * @property {Map<string, Span>} spans
 * @property {Pointing} pointing
 * @property {View} view
 * @property {Chip[]} chips
 * @property {Attachment[]} attachments
 * @property {{media: string, entity: string|null}|null} playing The sound being played, and what is heard in it.
 */

export {};
