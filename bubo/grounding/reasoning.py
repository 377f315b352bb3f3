"""A matcher that also asks a language model which phrases of an answer stand for what was found.

The deterministic matcher goes first, and what it has decided stays: what it tied, what it found to be absent,
which entity a thing is. The language model is asked only to name pairs of a phrase and a tag, and each of its
lines is checked: the phrase must stand in the answer, the tag in the list. Its pairs tie phrases that have no
link, or one that led to nothing. If it fails in any way, the deterministic result is the result.
"""

import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from bubo.grounding import words as w
from bubo.grounding.lexicon import Lexicon
from bubo.grounding.limits import Limits
from bubo.grounding.matcher import Matched, match
from bubo.grounding.perception import Heard, Instance, Perception
from bubo.grounding.tokens import split_words
from bubo.stopping import check_stop
from bubo.types import Entity, Link

__all__ = ["SHOTS", "SYSTEM", "ReasoningMatcher", "Speak", "parse_pairs"]

#: System text, earlier pairs of question and answer, the question, an event that ends the work -> the answer.
Speak = Callable[[str, Sequence[tuple[str, str]], str, threading.Event], str]

SYSTEM = (
    "You get a list of tags, one per line, and a text. Tags name what was found in a picture or a sound. Say "
    "which phrases of the text stand for which tag: the same thing in the same or in other words. Write one "
    'line for each phrase, "phrase -> tag", and nothing else. Copy the phrase exactly from the text and the '
    "tag exactly from the list. Leave out phrases that stand for none of the tags, and things of which the "
    'text says that they are not there. If nothing fits, write "none".'
)


def _query(tags: Sequence[str], text: str) -> str:
    return "\n".join(["Tags:", *tags, "", "Text:", text])


#: Worked examples: what is asked, what should be answered.
SHOTS: tuple[tuple[str, str], ...] = (
    (
        _query(
            ["dog", "bench", "barking (sound)"],
            "A golden retriever sits on a wooden bench and is making a lot of noise.",
        ),
        "A golden retriever -> dog\na wooden bench -> bench\na lot of noise -> barking (sound)",
    ),
    (
        _query(["cup", "laptop"], "The notebook stands beside a mug. There is no lamp, and the mug is full."),
        "The notebook -> laptop\na mug -> cup\nthe mug -> cup",
    ),
    (_query(["tree", "car"], "It is a quiet morning, and nobody is outside."), "none"),
)

#: What is asked and what is read of the reply, at most.
MAX_TAGS, MAX_TEXT, MAX_REPLY, MAX_PAIRS = 200, 8_000, 20_000, 100
_ARROW = re.compile(r"\s*(?:->|→)\s*")
_BULLET = re.compile(r"^\s*(?:[-*•]\s+|\d{1,3}[.)]\s+)?")
_QUOTES = "\"'`“”‘’"
_EMPTY_WORDS = (
    w.DETERMINERS
    | w.PRONOUNS
    | w.PREPOSITIONS
    | w.CONJUNCTIONS
    | w.COPULAS
    | w.MODALS
    | w.NOT_WORDS
    | w.SUBJECTS
)
# Before a phrase: the text says that it is not there.
_DENIED = re.compile(r"\b(?:no|not|nor|neither|without)\s+(?:(?:an?|the|any|single)\s+)*$", re.IGNORECASE)
_TIED = ("seen", "heard", "both", "absent")


@dataclass(frozen=True, eq=False)
class _Tag:
    """One entry of the list that the language model gets."""

    label: str
    instances: tuple[Instance, ...] = ()
    heard: tuple[Heard, ...] = ()


class ReasoningMatcher:
    """Ties phrases by the deterministic matcher, then by a language model what is left.

    Args:
        speak: Asks the language model; `bubo.speaker.ask_with` makes one of any speaker.
        timeout_s: Longest time that it may take.
    """

    def __init__(self, speak: Speak, *, timeout_s: float = 30.0):
        self.speak = speak
        self.timeout_s = timeout_s

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
        """Ties the phrases of a finished text; see `match`. The note says why the model was of no use."""
        matched = match(text, lexicon, perception, known, question=question, limits=limits)
        tags = _tags(perception)
        if not tags or not text.strip():
            return matched
        if len(text) > MAX_TEXT or len(tags) > MAX_TAGS:
            matched.note = "phrases were matched without the language model: there is too much to ask"
            return matched
        try:
            pairs = parse_pairs(self._ask(_query(list(tags), text)), text, list(tags))
        except Exception as error:  # a speaker of any kind may fail in any way
            reason = " ".join(str(error).split())[:200] or type(error).__name__
            matched.note = f"phrases were matched without the language model: {reason}"
            return matched
        if pairs is None:
            matched.note = "phrases were matched without the language model: no line of its reply was valid"
            return matched
        return _tie(matched, [(phrase, tags[tag]) for phrase, tag in pairs], text)

    def _ask(self, query: str) -> str:
        """The reply to a query.

        Raises:
            TimeoutError: If it does not come in time; what still runs is told to stop.
        """
        stop = threading.Event()
        replies: list[str] = []
        errors: list[BaseException] = []

        def run() -> None:
            try:
                replies.append(self.speak(SYSTEM, SHOTS, query, stop))
            except BaseException as error:  # it is raised where the reply is waited for
                errors.append(error)

        thread = threading.Thread(target=run, name="bubo-reasoning", daemon=True)
        thread.start()
        try:
            end = time.monotonic() + self.timeout_s
            while thread.is_alive() and time.monotonic() < end:
                check_stop()
                thread.join(min(0.1, self.timeout_s))
        finally:
            stop.set()
        if errors:
            raise errors[0]
        if not replies:
            raise TimeoutError(f"it took longer than {self.timeout_s:g} s")
        return replies[0]


