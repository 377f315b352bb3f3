"""Whether a sound belongs to a picture: is what makes the sound seen?"""

from collections.abc import Sequence
from dataclasses import dataclass

from bubo.grounding.identity import EntityBook
from bubo.grounding.lexicon import Lexicon
from bubo.grounding.limits import Limits
from bubo.grounding.perception import Heard, Instance, Perception
from bubo.types import Verdict


def judge(
    perception: Perception, lexicon: Lexicon, book: EntityBook, limits: Limits | None = None
) -> Verdict | None:
    """The verdict on the pictures and sounds at hand.

    "match" if every sound that things can make has one of its sources in the picture, "partly" if some have,
    "mismatch" if none has. What is heard backs what is faintly seen, so a source counts from a tag score of
    `faint` on; a sound without a source speaks against the others only from `missing` on; and if no sound
    with sources is heard by itself, the likeliest faint one is judged. The score is the product over the
    sounds that count: each is really there, and its source really seen or really missing.

    Args:
        perception: What was found.
        lexicon: Which things make which sound.
        book: Gets the sounds and sources that the verdict rests on, where the text did not name them.
        limits: Has `faint` and `missing`.

    Returns:
        The verdict with the ids of these entities, or None: no picture, no sound, or only sounds that have no
        source.
    """
    if not perception.pictures or not perception.sounds:
        return None
    limits = limits or Limits()
    matched: list[_Ground] = []
    missing: list[_Ground] = []
    for sound, heard_of in _sounds_with_sources(perception, lexicon).items():
        sources = lexicon.sources_by_sound[sound]
        ground = _look_for_source(perception, sound, heard_of, sources, limits.faint)
        (matched if ground.source >= limits.faint else missing).append(ground)
    if matched:
        missing = [ground for ground in missing if ground.sure >= limits.missing]
    if not matched and not missing:
        return None
    score = 1.0
    reasons, entities = [], dict[str, None]()
    for ground in matched:
        score *= ground.sure * ground.source
        reasons.append(f"{ground.sound} goes with {_listed(ground.names, 'and')}")
    for ground in missing:
        score *= ground.sure * (1 - ground.source)
        reasons.append(f"{ground.sound} is heard, but no {_listed(ground.names, 'or')} is seen")
    for ground in (*matched, *missing):
        entities |= dict.fromkeys(_enter(book, ground.sound, ground.heard, ground.seen))
    value = "mismatch" if not matched else "partly" if missing else "match"
    return Verdict(value, round(min(max(score, 0.0), 1.0), 4), tuple(entities), "; ".join(reasons) + ".")


@dataclass(frozen=True)
class _Ground:
    """One sound that a verdict rests on.

    Attributes:
        sound: Its class.
        heard: Its stretches, and `sure`, the best score of them.
        seen: Its sources in the pictures.
        source: How likely the likeliest source is there.
        names: The sources that are seen or likely; all possible ones if none is.
    """

    sound: str
    heard: list[Heard]
    sure: float
    seen: list[Instance]
    source: float
    names: Sequence[str]


def _look_for_source(
    perception: Perception, sound: str, heard: list[Heard], sources: Sequence[str], faint: float
) -> _Ground:
    seen = [
        one
        for one in (*perception.instances, *perception.faint_instances)
        if one.name in sources and one.region.picture in perception.pictures
    ]
    chances = {source: perception.shown_scores.get(source, 0.0) for source in sources}
    for one in seen:
        chances[one.name] = max(one.region.score, chances[one.name])
    likeliest = max(chances, key=lambda source: chances[source])
    names = sorted({one.name for one in seen}) or [likeliest]
    sure = max(one.span.score for one in heard)
    found = chances[likeliest]
    return _Ground(sound, heard, sure, seen, found, names if found >= faint else sources)


def _sounds_with_sources(perception: Perception, lexicon: Lexicon) -> dict[str, list[Heard]]:
    """The stretches of each sound that things can make; of faint sounds only the likeliest, if need be."""
    found: dict[str, list[Heard]] = {}
    for group in (perception.heard, perception.faint_heard):
        for heard in group:
            if heard.span.sound in perception.sounds and lexicon.sources_by_sound.get(heard.name):
                found.setdefault(heard.name, []).append(heard)
        if found:
            break
    else:
        return {}
    if group is perception.heard:
        return found
    best = max(found, key=lambda name: max(one.span.score for one in found[name]))
    return {best: found[best]}


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
