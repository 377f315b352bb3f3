"""A conversation with words for the places that its questions point at, as its speaker gets it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bubo.grounding.identity import known_entities
from bubo.grounding.pipeline import Grounder
from bubo.grounding.pointing import Pointed
from bubo.grounding.referents import Referent, nowhere, refer
from bubo.grounding.telling import own_answer, plain_question, sentence
from bubo.places import settle
from bubo.types import Entity, Picture, Place, Sound, Turn


@dataclass(frozen=True, eq=False)
class ToldTurns:
    """What the speaker gets.

    Args:
        turns: All turns; those with places have other texts.
        question: What the last turn asks, for who ties the answer to media.
        pointed: What the last turn points at.
        own_answer: What there is to say without the speaker; normally empty.
    """

    turns: list[Turn]
    question: str
    pointed: tuple[Pointed, ...] = ()
    own_answer: str = ""


def settled_places(turns: Sequence[Turn]) -> tuple[Place, ...]:
    """The places of the last turn, settled in the media and entities of the conversation up to it.

    Raises:
        InputError: If one is not there.
    """
    return settle(
        turns[-1].places,
        [(picture.width, picture.height) for turn in turns for picture in turn.pictures],
        [sound.duration_s for turn in turns for sound in turn.sounds],
        [entity.id for entity in known_entities(turns[:-1])],
    )


def tell_places(turns: Sequence[Turn], grounder: Grounder | None, plain: bool) -> ToldTurns:
    """Puts what is pointed at into words, in every turn the same whenever it is told.

    Args:
        turns: The whole conversation.
        grounder: Finds what is at the places; with None only the pixels and seconds are told.
        plain: The speaker knows plain questions alone.

    Raises:
        InputError: If a place is not there.
    """
    told: list[Turn] = []
    pointed: tuple[Pointed, ...] = ()
    question = own = ""
    for number, turn in enumerate(turns, 1):
        pointed, own, question = (), "", turn.text
        text = turn.text
        if turn.places:
            places = settled_places(turns[:number])
            pointed, referents = _referents(places, turns[:number], grounder)
            if plain and grounder is not None:
                own = own_answer(turn.text, referents)
                if not own:
                    text = question = plain_question(turn.text, referents, grounder.lexicon)
            else:
                text = f"{sentence(referents)} {turn.text}"
        told.append(replace(turn, text=text) if text != turn.text else turn)
    return ToldTurns(told, question, pointed, own)


def _referents(
    places: Sequence[Place], turns: Sequence[Turn], grounder: Grounder | None
) -> tuple[tuple[Pointed, ...], tuple[Referent, ...]]:
    pictures: list[Picture] = [picture for turn in turns for picture in turn.pictures]
    sounds: list[Sound] = [sound for turn in turns for sound in turn.sounds]
    known: list[Entity] = known_entities(turns[:-1])
    if grounder is None:
        return (), tuple(nowhere(place, pictures, sounds) for place in places)
    pointed, perception = grounder.point(places, pictures, sounds, known)
    return pointed, refer(pointed, perception, pictures, sounds)
