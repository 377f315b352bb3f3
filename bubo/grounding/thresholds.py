"""Where nano's grounding draws its lines: read from grounding.json, with defaults."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Self

from bubo.errors import ModelError
from bubo.grounding.limits import Limits


@dataclass(frozen=True)
class Thresholds:
    """Lines between there and not there. Probabilities lie between 0 and 1.

    Args:
        tag: A class is in the picture from this probability on.
        tags: The same for single classes, by name.
        slot: Lowest score of a slot that is an object.
        named: Lowest probability of a class for a slot to be it, when several classes are asked for.
        direct: The same when one class is asked for that the tagger did not see.
        mask: Pixels from this probability on are part of a thing.
        patch: Lowest mean probability of a patch of the class map that stands in for a missing slot.
        patch_share: Smallest such patch, as a share of the picture.
        clip: A sound is heard from this probability on.
        frame: A moment belongs to a sound from this share of the sound's highest frame probability on.
        gap_s: Shorter silences within a sound are bridged.
        run_s: Shorter stretches are dropped, unless nothing else is left.
        clear: See `Limits`.
        unsure: See `Limits`.
        faint: See `Limits`.
        missing: See `Limits`.
    """

    tag: float = 0.5
    tags: Mapping[str, float] = field(default_factory=dict)
    slot: float = 0.2
    named: float = 0.25
    direct: float = 0.5
    mask: float = 0.5
    patch: float = 0.6
    patch_share: float = 0.002
    clip: float = 0.5
    frame: float = 0.5
    gap_s: float = 0.35
    run_s: float = 0.2
    clear: float = 0.8
    unsure: float = 0.5
    faint: float = 0.2
    missing: float = 0.7

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            for number in value.values() if name == "tags" else (value,):
                if isinstance(number, bool) or not isinstance(number, int | float) or not 0 <= number <= 1:
                    raise ModelError(f"The threshold {name} must lie between 0 and 1, but is {number!r}.")

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Reads a grounding.json; a file that is not there gives the defaults.

        Raises:
            ModelError: If it cannot be read, or holds unknown names or impossible values.
        """
        path = Path(path)
        if not path.is_file():
            return cls()
        try:
            data: Any = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ModelError(f"Cannot read the thresholds {path}: {error}.") from error
        known = {item.name for item in fields(cls)}
        if not isinstance(data, dict) or not isinstance(data.get("tags", {}), dict) or not known >= set(data):
            raise ModelError(f"{path} must be a JSON object with some of {', '.join(sorted(known))}.")
        return cls(**data)

    @property
    def limits(self) -> Limits:
        """The matcher's limits."""
        return Limits(clear=self.clear, unsure=self.unsure, faint=self.faint, missing=self.missing)

    def tag_score(self, name: str, probability: float) -> float:
        """A probability bent so that its class's threshold lies at one half."""
        return bent(probability, self.tags.get(name, self.tag))

    def clip_score(self, probability: float) -> float:
        """The same for a sound."""
        return bent(probability, self.clip)


def bent(probability: float, threshold: float) -> float:
    """A probability in two straight pieces: 0 stays 0, the threshold becomes one half, 1 stays 1."""
    if probability < threshold:
        return 0.5 * probability / threshold
    return 1.0 if threshold >= 1 else 0.5 + 0.5 * (probability - threshold) / (1 - threshold)
