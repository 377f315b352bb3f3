"""Words of the world: articles, plurals, number words, and sentences that carry their own links."""

import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
POSITIONS = {
    "top left": "at the top left",
    "top": "at the top",
    "top right": "at the top right",
    "left": "on the left",
    "centre": "in the centre",
    "right": "on the right",
    "bottom left": "at the bottom left",
    "bottom": "at the bottom",
    "bottom right": "at the bottom right",
}
COUNTED_BY = {"bread": "loaf of bread"}
SAID_WITHOUT_ARTICLE = frozenset({"rain", "thunder", "wind", "waves", "fireworks", "applause", "laughter"})
SOUNDS_WITH_ARTICLE = frozenset(
    {
        "siren", "elephant call", "motorcycle roar", "train whistle", "ship horn", "bicycle bell",
        "camera click", "rocket blast", "bell ringing", "alarm ringing", "phone ringing", "baby crying",
    }
)  # fmt: skip
PLURAL_SOUNDS = frozenset({"waves", "fireworks"})
VOWEL_EXCEPTIONS = ("uni", "use", "uku", "ufo", "eu", "one")
SILENT_H = ("hour", "honest", "heir")
IRREGULAR_PLURALS = {
    "mouse": "mice", "goose": "geese", "wolf": "wolves", "leaf": "leaves", "loaf": "loaves", "calf": "calves",
    "foot": "feet", "tooth": "teeth", "child": "children", "man": "men", "woman": "women",
    "person": "people", "sheep": "sheep", "fish": "fish", "deer": "deer", "aircraft": "aircraft",
    "bus": "buses", "ox": "oxen", "potato": "potatoes", "tomato": "tomatoes",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Phrase:
    """A noun phrase of an answer with the things and events it names (none of either means absent)."""

    text: str
    things: tuple[int, ...] = ()
    events: tuple[int, ...] = ()
    status: str = "seen"


def indefinite(noun: str) -> str:
    """Return the noun with "a" or "an"."""
    low = noun.lower()
    vowel = low.startswith(SILENT_H) or (low[0] in "aeiou" and not low.startswith(VOWEL_EXCEPTIONS))
    return f"{'an' if vowel else 'a'} {noun}"


@lru_cache(maxsize=4096)
def pluralise(noun: str) -> str:
    """Return the plural of a singular noun; the last word of several takes the ending."""
    head, _, last = noun.rpartition(" ")
    if last in IRREGULAR_PLURALS:
        last = IRREGULAR_PLURALS[last]
    elif last.endswith(("s", "x", "z", "ch", "sh")):
        last += "es"
    elif last.endswith("y") and last[-2:-1] not in "aeiou":
        last = last[:-1] + "ies"
    elif last.endswith("man"):
        last = last[:-3] + "men"
    else:
        last += "s"
    return f"{head} {last}".strip()


def joined(items: Sequence[Any], word: str = "and") -> list[Any]:
    """Return the items with commas and a last `word` between them: a, b and c."""
    parts: list[Any] = []
    for number, item in enumerate(items):
        if number:
            parts.append(f" {word} " if number == len(items) - 1 else ", ")
        parts.append(item)
    return parts


def whole_seconds(seconds: float) -> int:
    """Round to whole seconds, halves up."""
    return int(seconds + 0.5)


@lru_cache(maxsize=4096)
def _pieces(template: str) -> tuple[tuple[str, str | None], ...]:
    return tuple((text, name) for text, name, _, _ in string.Formatter().parse(template))


def compose(template: str, parts: Mapping[str, Any]) -> tuple[str, tuple[dict[str, Any], ...]]:
    """Fill a template and return the text with the links of its phrases.

    Args:
        template: text with {names}.
        parts: per name a string, a Phrase or a list of both. Sentences begin with a capital by themselves.

    Returns:
        The text, and one link {"start", "end", "things", "events", "status"} per Phrase in reading order;
        offsets are half-open code points.
    """
    flat: list[str | Phrase] = []
    for text, name in _pieces(template):
        if text:
            flat.append(text)
        if name is not None:
            part = parts[name]
            flat.extend(part) if isinstance(part, list | tuple) else flat.append(part)
    said = ""
    links = []
    for part in flat:
        text = part if isinstance(part, str) else part.text
        if text and (not said or said.endswith((". ", "! "))):
            text = text[0].upper() + text[1:]
        if not isinstance(part, str):
            links.append(
                {
                    "start": len(said),
                    "end": len(said) + len(text),
                    "things": [f"t{number}" for number in part.things],
                    "events": [f"e{number}" for number in part.events],
                    "status": part.status,
                }
            )
        said += text
    return said, tuple(links)


@dataclass
class Words:
    """The world's vocabulary, looked up by canonical name. Built from the dict of vocabulary.json.

    Attributes:
        objects: name -> entry of vocabulary.json.
        sounds: likewise.
        places: likewise.
        sources: sound class -> the object classes that make it.
        object_names: all object classes.
        sound_names: all sound classes.
        safe_synonyms: class -> the synonyms that mean this class only and suit any question.
        sharing: object class -> other classes of the same wider kind.
        inside: object class -> other classes in whose name it stands: "car" in "police car".
    """

    objects: dict[str, dict[str, Any]]
    sounds: dict[str, dict[str, Any]]
    places: dict[str, dict[str, Any]]
    sources: dict[str, tuple[str, ...]] = field(default_factory=dict)
    object_names: tuple[str, ...] = ()
    sound_names: tuple[str, ...] = ()
    safe_synonyms: dict[str, tuple[str, ...]] = field(default_factory=dict)
    sharing: dict[str, tuple[str, ...]] = field(default_factory=dict)
    inside: dict[str, frozenset[str]] = field(default_factory=dict)

    @classmethod
    def from_dict(cls, vocabulary: Mapping[str, Any]) -> "Words":
        """Build from {"objects": [...], "sounds": [...], "places": [...]}."""
        keys = ("objects", "sounds", "places")
        objects, sounds, places = ({entry["name"]: dict(entry) for entry in vocabulary[key]} for key in keys)
        words = cls(objects, sounds, places)
        words.sources = {name: tuple(entry.get("sources", ())) for name, entry in words.sounds.items()}
        words.object_names, words.sound_names = tuple(words.objects), tuple(words.sounds)
        taken = {w for n, e in words.objects.items() for w in (n, e.get("plural", n), *e.get("synonyms", ()))}
        spoken = {
            name: tuple(w for w in ways if w not in taken and _is_sound_noun(w))
            for name, ways in _unshared(words.sounds).items()
        }
        words.safe_synonyms = {**spoken, **_unshared(words.objects)}
        members: dict[str, list[str]] = {}
        for name, entry in words.objects.items():
            for hypernym in entry.get("hypernyms", ()):
                members.setdefault(hypernym, []).append(name)
        words.sharing = {
            name: tuple(sorted({other for h in entry.get("hypernyms", ()) for other in members[h]} - {name}))
            for name, entry in words.objects.items()
        }
        words.inside = {
            name: frozenset(
                other
                for other, entry in words.objects.items()
                if any(way.endswith(f" {name}") for way in (other, *entry.get("synonyms", ())))
                and other != name
            )
            for name in words.objects
        }
        return words

    def plural(self, name: str) -> str:
        """Return the plural of an object class."""
        return str(self.objects[name].get("plural") or pluralise(name))

    def one(self, name: str) -> str:
        """Return the singular that can be counted: "dog", "loaf of bread"."""
        return COUNTED_BY.get(name, name)

    def counted(self, name: str, number: int) -> str:
        """Return "a dog", "two dogs"."""
        return indefinite(self.one(name)) if number == 1 else f"{NUMBERS[number]} {self.plural(name)}"

    def heard(self, name: str) -> str:
        """Return the sound as it follows "I hear": "barking", "a siren"."""
        return indefinite(name) if name in SOUNDS_WITH_ARTICLE else name


def _is_sound_noun(word: str) -> bool:
    """Tell whether a synonym of a sound can follow "the" in any question, as "dog barking" cannot."""
    plural = word.endswith("s") and not word.endswith("ss")
    return not plural and not (word.endswith("ing") and " " in word) and word != "raining"


def _unshared(entries: Mapping[str, Mapping[str, Any]]) -> dict[str, tuple[str, ...]]:
    """Keep the synonyms which mean one class only and are neither a class nor a hypernym themselves."""
    uses: dict[str, int] = {}
    for name, entry in entries.items():
        for word in {name, entry.get("plural", name), *entry.get("synonyms", ())}:
            uses[word] = uses.get(word, 0) + 1
        for word in entry.get("hypernyms", ()):
            uses[word] = uses.get(word, 0) + 2
    return {
        name: tuple(word for word in entry.get("synonyms", ()) if uses[word] == 1 and word != name)
        for name, entry in entries.items()
    }
