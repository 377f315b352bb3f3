"""Single questions: per kind, what to ask about a sample so that the answer is certain."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from . import answers, sound_answers
from .answers import Reply
from .asking import Asker
from .facts import OPPOSITE, Facts
from .talk import TALK, TOPICS
from .truth import Thing
from .wording import POSITIONS, pluralise

MANY_SHARE = 0.65
SKIPPED_COUNT_SHARE = 0.4
MOST_COUNTED = 4
EMPTY_SHARE = 0.25
TWIN_SHARE = 0.35
ABSENT_SHARE = 0.5
COUNTABLE_KINDS = frozenset(
    {
        "animal", "pet", "farm animal", "wild animal", "sea animal", "water animal", "insect", "reptile",
        "vehicle",
        "emergency vehicle", "vessel", "instrument", "string instrument", "wind instrument", "device", "tool",
        "fruit", "vegetable", "dessert", "plant", "ball", "toy", "building",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question with its reply, and what "it" means afterwards: an object class, its thing, a sound."""

    question: str
    reply: Reply
    name: str = ""
    thing: Thing | None = None
    sound: str = ""


Maker = Callable[[Asker, Facts], Exchange | None]


def _clear_single(asker: Asker, facts: Facts) -> Thing | None:
    names = [name for name in facts.single if facts.clear_position(facts.groups[name][0])]
    return facts.groups[asker.rng.choice(names)][0] if names else None


def position(asker: Asker, facts: Facts) -> Exchange | None:
    """Ask where the only thing of a class is, or one of two told apart by "left" or "upper"."""
    rng = asker.rng
    if facts.several and (not facts.single or rng.random() < TWIN_SHARE):
        name = rng.choice(facts.several)
        pair = facts.pair_apart(name)
        if pair is not None:
            word, thing = rng.choice(pair)
            if facts.clear_position(thing):
                question = asker.ask("position", **asker.thing(name, qualifier=word))
                return Exchange(question, answers.position(rng, facts, thing, word), name, thing)
    thing = _clear_single(asker, facts)  # type: ignore[assignment]
    if thing is None:
        return None
    question = asker.ask("position", **asker.thing(thing.name))
    return Exchange(question, answers.position(rng, facts, thing), thing.name, thing)


def count(asker: Asker, facts: Facts) -> Exchange | None:
    """Ask how many things of a class there are: mostly of one with several, sometimes of an absent one."""
    rng = asker.rng
    if not facts.things:
        return None
    if not facts.several and rng.random() < SKIPPED_COUNT_SHARE:
        return None
    if facts.several and rng.random() < MANY_SHARE:
        name = rng.choice(facts.several)
    elif rng.random() < EMPTY_SHARE:
        name = facts.absent_object(rng)
    else:
        name = rng.choice(list(facts.groups))
    if len(facts.groups.get(name, ())) > MOST_COUNTED or not facts.is_plain(name):
        return None
    reply = answers.count(rng, facts, name)
    return Exchange(asker.ask("count", **asker.thing(name)), reply, name if name in facts.groups else "")


def presence(asker: Asker, facts: Facts) -> Exchange | None:
    """Ask whether a class is there; as often no as yes."""
    rng = asker.rng
    if not facts.things:
        return None
    name = facts.absent_object(rng) if rng.random() < ABSENT_SHARE else rng.choice(list(facts.groups))
    group = facts.groups.get(name, [])
    thing = group[0] if len(group) == 1 else None
    reply = answers.presence(rng, facts, name)
    return Exchange(asker.ask("presence", **asker.thing(name)), reply, name if group else "", thing)


def _two_singles(asker: Asker, facts: Facts) -> tuple[Thing, Thing] | None:
    if len(facts.single) < 2:
        return None
    first, second = asker.rng.sample(facts.single, 2)
    return facts.groups[first][0], facts.groups[second][0]


def relation(asker: Asker, facts: Facts) -> Exchange | None:
    """Ask how one thing lies to another; as often no as yes."""
    rng = asker.rng
    two = _two_singles(asker, facts)
    true = facts.relation(*two, rng.choice("xy")) if two else None
    if two is None or true is None:
        return None
    asked = true if rng.random() < 0.5 else OPPOSITE[true]
    a, b = two
    slots = {**asker.thing(a.name), **asker.thing(b.name, "2"), "relation": asker.relation(asked)}
    reply = answers.relation(rng, facts, a, b, asked, true)
    return Exchange(asker.ask("relation", **slots), reply, a.name, a)


def further(asker: Asker, facts: Facts) -> Exchange | None:
    """Ask which of two things is further to a side."""
    rng = asker.rng
    two = _two_singles(asker, facts)
    axis = rng.choice("xy")
    true = facts.relation(*two, axis) if two else None
    if two is None or true is None or not all(facts.clear_position(thing) for thing in two):
        return None
    a, b = two
    direction = rng.choice(("left", "right") if axis == "x" else ("up", "down"))
    first = (true in ("left of", "above")) == (direction in ("left", "up"))
    slots = {**asker.thing(a.name), **asker.thing(b.name, "2"), "further": asker.further(direction)}
    winner = a if first else b
    return Exchange(
        asker.ask("further", **slots),
        answers.further(rng, facts, a, b, direction, first),
        winner.name,
        winner,
    )


