"""Regions that a person has corrected: what is kept of them, and that later answers show them, too.

A corrected region keeps its id, so that links, exports and later corrections find it. What its new outline
would be called by its content stands under "corrected", so that it is known again by either name. As the
model found it, it stays in the stored grounding under "found", which clients do not get.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from bubo.server.wire import region_dict
from bubo.types import Region

__all__ = ["STORED_ONLY", "corrected", "corrections", "region_of", "restored"]

#: What of a stored grounding is not for clients.
STORED_ONLY = ("answer", "found")

_Json = dict[str, Any]


def region_of(grounding: Mapping[str, Any] | None, region_id: str) -> _Json | None:
    """The region of this id, as clients get it; None if the answer stands on no such region."""
    regions: list[_Json] = (grounding or {}).get("regions", [])
    return next((region for region in regions if region["id"] == region_id), None)


def corrected(grounding: _Json, region_id: str, region: Region) -> _Json:
    """An answer's stored grounding with the new region in place of the one of this id.

    Args:
        grounding: As the database has it; it stays as it is.
        region_id: Which region is wrong; the grounding must have it.
        region: Where the thing really is.
    """
    known = region_of(grounding, region_id) or {}
    changed = dict(grounding)
    if "corrected" not in known:
        found = {"region": known, "kept": _kept(grounding, region_id)}
        changed["found"] = {**grounding.get("found", {}), region_id: found}
    made = region_dict(region, known["media"])
    return _with_region(changed, made | {"id": region_id, "corrected": made["id"]}, region.to_dict())


def restored(grounding: _Json, region_id: str, groundings: Iterable[Mapping[str, Any] | None]) -> _Json:
    """An answer's stored grounding with a region as the model found it, if it was ever corrected.

    Args:
        grounding: As the database has it; it stays as it is.
        region_id: Which region; the grounding must have it.
        groundings: Those of all answers of the conversation: later ones may have it only as corrected.
    """
    known = [one["found"][region_id] for one in groundings if one and region_id in one.get("found", {})]
    found = grounding.get("found", {}).get(region_id) or max(known, key=_has_kept, default=None)
    if found is None:
        return grounding
    rest = {id: one for id, one in grounding.get("found", {}).items() if id != region_id}
    return _with_region(grounding | {"found": rest}, found["region"], found["kept"])


def corrections(groundings: Iterable[Mapping[str, Any] | None]) -> dict[str, _Json]:
    """The corrected regions of all answers of a conversation, by both of their names."""
    found: dict[str, _Json] = {}
    for grounding in groundings:
        for region in (grounding or {}).get("regions", []):
            if "corrected" in region:
                found[region["id"]] = found[region["corrected"]] = region
    return found


def _with_region(grounding: _Json, region: _Json, kept: _Json | None) -> _Json:
    """The grounding with this region, as clients get it and as the kept answer has it."""
    id = region["id"]
    changed = grounding | {"regions": [region if one["id"] == id else one for one in grounding["regions"]]}
    if grounding.get("answer") and kept is not None:
        changed["answer"] = grounding["answer"] | {"entities": _entities_with(grounding, id, kept)}
    return changed


def _entities_with(grounding: _Json, region_id: str, kept: _Json) -> list[_Json]:
    """The entities that the next question is asked with, as they have this region."""
    ids_of = _ids_by_entity(grounding)
    entities = []
    for entity in grounding["answer"]["entities"]:
        ids = ids_of.get(entity["id"]) or [""] * len(entity["regions"])
        regions = [
            kept | {"picture": old["picture"]} if id == region_id else old
            for id, old in zip(ids, entity["regions"], strict=True)
        ]
        entities.append(entity | {"regions": regions})
    return entities


def _has_kept(found: _Json) -> bool:
    return found["kept"] is not None


def _kept(grounding: _Json, region_id: str) -> _Json | None:
    """A region as the kept answer has it; None if that has it not."""
    ids_of = _ids_by_entity(grounding)
    for entity in (grounding.get("answer") or {}).get("entities", ()):
        for id, region in zip(ids_of.get(entity["id"], ()), entity["regions"], strict=False):
            if id == region_id:
                found: _Json = region
                return found
    return None


def _ids_by_entity(grounding: _Json) -> dict[str, list[str]]:
    """Ids of the regions that entities have in the kept answer, in the same order there and here.

    Entities of which only some are shown are left out: which is which could not be told.
    """
    kept = {one["id"]: one["regions"] for one in (grounding.get("answer") or {}).get("entities", ())}
    shown = {one["id"]: one["regions"] for one in grounding["entities"]}
    return {id: ids for id, ids in shown.items() if id in kept and len(ids) == len(kept[id])}
