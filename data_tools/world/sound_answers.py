"""What Bubo answers about a sound, and about a sound and a picture together."""

import random
from collections.abc import Sequence
from typing import Any

from .answers import EMPTY_TEXT, UNKNOWN_TEXT, Reply, counts, event_ids, reply, seen, thing_ids
from .facts import Facts, absent_phrase
from .wording import PLURAL_SOUNDS, POSITIONS, Phrase, joined, whole_seconds

SAME_TIME_S = 0.4


def _heard(facts: Facts) -> list[Any]:
    """Return the heard classes in time order; "then" before one that starts clearly later."""
    if not facts.heard:
        return ["only noise" if facts.noise else "nothing"]
    parts: list[Any] = []
    last = None
    for name, events in facts.heard.items():
        if last is not None:
            parts.append(" and " if events[0].start_s - last < SAME_TIME_S else ", then ")
        parts.append(facts.sound_phrase(name, "a"))
        last = events[0].start_s
    return parts


def describe_sound(rng: random.Random, facts: Facts) -> Reply:
    """Name the sounds in order of their start, or say that there is only noise or nothing."""
    answer = {"sounds": list(facts.heard)}
    about = event_ids(facts, *facts.heard)
    return reply(rng, "describe_sound", ("I hear {sounds}.",), {"sounds": _heard(facts)}, answer, about)


def describe_both(rng: random.Random, facts: Facts) -> Reply:
    """Join the description of the picture and that of the sound."""
    if not facts.known:
        text = UNKNOWN_TEXT.replace(". ", ". I hear {sounds}. ", 1)
        return reply(
            rng, "unknown", (text,), {"sounds": _heard(facts)}, {}, (), event_ids(facts, *facts.heard)
        )
    answer = {"objects": counts(facts), "place": facts.place, "sounds": list(facts.heard)}
    phrase = facts.words.places[facts.place]["phrase"]
    parts = {"things": seen(facts), "phrase": phrase, "sounds": _heard(facts)}
    first = "I see {things} {phrase}." if facts.things else EMPTY_TEXT
    templates = (first + " I hear {sounds}.",)
    about = thing_ids(facts.things)
    return reply(rng, "describe_both", templates, parts, answer, about, event_ids(facts, *facts.heard))


def presence_sound(rng: random.Random, facts: Facts, name: str) -> Reply:
    """Say whether a sound class is heard."""
    answer = {"name": name, "value": name in facts.heard}
    if name in facts.heard:
        parts = {"x": facts.sound_phrase(name, "a")}
        return reply(rng, "presence_sound", ("Yes, I hear {x}.",), parts, answer, event_ids(facts, name))
    return reply(rng, "presence_sound", ("No, I hear no {x}.",), {"x": absent_phrase(name)}, answer)


def when(rng: random.Random, facts: Facts, name: str) -> Reply | None:
    """Say in whole seconds when a sound is heard; None when it comes more than once."""
    events = facts.heard[name]
    if len(events) != 1:
        return None
    times = [round(float(events[0].start_s), 2), round(float(events[0].end_s), 2)]
    start, end = (whole_seconds(time) for time in times)
    be = "are" if name in PLURAL_SOUNDS else "is"
    parts = {"x": facts.sound_phrase(name), "be": be, "start": str(start), "end": str(end)}
    answer = {"sound": name, "value": times}
    if start == end:
        unit = "second" if start == 1 else "seconds"
        said: tuple[str, ...] = ("{x} {be} heard at about {start} " + unit + ".",)
    else:
        said = (
            "{x} {be} heard from about {start} to {end} seconds.",
            "I hear {x} from about {start} to {end} seconds.",
        )
    return reply(rng, "when", said, parts, answer, event_ids(facts, name))


