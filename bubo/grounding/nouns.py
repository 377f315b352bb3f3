"""The noun phrases of a text that may name something to be seen or heard.

There is no parser behind it: the heads come from the lexicon (longest form first), or, for words that it does
not know, from what follows an article or a number; closed word classes then say how far a phrase reaches to
the left. A phrase holds its article, numbers and adjectives, not what follows the noun, and not the "no" of
"no dog".
"""

import re
from dataclasses import dataclass, replace

from bubo.grounding import words as w
from bubo.grounding.heads import Head, HeadFinder, is_modifier, joined
from bubo.grounding.lexicon import Lexicon, Sense
from bubo.grounding.tokens import Token, tokenise

_COMMA = re.compile(r",[ \t\u00a0]+")
_CLOSED = (
    w.DETERMINERS | w.QUANTITY | w.PRONOUNS | w.PREPOSITIONS | w.CONJUNCTIONS | w.VERBS | w.ADVERBS
    | w.MODALS | w.COPULAS | w.NOT_WORDS | w.HEDGES | w.CLAUSE_STARTS | w.SUBJECTS
    | frozenset(w.NUMBERS) | frozenset(w.ORDINALS)
)  # fmt: skip
_COUNTED_BY = frozenset({"a", "an", "another", "any", "no", "neither"}) | frozenset(w.NUMBERS) - {"zero"}


@dataclass(frozen=True, slots=True)
class Mention:
    """One noun phrase.

    Args:
        start: Offset of the phrase in the text, in code points.
        end: Offset behind it.
        text: The phrase itself.
        first: Number of its first word in the text.
        last: Number of the word behind it.
        sentence: Number of its sentence.
        head: The noun in its basic shape.
        senses: Readings of the noun; empty for a noun that the lexicon does not know.
        plural: Whether it stands for several.
        number: How many, where the phrase says it.
        determiner: "definite", "possessive", "indefinite" or "" (bare, or after "no").
        words: Its words before the noun, as look-up keys.
        other: "the other dog", "another dog".
        ordinal: 0 for "the first dog", -1 for "the last".
        said: Colours and sizes that the sentence gives it: "the dog is small and brown".
        where: Position words that belong to it: inside ("the left dog") or behind ("the dog is at the top
            left").
        relation: ("left", "right", "above", "below" or "near", number of the mention that it is related to).
        negated: The text says that it is not there.
        hedged: The text is not sure.
        talk: The sentence talks about Bubo or about knowing, not about the media.
        sense: "heard" or "seen" where the sentence says which, else "".
        medium: Number of the picture or sound that the sentence names ("the second picture": 1; last: -1).
    """

    start: int
    end: int
    text: str
    first: int
    last: int
    sentence: int
    head: str
    senses: tuple[Sense, ...]
    plural: bool = False
    number: int | None = None
    determiner: str = ""
    words: tuple[str, ...] = ()
    other: bool = False
    ordinal: int | None = None
    said: tuple[str, ...] = ()
    where: tuple[str, ...] = ()
    relation: tuple[str, int] | None = None
    negated: bool = False
    hedged: bool = False
    talk: bool = False
    sense: str = ""
    medium: int | None = None


def noun_phrases(text: str, lexicon: Lexicon) -> tuple[list[Token], list[Mention]]:
    """The words of a text and its noun phrases in reading order, none overlapping another."""
    return _Reader(text, lexicon).read()


