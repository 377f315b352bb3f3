"""The parts from which questions about pictures and sounds of the drawn world are composed.

Each kind of question has five lists: complete direct questions, embedded clauses ("where {the} is"), noun
phrases ("the location of {the}"), bare orders ("find {the}") and the fragments that people type. Clauses,
nouns and orders follow a lead-in, which decides the final mark. An entry may hold alternatives,
"(spot/find)", an empty one among them; " @" is a place where a scope such as "in the picture" may be
appended, " %" one for "of the picture".

In every list each entry whose index leaves 3 when divided by 6 is reserved: training never composes with it,
and validation composes with nothing else, so that the validation split measures understanding of wordings
that training never showed. Lead-ins, scopes and fillers are shared by both.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass

from .grammar_following import FOLLOWING
from .grammar_hearing import HEARING
from .grammar_seeing import SEEING


@dataclass(frozen=True)
class Parts:
    """The wordings of one kind of question, by the form in which they are asked."""

    questions: tuple[str, ...] = ()
    clauses: tuple[str, ...] = ()
    nouns: tuple[str, ...] = ()
    orders: tuple[str, ...] = ()
    fragments: tuple[str, ...] = ()
    scope: str = ""


def split_entries(text: str) -> tuple[str, ...]:
    """Return the entries of a block, which stand between bars."""
    return tuple(entry for entry in (" ".join(part.split()) for part in text.split("|")) if entry)


def select_entries(entries: Sequence[str], *, unseen: bool) -> tuple[str, ...]:
    """Return the entries reserved for validation, or those that training may use."""
    return tuple(entry for index, entry in enumerate(entries) if (index % 6 == 3) == unseen)


SCOPES = {
    "picture": split_entries("""
        in the picture | in this picture | in the image | in this image | here | in the scene
        | in this scene | in the drawing | in this drawing | on the picture | in this illustration
        | in my picture | in this photo | on the drawing | on the screen | in that picture"""),
    "sound": split_entries("""
        in the sound | in this sound | in the recording | in this recording | in the clip | in this clip
        | in the audio | in this audio | here | in the sound clip | in the audio file | on the tape
        | on the recording | in my recording | in this audio clip"""),
    "%": split_entries("of the picture | of the image | of this picture | of the scene | of the drawing"),
}
# Lead-ins by form: those of a question, then those of a statement or an order.
LEADS = {
    "clauses": (
        split_entries("""
        Can you tell me | Could you tell me | Do you know | Would you tell me | Can you say | May I ask
        | Could you please tell me | Do you happen to know | Have you any idea | Any idea
        | Can you find out | Will you tell me | Can you work out | Could you let me know
        | Would you mind telling me | Can I ask | Are you able to say | Can you see | Could you say
        | Is it clear | Would you know | Can you tell"""),
        split_entries("""
        Tell me | Please tell me | I want to know | I would like to know | I'd like to know | I wonder
        | I need to know | Say | Please say | Let me know | Find out | Try to say | Just tell me
        | I can't tell | My question is | I am not sure | I have no idea | I'm curious to know
        | I want you to tell me | Please find out | I would love to know | You could tell me
        | I was wondering | I don't know"""),
    ),
    "nouns": (
        split_entries("""
        What is | What is | What's | And what is | Can you tell me | Could you tell me | Can you give me
        | Could you give me | Do you know | May I know | Would you tell me | Will you tell me
        | Can you work out | Would you mind telling me | Do you happen to know | Could you find out
        | What would you say is"""),
        split_entries("""
        Tell me | Please tell me | Give me | Please give me | I'd like to know | I would like to know
        | I want to know | I need | I need to know | Let me know | Find out | I am interested in
        | Just tell me | I am asking for | I would love to know | My question is about | Please find out
        | I'm asking about"""),
    ),
    "orders": (
        split_entries("""
        Can you | Could you | Would you | Will you | Can you please | Could you please
        | Would you please | Are you able to | Is it possible for you to | May I ask you to
        | Can I ask you to | Can you try to | Would you be so kind as to | Will you please
        | Could you try to"""),
        split_entries("""
        * | * | * | * | * | Please | Please | Try to | I want you to | I would like you to | Go and
        | I'd like you to | Now | I need you to | Just | Your task is to | You should | Please try to
        | Now please | I ask you to | Kindly | I hope you can | First"""),
    ),
}
BEFORE = split_entries(
    "Hey, | So, | OK, | Now, | Bubo, | Well, | Right, | Hi, | All right, | Hey Bubo, | Question:"
)
AFTER = (", please", ", please", ", Bubo", " Thanks.", " Thank you.")
FORMS = (("questions", 0.45), ("clauses", 0.2), ("nouns", 0.12), ("orders", 0.15), ("fragments", 0.08))


