"""What a question points at: points, a box, seconds of a sound, or a thing that was spoken of.

Part of `bubo.types`, which is where to import `Place` and `Point` from. A place that names no picture or
sound means the last one of the conversation; `settle` says which that is, and refuses what is not there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from bubo import checks
from bubo.checks import set_fields
from bubo.errors import InputError

#: Places of one question.
MAX_PLACES = 5
#: Points of one place.
MAX_POINTS = 32
KINDS = ("point", "box", "time", "entity")


@dataclass(frozen=True)
class Point:
    """A point of a picture.

    Args:
        x: Pixels from the left edge.
        y: Pixels from the top edge.
        positive: On the thing that is meant; else beside it.
    """

    x: float
    y: float
    positive: bool = True

    def __post_init__(self) -> None:
        if not isinstance(self.positive, bool):
            raise InputError(
                f"Point.positive must be True or False, but got {checks.describe(self.positive)}."
            )
        set_fields(self, x=checks.check_number("Point.x", self.x), y=checks.check_number("Point.y", self.y))

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {"x": self.x, "y": self.y, "positive": self.positive}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`."""
        data = checks.check_keys("A point", data, ("x", "y"))
        return cls(data["x"], data["y"], data.get("positive", True))


@dataclass(frozen=True)
class Place:
    """One thing pointed at: give points, a box (perhaps with points), seconds, or an entity.

    Args:
        points: Points of a picture. If all of them are negative, they belong to the place before.
        box: x0, y0, x1, y1 in pixels of a picture.
        picture: Number of the picture in the conversation, from 0; None is the last one.
        seconds: Start and end in a sound.
        sound: Number of the sound; None is the last one.
        entity: Id of an entity of an earlier answer.
    """

    points: tuple[Point, ...] = ()
    box: tuple[float, float, float, float] | None = None
    picture: int | None = None
    seconds: tuple[float, float] | None = None
    sound: int | None = None
    entity: str = ""

    def __post_init__(self) -> None:
        points = checks.check_tuple("Place.points", self.points, Point)
        checks.check_text("Place.entity", self.entity)
        given = [bool(points) or self.box is not None, self.seconds is not None, bool(self.entity)]
        if sum(given) != 1:
            raise InputError(
                "A Place needs points or a box, or seconds, or an entity, and only one of the three, "
                f"but got {sum(given)} of them."
            )
        if len(points) > MAX_POINTS:
            raise InputError(f"A Place may have {MAX_POINTS} points, but got {len(points)}.")
        for name, index, fits in (("picture", self.picture, given[0]), ("sound", self.sound, given[1])):
            if index is not None:
                if not fits:
                    raise InputError(f"Place.{name} was given, but the place is none of a {name}.")
                checks.check_index(f"Place.{name}", index)
        set_fields(self, points=points, box=_box(self.box), seconds=_seconds(self.seconds))

    @classmethod
    def at(cls, x: float, y: float, *, picture: int | None = None) -> Self:
        """The thing at one point."""
        return cls(points=(Point(x, y),), picture=picture)

    @property
    def kind(self) -> str:
        """One of `KINDS`; a box with points is a box."""
        if self.entity:
            return "entity"
        return "time" if self.seconds is not None else "box" if self.box is not None else "point"

    @property
    def only_negative(self) -> bool:
        """Whether it only says what does not belong to the place before."""
        return self.box is None and bool(self.points) and not any(point.positive for point in self.points)

    def to_dict(self) -> dict[str, Any]:
        """JSON form: "kind", and what belongs to it."""
        data: dict[str, Any] = {"kind": self.kind}
        if self.entity:
            return data | {"entity": self.entity}
        if self.seconds is not None:
            return data | {"sound": self.sound, "seconds": list(self.seconds)}
        data |= {"picture": self.picture, "points": [point.to_dict() for point in self.points]}
        return data if self.box is None else data | {"box": list(self.box)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`.

        Raises:
            InputError: If keys are missing or any value is wrong.
        """
        data = checks.check_keys("A place", data, ("kind",))
        kind = checks.check_choice("A place's kind", data["kind"], KINDS)
        if kind == "entity":
            return cls(entity=checks.check_keys("A place", data, ("entity",))["entity"])
        if kind == "time":
            data = checks.check_keys("A place", data, ("seconds",))
            return cls(seconds=data["seconds"], sound=data.get("sound"))
        data = checks.check_keys("A place", data, ("box",) if kind == "box" else ("points",))
        points = checks.check_tuple("A place's points", data.get("points", ()), dict)
        return cls(
            tuple(Point.from_dict(point) for point in points),
            data["box"] if kind == "box" else None,
            data.get("picture"),
        )


def _box(box: Any) -> tuple[float, float, float, float] | None:
    if box is None:
        return None
    x0, y0, x1, y1 = (float(side) for side in checks.check_floats("Place.box", box, (4,)))
    if x1 <= x0 or y1 <= y0:
        raise InputError(f"Place.box must be x0, y0, x1, y1 with x0 < x1 and y0 < y1, but got {box}.")
    return x0, y0, x1, y1


def _seconds(seconds: Any) -> tuple[float, float] | None:
    if seconds is None:
        return None
    if not isinstance(seconds, list | tuple) or len(seconds) != 2:
        raise InputError(f"Place.seconds must be start and end, but got {checks.describe(seconds)}.")
    start, end = (checks.check_number("Place.seconds", second) for second in seconds)
    if not 0 <= start < end:
        raise InputError(f"Place.seconds must be start and end with 0 <= start < end, but got {seconds}.")
    return start, end


def listed(places: "Place | Sequence[Place] | None") -> tuple[Place, ...]:
    """One place, several or none as a tuple.

    Raises:
        InputError: If something else was given, or more than `MAX_PLACES`.
    """
    found = (places,) if isinstance(places, Place) else places if places is not None else ()
    found = checks.check_tuple("The places of a question", found, Place)
    if len(found) > MAX_PLACES:
        raise InputError(f"A question may point at {MAX_PLACES} places, but {len(found)} were given.")
    return found


def settle(
    places: Sequence[Place],
    sizes_wh: Sequence[tuple[int, int]],
    durations_s: Sequence[float],
    entities: Sequence[str],
) -> tuple[Place, ...]:
    """The places with the numbers of their picture or sound, negative points joined to what they belong to.

    Args:
        places: Of one question.
        sizes_wh: Width and height of every picture of the conversation so far.
        durations_s: Seconds of every sound.
        entities: Ids of all entities of earlier answers.

    Raises:
        InputError: If a place is not there: a picture, sound or entity that the conversation does not have,
            or what lies outside of them.
    """
    settled: list[Place] = []
    for place in listed(places):
        if place.kind == "entity":
            if place.entity not in entities:
                known = f"it has {', '.join(entities)}" if entities else "it has none yet"
                raise InputError(f"The conversation has no entity {place.entity!r} to point at; {known}.")
        elif place.kind == "time":
            place = replace(place, sound=_number("sound", place.sound, len(durations_s)))
            _check_seconds(place, durations_s)
        else:
            place = replace(place, picture=_number("picture", place.picture, len(sizes_wh)))
            _check_inside(place, sizes_wh)
        if not place.only_negative:
            settled.append(place)
            continue
        before = [
            n for n, one in enumerate(settled) if one.picture == place.picture and one.picture is not None
        ]
        if not before:
            raise InputError(
                "A negative point says what does not belong to a place; give a positive point or a box in "
                "the same picture before it."
            )
        joined = settled[before[-1]]
        settled[before[-1]] = replace(joined, points=(*joined.points, *place.points))
    return tuple(settled)


def _number(what: str, index: int | None, count: int) -> int:
    if not count:
        raise InputError(f"A place of a {what} was given, but the conversation has no {what}.")
    if index is None:
        return count - 1
    if index >= count:
        raise InputError(
            f"A place is in {what} {index}, but the conversation has {count}: "
            f"they are counted from 0 to {count - 1}."
        )
    return index


def _check_inside(place: Place, sizes_wh: Sequence[tuple[int, int]]) -> None:
    width, height = sizes_wh[place.picture or 0]
    corners = [(point.x, point.y) for point in place.points]
    if place.box is not None:
        corners += [place.box[:2], place.box[2:]]
    for x, y in corners:
        if not (0 <= x <= width and 0 <= y <= height):
            raise InputError(
                f"The place {x:g}, {y:g} lies outside of picture {place.picture}, which has "
                f"{width} x {height} pixels."
            )


def _check_seconds(place: Place, durations_s: Sequence[float]) -> None:
    start, end = place.seconds or (0.0, 0.0)
    duration = durations_s[place.sound or 0]
    if start >= duration or end > duration + 0.05:  # shown lengths are rounded
        raise InputError(
            f"The seconds {start:g} to {end:g} lie outside of sound {place.sound}, "
            f"which has {duration:.2f} s."
        )
