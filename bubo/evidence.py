"""What an answer rests on: `Region`, `Span`, `Entity`, `Link`, `Verdict`, each with its JSON form.

Part of `bubo.types`, which is where to import them from. All are frozen and checked when made.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from bubo import checks
from bubo.checks import set_fields
from bubo.errors import InputError
from bubo.geometry import Cutout, rle_decode, rle_encode

#: Makes a mask (H, W) of its JSON form, or what a region keeps of it.
MaskDecoder = Callable[[Mapping[str, Any]], Any]

#: Pixels from which on the mask of a region is kept as a cutout.
LARGE_MASK = 2**20
STATUSES = ("seen", "heard", "both", "absent", "unsure")
VERDICTS = ("match", "partly", "mismatch")


def kept_mask(mask: object) -> NDArray[np.bool_] | Cutout:
    """A mask (H, W) as a region keeps it: a large one as its cutout."""
    if isinstance(mask, Cutout):
        return mask
    checked = checks.check_masks("Region.mask", mask, 2)
    return Cutout.of(checked) if checked.size >= LARGE_MASK else checked


@dataclass(frozen=True, eq=False)
class Region:
    """Where in a picture an entity is.

    Args:
        picture: Index of the picture in the conversation, from 0.
        box: x0, y0, x1, y1 in pixels of that picture.
        mask: (H, W) bool in the size of that picture, or None. One of a large picture is kept as a cutout and
            made anew each time it is read: read it once.
        score: How sure, normally between 0 and 1.
    """

    picture: int
    box: tuple[float, float, float, float]
    mask: NDArray[np.bool_] | None
    score: float

    def __post_init__(self) -> None:
        x0, y0, x1, y1 = (float(v) for v in checks.check_floats("Region.box", self.box, (4,)))
        if x1 < x0 or y1 < y0:
            raise InputError(
                f"Region.box must be x0, y0, x1, y1 with x0 <= x1 and y0 <= y1, but got {self.box}."
            )
        picture = checks.check_index("Region.picture", self.picture)
        set_fields(
            self, picture=picture, box=(x0, y0, x1, y1), score=checks.check_number("Region.score", self.score)
        )

    @property
    def mask_key(self) -> int:
        """The same number for regions that share one mask in memory."""
        return id(self.__dict__["mask"])

    @property
    def mask_bytes(self) -> int:
        """Bytes that the mask takes in memory."""
        kept = self.__dict__["mask"]
        return 0 if kept is None else int(kept.nbytes)

    def in_picture(self, number: int) -> "Region":
        """The same region under another number of its picture; the mask is shared."""
        if number == self.picture:
            return self
        other = Region(number, self.box, None, self.score)
        other.__dict__["mask"] = self.__dict__["mask"]
        return other

    def to_dict(self) -> dict[str, Any]:
        """JSON form; the mask is COCO run-length encoded."""
        whole = self.mask
        mask = None if whole is None else rle_encode(whole)
        return {"picture": self.picture, "box": list(self.box), "score": self.score, "mask": mask}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], decode: MaskDecoder = rle_decode) -> Self:
        """The inverse of `to_dict`; `decode` makes a mask of its JSON form."""
        data = checks.check_keys("A region", data, ("picture", "box", "score", "mask"))
        mask = None if data["mask"] is None else decode(checks.check_keys("A mask", data["mask"], ()))
        return cls(data["picture"], data["box"], mask, data["score"])


class _Mask:
    """The attribute `Region.mask`: a large mask is kept as its cutout, and made whole when it is read."""

    def __get__(self, region: Region | None, kind: type[Region] | None = None) -> Any:
        kept = self if region is None else region.__dict__["mask"]
        return kept.whole() if isinstance(kept, Cutout) else kept

    def __set__(self, region: Region, mask: object) -> None:
        region.__dict__["mask"] = None if mask is None else kept_mask(mask)


# after the dataclass was made, for which it would be a default
Region.mask = _Mask()  # type: ignore[assignment]


@dataclass(frozen=True)
class Span:
    """When in a sound an entity is heard.

    Args:
        sound: Index of the sound in the conversation, from 0.
        start_s: First second.
        end_s: Last second.
        score: How sure, normally between 0 and 1.
    """

    sound: int
    start_s: float
    end_s: float
    score: float

    def __post_init__(self) -> None:
        start_s = checks.check_number("Span.start_s", self.start_s)
        end_s = checks.check_number("Span.end_s", self.end_s)
        if not 0 <= start_s <= end_s:
            raise InputError(f"A Span needs 0 <= start_s <= end_s, but got {start_s} and {end_s}.")
        sound, score = (
            checks.check_index("Span.sound", self.sound),
            checks.check_number("Span.score", self.score),
        )
        set_fields(self, sound=sound, start_s=start_s, end_s=end_s, score=score)

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {"sound": self.sound, "start_s": self.start_s, "end_s": self.end_s, "score": self.score}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`."""
        data = checks.check_keys("A span", data, ("sound", "start_s", "end_s", "score"))
        return cls(data["sound"], data["start_s"], data["end_s"], data["score"])


