"""What lies at a place: the region or the seconds there, and what it is called.

The region comes from the segmenter, or from what was found already where there is none; the name from what
was found at the same place, from the detector, or from the tagger looking at the region alone. For seconds
the listener's stretches that lie in them decide.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from bubo.geometry import box_iou, mask_iou, mask_to_box
from bubo.grounding.perception import PRESENT, Heard, Instance, Perception
from bubo.grounding.qualifiers import centre, colours_of
from bubo.grounding.segmenter import PlaceSegmenter, Segmenter
from bubo.types import Entity, Picture, Place, Point, Region, Regions, Span

#: Overlap from which two regions, or two stretches, are one thing.
SAME = 0.5
#: Names that a detector is asked for in one go, to find out what a region is.
MAX_ASKED = 200
#: Room around a region, as a share of its sides, when the tagger looks at it alone.
MARGIN = 0.1


class Label(NamedTuple):
    """What something is called, and how sure that is (0 to 1)."""

    name: str
    score: float


@dataclass(frozen=True, eq=False)
class Pointed:
    """What was found at one place.

    Args:
        place: The place.
        name: What it is called; "" if nothing here has a name for it.
        score: How sure the name is.
        instances: Where it is seen; normally one.
        heard: When it is heard.
    """

    place: Place
    name: str = ""
    score: float = 0.0
    instances: tuple[Instance, ...] = ()
    heard: tuple[Heard, ...] = ()

    @property
    def nothing(self) -> bool:
        """Whether nothing is there."""
        return not self.instances and not self.heard


def region_at(
    segmenter: Segmenter | None, picture: Picture, place: Place, found: Iterable[Instance] = ()
) -> Region | None:
    """The region of the thing at a place of a picture; None where nothing is known to be.

    Args:
        segmenter: Cuts it out; with None, or where it finds nothing, what was found is looked through.
        picture: The picture.
        place: Points or a box in it.
        found: Things of this picture.
    """
    number = place.picture or 0
    if segmenter is None:
        return _found_at(place, number, found)
    if isinstance(segmenter, PlaceSegmenter):
        regions = segmenter.segment_place(picture, place)
    elif place.box is not None:
        box = np.array([place.box], np.float32)
        regions = segmenter.segment(picture, Regions(("",), box, np.ones(1, np.float32)))
    else:
        first = next(point for point in place.points if point.positive)
        regions = segmenter.segment(picture, np.array([[first.x, first.y]], np.float32))
    if not len(regions) or regions.masks is None or not regions.masks[0].any():
        return _found_at(place, number, found)
    return region_of(regions, number)


def region_of(regions: Regions, picture: int) -> Region:
    """The first of some regions of a picture; its box is that of its mask."""
    mask = None if regions.masks is None else regions.masks[0]
    box = regions.boxes[0] if mask is None else mask_to_box(mask)
    x0, y0, x1, y1 = (float(side) for side in box)
    return Region(picture, (x0, y0, x1, y1), mask, float(regions.scores[0]))


def _found_at(place: Place, picture: int, found: Iterable[Instance]) -> Region | None:
    """The smallest thing that holds the points, or the one that fits a box best."""
    here = [one.region for one in found if one.region.picture == picture]
    if place.box is not None:
        box = place.box
        rated = [(float(box_iou([one.box], [box])[0, 0]), one) for one in here]
        best = max(rated, key=lambda row: row[0], default=None)
        return best[1] if best is not None and best[0] >= SAME else None

    def holds(region: Region) -> bool:
        return all(_holds(region, point) == point.positive for point in place.points)

    def area(region: Region) -> float:
        x0, y0, x1, y1 = region.box
        return (x1 - x0) * (y1 - y0)

    return min((one for one in here if holds(one)), key=area, default=None)


def _holds(region: Region, point: Point) -> bool:
    """Whether a point lies on a region's mask, or in its box where it has none."""
    if region.mask is not None:
        height, width = region.mask.shape
        return bool(region.mask[min(int(point.y), height - 1), min(int(point.x), width - 1)])
    x0, y0, x1, y1 = region.box
    return x0 <= point.x <= x1 and y0 <= point.y <= y1


def same_place(a: Region, b: Region) -> float:
    """Overlap (IoU) of two regions, by their masks where both have one; 0 in different pictures."""
    if a.picture != b.picture:
        return 0.0
    if a.mask is not None and b.mask is not None and a.mask.shape == b.mask.shape:
        return float(mask_iou(a.mask[None], b.mask[None])[0, 0])
    return float(box_iou([a.box], [b.box])[0, 0])


def best_at(region: Region, found: Iterable[Instance]) -> Instance | None:
    """The thing that was found where a region is; None if there is none."""
    rated = [(same_place(one.region, region), one.region.score, one) for one in found]
    best = max(rated, key=lambda row: row[:2], default=None)
    return best[2] if best is not None and best[0] >= SAME else None


def known_at(region: Region, known: Sequence[Entity]) -> Entity | None:
    """The entity of earlier answers that has this region alone; the one spoken of last comes first."""
    for entity in reversed(known):
        if len(entity.regions) == 1 and same_place(entity.regions[0], region) >= SAME:
            return entity
    return None


def crop_of(picture: Picture, region: Region) -> Picture:
    """The part of a picture that a region's box cuts out, with some room around it."""
    x0, y0, x1, y1 = region.box
    across, down = MARGIN * (x1 - x0), MARGIN * (y1 - y0)
    left, top = max(int(x0 - across), 0), max(int(y0 - down), 0)
    right, bottom = int(np.ceil(x1 + across)), int(np.ceil(y1 + down))
    pixels = picture.pixels[top : max(bottom, top + 1), left : max(right, left + 1)]
    return Picture(np.ascontiguousarray(pixels))