def at_position(asker: Asker, facts: Facts) -> Exchange | None:
    """Ask what is at one of the nine places; sometimes nothing is."""
    rng = asker.rng
    if not facts.things:
        return None
    taken = [thing.position for thing in facts.things]
    where = rng.choice(taken) if rng.random() < 0.8 else rng.choice(list(POSITIONS))
    reply = answers.at_position(rng, facts, where)
    if reply is None:
        return None
    found = facts.occupant(where)
    name = found[0].name if found else ""
    thing = found[0] if name in facts.single else None
    return Exchange(asker.ask("at_position", where=asker.where(where)), reply, name if thing else "", thing)


def colour(asker: Asker, facts: Facts) -> Exchange | None:
    """Ask for the declared colour of the only thing of a class."""
    names = [name for name in facts.single if facts.groups[name][0].colour]
    if not names:
        return None
    thing = facts.groups[asker.rng.choice(names)][0]
    question = asker.ask("colour", **asker.thing(thing.name))
    return Exchange(question, answers.colour(asker.rng, facts, thing), thing.name, thing)


def size(asker: Asker, facts: Facts) -> Exchange | None:
    """Ask for the size of the only thing of a class."""
    if not facts.single:
        return None
    thing = facts.groups[asker.rng.choice(facts.single)][0]
    question = asker.ask("size", **asker.thing(thing.name))
    return Exchange(question, answers.size(asker.rng, facts, thing), thing.name, thing)


def place(asker: Asker, facts: Facts) -> Exchange | None:
    """Ask for the background."""
    return Exchange(asker.ask("place"), answers.place(asker.rng, facts)) if facts.place else None


def describe_picture(asker: Asker, facts: Facts) -> Exchange | None:
    """Ask for a description of the picture."""
    if not facts.place:
        return None
    return Exchange(asker.ask("describe_picture"), answers.describe_picture(asker.rng, facts))


def list_objects(asker: Asker, facts: Facts) -> Exchange | None:
    """Ask for the objects alone."""
    return (
        Exchange(asker.ask("list_objects"), answers.list_objects(asker.rng, facts)) if facts.things else None
    )


def list_kind(asker: Asker, facts: Facts) -> Exchange | None:
    """Ask for the things of a wider kind: "Which animals do you see?"."""
    if not facts.things:
        return None
    words = facts.words
    name = (
        facts.absent_object(asker.rng) if asker.rng.random() < 0.2 else asker.rng.choice(list(facts.groups))
    )
    kinds = [word for word in words.objects[name]["hypernyms"] if word in COUNTABLE_KINDS]
    if not kinds:
        return None
    kind = asker.rng.choice(kinds)
    return Exchange(asker.ask("list_kind", names=pluralise(kind)), answers.list_kind(asker.rng, facts, kind))


def describe_sound(asker: Asker, facts: Facts) -> Exchange | None:
    """Ask what is heard."""
    if not facts.has_sound:
        return None
    sound = next(iter(facts.heard)) if len(facts.heard) == 1 else ""
    return Exchange(asker.ask("describe_sound"), sound_answers.describe_sound(asker.rng, facts), sound=sound)


def describe_both(asker: Asker, facts: Facts) -> Exchange | None:
    """Ask for picture and sound at once."""
    if not (facts.has_sound and facts.has_picture):
        return None
    return Exchange(asker.ask("describe_both"), sound_answers.describe_both(asker.rng, facts))


def presence_sound(asker: Asker, facts: Facts) -> Exchange | None:
    """Ask whether a sound is heard; as often no as yes."""
    rng = asker.rng
    if not facts.has_sound:
        return None
    there = facts.heard and rng.random() >= ABSENT_SHARE
    name = rng.choice(list(facts.heard)) if there else facts.absent_sound(rng)
    reply = sound_answers.presence_sound(rng, facts, name)
    return Exchange(asker.ask("presence_sound", **asker.sound(name)), reply, sound=name if there else "")


def when(asker: Asker, facts: Facts) -> Exchange | None:
    """Ask when a sound that comes once is heard."""
    names = [name for name, events in facts.heard.items() if len(events) == 1]
    if not names:
        return None
    name = asker.rng.choice(names)
    reply = sound_answers.when(asker.rng, facts, name)
    return Exchange(asker.ask("when", **asker.sound(name)), reply, sound=name) if reply else None


def source(asker: Asker, facts: Facts) -> Exchange | None:
    """Ask what makes a sound."""
    if not (facts.has_picture and facts.heard and facts.known):
        return None
    name = asker.rng.choice(list(facts.heard))
    reply = sound_answers.source(asker.rng, facts, name)
    if reply is None:
        return None
    only = len(facts.heard) == 1 and asker.rng.random() < 0.4
    question = asker.ask("source_only") if only else asker.ask("source", **asker.sound(name))
    makers = facts.made_by[name]
    maker = makers[0] if len(makers) == 1 else None
    return Exchange(question, reply, makers[0].name if makers else "", maker, name)