@dataclass(frozen=True, eq=False)
class Entity:
    """One thing of the conversation, under the same id in every turn.

    Args:
        id: "e1", "e2", ...
        label: What it is called.
        status: One of `STATUSES`: seen, heard, both, absent (named, but not there) or unsure.
        score: How sure the status is, normally between 0 and 1.
        regions: Where it is seen.
        spans: When it is heard.
    """

    id: str
    label: str
    status: str
    score: float
    regions: tuple[Region, ...] = ()
    spans: tuple[Span, ...] = ()

    def __post_init__(self) -> None:
        if not checks.check_text("Entity.id", self.id):
            raise InputError("Entity.id must not be empty.")
        checks.check_text("Entity.label", self.label)
        checks.check_choice("Entity.status", self.status, STATUSES)
        set_fields(
            self,
            score=checks.check_number("Entity.score", self.score),
            regions=checks.check_tuple("Entity.regions", self.regions, Region),
            spans=checks.check_tuple("Entity.spans", self.spans, Span),
        )

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "id": self.id,
            "label": self.label,
            "status": self.status,
            "score": self.score,
            "regions": [region.to_dict() for region in self.regions],
            "spans": [span.to_dict() for span in self.spans],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], decode: MaskDecoder = rle_decode) -> Self:
        """The inverse of `to_dict`; `decode` makes masks of their JSON forms."""
        data = checks.check_keys("An entity", data, ("id", "label", "status", "score", "regions", "spans"))
        regions = checks.check_tuple("An entity's regions", data["regions"], dict)
        spans = checks.check_tuple("An entity's spans", data["spans"], dict)
        return cls(
            data["id"],
            data["label"],
            data["status"],
            data["score"],
            tuple(Region.from_dict(region, decode) for region in regions),
            tuple(Span.from_dict(span) for span in spans),
        )


@dataclass(frozen=True)
class Link:
    """A phrase of the answer's text that stands for an entity.

    Args:
        start: Code point where the phrase begins.
        end: Code point after its last one.
        entity: Id of the entity.
        reason: Why the two were tied, for people; not part of the JSON form.
    """

    start: int
    end: int
    entity: str
    reason: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        start, end = checks.check_index("Link.start", self.start), checks.check_index("Link.end", self.end)
        if start >= end:
            raise InputError(f"A Link needs start < end, but got {start} and {end}.")
        checks.check_text("Link.entity", self.entity)
        checks.check_text("Link.reason", self.reason)
        set_fields(self, start=start, end=end)

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {"start": self.start, "end": self.end, "entity": self.entity}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`; the reason is not kept."""
        data = checks.check_keys("A link", data, ("start", "end", "entity"))
        return cls(data["start"], data["end"], data["entity"])


@dataclass(frozen=True)
class Verdict:
    """Whether a sound belongs to a picture.

    Args:
        value: One of `VERDICTS`.
        score: How sure, normally between 0 and 1.
        entities: Ids of the entities whose regions and spans it rests on.
        reason: One sentence for people.
    """

    value: str
    score: float
    entities: tuple[str, ...] = ()
    reason: str = ""

    def __post_init__(self) -> None:
        checks.check_choice("Verdict.value", self.value, VERDICTS)
        checks.check_text("Verdict.reason", self.reason)
        set_fields(
            self,
            score=checks.check_number("Verdict.score", self.score),
            entities=checks.check_tuple("Verdict.entities", self.entities, str),
        )

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "value": self.value,
            "score": self.score,
            "entities": list(self.entities),
            "reason": self.reason,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`."""
        data = checks.check_keys("A verdict", data, ("value", "score", "entities", "reason"))
        return cls(data["value"], data["score"], data["entities"], data["reason"])
