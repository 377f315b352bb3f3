"""Whether a sound belongs to a picture: is what makes the sound seen?"""

from collections.abc import Sequence

from bubo.grounding.identity import EntityBook
from bubo.grounding.lexicon import Lexicon
from bubo.grounding.perception import Heard, Instance, Perception
from bubo.types import Verdict


def judge(perception: Perception, lexicon: Lexicon, book: EntityBook) -> Verdict | None:
    """The verdict on the pictures and sounds at hand.

    "match" if every sound that things can make has one of its sources in the picture, "partly" if some have,
    "mismatch" if none has. The score is the chance that this is right: each sound is really there, and each
    source really seen or really missing.

    Args:
        perception: What was found.
        lexicon: Which things make which sound.
        book: Gets the sounds and sources that the verdict rests on, where the text did not name them.

    Returns:
        The verdict with the ids of these entities, or None: no picture, no sound, or only sounds that have no
        source.
    """
    if not perception.pictures or not perception.sounds:
        return None
    stretches: dict[str, list[Heard]] = {}
    for heard in perception.heard:
        if heard.span.sound in perception.sounds and lexicon.sources_by_sound.get(heard.name):
            stretches.setdefault(heard.name, []).append(heard)
    if not stretches:
        return None
    score = 1.0
    entities: dict[str, None] = {}
    matched: list[str] = []
    missing: list[str] = []
    for sound, heard_of in stretches.items():
        sources = lexicon.sources_by_sound[sound]
        seen = [
            one
            for one in perception.instances
            if one.name in sources and one.region.picture in perception.pictures
        ]
        score *= max(one.span.score for one in heard_of)
        if seen:
            score *= max(one.region.score for one in seen)
            matched.append(f"{sound} goes with {_listed(sorted({one.name for one in seen}), 'and')}")
        else:
            score *= 1 - max((perception.seen_scores.get(source, 0.0) for source in sources), default=0.0)
            missing.append(f"{sound} is heard, but no {_listed(sources, 'or')} is seen")
        entities |= dict.fromkeys(_enter(book, sound, heard_of, seen))
    value = "mismatch" if not matched else "partly" if missing else "match"
    return Verdict(
        value, round(min(max(score, 0.0), 1.0), 4), tuple(entities), "; ".join((*matched, *missing)) + "."
    )


def _enter(book: EntityBook, sound: str, heard: Sequence[Heard], seen: Sequence[Instance]) -> list[str]:
    """Ids of a sound and of its seen sources, entered if they are new."""
    spans = [one.span for one in heard]
    score = sum(span.score for span in spans) / len(spans)
    names = sorted({one.name for one in seen})
    regions = [one.region for one in seen] if len(names) == 1 else []
    ids = [book.enter(sound, "both" if regions else "heard", score, regions, spans, by_spans=True)]
    for name in names:
        own = [one.region for one in seen if one.name == name]
        score = sum(region.score for region in own) / len(own)
        alone = spans if len(names) == 1 else []
        ids.append(book.enter(name, "both" if alone else "seen", score, own, alone))
    return ids


def _listed(names: Sequence[str], word: str) -> str:
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} {word} {names[-1]}"
