"""What is kept of pictures and sounds that were looked at and listened to, whatever their numbers."""

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from bubo.grounding.perception import Instance
from bubo.grounding.qualifiers import centre, colours_of
from bubo.types import Picture, Region, Regions, Spans, Tags


@dataclass(eq=False)
class Seen:
    """What is known about one picture, whatever its number in a conversation and whoever asked."""

    tags: Tags
    tagged: frozenset[str] = frozenset()
    found: dict[str, tuple[Instance, ...]] = field(default_factory=dict)
    faint: dict[str, tuple[Instance, ...]] = field(default_factory=dict)
    missed: dict[str, float] = field(default_factory=dict)
    mask_bytes: int = 0  # of all masks
    _numbered: dict[tuple[int, int], Instance] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def of(self, names: Iterable[str]) -> Iterable[Instance]:
        """What was found for the tags and for these names, not for what others asked."""
        wanted = self.tagged.union(names)
        return (one for name, group in self.found.items() if name in wanted for one in group)

    def all(self) -> list[Instance]:
        """All that was found, whoever asked."""
        return [one for group in self.found.values() for one in group]

    def numbered(self, one: Instance, number: int) -> Instance:
        """An instance under the number that its picture has in a conversation; made once."""
        if not number:
            return one
        kept = self._numbered.get((id(one), number))
        if kept is None:
            kept = Instance(one.name, one.region.in_picture(number), one.size_hw, one.colours)
            self._numbered[id(one), number] = kept
        return kept

    def add(self, group: dict[str, tuple[Instance, ...]], found: Mapping[str, tuple[Instance, ...]]) -> None:
        """Takes up what was found: `group` is `self.found` or `self.faint`."""
        group |= found
        self.mask_bytes += sum(one.region.mask_bytes for instances in found.values() for one in instances)


@dataclass(eq=False)
class Listened:
    """What is known about one sound: of each name its score and (start, end, score) of its stretches."""

    scores: dict[str, float] = field(default_factory=dict)
    stretches: dict[str, tuple[tuple[float, float, float], ...]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)


def instance_of(picture: Picture, regions: Regions, number: int) -> Instance:
    """One of the regions of a picture with its colours; its picture number is 0."""
    x0, y0, x1, y1 = (float(side) for side in regions.boxes[number])
    mask = None if regions.masks is None else regions.masks[number]
    region = Region(0, (x0, y0, x1, y1), mask, float(regions.scores[number]))
    return Instance(regions.labels[number], region, picture.size_hw, colours_of(picture.pixels, region))


def numbered(view: Seen, found: Iterable[Instance], number: int) -> Iterable[Instance]:
    """A picture's instances under its number in the conversation, from left to right."""
    return (view.numbered(one, number) for one in sorted(found, key=centre))


def note_spans(spans: Spans, names: Sequence[str], faint: float, listened: Listened) -> None:
    """Writes down what spans say of some names."""
    listened.stretches |= {name: () for name in names}
    for number, name in enumerate(spans.labels):
        if name not in names:
            continue
        start, end = (float(second) for second in spans.times[number])
        score = float(spans.scores[number])
        listened.scores[name] = max(score, listened.scores.get(name, 0.0))
        if end > start and score >= faint:
            listened.stretches[name] += ((start, end, score),)
