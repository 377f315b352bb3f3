"""Telling instances apart: by place, colour, size, order and relation."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from bubo.grounding import words as w
from bubo.grounding.nouns import Mention
from bubo.grounding.perception import Instance
from bubo.types import Region

# A colour counts for several things only if it covers at least this share of each.
COLOUR_SHARE = 0.2
MAX_COLOUR_PIXELS = 20_000
SUREST = "the surest"
# Colours that border on each other, so that one person's red is the next one's orange.
NEAR_COLOURS = {
    "red": ("orange", "pink", "brown"), "orange": ("red", "yellow", "brown"), "yellow": ("orange",),
    "green": ("yellow",), "blue": ("purple",), "purple": ("blue", "pink"), "pink": ("red", "purple"),
    "brown": ("orange", "red"), "black": ("grey",), "white": ("grey",), "grey": ("white", "black"),
}  # fmt: skip


def centre(instance: Instance) -> tuple[float, float]:
    """Centre of the box as shares of width and height, each 0 to 1."""
    x0, y0, x1, y1 = instance.region.box
    height, width = instance.size_hw
    return (x0 + x1) / 2 / width, (y0 + y1) / 2 / height


def area_share(instance: Instance) -> float:
    """Area of the mask (or box) as a share of its picture."""
    height, width = instance.size_hw
    mask = instance.region.mask
    if mask is not None:
        return float(np.count_nonzero(mask)) / (height * width)
    x0, y0, x1, y1 = instance.region.box
    return (x1 - x0) * (y1 - y0) / (height * width)


def place_fit(where: Sequence[str], instance: Instance) -> float:
    """How well a thing fits place words ("top", "left", ...), 0 to 1; best in the third they name."""
    x, y = centre(instance)
    fit = {"left": 1 - x, "right": x, "top": 1 - y, "bottom": y}
    named = [place for place in where if place in fit]
    if not named:
        return 1 - 2 * max(abs(x - 0.5), abs(y - 0.5)) if where else 0.0
    score = sum(fit[place] for place in named) / len(named)
    return (score + (place_words(instance) == set(named))) / 2


def place_words(instance: Instance) -> set[str]:
    """The words for the third of the picture where a thing's centre is: "top", "left"; none in the middle."""
    x, y = centre(instance)
    row = "top" if y < 1 / 3 else "bottom" if y >= 2 / 3 else ""
    column = "left" if x < 1 / 3 else "right" if x >= 2 / 3 else ""
    return {row, column} - {""}


def fits_side(mention: Mention, instance: Instance, candidates: Sequence[Instance]) -> bool:
    """Whether a thing is the one that a phrase with a side ("the left dog") means; without one any is."""
    named = [
        place
        for place, words in (
            ("left", w.LEFT_WORDS),
            ("right", w.RIGHT_WORDS),
            ("top", w.TOP_WORDS),
            ("bottom", w.BOTTOM_WORDS),
        )
        if words & set(mention.words)
    ]
    best = max((place_fit(named, one) for one in candidates), default=0.0)
    return not named or place_fit(named, instance) >= best


def in_place(where: Sequence[str], instance: Instance) -> bool:
    """Whether a thing lies in the named half of its picture on each axis; near the middle for "centre"."""
    x, y = centre(instance)
    tests = {"left": x < 0.5, "right": x > 0.5, "top": y < 0.5, "bottom": y > 0.5}
    named = [place for place in where if place in tests]
    if not named:
        return max(abs(x - 0.5), abs(y - 0.5)) < 1 / 3
    return all(tests[place] for place in named)


def relation_fit(kind: str, instance: Instance, other: Instance) -> float:
    """How well a thing stands in a relation to another one of the same picture, 0 to 1."""
    if instance is other or instance.region.picture != other.region.picture:
        return 0.0
    (x, y), (other_x, other_y) = centre(instance), centre(other)
    if kind == "near":
        return max(0.0, 1 - float(np.hypot(x - other_x, y - other_y)))
    gap = {"left": other_x - x, "right": x - other_x, "above": other_y - y, "below": y - other_y}[kind]
    return float(np.clip(0.5 + 2 * gap, 0, 1))


def described_by(mention: Mention, colours: Mapping[str, str]) -> tuple[list[str], str]:
    """The colours (in the lexicon's words) and the size ("small", "large", "") that a text gives a thing."""
    words = (*mention.words, *mention.said)
    size = "small" if w.SMALL_WORDS & set(words) else "large" if w.LARGE_WORDS & set(words) else ""
    return [colours[word] for word in words if word in colours], size


def lacks_colour(instance: Instance, colour: str) -> bool:
    """Whether less than `COLOUR_SHARE` of a thing has a colour or one that borders on it.

    False if nothing is known of its colours. Of 400 validation records, counted once, this is so of no true
    colour of a thing and of 72 % of all others.
    """
    near = (colour, *NEAR_COLOURS.get(colour, ()))
    return bool(instance.colours) and sum(instance.colours.get(one, 0.0) for one in near) < COLOUR_SHARE