class _Reader:
    """Reads one text once."""

    def __init__(self, text: str, lexicon: Lexicon):
        self.text = text
        self.lexicon = lexicon
        self.tokens = tokenise(text)
        self.keys = [token.key for token in self.tokens]
        self.finder = HeadFinder(self.tokens, lexicon)
        self.taken: set[int] = set()

    def read(self) -> tuple[list[Token], list[Mention]]:
        heads = self.finder.heads()
        self.taken = {number for head in heads for number in range(head.first, head.last)}
        mentions: list[Mention] = []
        absorbed: set[int] = set()
        for number in reversed(range(len(heads))):  # backwards: a noun absorbs the participle before it
            if number in absorbed:
                continue
            head = heads[number]
            before = heads[number - 1] if number else None
            if before is not None and self.finder.is_participle(before, head):
                absorbed.add(number - 1)
                self.taken -= set(range(before.first, before.last))
                mentions.append(self._phrase(head, before.first))
            elif any(sense.kind != "place" for sense in head.senses):
                mentions.append(self._phrase(head, head.first))
        for mention in mentions:
            self.taken |= set(range(mention.first, mention.last))
        mentions += self._unknown()
        return self.tokens, sorted(mentions, key=lambda mention: mention.start)

    # ------------------------------------------------------------ from the head to the left

    def _phrase(self, head: Head, first: int) -> Mention:
        senses = head.senses
        first, article = self._reach_left(first, senses)
        if first >= 2 and joined(self.tokens, first) and self.keys[first - 1] == "of":
            group = self.keys[first - 2]
            sounds = self.finder.sounds_of(senses) if group in w.SOUND_NOUNS else None
            if sounds is not None:
                senses = sounds
                first, article = self._reach_left(first - 2, senses)
            elif group in w.COLLECTIVE and not article and joined(self.tokens, first - 1):
                first, article = self._reach_left(first - 2, senses)
        mention = self._mention(first, head, senses, article)
        collective = next((key for key in mention.words if key in w.COLLECTIVE), None)
        if collective and "of" in mention.words:
            return replace(mention, plural=True, number=w.COLLECTIVE[collective])
        return mention

    def _reach_left(self, head_first: int, senses: tuple[Sense, ...]) -> tuple[int, str]:
        """Number of the first word of a phrase and its determiner, a class of `Mention.determiner`."""
        first = head_first
        while first > 0 and first - 1 not in self.taken:
            key = self.keys[first - 1]
            if not joined(self.tokens, first):
                both = self._is_modifier(key) and first < head_first and self._is_modifier(self.keys[first])
                if not (both and _COMMA.fullmatch(self.tokens[first].gap)):
                    break
            if key in w.DETERMINERS:
                if key in ("no", "neither"):
                    return first, ""
                first = self._predeterminer(first - 1)
                return first, _determiner_class(key)
            if self._is_modifier(key):
                first -= 1
            elif key == "and" and first < head_first and first >= 2 and self._two_colours(first):
                first -= 2
            else:
                start = self._unknown_adjectives(first)
                if start == first:
                    break
                first = start
        while first < head_first and not self._may_begin(self.keys[first]):
            first += 1
        return first, ""

    def _predeterminer(self, first: int) -> int:
        if first and joined(self.tokens, first) and self.keys[first - 1] in ("all", "both", "half"):
            return first - 1
        return first

    def _two_colours(self, first: int) -> bool:
        """Whether a phrase goes on over "and": "a black and white dog"."""
        colours = self.lexicon.colour_words
        return (
            self.keys[first] in colours and self.keys[first - 2] in colours and joined(self.tokens, first - 1)
        )

    def _unknown_adjectives(self, first: int) -> int:
        """First of up to two unknown words that stand between an article or adjective and the phrase."""
        start = first
        for _ in range(2):
            before = start - 1
            if (
                before < 0
                or before in self.taken
                or not joined(self.tokens, start)
                or not self._is_open(before)
            ):
                return first
            start = before
            if start and joined(self.tokens, start) and start - 1 not in self.taken:
                key = self.keys[start - 1]
                if key in w.DETERMINERS or self._is_modifier(key):
                    return start
        return first

    def _is_open(self, number: int) -> bool:
        key = self.keys[number]
        return key not in _CLOSED and key[0].isalpha() and key[0] < "\u0250"

    def _is_modifier(self, key: str) -> bool:
        return is_modifier(key, self.lexicon)

    def _may_begin(self, key: str) -> bool:
        """Whether a phrase without an article may begin with this word."""
        return (
            self._is_modifier(key)
            and key not in w.NEEDS_ARTICLE
            and key not in w.POSITION_WORDS
            or (key.endswith("ing") and key not in w.NEEDS_ARTICLE)
        )

    def _mention(self, first: int, head: Head, senses: tuple[Sense, ...], article: str) -> Mention:
        start, end = self.tokens[first].start, self.tokens[head.last - 1].end
        keys = tuple(self.keys[first : head.first])
        number = next((value for key in keys if (value := _number(key)) is not None), None)
        nouns = [sense for sense in senses if sense.kind in ("object", "group")]
        plural = bool(nouns) and all(sense.plural is True for sense in nouns)
        if any(sense.plural is None for sense in nouns):  # "sheep"
            plural = self._is_plural_in_context(first, head, number)
        if {"every", "each", "both", "all"} & set(keys):
            plural = True
        ordinal = next((w.ORDINALS[key] for key in keys if key in w.ORDINALS), None)
        return Mention(
            start,
            end,
            self.text[start:end],
            first,
            head.last,
            self.tokens[first].sentence,
            senses[0].form if senses else " ".join(self.keys[head.first : head.last]),
            senses,
            plural=plural,
            number=number if ordinal is None else None,
            determiner=article,
            words=keys,
            other=bool({"other", "others", "another"} & set(keys)),
            ordinal=ordinal,
            where=tuple(dict.fromkeys(place for key in keys if (place := position_of(key)))),
        )

    def _is_plural_in_context(self, first: int, head: Head, number: int | None) -> bool:
        """Whether a noun without a plural of its own stands for several: by its words, or by its verb."""
        keys = set(self.keys[first : head.first])
        after = self.keys[head.last] if joined(self.tokens, head.last) else ""
        if number is not None or keys & w.ONE_WORDS or keys & w.POSITION_WORDS:
            return number not in (None, 1)
        if (
            keys & w.SEVERAL_WORDS
            or self.keys[max(0, first - 1) : first] == ["of"]
            or after in w.PLURAL_VERBS
        ):
            return True
        return after not in w.PREPOSITIONS and not (after.endswith("s") and after not in w.PRONOUNS)

    # ------------------------------------------------------------ nouns that the lexicon does not know

    def _unknown(self) -> list[Mention]:
        found = []
        for number, key in enumerate(self.keys):
            if number in self.taken or (
                key not in w.DETERMINERS and key not in _COUNTED_BY and _number(key) is None
            ):
                continue
            last = self._unknown_run(number + 1)
            if last is None:
                continue
            head = Head(last - 1, last, ())
            noun = w.singular_of(self.keys[last - 1])
            first = number + 1 if key in ("no", "neither") else number
            mention = self._mention(first, head, (), _determiner_class(key))
            plural = noun != self.keys[last - 1]
            found.append(replace(mention, head=noun, plural=plural))
            self.taken |= set(range(number, last))
        return found

    def _unknown_run(self, first: int) -> int | None:
        """Number behind the noun of a phrase that begins after a determiner, or None if no thing is named."""
        last = first
        while (
            last < len(self.tokens)
            and joined(self.tokens, last)
            and last not in self.taken
            and (self._is_modifier(self.keys[last]) or self._is_open(last))
        ):
            last += 1
        while last > first and (
            self._is_modifier(self.keys[last - 1]) or self._looks_verbal(last - 1, first)
        ):
            last -= 1
        if last == first or not self._names_a_thing(self.keys[last - 1]):
            return None
        if joined(self.tokens, last) and (self.keys[last] == "of" or last in self.taken):
            return None  # "a slice of bread"; part of a longer phrase
        return None if self.finder.inside_word(last - 1, last) else last

    def _looks_verbal(self, number: int, first: int) -> bool:
        """Whether the last of several unknown words is rather a verb or an adverb: "the unicorn sleeps"."""
        key = self.keys[number]
        before = number > first and not self._is_modifier(self.keys[number - 1])
        return key.endswith(("ed", "ly", "ing")) or (before and key.endswith("s") and not key.endswith("ss"))

    def _names_a_thing(self, key: str) -> bool:
        if key in _CLOSED or key in w.ABSTRACT or w.singular_of(key) in w.ABSTRACT or len(key) < 3:
            return False
        return key.isascii() and key.isalpha() and not key.endswith(w.ABSTRACT_SUFFIXES)


def position_of(key: str) -> str:
    """The place that a word stands for ("upper" -> "top"), or an empty string."""
    for place, group in (
        ("left", w.LEFT_WORDS),
        ("right", w.RIGHT_WORDS),
        ("top", w.TOP_WORDS),
        ("bottom", w.BOTTOM_WORDS),
        ("centre", w.CENTRE_WORDS),
    ):
        if key in group:
            return place
    return ""


def _number(key: str) -> int | None:
    if key in w.NUMBERS:
        return w.NUMBERS[key]
    return int(key) if key.isascii() and key.isdigit() and len(key) <= 3 else None


def _determiner_class(key: str) -> str:
    if key in w.DEFINITE:
        return "definite"
    if key in w.POSSESSIVE:
        return "possessive"
    return "" if key in ("no", "neither") else "indefinite"
