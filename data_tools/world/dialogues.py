"""Dialogues of one sample: eight single questions and one talk of two to five turns, as turns of a record."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from bubo.records import RecordTurn

from . import answers, questions, sound_answers
from .asking import Asker
from .facts import OPPOSITE, Facts
from .questions import Exchange
from .talk import TALK
from .truth import Sample, Thing
from .wording import Words

NUM_SINGLE = 8
TURN_COUNTS = (2, 2, 3, 3, 4, 4, 5)
LATER_SOUND_SHARE = 0.25
FOLLOW_UP_SHARE = 0.75
TALK_WITHOUT_MEDIA_SHARE = 0.5
THANKS_SHARE = 0.06
Dialogue = tuple[RecordTurn, ...]


def make_dialogues(
    sample: Sample, words: Words, rng: np.random.Generator, split: str, *, num_single: int = NUM_SINGLE
) -> tuple[Dialogue, ...]:
    """Write the dialogues of a sample: `num_single` of one question each, then one of several turns.

    Args:
        sample: the truth.
        words: the vocabulary.
        rng: the sample's generator; one number is drawn from it.
        split: decides between the phrasings of training and the held-out ones.
        num_single: number of single questions wanted; a poor sample may give fewer.
    """
    random_words = random.Random(int(rng.integers(2**62)))
    facts = Facts(sample, words)
    media = _media(facts)
    dialogues = []
    for exchange in questions.single_questions(random_words, facts, split, num_single):
        alone = exchange.reply.kind == "talk" and random_words.random() < TALK_WITHOUT_MEDIA_SHARE
        dialogues.append(_turns(exchange, () if alone else media))
    several = _Talk(random_words, facts, split).run()
    dialogues.append(tuple(turn for exchange, shown in several for turn in _turns(exchange, shown)))
    return tuple(dialogues)


def _media(facts: Facts) -> tuple[str, ...]:
    return ("picture",) * facts.has_picture + ("sound",) * facts.has_sound


def _turns(exchange: Exchange, media: tuple[str, ...]) -> Dialogue:
    said = exchange.reply
    user = RecordTurn(
        role="user", text=exchange.question, links=(), kind="", answer={}, about=(), compare=(), media=media
    )
    bubo = RecordTurn(
        role="assistant",
        text=said.text,
        links=said.links,
        kind=said.kind,
        answer=said.answer,
        about=said.about,
        compare=said.compare,
        media=(),
    )
    return user, bubo


@dataclass
class _Talk:
    """One dialogue while it is written: the facts shown so far and what was spoken of last."""

    rng: random.Random
    full: Facts
    split: str
    exchanges: list[tuple[Exchange, tuple[str, ...]]] = field(default_factory=list)

    def run(self) -> list[tuple[Exchange, tuple[str, ...]]]:
        """Write the turns; the sound sometimes comes only in a later one."""
        full = self.full
        both = full.has_picture and full.has_sound and full.known
        later = both and self.rng.random() < LATER_SOUND_SHARE
        self.facts = _without_sound(full) if later else full
        self.asker = Asker(self.rng, full.words, self.split)
        number = self.rng.choice(TURN_COUNTS)
        sound_turn = self.rng.randint(1, number - 1) if later else -1
        self._add(self._fresh(), _media(self.facts))
        while len(self.exchanges) < number:
            position = len(self.exchanges)
            if position == sound_turn:
                self.facts = full
                self._add(self._hear_later(), ("sound",))
                if len(self.exchanges) < number and full.known:
                    self._add_if(self._fits())
                continue
            if position == number - 1 and self.rng.random() < THANKS_SHARE:
                self._add(self._thanks(), ())
                continue
            exchange = self._follow_up() if self.rng.random() < FOLLOW_UP_SHARE else None
            self._add(exchange or self._fresh(), ())
        return self.exchanges

    def _add(self, exchange: Exchange, media: tuple[str, ...]) -> None:
        self.exchanges.append((exchange, media))

    def _add_if(self, exchange: Exchange | None) -> None:
        if exchange is not None:
            self._add(exchange, ())

    def _fresh(self) -> Exchange:
        """A question that leans on nothing said before, and repeats no answer if that can be helped."""
        said = [_gist(exchange) for exchange, _ in self.exchanges]
        found = questions.single_questions(self.rng, self.facts, self.split, 4)
        new = [exchange for exchange in found if _gist(exchange) not in said]
        return (new or found or [self._thanks()])[0]

    def _thanks(self) -> Exchange:
        question = self.asker.bring_up("thanks")
        return Exchange(question, answers.plain("talk", self.rng.choice(TALK["thanks"].answers)))

    def _hear_later(self) -> Exchange:
        facts = self.facts
        sound = next(iter(facts.heard)) if len(facts.heard) == 1 else ""
        said = sound_answers.describe_sound(self.rng, facts)
        return Exchange(self.asker.ask("sound_later"), said, sound=sound)

    def _fits(self) -> Exchange | None:
        said = sound_answers.verdict(self.rng, self.facts)
        return Exchange(self.asker.ask("fits_later"), said) if said else None

    def _follow_up(self) -> Exchange | None:
        """A question that needs the last turn to be understood; None when the last turn allows none."""
        last = self.exchanges[-1][0]
        ways: list[Callable[[Exchange], Exchange | None]] = []
        if last.thing is not None and last.name in self.facts.single:
            ways += [self._position_it, self._colour_it, self._size_it, self._relation_it]
        if last.reply.kind in ("position", "colour", "size"):
            ways += [self._what_about, self._what_about, self._what_about]
        if last.reply.kind == "position" and last.name in self.facts.several:
            ways += [self._other_one] * 6
        if last.reply.kind == "count":
            ways += [self._what_about_many] * 3
        if last.reply.kind == "presence":
            ways += [self._what_about_a] * 3
        if last.reply.kind == "source" and last.name in self.facts.several:
            ways += [self._count_them] * 3
        if last.reply.kind == "verdict":
            ways += [self._why] * 2
        if last.reply.kind == "presence_sound":
            ways += [self._what_about_sound] * 2
        if last.sound:
            ways += [self._when_it, self._source_it] if last.reply.kind != "source" else [self._when_it]
        said = [_gist(exchange) for exchange, _ in self.exchanges]
        self.rng.shuffle(ways)
        for way in ways:
            exchange = way(last)
            if exchange is not None and _gist(exchange) not in said:
                return exchange
        return None

    def _position_it(self, last: Exchange) -> Exchange | None:
        thing = last.thing
        if (
            thing is None
            or not self.facts.clear_position(thing)
            or last.reply.kind in ("at_position", "source")
        ):
            return None
        said = answers.position(self.rng, self.facts, thing)
        return Exchange(self.asker.ask("position_it"), said, thing.name, thing)

    def _colour_it(self, last: Exchange) -> Exchange | None:
        thing = last.thing
        if thing is None or not thing.colour:
            return None
        return Exchange(
            self.asker.ask("colour_it"), answers.colour(self.rng, self.facts, thing), thing.name, thing
        )

    def _size_it(self, last: Exchange) -> Exchange | None:
        thing = last.thing
        if thing is None:
            return None
        return Exchange(
            self.asker.ask("size_it"), answers.size(self.rng, self.facts, thing), thing.name, thing
        )

    def _relation_it(self, last: Exchange) -> Exchange | None:
        thing, facts = last.thing, self.facts
        others = [name for name in facts.single if name != last.name]
        if thing is None or not others:
            return None
        other = facts.groups[self.rng.choice(others)][0]
        true = facts.relation(thing, other, self.rng.choice("xy"))
        if true is None:
            return None
        asked = true if self.rng.random() < 0.5 else OPPOSITE[true]
        slots = {**self.asker.thing(other.name, "2"), "relation": self.asker.relation(asked)}
        said = answers.relation(self.rng, facts, thing, other, asked, true)
        return Exchange(self.asker.ask("relation_it", **slots), said, thing.name, thing)

    def _another(self, last: Exchange, absent_share: float) -> str | None:
        """A class other than the last one: one that is there, or with a chance one that is not."""
        if self.rng.random() < absent_share:
            return self.facts.absent_object(self.rng)
        names = [name for name in self.facts.groups if name != last.reply.answer.get("name")]
        return self.rng.choice(names) if names else None

    def _what_about(self, last: Exchange) -> Exchange | None:
        name, facts, rng = self._another(last, 0.25), self.facts, self.rng
        if name is None:
            return None
        if name not in facts.groups:
            said = answers.absent_objects(rng, facts, [name])
            return Exchange(self.asker.ask("what_about", **self.asker.thing(name)), said)
        if name not in facts.single:
            return None
        thing: Thing = facts.groups[name][0]
        if last.reply.kind == "position":
            if not facts.clear_position(thing):
                return None
            said = answers.position(rng, facts, thing)
        elif last.reply.kind == "colour":
            if not thing.colour:
                return None
            said = answers.colour(rng, facts, thing)
        else:
            said = answers.size(rng, facts, thing)
        return Exchange(self.asker.ask("what_about", **self.asker.thing(name)), said, name, thing)

    def _what_about_a(self, last: Exchange) -> Exchange | None:
        name = self._another(last, 0.5)
        if name is None:
            return None
        group = self.facts.groups.get(name, [])
        said = answers.presence(self.rng, self.facts, name)
        thing = group[0] if len(group) == 1 else None
        question = self.asker.ask("what_about_a", **self.asker.thing(name))
        return Exchange(question, said, name if group else "", thing)

    def _what_about_many(self, last: Exchange) -> Exchange | None:
        name = self._another(last, 0.25)
        if name is None:
            return None
        if len(self.facts.groups.get(name, ())) > questions.MOST_COUNTED or not self.facts.is_plain(name):
            return None
        said = answers.count(self.rng, self.facts, name)
        question = self.asker.ask("what_about_many", **self.asker.thing(name))
        return Exchange(question, said, name if name in self.facts.groups else "")

    def _what_about_sound(self, last: Exchange) -> Exchange | None:
        facts, rng = self.facts, self.rng
        others = [name for name in facts.heard if name != last.reply.answer.get("name")]
        name = rng.choice(others) if others and rng.random() < 0.5 else facts.absent_sound(rng)
        said = sound_answers.presence_sound(rng, facts, name)
        question = self.asker.ask("what_about_a", a=self.asker.sound(name)["asound"])
        return Exchange(question, said, sound=name if name in facts.heard else "")

    def _other_one(self, last: Exchange) -> Exchange | None:
        pair = self.facts.pair_apart(last.name)
        others = [thing for _, thing in pair or () if last.thing is not None and thing.id != last.thing.id]
        if len(others) != 1 or not self.facts.clear_position(others[0]):
            return None
        said = answers.position(self.rng, self.facts, others[0], "other")
        return Exchange(self.asker.ask("other_one"), said, last.name)

    def _why(self, last: Exchange) -> Exchange | None:
        said = sound_answers.why(self.rng, self.facts)
        return Exchange(self.asker.ask("why"), said) if said else None

    def _count_them(self, last: Exchange) -> Exchange | None:
        said = answers.count(self.rng, self.facts, last.name)
        return Exchange(self.asker.ask("count_them"), said, last.name)

    def _when_it(self, last: Exchange) -> Exchange | None:
        if last.sound not in self.facts.heard:
            return None
        said = sound_answers.when(self.rng, self.facts, last.sound)
        return Exchange(self.asker.ask("when_it"), said, sound=last.sound) if said else None

    def _source_it(self, last: Exchange) -> Exchange | None:
        facts = self.facts
        if last.sound not in facts.heard or not (facts.has_picture and facts.known):
            return None
        said = sound_answers.source(self.rng, facts, last.sound)
        if said is None:
            return None
        makers = facts.made_by[last.sound]
        maker = makers[0] if len(makers) == 1 else None
        return Exchange(
            self.asker.ask("source_it"), said, makers[0].name if makers else "", maker, last.sound
        )


def _gist(exchange: Exchange) -> tuple[str, object]:
    """Return what a reply says apart from its wording, so that no dialogue says it twice."""
    said = exchange.reply
    return said.kind, said.text if said.kind in ("talk",) else said.answer


def _without_sound(facts: Facts) -> Facts:
    return Facts(replace(facts.sample, clip=None, pair="none", sources={}), facts.words)
