"""What a word can mean: the vocabulary of a model as a table from word forms to senses."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Self

from bubo.errors import ModelError
from bubo.grounding.tokens import split_words
from bubo.grounding.words import DETERMINERS, MODIFIERS, plural_of
from bubo.recent import Shared

Kind = Literal["object", "group", "sound", "place"]
Via = Literal["name", "synonym", "hypernym", "tag"]
# Texts whose readings are remembered.
NUM_READINGS = 64
# Words that head a hypernym but say nothing: "household thing" is heard as such, "thing" alone is not a
# group.
_VAGUE = frozenset({"thing", "sign", "body", "figure", "symbol"})


@dataclass(frozen=True, slots=True)
class Sense:
    """One reading of a word form.

    Args:
        kind: What it means: one class of objects, a group of classes, a sound or a place.
        names: Canonical names that it can stand for; one, but for groups and shared synonyms.
        plural: Whether the form is a plural; None if it can be both ("sheep") or is no count noun.
        via: How the form leads to the names.
        form: The form in its basic shape, as it stands in reasons.
    """

    kind: Kind
    names: tuple[str, ...]
    plural: bool | None
    via: Via
    form: str


@dataclass(frozen=True, slots=True)
class ObjectWord:
    """A class of objects: names are canonical, `sounds` are names of sounds that it makes."""

    name: str
    plural: str = ""
    synonyms: tuple[str, ...] = ()
    hypernyms: tuple[str, ...] = ()
    sounds: tuple[str, ...] = ()
    colours: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SoundWord:
    """A class of sounds; `sources` are names of objects that make it, empty if it has none to be seen."""

    name: str
    phrase: str = ""
    synonyms: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PlaceWord:
    """A kind of place."""

    name: str
    synonyms: tuple[str, ...] = ()


@dataclass(frozen=True)
class Lexicon:
    """Objects, sounds, places and colours that a model knows, with every form they are named by."""

    objects: tuple[ObjectWord, ...] = ()
    sounds: tuple[SoundWord, ...] = ()
    places: tuple[PlaceWord, ...] = ()
    colours: tuple[str, ...] = ()

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Builds the lexicon from the content of a vocabulary.json.

        Raises:
            ModelError: If a part is missing or of the wrong type.
        """
        try:
            return cls(
                tuple(
                    ObjectWord(
                        str(entry["name"]),
                        str(entry.get("plural", "")),
                        _texts(entry, "synonyms"),
                        _texts(entry, "hypernyms"),
                        _texts(entry, "sounds"),
                        _texts(entry, "colours"),
                    )
                    for entry in data["objects"]
                ),
                tuple(
                    SoundWord(
                        str(entry["name"]),
                        str(entry.get("phrase", "")),
                        _texts(entry, "synonyms"),
                        _texts(entry, "sources"),
                    )
                    for entry in data["sounds"]
                ),
                tuple(PlaceWord(str(entry["name"]), _texts(entry, "synonyms")) for entry in data["places"]),
                _texts(data, "colours"),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ModelError(
                f"A vocabulary needs lists of objects, sounds and places, each named, and colours: {error!r}."
            ) from error

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Reads a vocabulary.json.

        Raises:
            ModelError: If the file is missing or is not a vocabulary.
        """
        try:
            data = json.loads(Path(path).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ModelError(f"Cannot read the vocabulary {path}: {error}.") from error
        if not isinstance(data, Mapping):
            raise ModelError(f"The vocabulary {path} must be a JSON object, but is a {type(data).__name__}.")
        return cls.from_dict(data)

    def extended(self, names: Iterable[str]) -> "Lexicon":
        """The lexicon with more names of objects, such as an open tagger's tags; itself if all are known.

        A tagger may know thousands and gives them for every picture, so the latest extension is kept.
        """
        unknown = frozenset(names) - self.object_names
        kept = self._extension.get(unknown)
        if kept is None:
            forms = {name: split_words(name) for name in sorted(unknown)}
            new = [name for name, form in forms.items() if form and form not in self._forms]
            kept = replace(self, objects=(*self.objects, *map(ObjectWord, new))) if new else self
            self._extension.clear()
            self._extension[unknown] = kept
        return kept

    def with_synonyms(self, synonyms: Mapping[str, Iterable[str]]) -> "Lexicon":
        """The lexicon with more words for objects.

        Args:
            synonyms: Name of an object -> other words for it. Names that are not objects here are added.
        """
        objects = {word.name: word for word in self.objects}
        for name, others in synonyms.items():
            word = objects.get(name, ObjectWord(name))
            objects[name] = replace(word, synonyms=tuple(dict.fromkeys((*word.synonyms, *others))))
        return replace(self, objects=tuple(objects.values()))

    @cached_property
    def readings(self) -> Shared[Any]:
        """What texts were read as with these words, for who reads texts."""
        return Shared(NUM_READINGS)

    @cached_property
    def _extension(self) -> dict[frozenset[str], "Lexicon"]:
        return {}

    def with_sounds(self, sources: Mapping[str, Sequence[str]]) -> "Lexicon":
        """The lexicon with more sounds: name -> the objects that make it; itself if all are known."""
        known = {word.name for word in self.sounds}
        new = [
            SoundWord(name, sources=tuple(makers)) for name, makers in sources.items() if name not in known
        ]
        if not new:
            return self
        return Lexicon(self.objects, (*self.sounds, *new), self.places, self.colours)

    @cached_property
    def object_names(self) -> frozenset[str]:
        """Canonical names of all objects."""
        return frozenset(word.name for word in self.objects)

    @cached_property
    def sources_by_sound(self) -> dict[str, tuple[str, ...]]:
        """The objects that make each sound."""
        return {word.name: word.sources for word in self.sounds}

    @cached_property
    def sounds_by_object(self) -> dict[str, tuple[str, ...]]:
        """The sounds that each object makes, from the entries of both."""
        found: dict[str, dict[str, None]] = {word.name: dict.fromkeys(word.sounds) for word in self.objects}
        for sound in self.sounds:
            for source in sound.sources:
                found.setdefault(source, {})[sound.name] = None
        return {name: tuple(sounds) for name, sounds in found.items()}

    @cached_property
    def colour_words(self) -> dict[str, str]:
        """Every colour word -> the vocabulary's word for that colour."""
        words = {colour: colour for colour in self.colours}
        for given, other in (
            ("gray", "grey"),
            ("violet", "purple"),
            ("golden", "yellow"),
            ("silver", "grey"),
        ):
            if other in words:
                words.setdefault(given, other)
        return words

    @cached_property
    def _forms(self) -> dict[tuple[str, ...], tuple[Sense, ...]]:
        forms: dict[tuple[str, ...], list[Sense]] = {}
        for word in self.objects:
            self._add(forms, "object", word.name, word.name, "name", word.plural)
            for synonym in word.synonyms:
                self._add(forms, "object", synonym, word.name, "synonym", "")
        for sound in self.sounds:
            for form in (sound.name, *_without_article(sound.phrase), *sound.synonyms):
                self._put(
                    forms, "sound", form, sound.name, None, "name" if form == sound.name else "synonym", form
                )
        for place in self.places:
            for form in (place.name, *place.synonyms):
                self._put(
                    forms, "place", form, place.name, None, "name" if form == place.name else "synonym", form
                )
        for word in self.objects:
            for hypernym in word.hypernyms:
                if hypernym not in _VAGUE:
                    self._add(forms, "group", hypernym, word.name, "hypernym", "")
        return {form: tuple(senses) for form, senses in forms.items()}

    def _add(
        self,
        forms: dict[tuple[str, ...], list[Sense]],
        kind: Kind,
        form: str,
        name: str,
        via: Via,
        plural: str,
    ) -> None:
        """Puts the singular and the plural of a count noun into the table."""
        plural = plural or plural_of(form)
        if plural == form:
            self._put(forms, kind, form, name, None, via, form)
            return
        self._put(forms, kind, form, name, False, via, form)
        self._put(forms, kind, plural, name, True, via, form)

    def _put(
        self,
        forms: dict[tuple[str, ...], list[Sense]],
        kind: Kind,
        form: str,
        name: str,
        plural: bool | None,
        via: Via,
        shown: str,
    ) -> None:
        senses = forms.setdefault(split_words(form), [])
        for number, sense in enumerate(senses):
            if sense.kind == kind and sense.via == via:
                names = tuple(dict.fromkeys((*sense.names, name)))
                senses[number] = Sense(
                    kind, names, sense.plural if sense.plural == plural else None, via, shown
                )
                return
            if sense.kind == kind and kind != "group" and via == "synonym" and sense.via == "name":
                return  # a name of its own wins over being another class's synonym
        senses.append(Sense(kind, (name,), plural, via, shown))

    @cached_property
    def longest_form(self) -> int:
        """Words of the longest form."""
        return max((len(form) for form in self._forms), default=0)

    def find(
        self, words: Sequence[str], start: int, limit: int | None = None
    ) -> tuple[int, tuple[Sense, ...]] | None:
        """The longest form that begins at a word.

        Args:
            words: Look-up keys of the words.
            start: Number of the first word.
            limit: Most words that the form may have.

        Returns:
            Number of words and the senses of the form, or None.
        """
        longest = min(self.longest_form, len(words) - start, limit if limit is not None else len(words))
        for length in range(longest, 0, -1):
            senses = self._forms.get(tuple(words[start : start + length]))
            if senses:
                return length, senses
        return None

    def senses_of(self, phrase: str) -> tuple[Sense, ...]:
        """What a phrase means as a whole, leading articles, numbers and adjectives aside; or ()."""
        words = split_words(phrase)
        for start, word in enumerate(words):
            found = self.find(words, start)
            if found is not None and start + found[0] == len(words):
                return found[1]
            if word not in DETERMINERS and word not in MODIFIERS:
                break
        return ()


def _texts(entry: Mapping[str, Any], key: str) -> tuple[str, ...]:
    values = entry.get(key, ())
    if isinstance(values, str) or not all(isinstance(value, str) for value in values):
        raise TypeError(f"{key} must be a list of strings")
    return tuple(value for value in values if value.strip())


def _without_article(phrase: str) -> tuple[str, ...]:
    words = phrase.split()
    if words and words[0] in ("a", "an", "the"):
        words = words[1:]
    return (" ".join(words),) if words else ()
