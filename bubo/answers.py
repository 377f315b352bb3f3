"""Reads exact facts back out of an answer's text, for evaluation: pure functions on words."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_NUMBERS = {
    word: value
    for value, word in enumerate("no one two three four five six seven eight nine ten".split())  # noqa: SIM905
} | {"a": 1, "an": 1, "none": 0, "zero": 0}  # fmt: skip
_POSITION = re.compile(
    r"\b(?:at|on|in|to|towards?)\s+the\s+(?:very\s+)?"
    r"(?:(?P<row>top|upper|bottom|lower)(?:[\s-]+(?P<side>left|right))?"
    r"|(?P<only>left|right|cent(?:re|er)|middle))\b"
)
_WORD = re.compile(r"[\w'-]+")
_NEGATION = re.compile(r"\b(?:no|not|nor|neither|none|nothing|without|cannot|can't|don't|isn't|aren't)\b")
_CLAUSE_END = re.compile(r"[.;:!?]|\bbut\b")
_RELATION = re.compile(r"\b(left of|right of|above|below|higher than|lower than)\b")
_RELATION_WORD = {"higher than": "above", "lower than": "below"}
_OPPOSITE = {"left of": "right of", "right of": "left of", "above": "below", "below": "above"}
_DIRECTIONS = (
    ("left", re.compile(r"\bleft\b")),
    ("right", re.compile(r"\bright\b")),
    ("up", re.compile(r"\b(?:higher|up)\b")),
    ("down", re.compile(r"\b(?:lower|down)\b")),
)
_SIZES = {"small": "small", "little": "small", "medium": "medium", "large": "large", "big": "large"}
_SOUNDS_FIRST = frozenset({"describe_sound", "presence_sound", "when"})


@dataclass(frozen=True, slots=True)
class Mention:
    """A class named in a text: where, which, and whether it is a thing or a sound."""

    start: int
    end: int
    name: str
    is_sound: bool


@dataclass(frozen=True)
class Names:
    """Every way to name the classes of a vocabulary, lower case, each with its canonical name."""

    objects: Mapping[str, str]
    sounds: Mapping[str, str]
    places: Mapping[str, str]
    colours: frozenset[str]
    lengths: Mapping[str, tuple[int, ...]]

    @classmethod
    def from_vocabulary(cls, vocabulary: Mapping[str, Any]) -> "Names":
        """Build from the dict of vocabulary.json: names, plurals, synonyms and phrases are ways."""
        tables: dict[str, dict[str, str]] = {}
        for key in ("objects", "sounds", "places"):
            table = tables[key] = {}
            for entry in vocabulary[key]:
                for word in (entry.get("phrase", ""), *entry.get("synonyms", ())):
                    table.setdefault(word.lower(), entry["name"])
            for entry in vocabulary[key]:
                table[entry["name"].lower()] = entry["name"]
                if "plural" in entry:
                    table[entry["plural"].lower()] = entry["name"]
            table.pop("", None)
        lengths: dict[str, set[int]] = {}
        for way in (*tables["objects"], *tables["sounds"]):
            words = _WORD.findall(way)
            lengths.setdefault(words[0], set()).add(len(words))
        return cls(
            tables["objects"],
            tables["sounds"],
            tables["places"],
            frozenset(vocabulary["colours"]),
            {word: tuple(sorted(found, reverse=True)) for word, found in lengths.items()},
        )

    def mentions(self, text: str, *, sounds_first: bool = False) -> list[Mention]:
        """Find all classes named in the text in reading order, the longest name at each place.

        A word that names a thing as well as a sound ("train") is a sound only with `sounds_first`.
        """
        low = text.lower()
        words = list(_WORD.finditer(low))
        found: list[Mention] = []
        index = 0
        while index < len(words):
            length = self._length_at(low, words, index)
            if length:
                mention = self._mention(
                    low, words[index].start(), words[index + length - 1].end(), sounds_first
                )
                last = found[-1] if found else None
                if last and last.name == mention.name and low[last.end : mention.start] == " of ":
                    mention = Mention(found.pop().start, mention.end, mention.name, mention.is_sound)
                found.append(mention)
            index += max(length, 1)
        return found

    def _length_at(self, text: str, words: list[re.Match[str]], index: int) -> int:
        """Return the number of words of the longest name that starts at a word, 0 if none does."""
        for length in self.lengths.get(words[index].group(), ()):
            if index + length <= len(words):
                way = text[words[index].start() : words[index + length - 1].end()]
                if way in self.objects or way in self.sounds:
                    return length
        return 0

    def _mention(self, text: str, start: int, end: int, sounds_first: bool) -> Mention:
        way = text[start:end]
        is_sound = way in self.sounds and (sounds_first or way not in self.objects)
        return Mention(start, end, (self.sounds if is_sound else self.objects)[way], is_sound)


def parse_answer(kind: str, text: str, names: Names) -> dict[str, Any] | None:
    """Read the facts of an answer of a known kind.

    Args:
        kind: kind of the question ("position", "count", ...), as in a record's turns.
        text: the answer.
        names: the vocabulary's ways to name classes.

    Returns:
        A dict with those keys of the record's `answer` that the text carries (times in whole seconds, names
        canonical), or None when the text holds no answer of this kind or the kind is not known.
    """
    reader = _READERS.get(kind)
    if reader is None or not text.strip():
        return None
    low = text.lower()
    return reader(low, names.mentions(low, sounds_first=kind in _SOUNDS_FIRST), names)


Found = list[Mention]


def _things(found: Found) -> list[str]:
    return [mention.name for mention in found if not mention.is_sound]


def _sounds(found: Found) -> list[str]:
    return [mention.name for mention in found if mention.is_sound]


def _yes(text: str) -> bool | None:
    match = re.search(r"\b(yes|no|not|nothing)\b", text)
    return None if match is None else match.group() == "yes"


def position_word(text: str) -> str | None:
    """Return the first of the nine places that the text names ("at the top left"), or None."""
    match = _POSITION.search(text.lower())
    if match is None:
        return None
    if match["only"]:
        return match["only"] if match["only"] in ("left", "right") else "centre"
    row = {"upper": "top", "lower": "bottom"}.get(match["row"], match["row"])
    return f"{row} {match['side']}" if match["side"] else row


def _number_before(text: str, start: int) -> int | None:
    match = re.search(r"(\w+)\s+$", text[:start])
    if match is None:
        return None
    return int(match[1]) if match[1].isdigit() else _NUMBERS.get(match[1])


def _named(found: Found, *, sound: bool = False) -> dict[str, Any]:
    named = _sounds(found) if sound else _things(found)
    return {"name": named[0]} if named else {}


def _position(text: str, found: Found, names: Names) -> dict[str, Any] | None:
    where = position_word(text)
    return None if where is None else {**_named(found), "value": where}


def _count(text: str, found: Found, names: Names) -> dict[str, Any] | None:
    for mention in found:
        value = None if mention.is_sound else _number_before(text, mention.start)
        if value is not None:
            return {"name": mention.name, "value": value}
    for word in re.findall(r"\w+", text):
        if word.isdigit() or (word in _NUMBERS and word not in ("a", "an")):
            return {**_named(found), "value": int(word) if word.isdigit() else _NUMBERS[word]}
    return None


def _presence(text: str, found: Found, names: Names) -> dict[str, Any] | None:
    value = _yes(text)
    return None if value is None else {**_named(found), "value": value}


def _presence_sound(text: str, found: Found, names: Names) -> dict[str, Any] | None:
    value = _yes(text)
    return None if value is None else {**_named(found, sound=True), "value": value}


def _at_position(text: str, found: Found, names: Names) -> dict[str, Any] | None:
    things, where = _things(found), position_word(text)
    if not things and "nothing" not in text:
        return None
    read: dict[str, Any] = {"value": things[0] if things else None}
    return read if where is None else {"position": where, **read}


def _colour(text: str, found: Found, names: Names) -> dict[str, Any] | None:
    spoken = _outside(text, found)
    colours = [word for word in re.findall(r"\w+", spoken) if word in names.colours]
    return {**_named(found), "value": colours[-1]} if colours else None


def _size(text: str, found: Found, names: Names) -> dict[str, Any] | None:
    sizes = [_SIZES[word] for word in re.findall(r"\w+", _outside(text, found)) if word in _SIZES]
    return {**_named(found), "value": sizes[-1]} if sizes else None


def _outside(text: str, found: Found) -> str:
    """Return the text with the names of classes blanked."""
    for mention in found:
        text = text[: mention.start] + " " * (mention.end - mention.start) + text[mention.end :]
    return text


def _relation(text: str, found: Found, names: Names) -> dict[str, Any] | None:
    value, things, match = _yes(text), _things(found), _RELATION.search(text)
    if value is None:
        return None
    read: dict[str, Any] = dict(zip("ab", things, strict=False))
    if match is not None:
        said = _RELATION_WORD.get(match[1], match[1])
        read["relation"] = said if value else _OPPOSITE[said]
    return {**read, "value": value}


def _further(text: str, found: Found, names: Names) -> dict[str, Any] | None:
    judged = text.rfind(":") + 1  # before it stands where the two are
    things = _things([mention for mention in found if mention.start >= judged])
    if not things:
        return None
    said = [d for d, pattern in _DIRECTIONS if pattern.search(_outside(text, found), judged)]
    return {**({"direction": said[0]} if said else {}), "value": things[0]}


def _source(text: str, found: Found, names: Names) -> dict[str, Any] | None:
    things, sounds = _things(found), _sounds(found)
    read: dict[str, Any] = {"sound": sounds[0]} if sounds else {}
    if re.search(r"\bnothing\b|\bno\b", text):
        return {**read, "value": None, "position": None}
    return {**read, "value": things[0], "position": position_word(text)} if things else None


def _when(text: str, found: Found, names: Names) -> dict[str, Any] | None:
    numbers = [float(number) for number in re.findall(r"\d+(?:\.\d+)?", text)]
    if not numbers:
        return None
    sounds = _sounds(found)
    return {
        **({"sound": sounds[0]} if sounds else {}),
        "value": [numbers[0], numbers[min(1, len(numbers) - 1)]],
    }


def _verdict(text: str, found: Found, names: Names) -> dict[str, Any] | None:
    if re.match(r"\W*(?:only\s+)?part(?:ly|ially)", text):
        return {"value": "partly"}
    if re.search(r"\bcannot (?:say|tell)\b", text):
        return {"value": None}
    value = _yes(text)
    return None if value is None else {"value": "match" if value else "mismatch"}


def _place(text: str, found: Found, names: Names) -> dict[str, Any] | None:
    said = max(
        (way for way in names.places if re.search(rf"\b{re.escape(way)}\b", text)), key=len, default=None
    )
    return None if said is None else {"value": names.places[said]}


def _objects(text: str, found: Found, names: Names) -> dict[str, Any] | None:
    counts: dict[str, int] = {}
    for mention in found:
        number = _number_before(text, mention.start)
        if not mention.is_sound and number != 0:
            counts[mention.name] = counts.get(mention.name, 0) + (number or 1)
    return {"objects": counts}


def _describe_picture(text: str, found: Found, names: Names) -> dict[str, Any] | None:
    place = _place(_outside(text, found), found, names) or _place(text, found, names)
    objects = _objects(text, found, names) or {}
    return {**objects, "place": place["value"] if place else None}


def _describe_sound(text: str, found: Found, names: Names) -> dict[str, Any] | None:
    return {"sounds": list(dict.fromkeys(_sounds(found)))}


def _describe_both(text: str, found: Found, names: Names) -> dict[str, Any] | None:
    return {**(_describe_picture(text, found, names) or {}), **(_describe_sound(text, found, names) or {})}


def _absent(text: str, found: Found, names: Names) -> dict[str, Any] | None:
    ends = [0, *(match.end() for match in _CLAUSE_END.finditer(text)), len(text)]
    named: list[str] = []
    for start, end in zip(ends, ends[1:], strict=False):
        negation = _NEGATION.search(text, start, end)
        if negation is not None:
            named += [mention.name for mention in found if negation.start() <= mention.start < end]
    return {"names": list(dict.fromkeys(named))}


_READERS = {
    "position": _position,
    "count": _count,
    "presence": _presence,
    "presence_sound": _presence_sound,
    "at_position": _at_position,
    "colour": _colour,
    "size": _size,
    "relation": _relation,
    "further": _further,
    "source": _source,
    "when": _when,
    "verdict": _verdict,
    "place": _place,
    "list_objects": _objects,
    "describe_picture": _describe_picture,
    "describe_sound": _describe_sound,
    "describe_both": _describe_both,
    "absent": _absent,
}
