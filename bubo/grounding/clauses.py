"""What a sentence says about its noun phrases: there or not there, seen or heard, and where."""

import re
from collections.abc import Sequence
from dataclasses import replace

from bubo.grounding import words as w
from bubo.grounding.lexicon import Lexicon
from bubo.grounding.nouns import Mention, noun_phrases, position_of
from bubo.grounding.tokens import Token
from bubo.recent import Shared

_BREAK = re.compile(r"[;:—–()\[\]•]|\s-\s")
_AFTER_COMMA = w.SUBJECTS | w.CLAUSE_STARTS | frozenset({"there", "this", "that", "these", "which", "here"})
_ABOUT_MEDIA = re.compile(
    r"\b(i|you|we) (can |do |also |only |could |clearly )?(not )?(see|hear|spot|find)\b"
    r"|\bthere('s| is| are| seem)\b"
    r"|\b(picture|image|photo|scene|sound|clip|recording) (also |only )?(show|contain|has|have|include)s?\b"
)
_RELATIONS = {
    "left": "left", "right": "right", "above": "above", "over": "above", "higher": "above", "below": "below",
    "under": "below", "underneath": "below", "beneath": "below", "lower": "below", "beside": "near",
    "next": "near", "near": "near", "close": "near",
}  # fmt: skip
_OF_WHOLE = w.MEDIA | {"frame", "screen", "background", "foreground"}

# Marks of Markdown around words that are stressed or quoted.
_EMPHASIS = re.compile(r"\*+|_+|`+")


def find_mentions(text: str, lexicon: Lexicon) -> tuple[Mention, ...]:
    """The noun phrases of a text in reading order, each with what its sentence says about it.

    A text that is being written is read at each of its clauses, by several who want to know different things
    of it; so the last readings are remembered.
    """
    kept: Shared[tuple[Mention, ...]] = lexicon.readings
    return kept.get(text, lambda: _read(text, lexicon))


def _read(text: str, lexicon: Lexicon) -> tuple[Mention, ...]:
    tokens, mentions = noun_phrases(text, lexicon)
    mentions = [_with_emphasis(text, mention) for mention in mentions]
    return tuple(_Context(tokens, mentions, frozenset(lexicon.colour_words)).read()) if mentions else ()


def _with_emphasis(text: str, mention: Mention) -> Mention:
    """The phrase with the marks that close an emphasis begun in it: all of "a **dog**", not "a **dog"."""
    for mark in _EMPHASIS.findall(mention.text):
        end = mention.end + len(mark)
        if mention.text.count(mark) % 2 and text[mention.end : end] == mark:
            return replace(mention, end=end, text=text[mention.start : end])
    return mention


