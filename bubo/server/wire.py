"""From an assistant's events to what clients get: entities, regions, spans and links as JSON.

An entity keeps its id and its slot (one of twelve colours) for the whole conversation. Regions and spans have
ids that their content makes, so that one that is sent again is known again.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bubo.server.paths import box_to_path, mask_to_path
from bubo.types import Answer, Entity, Link, Region, Span, Verdict

__all__ = ["NUM_SLOTS", "GroundingWriter", "region_dict", "slot_of"]

NUM_SLOTS = 12
_Json = dict[str, Any]


def slot_of(entity_id: str) -> int:
    """The colour of an entity: by its number, as drawings have it."""
    digits = entity_id.removeprefix("e")
    number = int(digits) if digits.isdecimal() and len(digits) < 10 else sum(entity_id.encode()) + 1
    return (number - 1) % NUM_SLOTS


def region_dict(region: Region, media: str) -> _Json:
    """A region as clients get it; without a mask its box is its outline.

    Args:
        region: Where something is.
        media: Id of the picture.
    """
    x0, y0, x1, y1 = region.box
    path = "" if region.mask is None else mask_to_path(region.mask)
    area = (x1 - x0) * (y1 - y0) if region.mask is None else int(region.mask.sum())
    return {
        "id": _region_id(region, media),
        "media": media,
        "bbox": [round(side, 2) for side in (x0, y0, x1 - x0, y1 - y0)],
        "area": round(area),
        "path": path or box_to_path(region.box),
        "score": round(region.score, 4),
    }


def _region_id(region: Region, media: str) -> str:
    digest = hashlib.sha256(f"{media} {region.box}".encode())
    if region.mask is not None:
        digest.update(region.mask.tobytes())
    return f"r{digest.hexdigest()[:12]}"


def _span_dict(span: Span, media: str) -> _Json:
    digest = hashlib.sha256(f"{media} {span.start_s} {span.end_s}".encode()).hexdigest()
    return {
        "id": f"s{digest[:12]}",
        "media": media,
        "t0": round(span.start_s, 3),
        "t1": round(span.end_s, 3),
        "score": round(span.score, 4),
    }


class GroundingWriter:
    """What is known of one answer's grounding, and what of it has not been sent yet.

    Args:
        pictures: Ids of the conversation's pictures, as `Region.picture` counts them.
        sounds: Ids of its sounds.
        corrected: Regions that a person has corrected, by their ids: they are shown as corrected.
    """

    def __init__(
        self,
        pictures: Sequence[str] = (),
        sounds: Sequence[str] = (),
        corrected: Mapping[str, _Json] | None = None,
    ):
        self._pictures, self._sounds = tuple(pictures), tuple(sounds)
        self._corrected = dict(corrected or {})
        self._entities: dict[str, _Json] = {}
        self._regions: dict[str, _Json] = {}
        self._spans: dict[str, _Json] = {}
        self._links: dict[tuple[int, int], str] = {}
        self._verdict: _Json | None = None
        self._sent: dict[tuple[str, Any], _Json] = {}
        self._gone: set[tuple[int, int]] = set()  # places of links that were given and hold no more
        self._final = False

    def add_entity(self, entity: Entity) -> None:
        """Takes an entity that is new or has changed."""
        regions = [self._add_region(r) for r in entity.regions if r.picture < len(self._pictures)]
        spans = [self._add_span(s) for s in entity.spans if s.sound < len(self._sounds)]
        self._entities[entity.id] = {
            "id": entity.id,
            "label": entity.label,
            "slot": slot_of(entity.id),
            "status": entity.status,
            "score": round(entity.score, 4),
            "regions": list(dict.fromkeys(regions)),
            "spans": list(dict.fromkeys(spans)),
        }

    def add_link(self, link: Link) -> None:
        """Takes a link; it replaces what was known of its place."""
        self._links[link.start, link.end] = link.entity

    def add_verdict(self, verdict: Verdict) -> None:
        """Takes the verdict."""
        self._verdict = {
            "kind": verdict.value,
            "score": round(verdict.score, 4),
            "entities": list(verdict.entities),
            "text": verdict.reason,
        }

    def finish(self, answer: Answer | None = None) -> None:
        """Settles all states: nothing is pending any more. What a whole answer does not link is text."""
        self._final = True
        if answer is None:
            return
        for entity in answer.entities:
            self.add_entity(entity)
        if answer.verdict is not None:
            self.add_verdict(answer.verdict)
        kept = {(link.start, link.end): link.entity for link in answer.links}
        self._gone = self._links.keys() - kept.keys()
        self._links |= kept

    def links(self, length: int | None = None) -> list[_Json]:
        """All links with their states; only those within the first `length` code points, if it is given."""
        return [
            {"start": place[0], "end": place[1], "entity": entity, "state": self._state(place, entity)}
            for place, entity in sorted(self._links.items())
            if length is None or place[1] <= length
        ]

    def news(self, length: int | None = None) -> _Json:
        """What has not been sent yet, of links those within the first `length` code points."""
        found = {
            "entities": self._unsent("entity", self._entities.values(), "id"),
            "regions": self._unsent("region", self._regions.values(), "id"),
            "spans": self._unsent("span", self._spans.values(), "id"),
            "links": self._unsent("link", self.links(length), "start", "end"),
        }
        news: _Json = {name: values for name, values in found.items() if values}
        if self._verdict is not None and self._unsent("verdict", [self._verdict], "kind"):
            news["verdict"] = self._verdict
        return news

    def whole(self, length: int | None = None) -> _Json:
        """Everything that is known."""
        regions = {one for entity in self._entities.values() for one in entity["regions"]}
        spans = {one for entity in self._entities.values() for one in entity["spans"]}
        whole: _Json = {
            "entities": list(self._entities.values()),
            "regions": [region for id, region in self._regions.items() if id in regions],
            "spans": [span for id, span in self._spans.items() if id in spans],
            "links": [link for link in self.links(length) if (link["start"], link["end"]) not in self._gone],
        }
        return whole if self._verdict is None else whole | {"verdict": self._verdict}

    def _add_region(self, region: Region) -> str:
        media = self._pictures[region.picture]
        id = _region_id(region, media)
        if known := self._corrected.get(id):
            self._regions[known["id"]] = known
            return str(known["id"])
        if id not in self._regions:  # an outline costs milliseconds
            self._regions[id] = region_dict(region, media)
        self._regions[id] |= {"score": round(region.score, 4)}
        return id

    def _add_span(self, span: Span) -> str:
        made = _span_dict(span, self._sounds[span.sound])
        self._spans[made["id"]] = made
        return str(made["id"])

    def _state(self, place: tuple[int, int], entity_id: str) -> str:
        if place in self._gone:
            return "none"
        entity = self._entities.get(entity_id)
        if entity is not None and (entity["regions"] or entity["spans"]):
            return "ready"
        gone = entity is None or entity["status"] == "absent"
        return "none" if self._final or gone else "pending"

    def _unsent(self, kind: str, values: Iterable[Mapping[str, Any]], *keys: str) -> list[_Json]:
        fresh = []
        for value in values:
            key = (kind, tuple(value[key] for key in keys))
            if self._sent.get(key) != value:
                self._sent[key] = dict(value)
                fresh.append(dict(value))
        return fresh
