"""What is pointed at, in words: a phrase that tells it from others of its kind, and where it is."""

from collections.abc import Sequence
from dataclasses import dataclass

from bubo.grounding.perception import Heard, Instance, Perception
from bubo.grounding.pointing import Pointed, same_place
from bubo.grounding.qualifiers import centre, place_words
from bubo.types import Picture, Place, Sound

#: Two of a kind are told apart by "left" and "upper" from this distance on, in sides of the picture.
APART = 0.16
#: A centre this near to the border of a ninth may be said to lie in either.
BORDER = 0.02
#: A thing that covers more of a ninth may be meant too. On validation pictures nano named another thing in 2
#: of 7 answers about a place into which something else reached so far, and in none of 44 others.
REACH = 0.02
THIRDS = {
    "left": "on the left", "right": "on the right", "top": "at the top", "bottom": "at the bottom",
    "": "in the centre",
}  # fmt: skip


@dataclass(frozen=True)
class Referent:
    """One thing that is pointed at, in words.

    Args:
        name: What it is called; "" if that is not known.
        phrase: "the left dog", "the barking"; "the thing on the left" if it has no name.
        where: "at the top left" of its picture, or "from 1.0 to 2.5 s".
        spot: The same for who sees pixels: "x 12 to 80, y 5 to 60 of 224 x 224 pixels"; "" for sounds.
        medium: "the picture", "picture 2", "the sound", ...
        alone: No other thing reaches into its ninth of the picture, no other sound is in its sound.
        sound: Whether it is heard.
        nothing: Whether nothing is there.
    """

    name: str
    phrase: str
    where: str
    spot: str
    medium: str
    alone: bool = True
    sound: bool = False
    nothing: bool = False


def refer(
    pointed: Sequence[Pointed],
    perception: Perception,
    pictures: Sequence[Picture],
    sounds: Sequence[Sound],
) -> tuple[Referent, ...]:
    """The words for what is pointed at.

    Args:
        pointed: What was found at the places of a question.
        perception: What else is known of the media.
        pictures: All pictures of the conversation.
        sounds: All its sounds.
    """
    found = []
    for one in pointed:
        if one.instances:
            found.append(_seen(one, perception.instances, pictures))
        elif one.heard or one.place.kind == "time":
            found.append(_heard(one, perception.heard, sounds))
        else:
            found.append(nowhere(one.place, pictures, sounds))
    return tuple(found)


def nowhere(place: Place, pictures: Sequence[Picture], sounds: Sequence[Sound]) -> Referent:
    """The words for a place where nothing is known to be."""
    if place.seconds is not None:
        start, end = place.seconds
        medium = _medium("sound", place.sound or 0, len(sounds))
        where = f"from {start:.1f} to {end:.1f} s"
        return Referent("", "the sound", where, "", medium, sound=True, nothing=True)
    if place.kind == "entity":  # one that was absent when it was spoken of
        return Referent("", "it", "nowhere", "", "the picture", nothing=True)
    picture = pictures[place.picture or 0]
    medium = _medium("picture", place.picture or 0, len(pictures))
    if place.box is not None:
        x0, y0, x1, y1 = place.box
    else:
        first = next(point for point in place.points if point.positive)
        x0 = x1 = first.x
        y0 = y1 = first.y
    share = ((x0 + x1) / 2 / picture.width, (y0 + y1) / 2 / picture.height)
    row = "top" if share[1] < 1 / 3 else "bottom" if share[1] >= 2 / 3 else ""
    column = "left" if share[0] < 1 / 3 else "right" if share[0] >= 2 / 3 else ""
    where = third({row, column} - {""})
    spot = _spot((x0, y0, x1, y1), picture)
    return Referent("", f"the thing {where}", where, spot, medium, nothing=True)


def third(words: set[str]) -> str:
    """The words for a ninth of a picture: "at the top left"."""
    if len(words) == 2:
        row = "top" if "top" in words else "bottom"
        return f"at the {row} {(words - {row}).pop()}"
    return THIRDS[next(iter(words), "")]


