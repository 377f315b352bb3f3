"""What is kept of pictures and sounds that were looked at and listened to, whatever their numbers."""

from collections.abc import Iterable, Sequence
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

    def of(self, names: Iterable[str]) -> Iterable[Instance]:
        """What was found for the tags and for these names, not for what others asked."""
        wanted = self.tagged.union(names)
        return (one for name, group in self.found.items() if name in wanted for one in group)

    @property
    def mask_bytes(self) -> int:
        """Bytes of all masks, which are as large as the picture."""
        groups = (*self.found.values(), *self.faint.values())
        masks = [one.region.mask for group in groups for one in group]
        return sum(mask.nbytes for mask in masks if mask is not None)


@dataclass(eq=False)
class Listened:
    """What is known about one sound: of each name its score and (start, end, score) of its stretches."""

    scores: dict[str, float] = field(default_factory=dict)
    stretches: dict[str, tuple[tuple[float, float, float], ...]] = field(default_factory=dict)


def instance_of(picture: Picture, regions: Regions, number: int) -> Instance:
    """One of the regions of a picture with its colours; its picture number is 0."""
    x0, y0, x1, y1 = (float(side) for side in regions.boxes[number])
    mask = None if regions.masks is None else regions.masks[number]
    region = Region(0, (x0, y0, x1, y1), mask, float(regions.scores[number]))
    return Instance(regions.labels[number], region, picture.size_hw, colours_of(picture.pixels, region))


def numbered(found: Iterable[Instance], number: int) -> Iterable[Instance]:
    """A picture's instances under its number in the conversation, from left to right."""
    for one in sorted(found, key=centre):
        region = one.region
        if number:
            region = Region(number, region.box, region.mask, region.score)
        yield Instance(one.name, region, one.size_hw, one.colours)


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
