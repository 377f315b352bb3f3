"""How a speaker is told what a question points at.

A speaker that was trained on plain questions gets one: "What colour is this?" becomes "What colour is the
left dog?". Any other gets a sentence before the question, which stays as it was asked.
"""

import re
from collections.abc import Sequence

from bubo.grounding.asking import asked_objects
from bubo.grounding.lexicon import Lexicon
from bubo.grounding.referents import Referent
from bubo.grounding.words import word_set

_THIS = r"(?:it|this|that|these|those)"
_THING = r"(?:\ (?:thing|things|object|objects|item|one|ones|here|there|over\ there|place|spot|sound|noise))*"
_SUBJECT = rf"{_THIS}{_THING}"
#: Questions that ask for nothing but what it is: words alone, in lower case.
_IDENTIFY = re.compile(
    rf"""(?:(?:and|so|now|hey|please|bubo|ok|well)\ )*(?:(?:can|could|would)\ you\ )?(?:
    what(?:s|\ is|\ are|\ was)\ {_SUBJECT}(?:\ called)?
    | what(?:s|\ is|\ are)\ (?:here|there|the\ thing|at\ (?:this|that)\ (?:place|point|spot))
    | (?:what|which\ thing)\ (?:do|can|did)\ (?:you|i|we)\ (?:see|hear|find)(?:\ (?:{_SUBJECT}|here|there))?
    | what\ am\ i\ (?:pointing|looking|clicking)\ at
    | what\ (?:kind|sort|type)\ of\ \w+\ (?:is|are)\ {_SUBJECT}
    | (?:what|which)\ (?:thing|object|animal|sound|noise)\ is\ {_SUBJECT}
    | who(?:s|\ is|\ are)\ {_SUBJECT}
    | (?:name|identify|describe|recogni[sz]e|explain)\ {_SUBJECT}
    | (?:tell\ me|say)\ (?:what\ {_SUBJECT}\ (?:is|are)|(?:more\ )?about\ {_SUBJECT})
    | (?:do\ you\ know|i\ wonder)\ what\ {_SUBJECT}\ (?:is|are)
    | (?:is|are)\ {_SUBJECT}\ (?:really\ |maybe\ |also\ )?(?:an?|some)\ .*
    | what | {_SUBJECT} | here | what\ here
    )(?:\ please|\ called|\ here|\ there|\ in\ the\ (?:picture|image|sound))*""",
    re.VERBOSE,
)
_GENERIC = word_set("thing object item one place spot point area part region")
_GENERIC_SOUND = word_set("sound noise call tone")
_MEDIA = word_set("picture image photo scene drawing recording clip audio")
_WORD = re.compile(r"[A-Za-z]+(?:['\u2019][a-z]+)?")
_ONE, _SEVERAL = word_set("it this that"), word_set("these those they them")
_SHORT = {"it's": " is", "that's": " is", "its": "'s"}
# "it is true", "do you think that", "the one that": no thing is meant.
_EMPTY_AFTER = word_set("true right correct possible so raining the case")
_CLAUSE_BEFORE = word_set(
    "true right correct so sure think say believe know tell confirm mean case one ones thing things object "
    "objects"
)
_CLAUSE_AFTER = word_set("the a an there this it they you i we")


def asks_what(question: str) -> bool:
    """Whether a question asks for nothing but what the place holds."""
    words = " ".join(_WORD.findall(question.replace("'s", " is").replace("\u2019s", " is"))).lower()
    return not words or _IDENTIFY.fullmatch(words) is not None


def plain_question(question: str, referents: Sequence[Referent], lexicon: Lexicon) -> str:
    """A question with the names of what it points at in the place of "this" and "it".

    Args:
        question: As it was asked.
        referents: What it points at, all of it found.
        lexicon: Which nouns can mean it: "this animal" is replaced too.
    """
    if asks_what(question) and len(referents) == 1:
        return _what(referents[0])
    replaced = _replaced(question, referents, lexicon)
    if replaced is not None:
        return replaced
    if asked_objects(question, lexicon):
        return question
    phrases = _both([one.phrase for one in referents])
    return f"{phrases[:1].upper()}{phrases[1:]}: {question[:1].lower()}{question[1:]}"


def _what(referent: Referent) -> str:
    if referent.sound:
        return "What do you hear?" if referent.alone else f"When do you hear {referent.phrase}?"
    return f"What is {referent.where}?" if referent.alone else f"Where is {referent.phrase}?"


