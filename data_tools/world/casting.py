"""Chooses what a picture shows: the classes of its things, how many of each, and the place.

Training and validation never get a held-out pair or combination (see `holdout`); a held-out picture with two
or more different classes gets at least one wherever the wishes of the caller leave room for it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bubo.errors import InputError

from .holdout import combo_table, names_held_out, pair_table, scene_held_out
from .truth import split_code
from .vocabulary import OBJECTS, OBJECTS_BY_NAME, PLACES, PLACES_BY_NAME

MAX_THINGS = 8
EMPTY_SHARE = 0.02
REPEAT_SHARE = 0.37
"""Share of pictures that hold one class two to four times."""
_DISTINCT_SHARES = (0.17, 0.22, 0.22, 0.17, 0.11, 0.06, 0.03, 0.02)
_DISTINCT_WITH_REPEAT_SHARES = (0.28, 0.32, 0.24, 0.16)
_OBJECT_INDEX = {item.name: number for number, item in enumerate(OBJECTS)}
_PLACE_INDEX = {item.name: number for number, item in enumerate(PLACES)}

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Cast:
    """The place and the class of each thing, in no particular order; a class may come several times."""

    place: str
    names: tuple[str, ...]


def _check(names: Sequence[str], place: str | None, split: str, avoid: Collection[str]) -> None:
    split_code(split)
    for name in (*names, *avoid):
        if name not in OBJECTS_BY_NAME:
            raise InputError(f"{name!r} is not an object class of the world; vocabulary.OBJECTS lists them")
    if place is not None and place not in PLACES_BY_NAME:
        raise InputError(
            f"{place!r} is not a place of the world; expected one of {', '.join(PLACES_BY_NAME)}"
        )
    both = sorted(set(names) & set(avoid))
    if both:
        raise InputError(f"names and avoid both hold {', '.join(both)}; leave them out of one of the two")
    if len(names) > MAX_THINGS:
        raise InputError(f"got {len(names)} names, expected at most {MAX_THINGS} things in a picture")
    if split == "heldout":
        return
    if names_held_out(names) or (place is not None and scene_held_out(names, place)):
        raise InputError(
            f"{', '.join(names)}{' at ' + place if place else ''} is held out, but the split is {split!r}; "
            "choose names with holdout.scene_held_out or render it for the split 'heldout'"
        )


class _Chooser:
    """The open choice of one picture: what is in it so far and what may still come in."""

    def __init__(
        self,
        rng: np.random.Generator,
        names: Sequence[str],
        place: str | None,
        split: str,
        avoid: Collection[str],
    ) -> None:
        self.rng = rng
        self.train_like = split != "heldout"
        self.chosen = list(dict.fromkeys(_OBJECT_INDEX[name] for name in names))
        self.place = None if place is None else _PLACE_INDEX[place]
        self.free: Mask = np.ones(len(OBJECTS), bool)
        self.free[[_OBJECT_INDEX[name] for name in avoid]] = False
        self.free[self.chosen] = False

    def pick(self, candidates: Mask) -> int | None:
        """A random true index, or None where there is none."""
        indices = np.flatnonzero(candidates)
        return int(indices[self.rng.integers(len(indices))]) if len(indices) else None

    def choose_place(self) -> None:
        if self.place is not None:
            return
        held_out: Mask = np.any(combo_table()[self.chosen], axis=0)
        if self.train_like:
            self.place = self.pick(~held_out)
            if self.place is None:
                names = ", ".join(OBJECTS[index].name for index in self.chosen)
                raise InputError(
                    f"{names} have no common place outside the held-out combinations; name fewer"
                )
        elif held_out.any() and self.rng.random() < 0.5:
            self.place = self.pick(held_out)
        else:
            self.place = int(self.rng.integers(len(PLACES)))

    def is_held_out(self) -> bool:
        return bool(
            pair_table()[np.ix_(self.chosen, self.chosen)].any()
            or combo_table()[self.chosen, self.place].any()
        )

    def add(self, index: int | None) -> bool:
        if index is None:
            return False
        self.chosen.append(index)
        self.free[index] = False
        return True

    def add_any(self) -> bool:
        """One more class that the split allows."""
        candidates = self.free
        if self.train_like:
            candidates = candidates & ~combo_table()[:, self.place] & ~pair_table()[self.chosen].any(axis=0)
        return self.add(self.pick(candidates))

    def add_held_out(self) -> bool:
        """One more class that makes the picture a held-out one: by its place or by a partner."""
        by_place: Mask = self.free & combo_table()[:, self.place]
        by_partner: Mask = self.free & pair_table()[self.chosen].any(axis=0)
        first, second = (by_place, by_partner) if self.rng.random() < 0.4 else (by_partner, by_place)
        return self.add(self.pick(first)) or self.add(self.pick(second))


def _counts(rng: np.random.Generator, num_required: int) -> tuple[int, int]:
    """How many different classes a picture shows, and how often the repeated one comes (1: none is)."""
    if rng.random() < REPEAT_SHARE:
        distinct = int(rng.choice(len(_DISTINCT_WITH_REPEAT_SHARES), p=_DISTINCT_WITH_REPEAT_SHARES)) + 1
        copies = int(rng.integers(2, 5))
    else:
        distinct, copies = int(rng.choice(len(_DISTINCT_SHARES), p=_DISTINCT_SHARES)) + 1, 1
    return max(distinct, num_required), copies


def choose_cast(
    rng: np.random.Generator,
    names: Sequence[str] | None = None,
    place: str | None = None,
    split: str = "train",
    avoid: Collection[str] = (),
) -> Cast:
    """A place and 0 to 8 things that hold every one of ``names`` and none of ``avoid``.

    ``names=None`` leaves everything open, the empty sequence asks for a place with nothing in it.

    Raises:
        InputError: an unknown name, place or split; names that are also avoided, too many, or held out from
            the split.
    """
    required = list(names or ())
    _check(required, place, split, avoid)
    chooser = _Chooser(rng, required, place, split, avoid)
    if (names is None and rng.random() < EMPTY_SHARE) or (names is not None and not required):
        chooser.choose_place()
        return Cast(PLACES[chooser.place or 0].name, ())
    distinct, copies = _counts(rng, len(chooser.chosen))
    if not chooser.chosen and (chooser.train_like or rng.random() < 0.6):
        chooser.add(chooser.pick(chooser.free & ~_blocked_at(chooser)))
    chooser.choose_place()
    if not chooser.train_like and distinct >= 2 and not chooser.is_held_out():
        if len(chooser.chosen) >= distinct and len(required) < MAX_THINGS:
            distinct += 1
        chooser.add_held_out()
    while len(chooser.chosen) < distinct and chooser.add_any():
        pass
    things = _with_copies(rng, [OBJECTS[index].name for index in chooser.chosen], required, copies)
    return Cast(PLACES[chooser.place or 0].name, tuple(things))


def _blocked_at(chooser: _Chooser) -> Mask:
    """Classes that may not be the first one, because the wished place does not allow them."""
    if chooser.place is None or not chooser.train_like:
        return np.zeros(len(OBJECTS), bool)
    return np.asarray(combo_table()[:, chooser.place], bool)


def _with_copies(rng: np.random.Generator, chosen: list[str], required: list[str], copies: int) -> list[str]:
    """The list of things: repeats that were asked for, then ``copies`` of one class, at most `MAX_THINGS`."""
    things = list(required)
    things += [name for name in chosen if name not in required]
    if not things:
        return things
    if copies > 1:
        name = chosen[int(rng.integers(len(chosen)))]
        things += [name] * (copies - things.count(name))
        if rng.random() < 0.12:
            things.append(chosen[int(rng.integers(len(chosen)))])
    if len(things) > MAX_THINGS:
        del things[MAX_THINGS:]
    return things
