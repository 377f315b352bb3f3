"""Regions that a person has corrected: what is kept of them, and that later answers show them, too.

A corrected region keeps its id, so that links, exports and later corrections find it. What its new outline
would be called by its content stands under "corrected", so that it is known again by either name.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from bubo.server.wire import region_dict
from bubo.types import Region

__all__ = ["corrected_grounding", "corrections", "region_of"]

_Json = dict[str, Any]


def region_of(grounding: Mapping[str, Any] | None, region_id: str) -> _Json | None:
    """The region of this id, as clients get it; None if the answer stands on no such region."""
    regions: list[_Json] = (grounding or {}).get("regions", [])
    return next((region for region in regions if region["id"] == region_id), None)


def corrected_grounding(grounding: _Json, region_id: str, region: Region) -> _Json:
    """An answer's stored grounding with the new region in place of the one of this id.

    Args:
        grounding: As the database has it; it stays as it is.
        region_id: Which region is wrong; the grounding must have it.
        region: Where the thing really is.
    """
    changed = dict(grounding)
    changed["regions"] = [
        _corrected(one, region) if one["id"] == region_id else one for one in grounding["regions"]
    ]
    if grounding.get("answer"):
        changed["answer"] = _corrected_answer(grounding, region_id, region)
    return changed


def corrections(groundings: Iterable[Mapping[str, Any] | None]) -> dict[str, _Json]:
    """The corrected regions of all answers of a conversation, by both of their names."""
    found: dict[str, _Json] = {}
    for grounding in groundings:
        for region in (grounding or {}).get("regions", []):
            if "corrected" in region:
                found[region["id"]] = found[region["corrected"]] = region
    return found


def _corrected(known: _Json, region: Region) -> _Json:
    made = region_dict(region, known["media"])
    return made | {"id": known["id"], "corrected": made["id"]}


def _corrected_answer(grounding: _Json, region_id: str, region: Region) -> _Json:
    """The answer that the next question is asked with: its entities have their regions in the same order."""
    made = region.to_dict()
    holders = {one["id"]: one["regions"] for one in grounding["entities"] if region_id in one["regions"]}
    entities = []
    for entity in grounding["answer"]["entities"]:
        ids = holders.get(entity["id"], ())
        if len(ids) == len(entity["regions"]):  # else some are left out, and which is which cannot be told
            entity = entity | {
                "regions": [
                    made | {"picture": old["picture"]} if id == region_id else old
                    for id, old in zip(ids, entity["regions"], strict=True)
                ]
            }
        entities.append(entity)
    answer: _Json = grounding["answer"] | {"entities": entities}
    return answer