def verdict(asker: Asker, facts: Facts) -> Exchange | None:
    """Ask whether picture and sound belong together; seldom where nothing can be said."""
    if not (facts.has_picture and facts.has_sound and facts.known):
        return None
    if facts.sample.pair not in ("match", "partly", "mismatch") and asker.rng.random() < 0.5:
        return None
    reply = sound_answers.verdict(asker.rng, facts)
    return Exchange(asker.ask("verdict"), reply) if reply else None


def absent(asker: Asker, facts: Facts) -> Exchange | None:
    """Ask about things or sounds as if they were there."""
    rng = asker.rng
    if facts.has_sound and (not facts.things or rng.random() < 0.3):
        name = facts.absent_sound(rng)
        key = "source" if facts.things and rng.random() < 0.5 else "when"
        return Exchange(asker.ask(key, **asker.sound(name)), answers.absent_sound(rng, name))
    if not facts.things:
        return None
    name = facts.absent_object(rng)
    slots = asker.thing(name)
    roll = rng.random()
    clear = _clear_single(asker, facts)
    if roll < 0.3 and clear is not None:
        other = asker.thing(clear.name, "2")
        if rng.random() < 0.5:
            slots, other = asker.thing(clear.name), asker.thing(name, "2")
        reply = answers.absent_objects(rng, facts, [name], clear)
        return Exchange(asker.ask("both_here", **slots, **other), reply, clear.name, clear)
    if roll < 0.45:
        second = facts.absent_object(rng, (name,))
        question = asker.ask("both_here", **slots, **asker.thing(second, "2"))
        return Exchange(question, answers.absent_objects(rng, facts, [name, second]))
    key = rng.choice(("position", "position", "colour", "size", "doing", "relation"))
    second = rng.choice(list(facts.groups))
    slots |= asker.thing(second, "2") | {"relation": asker.relation(rng.choice(list(OPPOSITE)))}
    return Exchange(asker.ask(key, **slots), answers.absent_objects(rng, facts, [name]))


def talk(asker: Asker, facts: Facts) -> Exchange | None:
    """Talk about Bubo itself."""
    return _said(asker, asker.rng.choice(list(TALK)))


def missing_media(asker: Asker, facts: Facts) -> Exchange | None:
    """Ask about a picture or a sound that was not given."""
    if facts.has_picture and facts.has_sound:
        return None
    return _said(asker, "NO_SOUND" if facts.has_picture else "NO_PICTURE")


def unknown(asker: Asker, facts: Facts) -> Exchange | None:
    """Ask about a picture that is nothing like the drawn world."""
    if not facts.has_picture or facts.known:
        return None
    if asker.rng.random() < 0.6:
        return Exchange(asker.bring_up("NOT_KNOWN_PICTURE"), answers.unknown(asker.rng))
    name = asker.rng.choice(facts.words.object_names)
    key = asker.rng.choice(("position", "presence", "count"))
    reply = answers.absent_objects(asker.rng, facts, [name]) if key == "position" else None
    reply = reply or (answers.presence if key == "presence" else answers.count)(asker.rng, facts, name)
    return Exchange(asker.ask(key, **asker.thing(name)), reply)


def _said(asker: Asker, topic: str) -> Exchange:
    question = asker.bring_up(topic)
    return Exchange(question, answers.plain("talk", asker.rng.choice(TOPICS[topic].answers)))


KINDS: tuple[tuple[Maker, float], ...] = (
    (position, 17), (count, 17), (presence, 13), (relation, 11), (further, 7), (at_position, 8),
    (describe_picture, 10), (list_objects, 5), (list_kind, 3), (describe_sound, 6), (describe_both, 7),
    (presence_sound, 8), (when, 7), (source, 13), (verdict, 13), (colour, 7), (size, 5), (place, 5),
    (absent, 7), (talk, 6), (missing_media, 2), (unknown, 20),
)  # fmt: skip
_MAKERS: Sequence[Maker] = [maker for maker, _ in KINDS]
_WEIGHTS: Sequence[float] = [weight for _, weight in KINDS]


def single_questions(rng: random.Random, facts: Facts, split: str, number: int) -> list[Exchange]:
    """Return up to `number` different questions, kinds drawn by their weights among those that make sense."""
    asker = Asker(rng, facts.words, split)
    found: list[Exchange] = []
    seen: set[str] = set()
    given: dict[str, int] = {}
    for _ in range(4):
        for maker in rng.choices(_MAKERS, _WEIGHTS, k=3 * number):
            exchange = maker(asker, facts)
            if exchange is None or exchange.question.lower() in seen:
                continue
            if given.get(exchange.reply.text, 0) == 2:
                continue
            seen.add(exchange.question.lower())
            given[exchange.reply.text] = given.get(exchange.reply.text, 0) + 1
            found.append(exchange)
            if len(found) == number:
                return found
    return found
