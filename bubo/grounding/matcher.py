"""Ties the phrases of an answer to what was found: pure, deterministic, without a language model."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from bubo.grounding.clauses import find_mentions
from bubo.grounding.identity import EntityBook
from bubo.grounding.lexicon import Lexicon
from bubo.grounding.limits import Limits
from bubo.grounding.perception import Perception
from bubo.grounding.resolver import Resolver
from bubo.types import Entity, Link

UNNAMED = "thing"
# "It is brown", "This looks like ...", not "it is true that"
_PRONOUN = re.compile(
    r"(?:^|(?<=[.!?,;:]\s))(It|This|That|it|this|that)(?=['\u2019]s\b|\s(?:is|was|has|looks|seems|appears)\b)"
    r"(?!\s(?:is|was|seems)\s(?:true|right|correct|possible|not possible|raining))"
)

__all__ = ["Limits", "Matched", "Matcher", "match"]


@dataclass(eq=False)
class Matched:
    """The links of a text and the book of entities that they name.

    Fields:
        book: The entities.
        links: In reading order, none overlapping another.
        note: What a reader should know of how they came about; normally empty.
    """

    book: EntityBook
    links: tuple[Link, ...] = ()
    note: str = ""


class Matcher(Protocol):
    """Something with the arguments of `match`."""

    def __call__(
        self,
        text: str,
        lexicon: Lexicon,
        perception: Perception,
        known: Sequence[Entity] = (),
        *,
        question: str = "",
        limits: Limits | None = None,
    ) -> Matched:
        """Ties phrases of a finished text to what was found."""
        ...


def match(
    text: str,
    lexicon: Lexicon,
    perception: Perception,
    known: Sequence[Entity] = (),
    *,
    question: str = "",
    limits: Limits | None = None,
) -> Matched:
    """Ties every noun phrase of a text to what was found.

    Args:
        text: The answer, or the finished sentences of it so far.
        lexicon: What words can mean.
        perception: What was found in the media.
        known: Entities of earlier turns, the one spoken of last at the end.
        question: What was asked: "the dog" of an answer is the one that the question spoke of.
        limits: Where sure begins.
    """
    book = EntityBook(known)
    if not perception.num_pictures and not perception.num_sounds:
        return Matched(book)
    work = Resolver(lexicon, perception, limits or Limits())
    work.remember(known)
    if question:
        work.resolve_question(find_mentions(question, lexicon))
    pointed = _enter_pointed(book, perception)
    links = []
    for mention, found in work.resolve(find_mentions(text, lexicon)):
        regions = [instance.region for instance in found.instances]
        spans = [heard.span for heard in found.heard]
        id_ = book.enter(found.label, found.status, found.score, regions, spans, by_spans=found.is_sound)
        links.append(Link(mention.start, mention.end, id_, found.reason))
    if pointed:
        links = _with_pronoun(text, links, pointed)
    return Matched(book, tuple(links))


def _enter_pointed(book: EntityBook, perception: Perception) -> list[str]:
    """Ids of what the question points at; the answer is about it whatever its words are."""
    ids = []
    for one in perception.pointed:
        ids.append(book.enter(one.name or UNNAMED, "seen", one.region.score, [one.region]))
    for name in dict.fromkeys(one.name for one in perception.pointed_heard):
        spans = [one.span for one in perception.pointed_heard if one.name == name]
        ids.append(book.enter(name, "heard", max(span.score for span in spans), (), spans, by_spans=True))
    return ids


def _with_pronoun(text: str, links: list[Link], pointed: Sequence[str]) -> list[Link]:
    """The links with one more for "It" or "This", if that stands before any noun for what is pointed at."""
    first = min((link.start for link in links if link.entity == pointed[0]), default=len(text))
    found = _PRONOUN.search(text, 0, first)
    if found is None or len(set(pointed)) > 1:
        return links
    link = Link(found.start(1), found.end(1), pointed[0], f"{found[1]!r} is what the question points at")
    return sorted([*links, link], key=lambda one: one.start)