def _replaced(question: str, referents: Sequence[Referent], lexicon: Lexicon) -> str | None:
    """The question with phrases put in; None if it has no word that could be replaced."""
    words = list(_WORD.finditer(question))
    keys = [word.group().lower().replace("\u2019", "'") for word in words]
    pieces: list[str] = []
    position, taken, index = 0, 0, 0
    while index < len(words):
        last, phrase, names_it = _reading(keys, index, referents, min(taken, len(referents) - 1), lexicon)
        if last > index:
            start = words[index].start()
            pieces += [question[position:start], _capital(phrase) if not start else phrase]
            position = words[last - 1].end()
            taken += names_it
        index = max(last, index + 1)
    return "".join([*pieces, question[position:]]) if pieces else None


def _reading(
    keys: Sequence[str], index: int, referents: Sequence[Referent], number: int, lexicon: Lexicon
) -> tuple[int, str, bool]:
    """Index behind the words that mean something pointed at, what to say instead, and if the next is meant.

    The index is the given one where nothing is to be replaced.
    """
    key, own = keys[index], referents[number]
    after = keys[index + 1] if index + 1 < len(keys) else ""
    if key in _SEVERAL:
        known = after in ("things", "objects", "two", "items", "ones")
        return index + 1 + known, _both([one.phrase for one in referents]), False
    if key in _SHORT:
        return index + 1, own.phrase + _SHORT[key], False
    if key in ("this", "that", "the"):
        for length in (2, 1):
            following = keys[index + 1 : index + 1 + length]
            fits = len(following) == length and _means(" ".join(following), own, lexicon)
            if fits and (key != "the" or following[0] not in _GENERIC):
                return index + 1 + length, own.phrase, True
    if key not in _ONE or after in _MEDIA or (key != "it" and after in _GENERIC_SOUND):
        return index, "", False
    before = keys[index - 1] if index else ""
    if key == "it" and (after in _EMPTY_AFTER or (after == "is" and keys[index + 2 : index + 3] == ["true"])):
        return index, "", False
    if key == "that" and (before in _CLAUSE_BEFORE or after in _CLAUSE_AFTER and before not in ("is", "are")):
        return index, "", False
    return index + 1, own.phrase, key != "it"


def _means(noun: str, referent: Referent, lexicon: Lexicon) -> bool:
    """Whether a noun can stand for what is pointed at."""
    if not noun:
        return False
    if noun in (_GENERIC_SOUND if referent.sound else _GENERIC):
        return True
    return any(referent.name and referent.name in sense.names for sense in lexicon.senses_of(noun))


def sentence(referents: Sequence[Referent]) -> str:
    """What a speaker is told that reads sentences: what is pointed at, with its pixels or seconds."""
    told = [_told(one) for one in referents]
    if len(told) == 1:
        return f"I point at {told[0]}."
    return f"I point at {len(told)} places: {'; '.join(f'({n}) {one}' for n, one in enumerate(told, 1))}."


def _told(one: Referent) -> str:
    if one.sound:
        what = f"{one.phrase} " if one.name else ""
        return f"{what}{one.where} of {one.medium}"
    if one.nothing:
        return f"a place {one.where} of {one.medium} ({one.spot})" if one.spot else "what was not found"
    phrase = f"{one.phrase} {one.where}" if one.name else f"something {one.where}"
    return f"{phrase} of {one.medium} ({one.spot})"


def own_answer(question: str, referents: Sequence[Referent]) -> str:
    """What there is to say without a speaker that would only guess; "" if it should be asked.

    That is so where nothing known is at a place, and where several things are pointed at only to be named.
    """
    missing = [number for number, one in enumerate(referents, 1) if one.nothing]
    nameless = [one for one in referents if not one.name and not one.nothing]
    if len(referents) == 1 and missing:
        if referents[0].sound:
            return f"I hear nothing that I know {referents[0].where}."
        return "I see nothing that I know at that place."
    if asks_what(question) and len(referents) == 1 and nameless:
        return f"I see something {referents[0].where}, but I have no name for it."
    if not missing and not (asks_what(question) and len(referents) > 1):
        return ""
    seen = _both([f"{one.phrase} {one.where}" for one in referents if not one.nothing and not one.sound])
    heard = _both([f"{one.phrase} {one.where}" for one in referents if not one.nothing and one.sound])
    parts = [part for part in (f"I see {seen}" if seen else "", f"I hear {heard}" if heard else "") if part]
    if missing:
        places = _both([f"place {number}" for number in missing])
        parts.append(f"I know of nothing at {places}")
    return ". ".join(parts) + "."


def _both(phrases: Sequence[str]) -> str:
    return " and ".join([", ".join(phrases[:-1]), phrases[-1]]) if len(phrases) > 1 else "".join(phrases)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