class _Context:
    """One text with its clauses."""

    def __init__(self, tokens: Sequence[Token], mentions: Sequence[Mention], colours: frozenset[str]):
        self.colours = colours
        self.keys = [token.key for token in tokens]
        self.tokens = tokens
        self.mentions = mentions
        self.clauses = self._clause_numbers()
        self.inside = {
            number: index
            for index, mention in enumerate(mentions)
            for number in range(mention.first, mention.last)
        }

    def read(self) -> list[Mention]:
        places = [self._place(index) for index in range(len(self.mentions))]
        related = {relation[1] for _, relation in places if relation is not None}
        negated = self._negated(related)
        found = []
        for index, (mention, (where, relation)) in enumerate(zip(self.mentions, places, strict=True)):
            clause = self._clause_span(mention)
            found.append(
                replace(
                    mention,
                    said=self._said(mention),
                    where=mention.where or where,
                    relation=relation,
                    negated=index in negated,
                    hedged=any(self.keys[number] in w.HEDGES for number in range(clause[0], mention.first)),
                    talk=self._is_talk(mention.sentence),
                    sense=self._sense(mention, clause),
                    medium=self._medium(mention),
                )
            )
        return found

    def _clause_numbers(self) -> list[int]:
        """The clause of each word; clauses never reach over the end of a sentence."""
        numbers = []
        clause = 0
        for number, token in enumerate(self.tokens):
            if number:
                before = self.tokens[number - 1]
                following = self.keys[number + 1] if number + 1 < len(self.keys) else ""
                comma = "," in token.gap or (number and token.key == "and")
                subject = following if token.key == "and" else token.key
                if (
                    token.sentence != before.sentence
                    or _BREAK.search(token.gap)
                    or token.key in w.CLAUSE_STARTS
                    or (comma and subject in _AFTER_COMMA)
                ):
                    clause += 1
            numbers.append(clause)
        return numbers

    def _clause_span(self, mention: Mention) -> tuple[int, int]:
        clause = self.clauses[mention.first]
        first = last = mention.first
        while first > 0 and self.clauses[first - 1] == clause:
            first -= 1
        while last < len(self.keys) and self.clauses[last] == clause:
            last += 1
        return first, last

    def _sentence_text(self, sentence: int) -> str:
        return " ".join(token.key for token in self.tokens if token.sentence == sentence)

    def _is_talk(self, sentence: int) -> bool:
        text = self._sentence_text(sentence)
        return bool(w.TALK & set(text.split())) and _ABOUT_MEDIA.search(text) is None

    def _sense(self, mention: Mention, clause: tuple[int, int]) -> str:
        """Reads "seen", "heard" or "" from the nearest such word before a mention, else after it."""
        number = mention.first - 1
        while number >= 0 and self.tokens[number].sentence == mention.sentence:
            if number not in self.inside and (said := _sense_of(self.keys[number])):
                return said
            number -= 1
        for number in range(mention.last, clause[1]):
            if number not in self.inside and (said := _sense_of(self.keys[number])):
                return said
        return ""

    def _said(self, mention: Mention) -> tuple[str, ...]:
        """Colours and sizes behind the verb: "the dog is small and brown"."""
        number = mention.last
        if (
            number >= len(self.keys)
            or self.keys[number] not in w.BE_FORMS
            or self.keys[number].endswith("n't")
        ):
            return ()
        said = []
        for key in self.keys[number + 1 : number + 6]:
            if key in self.colours or key in w.SIZE_WORDS:
                said.append(key)
            elif key not in ("and", "very", "quite", "rather", "also"):
                break
        return tuple(said)

    def _medium(self, mention: Mention) -> int | None:
        """The picture or sound that the sentence names last before the mention, else right behind it."""
        first = next(i for i, token in enumerate(self.tokens) if token.sentence == mention.sentence)
        found = None
        for number in range(first, len(self.keys) - 1):
            if self.tokens[number + 1].sentence != mention.sentence or (
                found is not None and number > mention.first
            ):
                break
            one, two = self.keys[number], self.keys[number + 1]
            if one in w.ORDINALS and two in w.MEDIA_WORDS:
                found = w.ORDINALS[one]
            elif one in w.MEDIA_WORDS and (two in w.NUMBERS or two.isdigit()):
                found = (w.NUMBERS[two] if two in w.NUMBERS else int(two)) - 1
        return found

    # ------------------------------------------------------------ not there

    def _negated(self, related: set[int]) -> set[int]:
        """Numbers of the mentions that the text denies; what only helps to place another thing is not."""
        denied: set[int] = set()
        for index, mention in enumerate(self.mentions):
            if self._denied_by_word(mention) or self._listed_after_denied(index, denied):
                denied.add(index)
        for number, key in enumerate(self.keys):
            if key in w.NOT_WORDS and number not in self.inside:
                denied |= self._denied_by_not(number)
            elif key in w.GONE:
                denied |= self._before(number)
        return denied - related

    def _denied_by_word(self, mention: Mention) -> bool:
        """Reads "no dog", "without a dog", "no sign of a dog"."""
        before = self.keys[max(0, mention.first - 3) : mention.first]
        if not before or self.tokens[mention.first - 1].sentence != mention.sentence:
            return False
        if before[-1] in ("no", "neither") and self._near(mention.first):
            return True
        if before[-1] in ("without", "nor"):
            return True
        return (
            before[-1] == "of"
            and before[-2:-1] in (["sign"], ["trace"], ["signs"])
            and before[0] in ("no", "any")
        )

    def _near(self, number: int) -> bool:
        return not any(mark in self.tokens[number].gap for mark in ",.;:!?")

    def _listed_after_denied(self, index: int, denied: set[int]) -> bool:
        """Reads "no dog, cat or bird": a bare noun, or one after "a" or "any", in the same list."""
        if index - 1 not in denied or self.mentions[index].determiner in ("definite", "possessive"):
            return False
        before, mention = self.mentions[index - 1], self.mentions[index]
        if self.clauses[before.first] != self.clauses[mention.first]:
            return False
        between = self.keys[before.last : mention.first]
        return all(key in ("or", "nor", "and", "any", "no") for key in between) and (
            bool(between) or self._comma(mention)
        )

    def _comma(self, mention: Mention) -> bool:
        return "," in self.tokens[mention.first].gap

    def _before(self, number: int) -> set[int]:
        clause = self.clauses[number]
        return {
            i for i, m in enumerate(self.mentions) if m.last <= number and self.clauses[m.first] == clause
        }

    def _denied_by_not(self, number: int) -> set[int]:
        """What "not" (or a word that holds it) denies: what follows it, what stands before it, or nothing."""
        clause = self.clauses[number]
        rest = []
        for after in range(number + 1, len(self.keys)):
            if self.clauses[after] != clause:
                break
            rest.append(self.keys[after])
        before = self.keys[number - 1] if number else ""
        copular = before in w.BE_FORMS or self.keys[number] in w.BE_FORMS
        subjects = self._before(number)
        if subjects and self._subject_denied(rest, copular):
            return subjects
        following = {
            i for i, m in enumerate(self.mentions) if m.first > number and self.clauses[m.first] == clause
        }
        existential = "there" in self.keys[max(0, number - 2) : number] and copular
        active = any(key in w.PERCEIVE for key in rest[:4]) and not copular
        if existential or active:
            return following
        if copular and not subjects:
            # "it is not a dog": what is named right behind
            return {
                i
                for i in following
                if self.mentions[i].first <= number + 2 and self.mentions[i].determiner == "indefinite"
            }
        return set()

    def _subject_denied(self, rest: Sequence[str], copular: bool) -> bool:
        """Reads "is not there", "cannot be seen", "does not appear", "is not in the picture"."""
        words = [key for key in rest if key not in w.ADVERBS or key in w.SEEN_OR_HEARD]
        if not copular:
            return (words[:1] == ["be"] and bool(w.SEEN_OR_HEARD & set(words[1:3]))) or words[:1] in (
                ["appear"], ["exist"], ["occur"], ["show"],
            )  # fmt: skip
        if words[:1] and (
            words[0] in w.SEEN_OR_HEARD or words[:2] == ["to", "be"] or words[:2] == ["part", "of"]
        ):
            return True
        return words[:1] in (["in"], ["on"]) and bool(w.MEDIA & set(words[1:3])) and "of" not in words[:4]

    # ------------------------------------------------------------ where

    def _place(self, index: int) -> tuple[tuple[str, ...], tuple[str, int] | None]:
        """The place words and the relation that a clause gives for a mention."""
        mention = self.mentions[index]
        first, last = self._clause_span(mention)
        number = mention.last
        while number < last and self.keys[number] in w.BEFORE_PLACE:
            number += 1
        relation = self._relation(number, last)
        if relation is not None:
            return (), relation
        where, _ = self._place_phrase(number, last)
        if where:
            return where, None
        where, behind = self._place_phrase(first, mention.first)
        return (where, None) if where and behind <= mention.first else ((), None)

    def _place_phrase(self, number: int, last: int) -> tuple[tuple[str, ...], int]:
        """Reads "at the top left (corner of the picture)": the places, and the number of the next word."""
        if number >= last or self.keys[number] not in w.PLACE_PREPOSITIONS or self.keys[number] == "from":
            return (), number
        number += 1
        while number < last and self.keys[number] in ("the", "its", "your", "very", "far", "extreme"):
            number += 1
        where = []
        while number < last and number not in self.inside and (place := position_of(self.keys[number])):
            where.append(place)
            number += 1
        if number + 1 < last and self.keys[number] == "of" and where:
            follows = set(self.keys[number : number + 3])
            if not follows & _OF_WHOLE:
                return (), number
        return tuple(dict.fromkeys(where)), number

    def _relation(self, number: int, last: int) -> tuple[str, int] | None:
        """Reads "(to the) left of the tree", "above the car", "next to a dog"."""
        while (
            number < last
            and self.keys[number] in ("to", "on", "the", "at", "right", "left")
            and (self.keys[number] not in _RELATIONS or self.keys[number + 1 : number + 2] != ["of"])
        ):
            number += 1
        if number >= last or self.keys[number] not in _RELATIONS or number in self.inside:
            return None
        kind = _RELATIONS[self.keys[number]]
        number += 1
        if kind in ("left", "right") and self.keys[number : number + 1] != ["of"]:
            return None
        while number < last and number not in self.inside and self.keys[number] in ("of", "to", "than", "by"):
            number += 1
        other = self.inside.get(number)
        if other is None or self.mentions[other].first != number or number >= last:
            return None
        return kind, other


def _sense_of(key: str) -> str:
    return "heard" if key in w.HEARING else "seen" if key in w.SEEING else ""
