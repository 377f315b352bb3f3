"""What Bubo answers about a picture: one function per kind of question, from facts to a linked reply."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .facts import OPPOSITE, Facts, absent_phrase
from .truth import Thing
from .wording import POSITIONS, Phrase, compose, joined, pluralise

UNKNOWN_TEXT = "I see nothing that I know. I am a small demo model of a drawn world."
EMPTY_TEXT = "I see no things, only a scene {phrase}."
MAIN_SHARE = 0.7


@dataclass(frozen=True, slots=True)
class Reply:
    """An assistant turn before it becomes a record: text, links, and what evaluation and training need."""

    text: str
    links: tuple[dict[str, Any], ...]
    kind: str
    answer: dict[str, Any]
    about: tuple[str, ...] = ()
    compare: tuple[str, ...] = ()


def reply(
    rng: random.Random,
    kind: str,
    templates: Sequence[str],
    parts: dict[str, Any],
    answer: dict[str, Any],
    about: Sequence[str] = (),
    compare: Sequence[str] = (),
) -> Reply:
    """Say one of the templates; the first one in most cases."""
    main = len(templates) == 1 or rng.random() < MAIN_SHARE
    text, links = compose(templates[0] if main else rng.choice(templates[1:]), parts)
    return Reply(text, links, kind, answer, tuple(about), tuple(compare))


def thing_ids(things: Sequence[Thing]) -> tuple[str, ...]:
    """Return ids as they stand in `about`."""
    return tuple(f"t{thing.id}" for thing in things)


def event_ids(facts: Facts, *names: str) -> tuple[str, ...]:
    """Return the ids of all events of the named sound classes."""
    return tuple(f"e{event.id}" for name in names for event in facts.heard.get(name, ()))


# ---------------------------------------------------------------- the picture


def position(rng: random.Random, facts: Facts, thing: Thing, qualifier: str = "") -> Reply:
    """Say where a thing is; the qualifier ("left", "other") tells it from its twin."""
    noun = f"{qualifier} {thing.name}".strip()
    parts = {"x": facts.phrase(thing.name, [thing], noun=noun), "where": POSITIONS[thing.position]}
    answer = {"name": thing.name, "value": thing.position}
    templates = ("{x} is {where}.", "{x} is {where} of the picture.", "I see {x} {where}.")
    return reply(rng, "position", templates, parts, answer, thing_ids([thing]))


def positions(rng: random.Random, facts: Facts, name: str) -> Reply:
    """Say where each of several things of one class is."""
    group = facts.groups[name]
    spots = joined([f"one {POSITIONS[thing.position]}" for thing in group])
    parts = {"x": facts.phrase(name, group, "a"), "spots": spots}
    answer = {"name": name, "value": [thing.position for thing in group]}
    return reply(rng, "position", ("There are {x}: {spots}.",), parts, answer, thing_ids(group))


def count(rng: random.Random, facts: Facts, name: str) -> Reply:
    """Say how many things of a class there are, none included."""
    group = facts.groups.get(name, [])
    answer = {"name": name, "value": len(group)}
    if not group:
        parts: dict[str, Any] = {"x": absent_phrase(facts.words.plural(name))}
        return reply(rng, "count", ("There are no {x}.", "I see no {x}."), parts, answer)
    verb = "is" if len(group) == 1 else "are"
    noun = f"one {facts.words.one(name)}" if len(group) == 1 else facts.words.counted(name, len(group))
    parts = {"x": Phrase(noun, tuple(thing.id for thing in group)), "verb": verb}
    return reply(rng, "count", ("There {verb} {x}.", "I see {x}."), parts, answer, thing_ids(group))


def presence(rng: random.Random, facts: Facts, name: str) -> Reply:
    """Say whether the picture shows a class."""
    group = facts.groups.get(name, [])
    answer = {"name": name, "value": bool(group)}
    if not group:
        templates = ("No, there is no {x} in the picture.", "No, I see no {x}.")
        return reply(rng, "presence", templates, {"x": absent_phrase(name)}, answer)
    parts = {"x": facts.phrase(name, group, "a"), "verb": "is" if len(group) == 1 else "are"}
    templates = ("Yes, there {verb} {x}.", "Yes, I see {x}.")
    return reply(rng, "presence", templates, parts, answer, thing_ids(group))


def relation(rng: random.Random, facts: Facts, a: Thing, b: Thing, asked: str, true: str) -> Reply:
    """Say whether `a` lies to `b` as asked; if not, say how it lies."""
    value = asked == true
    parts = {
        "yes": "Yes" if value else "No",
        "a": facts.phrase(a.name, [a]),
        "b": facts.phrase(b.name, [b]),
        "rel": asked if value else OPPOSITE[asked],
    }
    answer = {"a": a.name, "b": b.name, "relation": asked, "value": value}
    return reply(
        rng, "relation", ("{yes}, {a} is {rel} {b}.",), parts, answer, thing_ids([a]), thing_ids([b])
    )


def further(rng: random.Random, facts: Facts, a: Thing, b: Thing, direction: str, first: bool) -> Reply:
    """Say where two things are, and from that which is further ("left", "right", "up", "down")."""
    winner = a if first else b
    said = {"left": "further left", "right": "further right", "up": "higher", "down": "lower"}[direction]
    parts = {
        "x": facts.phrase(winner.name, [winner]),
        "further": said,
        **{key: facts.phrase(thing.name, [thing]) for key, thing in (("a", a), ("b", b))},
        **{key: POSITIONS[thing.position] for key, thing in (("at_a", a), ("at_b", b))},
    }
    templates = ("{a} is {at_a} and {b} {at_b}: {x} is {further}.",)
    answer = {"a": a.name, "b": b.name, "direction": direction, "value": winner.name}
    return reply(rng, "further", templates, parts, answer, thing_ids([a]), thing_ids([b]))


def at_position(rng: random.Random, facts: Facts, where: str) -> Reply | None:
    """Name the one thing at a place; None when several classes are there or one only reaches into it."""
    found = facts.occupant(where)
    parts: dict[str, Any] = {"where": POSITIONS[where]}
    if not found:
        if facts.touches_centre_of(where):
            return None
        templates = ("There is nothing {where}.", "I see nothing {where}.")
        return reply(rng, "at_position", templates, parts, {"position": where, "value": None})
    if len({thing.name for thing in found}) > 1 or not all(facts.clear_position(thing) for thing in found):
        return None
    name = found[0].name
    parts |= {"x": facts.phrase(name, found, "a"), "verb": "is" if len(found) == 1 else "are"}
    answer = {"position": where, "value": name}
    templates = ("There {verb} {x} {where}.", "I see {x} {where}.")
    return reply(rng, "at_position", templates, parts, answer, thing_ids(found))


def colour(rng: random.Random, facts: Facts, thing: Thing) -> Reply:
    """Say the declared colour of a thing."""
    parts = {"x": facts.phrase(thing.name, [thing]), "colour": str(thing.colour)}
    answer = {"name": thing.name, "value": thing.colour}
    return reply(rng, "colour", ("{x} is {colour}.",), parts, answer, thing_ids([thing]))


def size(rng: random.Random, facts: Facts, thing: Thing) -> Reply:
    """Say whether a thing is small, medium or large."""
    parts = {"x": facts.phrase(thing.name, [thing]), "size": thing.size}
    said = "{x} is of medium size." if thing.size == "medium" else "{x} is {size}."
    return reply(rng, "size", (said,), parts, {"name": thing.name, "value": thing.size}, thing_ids([thing]))


def place(rng: random.Random, facts: Facts) -> Reply:
    """Name the background."""
    phrase = facts.words.places[facts.place]["phrase"]
    return reply(rng, "place", ("The scene is {phrase}.",), {"phrase": phrase}, {"value": facts.place})


def seen(facts: Facts) -> list[Any]:
    """Return the phrases of all things, as parts of a sentence."""
    return joined([facts.phrase(name, group, "a") for name, group in facts.groups.items()])


def counts(facts: Facts) -> dict[str, int]:
    """Return how many things of each class there are."""
    return {name: len(group) for name, group in facts.groups.items()}


def describe_picture(rng: random.Random, facts: Facts) -> Reply:
    """Name all things from left to right, and the place."""
    if not facts.known:
        return reply(rng, "unknown", (UNKNOWN_TEXT,), {}, {})
    answer = {"objects": counts(facts), "place": facts.place}
    parts = {"things": seen(facts), "phrase": facts.words.places[facts.place]["phrase"]}
    if not facts.things:
        return reply(rng, "describe_picture", (EMPTY_TEXT,), parts, answer)
    templates = (
        "I see {things} {phrase}.",
        "There {verb} {things} {phrase}.",
        "The picture shows {things} {phrase}.",
    )
    parts["verb"] = "is" if len(next(iter(facts.groups.values()))) == 1 else "are"
    return reply(rng, "describe_picture", templates, parts, answer, thing_ids(facts.things))


def list_objects(rng: random.Random, facts: Facts) -> Reply:
    """Name all things from left to right."""
    if not facts.things:
        return reply(rng, "unknown", (UNKNOWN_TEXT,), {}, {})
    parts = {"things": seen(facts)}
    answer = {"objects": counts(facts)}
    templates = ("I see {things}.", "From left to right: {things}.")
    return reply(rng, "list_objects", templates, parts, answer, thing_ids(facts.things))


def list_kind(rng: random.Random, facts: Facts, kind: str) -> Reply:
    """Name the things of a wider kind ("animal"), or say that there are none."""
    members = {
        name: group for name, group in facts.groups.items() if kind in facts.words.objects[name]["hypernyms"]
    }
    answer = {"objects": {name: len(group) for name, group in members.items()}, "of": kind}
    if not members:
        parts: dict[str, Any] = {"x": absent_phrase(pluralise(kind))}
        return reply(rng, "list_objects", ("I see no {x}.", "There are no {x}."), parts, answer)
    parts = {"things": joined([facts.phrase(name, group, "a") for name, group in members.items()])}
    about = thing_ids([thing for group in members.values() for thing in group])
    return reply(rng, "list_objects", ("I see {things}.",), parts, answer, about)


# ---------------------------------------------------------------- what is not there


def absent_objects(
    rng: random.Random, facts: Facts, names: Sequence[str], present: Thing | None = None
) -> Reply:
    """Say that things are not there; a present one that was asked along is placed."""
    answer = {"names": list(names)}
    parts: dict[str, Any] = {"x": joined([absent_phrase(name) for name in names], "or")}
    if present is not None:
        parts |= {"p": facts.phrase(present.name, [present]), "where": POSITIONS[present.position]}
        templates: tuple[str, ...] = (
            "There is no {x} here, but {p} is {where}.",
            "I see no {x}, but {p} is {where}.",
        )
        return reply(rng, "absent", templates, parts, answer, thing_ids([present]))
    return reply(rng, "absent", ("There is no {x} here.", "I see no {x} in the picture."), parts, answer)


def absent_sound(rng: random.Random, name: str) -> Reply:
    """Say that a sound is not heard."""
    parts = {"x": absent_phrase(name)}
    templates = ("I hear no {x}.", "There is no {x} in the sound.")
    return reply(rng, "absent", templates, parts, {"names": [name]})


def unknown(rng: random.Random) -> Reply:
    """Say that nothing in the picture is known."""
    return reply(rng, "unknown", (UNKNOWN_TEXT,), {}, {})


def plain(kind: str, text: str) -> Reply:
    """Return a reply of plain text without links."""
    return Reply(text, (), kind, {})
