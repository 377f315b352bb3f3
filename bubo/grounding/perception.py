"""What perception found, in the form that the matcher reads."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bubo.types import Region, Span

# Score from which a thing or a sound is there by itself.
PRESENT = 0.5


@dataclass(frozen=True, eq=False)
class Instance:
    """One thing found in a picture.

    Args:
        name: Its class: a canonical name of the lexicon, or the noun that the detector was asked for.
        region: Where it is; the score says how sure the detector was.
        size_hw: Height and width of its picture in pixels.
        colours: Colour word -> share of its pixels, between 0 and 1.
    """

    name: str
    region: Region
    size_hw: tuple[int, int]
    colours: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Heard:
    """One stretch of a sound in which a class of sounds (by canonical name) is heard."""

    name: str
    span: Span


@dataclass(frozen=True, eq=False)
class Perception:
    """All that the tools found in the media of a conversation.

    Args:
        instances: Things, in the order of pictures and from left to right.
        heard: Stretches, in the order of sounds and of time.
        seen_scores: Best score of each object name in any picture, also of those that are not there.
        heard_scores: Best score of each sound name in any sound.
        pictures: Numbers of the pictures that the answer is about; earlier ones are looked at only if these
            do not show a thing. Empty if the conversation has no picture.
        sounds: The same for sounds.
        num_pictures: Pictures of the conversation.
        num_sounds: Sounds of the conversation.
        sees: False if there was no tool to look with: then nothing can be called absent from a picture.
        hears: The same for sounds.
        shown_scores: Best score of each object name in the pictures that the answer is about.
        faint_instances: Things that only the sounds make likely: sources of what is heard.
        faint_heard: Stretches that are too unsure to be heard by themselves.
        pointed: Those of the instances that the question points at; one without a name may be anything.
        pointed_heard: Those of the stretches that it points at.
    """

    instances: tuple[Instance, ...] = ()
    heard: tuple[Heard, ...] = ()
    seen_scores: Mapping[str, float] = field(default_factory=dict)
    heard_scores: Mapping[str, float] = field(default_factory=dict)
    pictures: tuple[int, ...] = ()
    sounds: tuple[int, ...] = ()
    num_pictures: int = 0
    num_sounds: int = 0
    sees: bool = True
    hears: bool = True
    shown_scores: Mapping[str, float] = field(default_factory=dict)
    faint_instances: tuple[Instance, ...] = ()
    faint_heard: tuple[Heard, ...] = ()
    pointed: tuple[Instance, ...] = ()
    pointed_heard: tuple[Heard, ...] = ()
