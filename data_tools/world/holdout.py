"""Combinations that training and validation never show, so that the held-out split measures more than memory.

About 6 % of the unordered pairs of object classes, 6 % of the combinations of an object with a place, and
8 % of the mixtures of two sounds are held out, chosen by a hash of their names: the choice depends on nothing
else and stays the same when classes are added. Held-out glyphs are marked in `vocabulary`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from .vocabulary import OBJECTS, PLACES

PAIR_SHARE = 0.06
COMBO_SHARE = 0.06
MIXTURE_SHARE = 0.08
_SCALE = float(2**64)


def _share(kind: str, first: str, second: str) -> float:
    """A number in [0, 1) that depends on the three words only."""
    digest = hashlib.blake2b("\x1f".join((kind, first, second)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / _SCALE


def pair_held_out(a: str, b: str) -> bool:
    """Whether two different object classes never meet in a training picture."""
    first, second = sorted((a, b))
    return first != second and _share("pair", first, second) < PAIR_SHARE


def combo_held_out(obj: str, place: str) -> bool:
    """Whether an object class is never shown at a place in training."""
    return _share("combo", obj, place) < COMBO_SHARE


def mixture_held_out(a: str, b: str) -> bool:
    """Whether two different sound classes are never mixed in a training clip."""
    first, second = sorted((a, b))
    return first != second and _share("mixture", first, second) < MIXTURE_SHARE


def scene_held_out(names: Sequence[str], place: str) -> bool:
    """Whether a picture of these classes at this place holds at least one held-out pair or combination."""
    distinct = sorted(set(names))
    return any(combo_held_out(name, place) for name in distinct) or names_held_out(distinct)


def names_held_out(names: Sequence[str]) -> bool:
    """Whether some two of these object classes are held out as a pair."""
    return any(pair_held_out(a, b) for a, b in combinations(sorted(set(names)), 2))


def clip_held_out(names: Sequence[str]) -> bool:
    """Whether some two of these sound classes are held out as a mixture."""
    return any(mixture_held_out(a, b) for a, b in combinations(sorted(set(names)), 2))


@cache
def pair_table() -> NDArray[np.bool_]:
    """`pair_held_out` for all object classes, (N, N), in the order of the vocabulary."""
    names = [item.name for item in OBJECTS]
    return np.array([[pair_held_out(a, b) for b in names] for a in names])


@cache
def combo_table() -> NDArray[np.bool_]:
    """`combo_held_out` for all object classes and places, (N, P), in the order of the vocabulary."""
    return np.array([[combo_held_out(item.name, place.name) for place in PLACES] for item in OBJECTS])