def _parse(text: str) -> dict[str, Parts]:
    """Read the blocks of parts."""
    forms = {"?": "questions", "c": "clauses", "n": "nouns", "o": "orders", "f": "fragments"}
    grammar: dict[str, Parts] = {}
    for block in re.split(r"^= ", text, flags=re.MULTILINE)[1:]:
        head, _, body = block.partition("\n")
        key, _, scope = head.strip().partition(" ")
        lists = {
            forms[found[1]]: split_entries(found[2])
            for found in re.finditer(r"^([?cnof]) (.*?)(?=^[?cnof] |\Z)", body, re.MULTILINE | re.DOTALL)
        }
        grammar[key] = Parts(**lists, scope=scope)
    return grammar


GRAMMAR: dict[str, Parts] = _parse(SEEING + HEARING + FOLLOWING)


def _resolve(rng: random.Random, entry: str, scope: str) -> str:
    """Choose one of each group of alternatives, and a scope or none where the entry allows one."""
    while found := re.search(r"\(([^()]*)\)", entry):
        entry = entry[: found.start()] + rng.choice(found[1].split("/")) + entry[found.end() :]
    for token, names in ((" @", SCOPES.get(scope, ())), (" %", SCOPES["%"])):
        if token in entry:
            chosen = f" {rng.choice(names)}" if names and rng.random() < 0.3 else ""
            entry = entry.replace(token, chosen)
    return " ".join(entry.split())


def _decorate(rng: random.Random, text: str, polite: bool) -> str:
    """Add a filler before or after, rarely."""
    if rng.random() < 0.07 and not re.match(r"(So|And|Now|Or|Next|Then|OK|First)\b", text):
        keep = re.match(r"(I|I'\w+)\b", text)
        text = f"{rng.choice(BEFORE)} {text if keep else text[0].lower() + text[1:]}"
    if rng.random() < 0.07:
        after = rng.choice(AFTER)
        if after.startswith(" "):
            return text + after
        if polite and "," not in text and ":" not in text and ". " not in text and "lease" not in text:
            return text[:-1] + after + text[-1]
    return text


def compose_question(rng: random.Random, key: str, *, unseen: bool = False) -> str:
    """Return a wording of the kind `key`, its slots unfilled, with its final mark and capital letter.

    Fragments stay as people type them: some without mark or capital letter. A wording that starts with a slot
    gets its capital letter, if any, from whoever fills the slot.

    Args:
        rng: Source of randomness.
        key: Kind of question.
        unseen: Compose with the reserved entries only, rather than with the others only.
    """
    parts = GRAMMAR[key]
    lists = {form: select_entries(getattr(parts, form), unseen=unseen) for form, _ in FORMS}
    forms, weights = zip(*((form, weight) for form, weight in FORMS if lists[form]), strict=True)
    form: str = rng.choices(forms, weights)[0]
    text = _resolve(rng, rng.choice(lists[form]), parts.scope)
    if form == "fragments":
        return text[0].upper() + text[1:] if rng.random() < 0.4 else text
    asked = True
    if form in LEADS:
        asked = rng.random() < (0.35 if form == "orders" else 0.5)
        lead = rng.choice(LEADS[form][0 if asked else 1])
        text = (f"{lead} {text}" if lead != "*" else text) + ("?" if asked else ".")
    text = text[0].upper() + text[1:]
    return _decorate(rng, text, form in ("questions", "orders") or asked)