def _seen(one: Pointed, instances: Sequence[Instance], pictures: Sequence[Picture]) -> Referent:
    first = one.instances[0]
    number = first.region.picture
    where = third(place_words(first))
    here = [other for other in instances if other.region.picture == number]
    others = [
        other for other in here if all(same_place(other.region, own.region) < 0.5 for own in one.instances)
    ]
    twins = [other for other in others if other.name == one.name]
    alone = clear_of_borders(first) and not any(reaches_into(other, place_words(first)) for other in others)
    word = side_word(first, twins) if twins and len(one.instances) == 1 else ""
    phrase = f"the {word} {one.name}".replace("  ", " ") if one.name else f"the thing {where}"
    x0 = min(own.region.box[0] for own in one.instances)
    y0 = min(own.region.box[1] for own in one.instances)
    x1 = max(own.region.box[2] for own in one.instances)
    y1 = max(own.region.box[3] for own in one.instances)
    spot = _spot((x0, y0, x1, y1), pictures[number])
    medium = _medium("picture", number, len(pictures))
    return Referent(one.name, phrase, where, spot, medium, alone)


def clear_of_borders(one: Instance) -> bool:
    """Whether a thing's centre keeps a distance from the borders of the ninths."""
    return all(abs(share - border) >= BORDER for share in centre(one) for border in (1 / 3, 2 / 3))


def reaches_into(one: Instance, words: set[str]) -> bool:
    """Whether a thing's box covers a part of a ninth of the picture."""
    starts = {"left": 0.0, "right": 2 / 3, "top": 0.0, "bottom": 2 / 3}
    column = next((starts[word] for word in words if word in ("left", "right")), 1 / 3)
    row = next((starts[word] for word in words if word in ("top", "bottom")), 1 / 3)
    x0, y0, x1, y1 = one.region.box
    height, width = one.size_hw
    across = min(x1 / width, column + 1 / 3) - max(x0 / width, column)
    down = min(y1 / height, row + 1 / 3) - max(y0 / height, row)
    return 9 * max(across, 0.0) * max(down, 0.0) > REACH


def side_word(one: Instance, twins: Sequence[Instance]) -> str:
    """What tells a thing from all others of its kind: "left", "right", "upper", "lower" or "" (nothing)."""
    x, y = centre(one)
    places = [centre(twin) for twin in twins]
    for word, distance in (
        ("left", min(other[0] - x for other in places)),
        ("right", min(x - other[0] for other in places)),
        ("upper", min(other[1] - y for other in places)),
        ("lower", min(y - other[1] for other in places)),
    ):
        if distance >= APART:
            return word
    return ""


def _heard(one: Pointed, heard: Sequence[Heard], sounds: Sequence[Sound]) -> Referent:
    if one.place.seconds is not None:
        start, end = one.place.seconds
        number = one.place.sound or 0
    else:
        start, end = one.heard[0].span.start_s, one.heard[-1].span.end_s
        number = one.heard[0].span.sound
    where = f"from {start:.1f} to {end:.1f} s"
    medium = _medium("sound", number, len(sounds))
    names = {other.name for other in heard if other.span.sound == number}
    phrase = f"the {one.name}" if one.name else "the sound"
    alone = names <= {one.name}
    return Referent(one.name, phrase, where, "", medium, alone, sound=True, nothing=not one.heard)


def _medium(kind: str, number: int, count: int) -> str:
    return f"{kind} {number + 1}" if count > 1 else f"the {kind}"


def _spot(box: tuple[float, float, float, float], picture: Picture) -> str:
    x0, y0, x1, y1 = (round(side) for side in box)
    size = f"of {picture.width} x {picture.height} pixels"
    if (x0, y0) == (x1, y1):
        return f"x {x0}, y {y0} {size}"
    return f"x {x0} to {x1}, y {y0} to {y1} {size}"