def parse_pairs(reply: str, text: str, tags: Sequence[str]) -> list[tuple[str, str]] | None:
    """The valid lines of a reply as pairs of a phrase of the text and a tag.

    A line counts if it reads "phrase -> tag", the phrase stands in the text as whole words and the tag in the
    list, capitals aside; a bullet, quotes and a full stop around them do no harm. The first line of a phrase
    counts.

    Returns:
        The pairs; none at all if the reply is "none"; None if no line is valid.
    """
    by_name = {tag.casefold(): tag for tag in tags}
    pairs: dict[str, tuple[str, str]] = {}
    lines = reply[:MAX_REPLY].splitlines()
    for line in lines:
        parts = _ARROW.split(_BULLET.sub("", line))
        if len(parts) != 2:
            continue
        phrase = parts[0].strip().strip(_QUOTES).strip()
        tag = by_name.get(parts[1].strip().rstrip(".").strip(_QUOTES).strip().casefold())
        if tag is not None and _names(phrase) and next(occurrences(phrase, text), None) is not None:
            pairs.setdefault(phrase.casefold(), (phrase, tag))
        if len(pairs) >= MAX_PAIRS:
            break
    if not pairs and reply.strip().strip(_QUOTES).rstrip(".").casefold() != "none":
        return None
    return list(pairs.values())


def _names(phrase: str) -> bool:
    """Whether a phrase has a word that can name something: not only "the", "it" or "of"."""
    return any(word not in _EMPTY_WORDS for word in split_words(phrase))


def occurrences(phrase: str, text: str) -> Iterator[tuple[int, int]]:
    """Where a phrase stands in a text as whole words, capitals aside, none overlapping another."""
    words = r"\s+".join(map(re.escape, phrase.split()))
    for found in re.finditer(rf"(?<!\w){words}(?!\w)", text, re.IGNORECASE):
        yield found.span()


def _tags(perception: Perception) -> dict[str, _Tag]:
    """What was found, by name as it is listed; sounds are marked, for a piano can be seen and heard."""
    tags: dict[str, _Tag] = {}
    for one in perception.instances:
        if one.region.picture in perception.pictures:
            tag = tags.setdefault(one.name, _Tag(one.name))
            tags[one.name] = replace(tag, instances=(*tag.instances, one))
    for heard in perception.heard:
        if heard.span.sound in perception.sounds:
            name = f"{heard.name} (sound)"
            tag = tags.setdefault(name, _Tag(heard.name))
            tags[name] = replace(tag, heard=(*tag.heard, heard))
    return tags


def _tie(matched: Matched, pairs: Sequence[tuple[str, _Tag]], text: str) -> Matched:
    """The links of both: a link that led to nothing gives way, all others stay."""
    book = matched.book
    links = {link.start: link for link in matched.links}
    for phrase, tag in sorted(pairs, key=lambda pair: -len(pair[0])):  # "a police car" before "car"
        for start, end in occurrences(phrase, text):
            there = [link for link in links.values() if link.start < end and start < link.end]
            if len(there) > 1 or (there and not _is_loose(book[there[0].entity])):
                continue
            if _DENIED.search(text[max(0, start - 40) : start]):
                continue
            if there:  # a phrase keeps the reach that it had while the text was written
                start, end = there[0].start, there[0].end
            found = [*(one.region.score for one in tag.instances), *(one.span.score for one in tag.heard)]
            id_ = book.enter(
                tag.label,
                "heard" if tag.heard else "seen",
                sum(found) / len(found),
                [one.region for one in tag.instances],
                [one.span for one in tag.heard],
                by_spans=bool(tag.heard),
            )
            links[start] = Link(start, end, id_, f"{text[start:end]!r} by the language model: {tag.label}")
    named = {link.entity for link in links.values()}
    for link in matched.links:
        if link.entity not in named:
            book.leave(link.entity)
    return Matched(book, tuple(links[start] for start in sorted(links)), matched.note)


def _is_loose(entity: Entity) -> bool:
    """Whether a phrase was tied to nothing: its word is unknown, or the thing has no place."""
    return entity.status not in _TIED and not entity.regions and not entity.spans
