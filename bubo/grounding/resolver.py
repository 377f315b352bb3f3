"""What each phrase of an answer came to, in the light of what was found and what was said before.

A text is worked through sentence by sentence, and nothing looks ahead beyond its sentence: what its phrases
came to stays as it is when more text follows.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bubo.grounding.identity import same_regions
from bubo.grounding.lexicon import Lexicon, Sense
from bubo.grounding.limits import Limits
from bubo.grounding.nouns import Mention
from bubo.grounding.perception import Heard, Instance, Perception
from bubo.grounding.qualifiers import SUREST, choose, described_by, fits_side, lacks_colour
from bubo.types import Entity

NAMES_SHOWN = 3
# Factor on the score of a phrase that names a colour which the thing hardly has.
DOUBTED = 0.5


@dataclass(frozen=True, eq=False)
class Found:
    """What one mention came to."""

    label: str
    status: str
    score: float
    reason: str
    instances: tuple[Instance, ...] = ()
    heard: tuple[Heard, ...] = ()
    is_sound: bool = False


class Resolver:
    """Resolves the phrases of texts on one perception.

    Args:
        lexicon: What words can mean.
        perception: What was found.
        limits: Where sure begins.
    """

    def __init__(self, lexicon: Lexicon, perception: Perception, limits: Limits):
        self.lexicon = lexicon
        self.perception = perception
        self.limits = limits
        self.recent: list[tuple[Instance, ...]] = []
        self.others: list[tuple[Instance, ...]] = []
        self.asked_other: list[tuple[Instance, ...]] = []

    def remember(self, known: Sequence[Entity]) -> None:
        """Takes the things of earlier turns as already spoken of."""
        for entity in known:
            found = tuple(
                instance
                for instance in self.perception.instances
                if instance.name == entity.label
                and any(same_regions([instance.region], [region]) for region in entity.regions)
            )
            if found:
                self.recent.append(found)
        for one in self.perception.pointed:
            self.recent.append((one,))

    def resolve_question(self, mentions: Sequence[Mention]) -> None:
        """Takes the things that a question speaks of as already spoken of."""
        self.resolve(mentions)
        self.asked_other, self.others = self.others, []

    def resolve(self, mentions: Sequence[Mention]) -> list[tuple[Mention, Found]]:
        """What each mention came to, in reading order; those that name nothing are left out."""
        results: dict[int, Found] = {}
        for sentence in dict.fromkeys(mention.sentence for mention in mentions):
            numbers = [
                number
                for number, mention in enumerate(mentions)
                if mention.sentence == sentence and not mention.talk
            ]
            things = [number for number in numbers if not self._is_sound(mentions[number])]
            said = {name for n in numbers if n not in things for name in _sound_names(mentions[n])}
            spoken: list[Instance] = []
            for number in things:
                found = self._thing(mentions, number, said, spoken)
                if found is not None:
                    results[number] = found
                    spoken.extend(found.instances)
            for number in numbers:
                if number not in things:
                    sound = self._sound(mentions[number], spoken)
                    if self.perception.hears:
                        results[number] = sound
        return [(mentions[number], results[number]) for number in sorted(results)]

    # ------------------------------------------------------------ things

    def _thing(
        self, mentions: Sequence[Mention], number: int, said: set[str], spoken: Sequence[Instance]
    ) -> Found | None:
        mention = mentions[number]
        sense, candidates = self._candidates(mention)
        if not candidates and not mention.negated:
            candidates = [one for one in self.perception.pointed if not one.name]
        if not candidates:
            return self._without_place(mention, sense)
        if mention.negated:
            return self._denied(mention, sense, candidates)
        others: tuple[Instance, ...] = ()
        if mention.relation is not None:
            others = tuple(self._candidates(mentions[mention.relation[1]])[1])
        chosen, why = self._pick(mention, candidates, others, spoken)
        if not chosen:
            return Found(
                self._label(mention, sense, ()), "unsure", 0.5, f"{mention.text!r}: no other one is found"
            )
        if why != SUREST:
            self.recent.append(tuple(chosen))
        label = self._label(mention, sense, chosen)
        heard = self._heard_of(chosen, candidates, said)
        score = sum(one.region.score for one in chosen) / len(chosen)
        counted = ""
        if mention.number is not None and mention.number > 0:
            score *= min(1.0, len(chosen) / mention.number)
            counted = f" for {mention.number} named" if mention.number != len(chosen) else ""
        regions = "region" if len(chosen) == 1 else "regions"
        of = f" of {len(candidates)}" if len(chosen) < len(candidates) else ""
        reason = f"{self._via(mention, sense)}: {len(chosen)}{of} {regions}{counted}" + (
            f", by {why}" if why else ""
        )
        if heard:
            reason += f"; heard as {heard[0].name}"
        status = "both" if heard else "seen"
        if mention.number is not None and mention.number > len(chosen):
            status = "unsure"
        if doubt := self._doubt(mention, chosen):
            status, score, reason = "unsure", score * DOUBTED, f"{reason}; {doubt}"
        return Found(label, status, score, reason, tuple(chosen), heard)

    def _doubt(self, mention: Mention, chosen: Sequence[Instance]) -> str:
        """Why a phrase is doubted: it names a colour that no chosen thing has; empty if it is not."""
        for colour in described_by(mention, self.lexicon.colour_words)[0]:
            if all(lacks_colour(one, colour) for one in chosen):
                return f"found, but hardly {colour}"
        return ""

    def _candidates(self, mention: Mention) -> tuple[Sense | None, list[Instance]]:
        """The reading of a noun that has instances, and these; the first reading if none has."""
        readings = [sense for sense in mention.senses if sense.kind in ("object", "group")]
        best: tuple[Sense | None, list[Instance]] = (readings[0] if readings else None, [])
        if mention.plural and len(readings) > 1:  # "the birds": those that are only birds, and the owls
            best = (
                readings[-1],
                self._instances({name for sense in readings for name in sense.names}, mention),
            )
        for sense in readings:
            if not best[1]:
                best = (sense, self._instances(set(sense.names), mention))
        if not mention.senses:
            return None, self._instances({mention.head}, mention)
        return best

    def _instances(self, names: set[str], mention: Mention) -> list[Instance]:
        named = [instance for instance in self.perception.instances if instance.name in names]
        pictures: Sequence[int] = self.perception.pictures
        if mention.medium is not None and -1 <= mention.medium < self.perception.num_pictures:
            pictures = [mention.medium % self.perception.num_pictures]
            return [instance for instance in named if instance.region.picture in pictures]
        return [instance for instance in named if instance.region.picture in pictures] or named

    def _pick(
        self,
        mention: Mention,
        candidates: list[Instance],
        others: Sequence[Instance],
        spoken: Sequence[Instance],
    ) -> tuple[list[Instance], str]:
        last = self._last_spoken(candidates)
        if mention.other:
            for group in self.asked_other:  # "Where is the other dog?" - "The other dog is ...": the same one
                if all(_holds(candidates, one) for one in group):
                    return list(group), "the other one asked for"
            rest = [one for one in candidates if not _holds(last, one)]
            if len(candidates) == 1 and any(_holds(group, candidates[0]) for group in self.recent):
                return [], ""
            chosen, why = choose(mention, rest or candidates, self.lexicon.colour_words, others)
            self.others.append(tuple(chosen))
            return chosen, why or ("not the one before" if last else "")
        pointed = [one for one in candidates if _holds(self.perception.pointed, one)]
        if mention.determiner == "indefinite":
            pointed = [one for one in pointed if not _holds(spoken, one)]
        if pointed and not mention.plural and fits_side(mention, pointed[0], candidates):
            fresh = [one for one in pointed if not _holds(spoken, one)]
            return [(fresh or pointed)[0]], "pointed at"
        colours, size = described_by(mention, self.lexicon.colour_words)
        telling = (
            mention.where or (colours or size) and not mention.said or mention.ordinal is not None or others
        )
        wanted = mention.number if mention.number is not None else (None if mention.plural else 1)
        if mention.determiner == "definite" and not telling and last and len(last) == wanted:
            return list(last), "spoken of before"
        if mention.determiner == "indefinite" and wanted == 1:  # "a dog ... and a dog": two of them
            fresh = [one for one in candidates if not _holds(spoken, one)]
            candidates = fresh or candidates
        return choose(mention, candidates, self.lexicon.colour_words, others)

    def _last_spoken(self, candidates: Sequence[Instance]) -> tuple[Instance, ...]:
        """The things of the kind that the text spoke of last, unless it spoke of all of them."""
        for group in reversed(self.recent):
            if all(_holds(candidates, one) for one in group) and len(group) < len(candidates):
                return group
        return ()

    def _heard_of(
        self, chosen: Sequence[Instance], candidates: Sequence[Instance], said: set[str]
    ) -> tuple[Heard, ...]:
        """When a thing is heard: its sentence names its sound, or nothing else that is seen could make it."""
        names = {one.name for one in chosen}
        if len(names) != 1:
            return ()
        name = next(iter(names))
        heard: list[Heard] = []
        for sound in self.lexicon.sounds_by_object.get(name, ()):
            alone = self._seen_sources(sound) == {name} and len(chosen) == len(candidates)
            if sound in said or alone:
                heard += self._stretches({sound})
        return tuple(heard)

    def _seen_sources(self, sound: str) -> set[str]:
        """The classes that make a sound and are seen in the pictures at hand."""
        sources = set(self.lexicon.sources_by_sound.get(sound, ()))
        return {
            instance.name
            for instance in self.perception.instances
            if instance.name in sources and instance.region.picture in self.perception.pictures
        }

    def _without_place(self, mention: Mention, sense: Sense | None) -> Found | None:
        """A thing that no picture shows: heard, unsure or absent; None where nothing should be linked."""
        label = self._label(mention, sense, ())
        names = sense.names if sense is not None else (mention.head,)
        if (
            sense is not None
            and not (mention.negated and mention.sense != "heard")
            and mention.sense != "seen"
        ):
            sounds = {sound for name in names for sound in self.lexicon.sounds_by_object.get(name, ())}
            heard = self._stretches(sounds)
            if heard and not mention.negated:
                reason = f"{self._via(mention, sense)}: not seen, but heard as {heard[0].name}"
                return Found(label, "heard", _mean([one.span.score for one in heard]), reason, (), heard)
        if not self.perception.sees or (
            mention.determiner == "possessive" and (sense is None or sense.kind == "group")
        ):
            return None
        best = max((self.perception.seen_scores.get(name, 0.0) for name in names), default=0.0)
        looked_for = mention.head in self.perception.seen_scores  # by a detector that says what is not there
        if sense is None and not mention.negated:
            if mention.determiner != "indefinite" and mention.number is None:
                return None
            if not looked_for:
                return Found(
                    label, "unsure", self.limits.unknown, f"{mention.head!r} is no word that the tagger knows"
                )
        where = "found" if self.perception.num_pictures else "found: there is no picture"
        if sense is None and not looked_for:
            return Found(label, "absent", self.limits.unknown, f"{mention.head!r} is denied and not {where}")
        if best >= self.limits.unsure and not mention.negated:
            return Found(label, "unsure", best, f"{self._via(mention, sense)}: tagged, but not {where}")
        if mention.hedged and not mention.negated:
            return Found(
                label, "unsure", 1 - best, f"{self._via(mention, sense)}: the text is not sure, not {where}"
            )
        said = "denied" if mention.negated else "named"
        return Found(label, "absent", 1 - best, f"{self._via(mention, sense)}: {said}, and not {where}")

    def _denied(self, mention: Mention, sense: Sense | None, candidates: Sequence[Instance]) -> Found | None:
        """A thing that the text denies although something was found."""
        if mention.other:  # "no other dog": all that are left of those spoken of
            spoken = [one for group in self.recent for one in group]
            candidates = [one for one in candidates if not _holds(spoken, one)]
        pointed = [one for one in candidates if _holds(self.perception.pointed, one)]
        candidates = pointed or candidates
        label = self._label(mention, sense, candidates)
        best = max((one.region.score for one in candidates), default=0.0)
        via = self._via(mention, sense)
        if best < self.limits.clear and not pointed:
            return Found(label, "absent", 1 - best, f"{via}: denied, and found at most with {best:.2f}")
        return Found(label, "unsure", best, f"{via}: denied, but found with {best:.2f}", tuple(candidates))

    def _label(self, mention: Mention, sense: Sense | None, chosen: Sequence[Instance]) -> str:
        names = {one.name for one in chosen}
        if len(names) == 1 and "" not in names:
            return next(iter(names))
        if sense is None:
            return mention.head
        return sense.form if sense.kind == "group" else sense.names[0]

    def _via(self, mention: Mention, sense: Sense | None) -> str:
        if sense is None:
            return f"{mention.head!r} asked of the detector"
        if sense.via == "hypernym":
            names = sorted({i.name for i in self.perception.instances} & set(sense.names)) or sense.names
            more = ", ..." if len(names) > NAMES_SHOWN else ""
            return f"{sense.form!r} covers {', '.join(names[:NAMES_SHOWN])}{more}"
        if sense.via == "synonym":
            return f"{sense.form!r} is a word for {' or '.join(sense.names)}"
        return f"{sense.form!r} by name"

    # ------------------------------------------------------------ sounds

    def _is_sound(self, mention: Mention) -> bool:
        """Whether a phrase is read as a sound where its noun can be a thing too: "I hear a piano"."""
        kinds = {sense.kind for sense in mention.senses}
        if "sound" not in kinds:
            return False
        if not kinds & {"object", "group"}:
            return True
        if mention.sense:
            return mention.sense == "heard"
        if self._candidates(mention)[1]:
            return False
        return not self.perception.num_pictures or bool(self._stretches(set(_sound_names(mention))))

    def _stretches(self, names: set[str], medium: int | None = None) -> tuple[Heard, ...]:
        found = [heard for heard in self.perception.heard if heard.name in names]
        if (
            medium is not None
            and self.perception.num_sounds > 1
            and -1 <= medium < self.perception.num_sounds
        ):
            return tuple(h for h in found if h.span.sound == medium % self.perception.num_sounds)
        return tuple(h for h in found if h.span.sound in self.perception.sounds) or tuple(found)

    def _sound(self, mention: Mention, spoken: Sequence[Instance]) -> Found:
        names = _sound_names(mention)
        heard = self._stretches(set(names), mention.medium)
        if (
            len({one.name for one in heard}) > 1
        ):  # one word for several sounds: the one whose source is spoken of
            named = {one.name for one in spoken}
            fitting = [one for one in heard if named & set(self.lexicon.sources_by_sound.get(one.name, ()))]
            surest = max(fitting or heard, key=lambda one: one.span.score).name
            heard = tuple(one for one in heard if one.name == surest)
        pointed = tuple(one for one in heard if one in self.perception.pointed_heard)
        if mention.ordinal is not None and len(heard) > 1 and mention.ordinal < len(heard):
            heard = (heard[mention.ordinal],)
        elif pointed:
            heard = pointed
        label = heard[0].name if heard else names[0]
        best = max((self.perception.heard_scores.get(name, 0.0) for name in names), default=0.0)
        form = next(sense.form for sense in mention.senses if sense.kind == "sound")
        via = f"{form!r} by name" if form == label else f"{form!r} is a word for {label}"
        if not heard:
            where = "heard" if self.perception.num_sounds else "heard: there is no sound"
            if best >= self.limits.unsure and not mention.negated:
                return Found(label, "unsure", best, f"{via}: likely, but at no clear time", is_sound=True)
            said = "denied" if mention.negated else "named"
            return Found(label, "absent", 1 - best, f"{via}: {said}, and not {where}", is_sound=True)
        score = _mean([one.span.score for one in heard])
        if mention.negated:
            if score < self.limits.clear:
                return Found(
                    label, "absent", 1 - score, f"{via}: denied, and heard with {score:.2f}", is_sound=True
                )
            return Found(
                label, "unsure", score, f"{via}: denied, but heard with {score:.2f}", (), heard, True
            )
        makers = self._makers(label, spoken)
        times = "stretch" if len(heard) == 1 else "stretches"
        reason = f"{via}: {len(heard)} {times}" + (f"; seen as {makers[0].name}" if makers else "")
        return Found(label, "both" if makers else "heard", score, reason, makers, heard, True)

    def _makers(self, sound: str, spoken: Sequence[Instance]) -> tuple[Instance, ...]:
        """The things that make a sound: those its sentence speaks of, or all of the only class that can."""
        sources = set(self.lexicon.sources_by_sound.get(sound, ()))
        named = tuple(dict.fromkeys(one for one in spoken if one.name in sources))
        if named:
            return named
        seen = self._seen_sources(sound)
        if len(seen) != 1:
            return ()
        return tuple(
            one
            for one in self.perception.instances
            if one.name in seen and one.region.picture in self.perception.pictures
        )


def _holds(group: Sequence[Instance], one: Instance) -> bool:
    return any(one is other for other in group)


def _sound_names(mention: Mention) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for s in mention.senses if s.kind == "sound" for name in s.names))


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