def name_region(
    picture: Picture,
    region: Region,
    found: Iterable[Instance],
    tagger: Any | None,
    find: Callable[[Sequence[str]], Iterable[Instance]],
    open_vocabulary: bool,
) -> Label | None:
    """What a region is called; None if nothing here has a name for it.

    Args:
        picture: Its picture.
        region: The region.
        found: Things that are known to be in the picture.
        tagger: Names what a picture shows.
        find: Looks for names in the picture with the detector.
        open_vocabulary: The tagger knows far more names than the detector can be asked for: it looks at the
            region alone first.
    """
    there = best_at(region, found)
    if there is not None:
        return Label(there.name, there.region.score)
    if tagger is None:
        return None
    if not open_vocabulary:
        names = tagger.tag(picture).labels[:MAX_ASKED]
        there = best_at(region, find(names))
        return None if there is None else Label(there.name, there.region.score)
    tags = tagger.tag(crop_of(picture, region))
    best = next(iter(tags.scores_by_label.items()), None)
    return Label(*best) if best is not None and best[1] >= PRESENT else None


def heard_in(span: Span, heard: Iterable[Heard]) -> list[Heard]:
    """The stretches that lie in some seconds of a sound, the best first.

    How much of the seconds a stretch fills counts as much as how much of the stretch they fill.
    """

    def fit(one: Heard) -> float:
        shared = min(one.span.end_s, span.end_s) - max(one.span.start_s, span.start_s)
        if one.span.sound != span.sound or shared <= 0:
            return 0.0
        own, given = one.span.end_s - one.span.start_s, span.end_s - span.start_s
        return one.span.score * 2 * shared / (own + given)

    rated = [(fit(one), number, one) for number, one in enumerate(heard)]
    return [one for score, _, one in sorted(rated, key=lambda row: (-row[0], row[1])) if score > 0]


def point(
    places: Sequence[Place],
    pictures: Sequence[Picture],
    known: Sequence[Entity],
    perception: Perception,
    segment: Callable[[Picture, Place], Region | None],
    name: Callable[[Picture, Region], Label | None],
) -> tuple[Pointed, ...]:
    """What is at the places of a question.

    Args:
        places: Settled, see `bubo.places`.
        pictures: All pictures of the conversation.
        known: Its entities so far, the ones spoken of last at the end.
        perception: What was found in its media.
        segment: The region at a place of a picture.
        name: What a region of a picture is called.
    """
    found = []
    for place in places:
        if place.kind == "entity":
            found.append(_entity(place, next(one for one in known if one.id == place.entity), pictures))
        elif place.seconds is not None:
            found.append(_seconds(place, perception.heard))
        else:
            found.append(_seen(place, pictures, known, perception, segment, name))
    return tuple(found)


def _entity(place: Place, entity: Entity, pictures: Sequence[Picture]) -> Pointed:
    instances = tuple(_instance(entity.label, region, pictures) for region in entity.regions)
    heard = () if instances else tuple(Heard(entity.label, span) for span in entity.spans)
    return Pointed(place, entity.label, entity.score, instances, heard)


def _instance(name: str, region: Region, pictures: Sequence[Picture]) -> Instance:
    picture = pictures[region.picture]
    return Instance(name, region, picture.size_hw, colours_of(picture.pixels, region))


def _seconds(place: Place, heard: Iterable[Heard]) -> Pointed:
    start, end = place.seconds or (0.0, 0.0)
    here = heard_in(Span(place.sound or 0, start, end, 1.0), heard)
    if not here:
        return Pointed(place)
    best = here[0]
    own = tuple(one for one in here if one.name == best.name)
    return Pointed(
        place, best.name, best.span.score, heard=tuple(sorted(own, key=lambda one: one.span.start_s))
    )


def _seen(
    place: Place,
    pictures: Sequence[Picture],
    known: Sequence[Entity],
    perception: Perception,
    segment: Callable[[Picture, Place], Region | None],
    name: Callable[[Picture, Region], Label | None],
) -> Pointed:
    picture = pictures[place.picture or 0]
    region = segment(picture, place)
    if region is None:
        return Pointed(place)
    there = best_at(region, perception.instances)
    if there is not None:
        return Pointed(place, there.name, there.region.score, (there,))
    entity = known_at(region, known)
    label = Label(entity.label, entity.score) if entity is not None else name(picture, region)
    label = label or Label("", 0.0)
    return Pointed(place, label.name, label.score, (_instance(label.name, region, pictures),))


def with_pointed(perception: Perception, pointed: Sequence[Pointed]) -> Perception:
    """A perception that knows what is pointed at; what the tools had not found by themselves is added."""
    instances, heard = list(perception.instances), list(perception.heard)
    chosen: list[Instance] = []
    stretches: list[Heard] = []
    for one in pointed:
        for own in one.instances:
            same = best_at(own.region, [other for other in instances if other.name == own.name])
            if same is None:
                same = own
                instances.append(own)
            chosen.append(same)
        for stretch in one.heard:
            if stretch not in heard:
                heard.append(stretch)
            stretches.append(stretch)
    if len(instances) > len(perception.instances):
        instances.sort(key=lambda one: (one.region.picture, centre(one)))
    heard.sort(key=lambda one: (one.span.sound, one.span.start_s))
    return replace(
        perception,
        instances=tuple(instances),
        heard=tuple(heard),
        pointed=tuple(chosen),
        pointed_heard=tuple(stretches),
    )
