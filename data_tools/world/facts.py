"""What can be asked about one sample: its truth, grouped by class and ready for sentences."""

import random
from collections.abc import Sequence

from .truth import Event, Sample, Thing
from .wording import Phrase, Words, indefinite

BORDER_MARGIN = 0.02
RELATION_MARGIN = 0.08
OPPOSITE = {"left of": "right of", "right of": "left of", "above": "below", "below": "above"}


class Facts:
    """The facts of one sample.

    Attributes:
        things: things of the picture from left to right by box centre.
        groups: class name -> its things, classes in the order of their leftmost thing.
        events: events of the sound in order of their start.
        heard: class name -> its events, classes in the order of their first start.
        made_by: event class -> the things of the picture that make it (empty when none does).
    """

    def __init__(self, sample: Sample, words: Words) -> None:
        self.sample = sample
        self.words = words
        scene, clip = sample.scene, sample.clip
        self.has_picture, self.has_sound = scene is not None, clip is not None
        self.height, self.width = scene.pixels.shape[:2] if scene is not None else (1, 1)
        self.centres = {} if scene is None else {thing.id: _centre(thing) for thing in scene.things}
        self.things: list[Thing] = (
            [] if scene is None else sorted(scene.things, key=lambda t: self.centres[t.id])
        )
        self.groups: dict[str, list[Thing]] = {}
        for thing in self.things:
            self.groups.setdefault(thing.name, []).append(thing)
        self.by_id = {thing.id: thing for thing in self.things}
        self.place = scene.place if scene is not None else ""
        self.events: list[Event] = (
            [] if clip is None else sorted(clip.events, key=lambda e: (e.start_s, e.id))
        )
        self.heard: dict[str, list[Event]] = {}
        for event in self.events:
            self.heard.setdefault(event.name, []).append(event)
        self.noise = "" if clip is None else (clip.noise or "")
        self.made_by = {
            name: [
                self.by_id[i] for i in dict.fromkeys(i for e in events for i in sample.sources.get(e.id, ()))
            ]
            for name, events in self.heard.items()
        }
        self.single = [name for name, group in self.groups.items() if len(group) == 1]
        self.several = [name for name, group in self.groups.items() if len(group) > 1]
        self.known = bool(self.things or self.place)

    def clear_position(self, thing: Thing) -> bool:
        """Tell whether the thing's centre keeps a margin from the borders of the nine places."""
        x, y = self.centres[thing.id]
        shares = (x / self.width, y / self.height)
        return all(abs(share - border) >= BORDER_MARGIN for share in shares for border in (1 / 3, 2 / 3))

    def relation(self, a: Thing, b: Thing, axis: str) -> str | None:
        """Return how `a` lies to `b` along "x" or "y", or None when it is too close to say."""
        index, size = (0, self.width) if axis == "x" else (1, self.height)
        offset = (self.centres[a.id][index] - self.centres[b.id][index]) / size
        if abs(offset) < RELATION_MARGIN:
            return None
        before, after = ("left of", "right of") if axis == "x" else ("above", "below")
        return before if offset < 0 else after

    def pair_apart(self, name: str) -> tuple[tuple[str, Thing], tuple[str, Thing]] | None:
        """Return both things of a class of two with words for each: left and right, or upper and lower."""
        group = self.groups.get(name, [])
        if len(group) != 2:
            return None
        a, b = group
        (ax, ay), (bx, by) = self.centres[a.id], self.centres[b.id]
        if abs(ax - bx) >= 2 * RELATION_MARGIN * self.width:
            return (("left", a), ("right", b)) if ax < bx else (("right", a), ("left", b))
        if abs(ay - by) >= 2 * RELATION_MARGIN * self.height:
            return (("upper", a), ("lower", b)) if ay < by else (("lower", a), ("upper", b))
        return None

    def occupant(self, position: str) -> list[Thing]:
        """Return the things whose box centre lies in one of the nine places."""
        return [thing for thing in self.things if thing.position == position]

    def touches_centre_of(self, position: str) -> bool:
        """Tell whether any thing covers the middle point of one of the nine places."""
        column = 0 if "left" in position else 2 if "right" in position else 1
        row = 0 if "top" in position else 2 if "bottom" in position else 1
        x, y = self.width * (2 * column + 1) / 6, self.height * (2 * row + 1) / 6
        return any(
            t.box_xyxy[0] <= x <= t.box_xyxy[2] and t.box_xyxy[1] <= y <= t.box_xyxy[3] for t in self.things
        )

    def absent_object(self, rng: random.Random, avoid: Sequence[str] = ()) -> str:
        """Pick a class that the picture does not show: often one that is heard, or like one that is there."""
        words = self.words
        roll = rng.random()
        candidates: Sequence[str] = ()
        if roll < 0.25 and self.heard:
            candidates = words.sources.get(rng.choice(list(self.heard)), ())
        elif roll < 0.5 and self.groups:
            candidates = words.sharing.get(rng.choice(list(self.groups)), ())
        for _ in range(8):
            name = rng.choice(candidates or words.object_names)
            if name not in self.groups and name not in avoid and self.is_plain(name):
                return name
            candidates = ()
        return next(name for name in words.object_names if name not in self.groups and self.is_plain(name))

    def is_plain(self, name: str) -> bool:
        """Tell whether no other class in the picture could be called so too, as a police car a car."""
        return bool(self.words.inside[name].isdisjoint(self.groups))

    def absent_sound(self, rng: random.Random) -> str:
        """Pick a sound class that is not heard: sometimes one that a thing of the picture could make."""
        makers: list[str] = [
            s
            for name in self.groups
            for s in self.words.objects[name].get("sounds", ())
            if s not in self.heard
        ]
        if makers and rng.random() < 0.4:
            return rng.choice(makers)
        return rng.choice([name for name in self.words.sound_names if name not in self.heard])

    def phrase(self, name: str, things: Sequence[Thing], article: str = "the", *, noun: str = "") -> Phrase:
        """Return a linked phrase for things of one class; article "the" or "a" (a number for several)."""
        words = self.words
        if article == "the":
            text = f"the {noun or (name if len(things) == 1 else words.plural(name))}"
        else:
            text = words.counted(name, len(things))
        return Phrase(text, tuple(thing.id for thing in things), (), "seen")

    def sound_phrase(self, name: str, article: str = "the") -> Phrase:
        """Return a linked phrase for a heard sound class."""
        text = f"the {name}" if article == "the" else self.words.heard(name)
        return Phrase(text, (), tuple(event.id for event in self.heard.get(name, ())), "heard")


def absent_phrase(text: str, article: str = "") -> Phrase:
    """Return the phrase of something that is not there."""
    return Phrase({"": text, "a": indefinite(text), "the": f"the {text}"}[article], (), (), "absent")


def _centre(thing: Thing) -> tuple[float, float]:
    x0, y0, x1, y1 = (float(value) for value in thing.box_xyxy)
    return (x0 + x1) / 2, (y0 + y1) / 2
