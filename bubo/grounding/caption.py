"""What is heard, in words: for a speaker that takes no sounds."""

from collections.abc import Sequence

from bubo.grounding.lexicon import Lexicon
from bubo.grounding.perception import Heard
from bubo.types import Sound

#: Stretches of one kind of sound that are told; a longer list helps nobody.
MAX_STRETCHES = 8


def caption_sounds(heard: Sequence[Heard], lexicon: Lexicon, sounds: Sequence[Sound]) -> tuple[str, ...]:
    """One sentence per sound: what is heard in it, and from when to when.

    Args:
        heard: What was found, `Span.sound` counting `sounds`.
        lexicon: Has the phrases: "a dog barking".
        sounds: All sounds of a conversation; with several each is named by its number.
    """
    phrases = {word.name: word.phrase or word.name for word in lexicon.sounds}
    captions = []
    for number, sound in enumerate(sounds):
        stretches: dict[str, list[str]] = {}
        for one in heard:
            if one.span.sound == number:
                times = f"from {one.span.start_s:.1f} to {one.span.end_s:.1f} s"
                stretches.setdefault(phrases.get(one.name, one.name), []).append(times)
        told = [f"{phrase} {_listed(times)}" for phrase, times in stretches.items()]
        which = f"sound {number + 1}" if len(sounds) > 1 else "the sound"
        what = "; ".join(told) or "nothing that is known"
        captions.append(f"Heard in {which} of {sound.duration_s:.1f} s: {what}.")
    return tuple(captions)


def _listed(times: Sequence[str]) -> str:
    more = len(times) - MAX_STRETCHES
    shown = [*times[:MAX_STRETCHES], *([f"{more} times more"] if more > 0 else [])]
    return " and ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else shown[0]
