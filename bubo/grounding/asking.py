"""What the nouns of a text ask the detector and the listener for."""

from bubo.grounding.clauses import find_mentions
from bubo.grounding.lexicon import Lexicon


def asked_objects(text: str, lexicon: Lexicon) -> set[str]:
    """Names to ask the detector for; groups and places are left to the tagger."""
    names: set[str] = set()
    if text:
        for mention in find_mentions(text, lexicon):
            if mention.talk:
                continue
            if not mention.senses:
                names.add(mention.head)
            for sense in mention.senses:
                if sense.kind == "object":
                    names.update(sense.names)
    return names


def asked_sounds(text: str, lexicon: Lexicon) -> dict[str, tuple[str, ...]]:
    """What the text says is heard, where the lexicon knows no sound of it: name -> the object it comes from.

    "I hear a tractor" asks for the sound of a tractor, if no sound is known to come from tractors. A noun
    that the lexicon does not know at all may be no thing ("a melody"), so nothing is said to make its sound.
    """
    found: dict[str, tuple[str, ...]] = {}
    if text:
        for mention in find_mentions(text, lexicon):
            kinds = {sense.kind for sense in mention.senses}
            if mention.talk or mention.sense != "heard" or "sound" in kinds:
                continue
            if not mention.senses:
                found[mention.head] = ()
            for sense in mention.senses:
                if sense.kind == "object":
                    silent = [name for name in sense.names if not lexicon.sounds_by_object.get(name)]
                    found |= {name: (name,) for name in silent}
    return found