def source(rng: random.Random, facts: Facts, name: str) -> Reply | None:
    """Say which thing of the picture makes a sound; None when things of two classes could."""
    makers = facts.made_by[name]
    sound = facts.sound_phrase(name)
    heard = event_ids(facts, name)
    if not makers:
        none = ("Nothing in the picture makes {sound}.", "I see nothing that makes {sound}.")
        answer = {"sound": name, "value": None, "position": None}
        return reply(rng, "source", none, {"sound": sound}, answer, (), heard)
    if len({thing.name for thing in makers}) > 1:
        return None
    phrase = facts.phrase(makers[0].name, makers)
    maker = Phrase(phrase.text, phrase.things, sound.events, "both")
    answer = {"sound": name, "value": makers[0].name, "position": makers[0].position}
    parts = {"x": maker, "sound": sound, "where": POSITIONS[makers[0].position]}
    templates: tuple[str, ...] = ("{x} {where} makes {sound}.", "{sound} {come} from {x} {where}.")
    if len(makers) > 1:
        answer["position"] = None
        templates = ("One of {x} makes {sound}.", "{sound} {come} from one of {x}.")
    parts["come"] = "come" if name in PLURAL_SOUNDS else "comes"
    return reply(rng, "source", templates, parts, answer, thing_ids(makers), heard)


def verdict(rng: random.Random, facts: Facts) -> Reply | None:
    """Say whether picture and sound belong together, and why."""
    value = facts.sample.pair
    made = [name for name in facts.heard if facts.made_by[name]]
    unmade = [name for name in facts.heard if facts.words.sources[name] and not facts.made_by[name]]
    answer = {"value": value if value in ("match", "partly", "mismatch") else None}
    if value in ("silent", "noise", "offscreen"):
        templates = ["I cannot say: I hear {sounds}."]
        if value == "offscreen":
            templates = ["I cannot say: I hear {sounds}, which no thing that I know makes."]
        about = event_ids(facts, *facts.heard)
        return reply(rng, "verdict", templates, {"sounds": _heard(facts)}, answer, (), about)
    if answer["value"] is None or any(len({t.name for t in facts.made_by[name]}) > 1 for name in made):
        return None
    sources = thing_ids([thing for name in made for thing in facts.made_by[name]])
    events = event_ids(facts, *made, *unmade)
    if value == "match":
        text, parts = "Yes, they belong together: {made}.", {"made": joined(_comes_from(facts, made))}
    elif value == "partly":
        text = "Only partly: {made}, but nothing here makes {unmade}."
        parts = {
            "made": joined(_comes_from(facts, made)),
            "unmade": joined([facts.sound_phrase(name) for name in unmade], "or"),
        }
    else:
        named = unmade[:2]
        missing = list(dict.fromkeys(source for name in named for source in facts.words.sources[name]))[:2]
        text = "No, they do not belong together: I hear {sounds}, but I see no {missing}."
        parts = {
            "sounds": joined([facts.sound_phrase(name, "a") for name in named]),
            "missing": joined([absent_phrase(name) for name in missing], "or"),
        }
    parts = {key: _flat(value) for key, value in parts.items()}
    return reply(rng, "verdict", (text,), parts, answer, sources, events)


def why(rng: random.Random, facts: Facts) -> Reply | None:
    """Give the reason of a verdict alone."""
    full = verdict(rng, facts)
    if full is None or full.answer["value"] is None:
        return None
    start = full.text.index(": ") + 2
    text = full.text[start].upper() + full.text[start + 1 :]
    links = tuple({**link, "start": link["start"] - start, "end": link["end"] - start} for link in full.links)
    return Reply(text, links, "why", full.answer, full.about, full.compare)


def _comes_from(facts: Facts, names: Sequence[str]) -> list[list[Any]]:
    """Return "the barking comes from the dog" per sound, as parts with links."""
    clauses = []
    for name in names[:2]:
        makers, sound = facts.made_by[name], facts.sound_phrase(name)
        phrase = facts.phrase(makers[0].name, makers)
        come = " come from " if name in PLURAL_SOUNDS else " comes from "
        clauses.append([sound, come, Phrase(phrase.text, phrase.things, sound.events, "both")])
    return clauses


def _flat(parts: Sequence[Any]) -> list[Any]:
    return [item for part in parts for item in (part if isinstance(part, list) else [part])]
