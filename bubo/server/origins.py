"""Where each shown character of a markdown text stood in what was written.

A markdown parser does not tell. So it is given the text with each letter and digit replaced by a sign of its
own, from a private area of Unicode: to the rules of markdown these are letters like any other, and wherever
one comes out, its number says where it was. Punctuation, which the rules look at, stays as it is and is found
between the marked letters around it.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field

__all__ = ["Leaf", "mark", "place_leaves", "unmark"]

# The supplementary private use areas; the last two signs of each plane are no characters.
_FIRST = 0xF0000
_PLANE = 0xFFFE
_MAX_MARKED = 2 * _PLANE
_PRIVATE = re.compile(r"[\U000F0000-\U0010FFFF]")
# Letters and digits that the rules do look at: numbers of lists, entities, and addresses between < and >.
_STRUCTURE = re.compile(
    r"^(?:[^\w\n]*[0-9]{1,9}[.)])+"
    r"|&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});"
    r"|<[^<>\s]*>",
    re.MULTILINE,
)


@dataclass
class Leaf:
    """A run of shown characters, and where each stood.

    Args:
        text: The characters; marked ones until `place_leaves` was called.
        places: Of each the code point in the written text, never falling.
    """

    text: str
    places: list[int] = field(default_factory=list)


def mark(text: str) -> str:
    """The text with its letters and digits replaced by signs of their places; it has the same length."""
    signs = list(_PRIVATE.sub("\N{REPLACEMENT CHARACTER}", text))
    plain = {place for found in _STRUCTURE.finditer(text) for place in range(*found.span())}
    for place, character in enumerate(signs[:_MAX_MARKED]):
        if unicodedata.category(character)[0] in "LNM" and place not in plain:
            signs[place] = _sign(place)
    return "".join(signs)


def unmark(marked: str, text: str) -> str:
    """What a part of `mark(text)` was."""
    return _PRIVATE.sub(lambda found: text[_place(found[0])], marked)


def place_leaves(text: str, leaves: Iterable[Leaf]) -> None:
    """Gives leaves, in the order in which they are shown, their characters and places back."""
    leaves = list(leaves)
    places = [_place(sign) for leaf in leaves for sign in leaf.text]
    bounds, bound = [0] * len(places), len(text)
    for number in range(len(places) - 1, -1, -1):
        bound = bounds[number] = places[number] if places[number] >= 0 else bound
    number, last = 0, -1
    for leaf in leaves:
        leaf.places = []
        for character in leaf.text:
            place = places[number]
            if place < 0:
                place = text.find(character, last + 1, bounds[number])
            if place < 0:  # an entity, or a sign that markdown replaces
                place = max(last, min(last + 1, bounds[number] - 1), 0)
            leaf.places.append(place)
            number, last = number + 1, place
        leaf.text = unmark(leaf.text, text)


def _sign(place: int) -> str:
    return chr(_FIRST + place if place < _PLANE else _FIRST + 0x10000 + place - _PLANE)


def _place(sign: str) -> int:
    """The place a sign stands for; -1 for all other characters."""
    code = ord(sign) - _FIRST
    if code < 0:
        return -1
    return code if code < 0x10000 else code - 0x10000 + _PLANE
