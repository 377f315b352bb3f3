"""The user's side: chooses a phrasing, names things by class or synonym, and types as people do."""

import random
import re
from functools import lru_cache

from .grammar import compose_question, select_entries
from .phrases import FURTHER_ASKED, PHRASES, RELATION_ASKED, WHERE_ASKED
from .talk import TOPICS
from .talk_wordings import TALK_WORDINGS
from .wording import PLURAL_SOUNDS, SAID_WITHOUT_ARTICLE, Words, indefinite, pluralise

SYNONYM_SHARE = 0.15
LOWER_SHARE = 0.15
NO_MARK_SHARE = 0.15
CAPITALS_SHARE = 0.02
TITLE_SHARE = 0.03
MISTYPED_SHARE = 0.04
PLAIN_SHARE = 0.3


def _plain(way: str) -> str:
    """The words of a wording alone, with blanks around each."""
    words = " ".join(re.findall(r"[\w{}]+", way.lower()))
    return f" {words} "


_HELDOUT_WAYS = (
    *(way for phrasings in PHRASES.values() for way in phrasings.heldout),
    *(way for topic in TOPICS.values() for way in topic.heldout),
)
HELDOUT = frozenset(_plain(way) for way in _HELDOUT_WAYS if _plain(way).strip())


@lru_cache(maxsize=65536)
def holds_heldout(way: str) -> bool:
    """Tell whether a wording, its slots unfilled, is or contains one of the held-out split."""
    words = _plain(way)
    return any(held in words for held in HELDOUT)


def _mistype(rng: random.Random, text: str) -> str:
    """Swap, drop or double an inner letter of one longer word."""
    places = [found.start() for found in re.finditer(r"(?<=[a-z])[a-z](?=[a-z][a-z])", text)]
    if not places:
        return text
    i = rng.choice(places)
    slip = rng.choice((text[i + 1] + text[i], text[i + 1], text[i] * 2 + text[i + 1]))
    return text[:i] + slip + text[i + 2 :]


class Asker:
    """Writes user turns for one split; the same random numbers give the same words."""

    def __init__(self, rng: random.Random, words: Words, split: str) -> None:
        self.rng = rng
        self.words = words
        self.split = split

    def ask(self, key: str, **slots: str) -> str:
        """Fill one phrasing of `key` with the slots, and type it.

        Training mixes plain phrasings with composed ones, validation composes from parts that training never
        shows, and the held-out split has phrasings of its own.
        """
        if self.split == "heldout" or (self.split == "train" and self.rng.random() < PLAIN_SHARE):
            way = self.rng.choice(PHRASES[key].of(self.split))
        else:
            way = compose_question(self.rng, key, unseen=self.split == "validation")
            while holds_heldout(way):
                way = compose_question(self.rng, key, unseen=self.split == "validation")
        return self.typed(way.format(**slots))

    def bring_up(self, topic: str) -> str:
        """Bring up a topic of plain talk, one of TOPICS."""
        ways = TOPICS[topic].of(self.split)
        if self.split != "heldout":
            listed = select_entries(TALK_WORDINGS[topic], unseen=self.split == "validation")
            more = tuple(way for way in listed if not holds_heldout(way))
            ways = more if self.split == "validation" else (*ways, *more)
        return self.typed(self.rng.choice(ways))

    def typed(self, text: str) -> str:
        """Write a question as people type it.

        Some lack the capital or the last mark, a few are all in capitals, Have Each Word So, or hold a slip.
        """
        rng = self.rng
        if rng.random() < LOWER_SHARE and not text.startswith(("I ", "I'")):
            text = text[0].lower() + text[1:]
        if rng.random() < NO_MARK_SHARE and len(text) > 4:
            text = text.rstrip("?.")
        roll = rng.random()
        if roll < CAPITALS_SHARE:
            return text.upper()
        if roll < CAPITALS_SHARE + TITLE_SHARE:
            return " ".join(word[0].upper() + word[1:] for word in text.split())
        return _mistype(rng, text) if roll > 1 - MISTYPED_SHARE else text

    def thing(self, name: str, suffix: str = "", *, qualifier: str = "") -> dict[str, str]:
        """Return the slots that name an object class, with its plural; sometimes by a synonym."""
        noun, plural = self._noun(name)
        full = f"{qualifier} {noun}".strip()
        one = full if noun != name or qualifier else self.words.one(name)
        return {
            f"the{suffix}": f"the {full}",
            f"a{suffix}": indefinite(one),
            f"name{suffix}": full,
            f"names{suffix}": plural,
        }

    def sound(self, name: str) -> dict[str, str]:
        """Return the slots that name a sound class; sometimes by a synonym or as one hears it."""
        rng, words = self.rng, self.words
        entry = words.sounds[name]
        synonyms = words.safe_synonyms[name]
        roll = rng.random()
        if roll < SYNONYM_SHARE and synonyms:
            noun = rng.choice(synonyms)
            bare = noun.endswith(("ing", "music", "noise")) or noun in SAID_WITHOUT_ARTICLE
            return {"sound": f"the {noun}", "asound": noun if bare else indefinite(noun)}
        heard = entry.get("phrase", "") if roll > 1 - SYNONYM_SHARE else words.heard(name)
        the = f"the sound of the {name}" if name in PLURAL_SOUNDS else f"the {name}"
        return {"sound": the, "asound": heard or words.heard(name)}

    def where(self, position: str) -> str:
        """Return a way to name one of the nine places, such as "in the upper left"."""
        return self._often_first(WHERE_ASKED[position])

    def relation(self, relation: str) -> str:
        """Return a way to say a relation, such as "to the left of"."""
        return self._often_first(RELATION_ASKED[relation])

    def further(self, direction: str) -> str:
        """Return a way to compare in a direction, such as "more to the left"."""
        return self._often_first(FURTHER_ASKED[direction])

    def _often_first(self, ways: tuple[str, ...]) -> str:
        return ways[0] if self.rng.random() < 0.6 else self.rng.choice(ways)

    def _noun(self, name: str) -> tuple[str, str]:
        synonyms = self.words.safe_synonyms[name]
        if synonyms and self.rng.random() < SYNONYM_SHARE:
            noun = self.rng.choice(synonyms)
            return noun, pluralise(noun)
        return name, self.words.plural(name)
