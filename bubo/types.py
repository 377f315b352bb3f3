"""The values that travel through Bubo: media, what was found in them, and answers with their evidence.

All are frozen and checked when made (`InputError` says what is wrong). Values that hold arrays have no `==`
of their own; use `same(a, b)`. Boxes are x0, y0, x1, y1 in pixels of the upright original picture, times are
seconds from the start of the sound, text offsets are half-open Unicode code points. The media and the answer
are defined here; what grounding models find, what an answer rests on and what a question points at come from
`findings`, `evidence` and `places`.
"""

import dataclasses
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from bubo import checks
from bubo.checks import set_fields
from bubo.errors import InputError
from bubo.evidence import STATUSES, VERDICTS, Entity, Link, MaskDecoder, Region, Span, Verdict
from bubo.findings import Regions, Spans, Tags
from bubo.geometry import rle_decode
from bubo.places import Place, Point, listed

if TYPE_CHECKING:
    from PIL import Image

__all__ = [
    "ROLES",
    "STATUSES",
    "VERDICTS",
    "Answer",
    "Entity",
    "Link",
    "Picture",
    "Place",
    "Point",
    "Region",
    "Regions",
    "Sound",
    "Span",
    "Spans",
    "Tags",
    "Turn",
    "Verdict",
    "same",
]

ROLES = ("system", "user", "assistant")


def same(a: object, b: object) -> bool:
    """Whether two values are of one type and equal in every field, arrays by content, type and shape."""
    if a is b:
        return True
    if type(a) is not type(b):
        return False
    if a is b and not isinstance(a, float):
        return True
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return a.dtype == b.dtype and np.array_equal(a, b)
    if dataclasses.is_dataclass(a):
        return all(same(getattr(a, f.name), getattr(b, f.name)) for f in dataclasses.fields(a))
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(value, b[key]) for key, value in a.items())
    return bool(a == b)


def _read_only(array: NDArray[Any]) -> NDArray[Any]:
    view = np.ascontiguousarray(array).view()
    view.flags.writeable = False
    return view


