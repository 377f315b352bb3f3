"""The nouns of a text that the lexicon knows: longest form first, and only where they are used as nouns."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bubo.grounding import words as w
from bubo.grounding.lexicon import Lexicon, Sense
from bubo.grounding.tokens import Token

# No apostrophe before the space: "the dogs' house" is not one breath.
_SPACE = re.compile(r"[*_~`\"”]*[ \t\u00a0\u2009\u202f]+[*_~`\"“]*")
HYPHENS = frozenset("-\u2010\u2011")


def joined(tokens: Sequence[Token], number: int) -> bool:
    """Whether a word follows the one before it in one breath.

    Between them stands a space, perhaps with emphasis marks, or a hyphen.
    """
    if not 0 < number < len(tokens) or tokens[number].sentence != tokens[number - 1].sentence:
        return False
    gap = tokens[number].gap
    return gap in HYPHENS or _SPACE.fullmatch(gap) is not None


def is_modifier(key: str, lexicon: Lexicon) -> bool:
    """Whether a word can stand between an article and a noun: an adjective, a number, a place, a colour."""
    return (
        key in w.MODIFIERS
        or key in lexicon.colour_words
        or (key.isascii() and key.isdigit() and len(key) <= 3)
    )


@dataclass
class Head:
    """A noun: its words are those from `first` to before `last`."""

    first: int
    last: int
    senses: tuple[Sense, ...]


class HeadFinder:
    """The nouns of one text."""

    def __init__(self, tokens: Sequence[Token], lexicon: Lexicon):
        self.tokens = tokens
        self.keys = [token.key for token in tokens]
        self.lexicon = lexicon

    def heads(self) -> list[Head]:
        """All heads in reading order; places are among them, so that nothing else takes their words."""
        heads: list[Head] = []
        number = 0
        while number < len(self.tokens):
            head = self._head_at(number)
            if head is None:
                number += 1
            else:
                heads.append(head)
                number = head.last
        return self._merge_sounds(heads)

    def _head_at(self, first: int) -> Head | None:
        """The longest form at a word whose reading as a noun holds."""
        limit = 1
        while joined(self.tokens, first + limit):
            limit += 1
        while limit:
            found = self.lexicon.find(self.keys, first, limit)
            if found is None:
                return None
            length, senses = found
            head = self._as_noun(first, first + length, senses)
            if head is not None:
                return head
            limit = length - 1
        return None

    def _as_noun(self, first: int, last: int, senses: tuple[Sense, ...]) -> Head | None:
        if self.inside_word(first, last):
            return None
        before = self.keys[first - 1] if joined(self.tokens, first) else ""
        after = self.keys[last] if joined(self.tokens, last) else ""
        sound = self._sound_compound(last, after, senses)
        if sound is not None:
            return Head(first, last + 1, sound)
        if after in w.COMPOUND_HEADS:
            return None
        if self.keys[first] in self.lexicon.colour_words and last == first + 1:
            # "an orange", not "an orange car" nor "is orange"
            nominal = before in w.DETERMINERS or before in w.NUMBERS or any(sense.plural for sense in senses)
            if not nominal or self.lexicon.find(self.keys, last) is not None:
                return None
        counted = any(sense.kind in ("object", "group") and sense.plural is False for sense in senses)
        if counted and (before in w.COPULAS or before in ("at", "by", "in", "on", "into")):
            return None  # "is present", "at home", "in bed", "on fire"
        if (
            last == first + 1
            and any(sense.kind != "place" for sense in senses)
            and self._is_verb(first, before)
        ):
            return None
        return Head(first, last, senses)

    def inside_word(self, first: int, last: int) -> bool:
        """Whether the form is only a part of a longer word: "dog-like", "my_dog_2", "@dog"."""
        tokens = self.tokens
        gaps = []
        if first:
            gaps.append((tokens[first].gap, tokens[first - 1].key))
        if last < len(tokens):
            gaps.append((tokens[last].gap, tokens[last].key))
        for gap, neighbour in gaps:
            if gap in HYPHENS or gap == "_" or (gap == "" and neighbour.isascii()):
                return True
        return tokens[first].gap.endswith(("@", "$", "\\"))

    def _is_verb(self, first: int, before: str) -> bool:
        """Whether a noun form is used as a verb: "I saw", "can bear", "to ring"."""
        key = self.keys[first]
        if before in w.SUBJECTS or before in w.MODALS:
            return True
        if before == "to":
            return first < 2 or self.keys[first - 2] not in w.TAKES_TO
        described = before in w.DETERMINERS or before in w.NUMBERS or is_modifier(before, self.lexicon)
        return key in w.VERBS and not described and before not in ("or", "nor")

    def _sound_compound(self, last: int, after: str, senses: tuple[Sense, ...]) -> tuple[Sense, ...] | None:
        """The senses of "dog noises" and "engine sound", whose first word only says what makes them."""
        if after not in w.SOUND_NOUNS:
            return None
        if after == "sounds" and joined(self.tokens, last + 1):
            return None  # "the piano sounds nice"
        return self.sounds_of(senses)

    def sounds_of(self, senses: tuple[Sense, ...]) -> tuple[Sense, ...] | None:
        """The sounds that a noun means or whose source it is; None if there are none."""
        own = tuple(sense for sense in senses if sense.kind == "sound")
        if own:
            return own
        names: dict[str, None] = {}
        for sense in senses:
            for name in sense.names:
                names |= dict.fromkeys(self.lexicon.sounds_by_object.get(name, ()))
        return (Sense("sound", tuple(names), None, "synonym", senses[0].form),) if names else None

    def _merge_sounds(self, heads: list[Head]) -> list[Head]:
        """Makes one head of a thing and the participle of its sound behind it: "a puppy barking"."""
        merged: list[Head] = []
        for head in heads:
            before = merged[-1] if merged else None
            if before is not None and before.last == head.first and joined(self.tokens, head.first):
                sound = next((sense for sense in head.senses if sense.kind == "sound"), None)
                if (
                    sound is not None
                    and self.keys[head.first].endswith("ing")
                    and self._makes(before.senses, sound)
                ):
                    merged[-1] = Head(before.first, head.last, (sound,))
                    continue
            merged.append(head)
        return merged

    def _makes(self, senses: tuple[Sense, ...], sound: Sense) -> bool:
        sources = {source for name in sound.names for source in self.lexicon.sources_by_sound.get(name, ())}
        return any(sense.kind in ("object", "group") and sources & set(sense.names) for sense in senses)

    def is_participle(self, before: Head, head: Head) -> bool:
        """Whether a sound word stands as an adjective before a thing: "the barking dog"."""
        return (
            before.last == head.first
            and joined(self.tokens, head.first)
            and before.last == before.first + 1
            and self.keys[before.first].endswith("ing")
            and any(sense.kind == "sound" for sense in before.senses)
            and any(sense.kind in ("object", "group") for sense in head.senses)
        )