def choose(
    mention: Mention,
    candidates: Sequence[Instance],
    colours: Mapping[str, str],
    others: Sequence[Instance] = (),
) -> tuple[list[Instance], str]:
    """Picks the things that a phrase means among all that its noun fits.

    Args:
        mention: The phrase.
        candidates: At least one thing.
        colours: Colour words of the lexicon.
        others: What the phrase is related to ("left of the tree"), if anything.

    Returns:
        The chosen things from left to right, and why in a few words (empty if there was nothing to choose).
    """
    wanted = mention.number if mention.number is not None else (None if mention.plural else 1)
    named, size = described_by(mention, colours)
    why = _reason(mention, named, size, others)
    if mention.ordinal is not None and len(candidates) > 1 and not mention.where:
        ordered = sorted(candidates, key=lambda one: (one.region.picture, centre(one)))
        if mention.ordinal < len(ordered):
            return [ordered[mention.ordinal]], "counted from the left"
    if wanted is None:
        kept = [one for one in candidates if _fits_all(mention, one, named)]
        kept = kept if len(kept) > 1 and len(kept) < len(candidates) else list(candidates)
        return kept, why if len(kept) < len(candidates) else ""
    if wanted >= len(candidates) or wanted < 1:
        return list(candidates), ""
    areas = sorted(area_share(one) for one in candidates)

    def fit(one: Instance) -> tuple[float, float]:
        score = 2 * sum(one.colours.get(colour, 0.0) for colour in named)
        if size:
            rank = areas.index(area_share(one)) / (len(areas) - 1)
            score += rank if size == "large" else 1 - rank
        score += 1.5 * place_fit(mention.where, one)
        if mention.relation is not None and others:
            score += max(relation_fit(mention.relation[0], one, other) for other in others)
        return -score, -one.region.score

    order = {id(one): number for number, one in enumerate(candidates)}
    chosen = sorted(candidates, key=fit)[:wanted]
    return sorted(chosen, key=lambda one: order[id(one)]), why or SUREST


def _fits_all(mention: Mention, one: Instance, colours: Sequence[str]) -> bool:
    return (not mention.where or in_place(mention.where, one)) and all(
        one.colours.get(colour, 0.0) >= COLOUR_SHARE for colour in colours
    )


def _reason(mention: Mention, colours: Sequence[str], size: str, others: Sequence[Instance]) -> str:
    parts = []
    if mention.where:
        parts.append("place " + " ".join(mention.where))
    if colours:
        parts.append("colour " + " ".join(colours))
    if size:
        parts.append("size " + size)
    if mention.relation is not None and others:
        parts.append("relation " + mention.relation[0])
    return ", ".join(parts)


def colours_of(pixels: NDArray[np.uint8], region: Region) -> dict[str, float]:
    """Share of a region's pixels that have each basic colour.

    Args:
        pixels: (H, W, 3) uint8 RGB of the region's picture.
        region: Its mask decides; without one the box does.

    Returns:
        Colour word -> share, of red, orange, yellow, green, blue, purple, pink, brown, black, white, grey.
    """
    height, width = pixels.shape[:2]
    x0, y0, x1, y1 = (round(side) for side in region.box)
    window = (slice(max(y0, 0), min(max(y1, y0 + 1), height)), slice(max(x0, 0), min(max(x1, x0 + 1), width)))
    inside = pixels[window].reshape(-1, 3)
    mask = region.mask
    if mask is not None:
        inside = inside[mask[window].ravel()]
    if not len(inside):
        return {}
    step = max(1, len(inside) // MAX_COLOUR_PIXELS)
    names = _colour_names(inside[::step].astype(np.float32) / np.float32(255))
    found, counts = np.unique(names, return_counts=True)
    return {str(name): float(count) / len(names) for name, count in zip(found, counts, strict=True)}


def _colour_names(rgb: NDArray[np.float32]) -> NDArray[np.str_]:
    """The basic word for each colour (N, 3), by hue where it is saturated and by lightness where not."""
    value = rgb.max(axis=1)
    chroma = value - rgb.min(axis=1)
    saturation = chroma / np.maximum(value, 1e-6)
    red, green, blue = rgb.T
    safe = np.maximum(chroma, 1e-6)
    hue = np.where(
        value == red,
        (green - blue) / safe % 6,
        np.where(value == green, (blue - red) / safe + 2, (red - green) / safe + 4),
    )
    hue = hue * 60  # degrees
    edges = np.array([15, 40, 70, 165, 255, 290, 340])
    wheel = np.array(["red", "orange", "yellow", "green", "blue", "purple", "pink", "red"])
    names = wheel[np.searchsorted(edges, hue, side="right")]
    warm = (hue < 45) | (hue > 345)
    names = np.where(warm & (value < 0.7) & (saturation > 0.25), "brown", names)
    names = np.where(warm & (value > 0.75) & (saturation < 0.5), "pink", names)
    dull = saturation < 0.18
    names = np.where(dull, np.where(value > 0.82, "white", "grey"), names)
    colours: NDArray[np.str_] = np.where(value < 0.22, "black", names)
    return colours