@dataclass(frozen=True, eq=False)
class Picture:
    """One picture, upright, 8 bits per channel.

    Args:
        pixels: (H, W, 3) uint8, RGB. Kept without a copy and read-only from here on: `id` rests on it.
        source: Where it came from, for messages only.
    """

    pixels: NDArray[np.uint8]
    source: str = ""

    def __post_init__(self) -> None:
        pixels = self.pixels
        fits = isinstance(pixels, np.ndarray) and pixels.dtype == np.uint8 and pixels.ndim == 3
        if not fits or pixels.shape[2] != 3 or 0 in pixels.shape:
            raise InputError(
                f"Picture.pixels must be a uint8 array of shape (H, W, 3), but got {checks.describe(pixels)}."
            )
        set_fields(self, pixels=_read_only(pixels), source=checks.check_text("Picture.source", self.source))

    @cached_property
    def id(self) -> str:
        """SHA-256 of shape and content, hexadecimal: equal pictures have equal ids."""
        digest = hashlib.sha256(f"picture {self.pixels.shape} ".encode())
        digest.update(self.pixels.data.cast("B"))
        return digest.hexdigest()

    @property
    def height(self) -> int:
        """Pixels from top to bottom."""
        return int(self.pixels.shape[0])

    @property
    def width(self) -> int:
        """Pixels from left to right."""
        return int(self.pixels.shape[1])

    @property
    def size_hw(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.height, self.width


@dataclass(frozen=True, eq=False)
class Sound:
    """One mono sound.

    Args:
        samples: (T,) float32 between -1 and 1. Kept without a copy and read-only from here on.
        sampling_rate: Samples per second.
        source: Where it came from, for messages only.
    """

    samples: NDArray[np.float32]
    sampling_rate: int
    source: str = ""

    def __post_init__(self) -> None:
        samples = self.samples
        fits = isinstance(samples, np.ndarray) and samples.dtype == np.float32 and samples.ndim == 1
        if not fits or not len(samples):
            raise InputError(
                f"Sound.samples must be a float32 array of shape (T,), but got {checks.describe(samples)}."
            )
        if not np.abs(samples).max() <= 1.0:  # written so that NaN fails too
            raise InputError("Sound.samples must lie between -1 and 1, but hold louder samples or NaN.")
        rate = checks.check_index("Sound.sampling_rate", self.sampling_rate)
        if rate < 1:
            raise InputError("Sound.sampling_rate must be at least 1 per second, but got 0.")
        source = checks.check_text("Sound.source", self.source)
        set_fields(self, samples=_read_only(samples), sampling_rate=rate, source=source)

    @cached_property
    def id(self) -> str:
        """SHA-256 of rate, length and content, hexadecimal: equal sounds have equal ids."""
        digest = hashlib.sha256(f"sound {self.sampling_rate} {len(self.samples)} ".encode())
        digest.update(self.samples.data)
        return digest.hexdigest()

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.sampling_rate


@dataclass(frozen=True, eq=False)
class Answer:
    """What Bubo says, and what it rests on.

    Every link lies inside the text and names one of the entities; `text[link.start:link.end]` is its phrase.

    Args:
        text: The answer.
        entities: The things it speaks of.
        links: Which phrases stand for which entity; many links may name one.
        verdict: Whether sound and picture belong together, where there are both.
        timings: Seconds by step ("first_token_s", "grounding_s", ...).
        metadata: What else is worth knowing ("finish", "turns_dropped", ...); not part of the JSON form.
        pictures: The conversation's pictures, which `Region.picture` counts; not part of the JSON form.
        sounds: The conversation's sounds, which `Span.sound` counts; not part of the JSON form.
    """

    text: str
    entities: tuple[Entity, ...] = ()
    links: tuple[Link, ...] = ()
    verdict: Verdict | None = None
    timings: dict[str, float] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    pictures: tuple[Picture, ...] = ()
    sounds: tuple[Sound, ...] = ()

    def __post_init__(self) -> None:
        checks.check_text("Answer.text", self.text)
        entities = checks.check_tuple("Answer.entities", self.entities, Entity)
        links = checks.check_tuple("Answer.links", self.links, Link)
        pictures = checks.check_tuple("Answer.pictures", self.pictures, Picture)
        sounds = checks.check_tuple("Answer.sounds", self.sounds, Sound)
        if self.verdict is not None and not isinstance(self.verdict, Verdict):
            raise InputError(
                f"Answer.verdict must be a Verdict or None, but got {checks.describe(self.verdict)}."
            )
        timings = {
            checks.check_text("A name in Answer.timings", name): checks.check_number("A timing", seconds)
            for name, seconds in checks.check_keys("Answer.timings", self.timings, ()).items()
        }
        metadata = dict(checks.check_keys("Answer.metadata", self.metadata, ()))
        set_fields(self, entities=entities, links=links, timings=timings, metadata=metadata)
        set_fields(self, pictures=pictures, sounds=sounds)
        self._check_references()

    def _check_references(self) -> None:
        ids = {entity.id for entity in self.entities}
        if len(ids) < len(self.entities):
            raise InputError("Answer.entities must have different ids, but one id stands there twice.")
        for link in self.links:
            if link.end > len(self.text):
                raise InputError(
                    f"A link must lie in the text of {len(self.text)} code points, but ends at {link.end}."
                )
        named = [link.entity for link in self.links] + list(self.verdict.entities if self.verdict else ())
        unknown = sorted(set(named) - ids)
        if unknown:
            raise InputError(
                f"Links and verdict must name entities of the answer, but name {', '.join(unknown)}."
            )

    def entity(self, id: str) -> Entity:
        """The entity of this id.

        Raises:
            InputError: If the answer has no such entity.
        """
        for entity in self.entities:
            if entity.id == id:
                return entity
        raise InputError(f"The answer has no entity {id!r}; it has {', '.join(e.id for e in self.entities)}.")

    def to_dict(self) -> dict[str, Any]:
        """JSON form: the one contract of Python, command line and web."""
        return {
            "text": self.text,
            "entities": [entity.to_dict() for entity in self.entities],
            "links": [link.to_dict() for link in self.links],
            "verdict": None if self.verdict is None else self.verdict.to_dict(),
            "timings": dict(self.timings),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], decode: MaskDecoder = rle_decode) -> Self:
        """The inverse of `to_dict`; `decode` makes masks of their JSON forms.

        Raises:
            InputError: If keys are missing or any value is wrong.
        """
        data = checks.check_keys("An answer", data, ("text", "entities", "links", "verdict", "timings"))
        entities = checks.check_tuple("An answer's entities", data["entities"], dict)
        links = checks.check_tuple("An answer's links", data["links"], dict)
        return cls(
            data["text"],
            tuple(Entity.from_dict(entity, decode) for entity in entities),
            tuple(Link.from_dict(link) for link in links),
            None if data["verdict"] is None else Verdict.from_dict(data["verdict"]),
            data["timings"],
        )

    def draw(self) -> "Image.Image":
        """The pictures and sounds with the linked phrases drawn into them, as a PIL image."""
        from bubo.draw import draw_answer  # the one arrow against the order: drawing is asked of the answer

        return draw_answer(self)


@dataclass(frozen=True, eq=False)
class Turn:
    """One message of a conversation.

    Args:
        role: One of `ROLES`: system, user or assistant.
        text: What was said.
        pictures: Pictures handed in with it.
        sounds: Sounds handed in with it.
        answer: The full answer, for assistant turns.
        places: What a user's turn points at.
    """

    role: str
    text: str
    pictures: tuple[Picture, ...] = ()
    sounds: tuple[Sound, ...] = ()
    answer: Answer | None = None
    places: tuple[Place, ...] = ()

    def __post_init__(self) -> None:
        checks.check_choice("Turn.role", self.role, ROLES)
        checks.check_text("Turn.text", self.text)
        pictures = checks.check_tuple("Turn.pictures", self.pictures, Picture)
        sounds = checks.check_tuple("Turn.sounds", self.sounds, Sound)
        if self.answer is not None and not isinstance(self.answer, Answer):
            raise InputError(
                f"Turn.answer must be an Answer or None, but got {checks.describe(self.answer)}."
            )
        set_fields(self, pictures=pictures, sounds=sounds, places=listed(self.places))
