"""Conversations as tokens: the prompt of some turns, and which turns a prompt has room for."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from bubo.decoding import Key
from bubo.errors import InputError, QuestionError
from bubo.recent import Recent
from bubo.types import Picture, Sound, Turn

# Turns whose lengths in tokens are remembered.
NUM_LENGTHS = 1024


@dataclass(frozen=True)
class Prompt:
    """A conversation ready to feed.

    Fields:
        ids: Token ids.
        keys: One per id: the id itself, or the id of the medium that stands there.
        media: (position, medium) of every picture and sound, in order.
    """

    ids: list[int]
    keys: list[Key]
    media: list[tuple[int, Picture | Sound]]


class PromptWriter:
    """Writes prompts in the layout of a processor. Threads may share one.

    Args:
        layout: A `ChatLayout`.
    """

    def __init__(self, layout: Any):
        self._layout = layout
        self._lengths: Recent[int] = Recent(NUM_LENGTHS)
        self._lock = threading.Lock()
        self._lengths_lock = threading.Lock()

    def fit(
        self, turns: list[Turn], max_new_tokens: int, context_length: int, prompt_length: int | None
    ) -> tuple[list[Turn], Prompt]:
        """Leave out the oldest questions with their answers until the rest fits; never a system turn.

        Those that brought no media go first, so that what is talked about is perceived as long as possible.
        What is left out grows in steps of a quarter of the room, so that the turns after an overflow find
        the same beginning in the kept cache instead of a shifted one each time; of half the room where the
        trained length is the limit, as answers get worse towards it.

        Args:
            turns: The whole conversation.
            max_new_tokens: Room that the answer needs.
            context_length: Most tokens of prompt and answer.
            prompt_length: Most tokens of a prompt that the model was trained on, if that is known.

        Raises:
            InputError: If the answer alone takes the whole context.
            QuestionError: If the last turn alone does not fit.
        """
        most = context_length - max_new_tokens
        if most < 1:
            raise InputError(
                f"max_new_tokens is {max_new_tokens}, but the model's whole context is "
                f"{context_length} tokens; ask for a shorter answer."
            )
        room = min(most, prompt_length or most)
        whole = self.write(turns, True)
        full = len(whole.ids)
        if full <= room:
            return turns, whole
        choices = shorter(turns)
        lengths = [full - self._dropped(turns, choice) for choice in choices]
        found = self._choose(choices, lengths, room, most, full)
        if found is None or len(found[1].ids) > room:  # turns by themselves are not quite as long
            lengths = [len(self.write(choice, True).ids) for choice in choices]
            found = self._choose(choices, lengths, room, most, full)
        if found is not None:
            return found
        shortest = min([full, *lengths])
        if shortest > most:
            raise QuestionError(
                f"The question, its media and the system text take {shortest} tokens, but with "
                f"{max_new_tokens} for the answer at most {most} fit; "
                "shorten the question or send fewer media."
            )
        # more than it was trained on, but within its context
        return (choices[-1], self.write(choices[-1], True)) if choices else (turns, whole)

    def _choose(
        self, choices: list[list[Turn]], lengths: list[int], room: int, most: int, full: int
    ) -> tuple[list[Turn], Prompt] | None:
        """The choice that fits and leaves out as much as a step asks for, but no media without need."""
        fitting = [number for number, length in enumerate(lengths) if length <= room]
        if not fitting:
            return None
        step = max(1, room // (2 if room < most else 4))
        wanted = -(-(full - room) // step) * step
        media = _num_media(choices[fitting[0]])
        same = [number for number in fitting if _num_media(choices[number]) == media]
        best = next((number for number in same if full - lengths[number] >= wanted), fitting[0])
        return choices[best], self.write(choices[best], True)

    def _dropped(self, turns: Sequence[Turn], choice: Sequence[Turn]) -> int:
        """Tokens of the turns that a choice leaves out, each counted by itself and remembered."""
        kept = {id(turn) for turn in choice}
        return sum(self._length(turn) for turn in turns if id(turn) not in kept)

    def _length(self, turn: Turn) -> int:
        media = [*(picture.id for picture in turn.pictures), *(sound.id for sound in turn.sounds)]
        key = " ".join([turn.role, *media, turn.text])
        with self._lengths_lock:
            return self._lengths.get(key, lambda: len(self.write([turn], False).ids))

    def write(self, turns: Sequence[Turn], add_generation_prompt: bool) -> Prompt:
        """The prompt of these turns, all of them."""
        pictures = (picture for turn in turns for picture in turn.pictures)
        sounds = (sound for turn in turns for sound in turn.sounds)
        prompt = Prompt([], [], [])
        with self._lock:  # tokenizers are not for two threads at once
            pieces = self._layout.pieces([message(turn) for turn in turns], add_generation_prompt)
        for piece in pieces:
            if piece.kind in ("image", "audio"):
                medium: Picture | Sound = next(pictures) if piece.kind == "image" else next(sounds)
                prompt.media.append((len(prompt.ids), medium))
                prompt.keys.extend([medium.id] * len(piece.ids))
            else:
                prompt.keys.extend(piece.ids)
            prompt.ids.extend(piece.ids)
        return prompt


def _num_media(turns: Sequence[Turn]) -> int:
    return sum(len(turn.pictures) + len(turn.sounds) for turn in turns)


def shorter(turns: Sequence[Turn]) -> list[list[Turn]]:
    """The conversation with one more question and answer left out each time, all but the last in the end.

    The oldest go first: those without media, then the others.
    """
    users = [number for number, turn in enumerate(turns) if turn.role == "user"]
    groups = [range(start, end) for start, end in pairwise(users)]
    brought = [any(turns[number].pictures or turns[number].sounds for number in group) for group in groups]
    order = sorted(range(len(groups)), key=lambda number: brought[number])
    gone: set[int] = set()
    choices = []
    for number in order:
        gone.update(place for place in groups[number] if turns[place].role != "system")
        choices.append([turn for place, turn in enumerate(turns) if place not in gone])
    return choices


def message(turn: Turn) -> dict[str, Any]:
    """A turn as the processor takes it: its pictures, its sounds, its text."""
    parts: list[dict[str, str]] = [{"type": "image"} for _ in turn.pictures]
    parts += [{"type": "audio"} for _ in turn.sounds]
    return {"role": turn.role, "content": [*parts, {"type": "text", "text": turn.text}]}
