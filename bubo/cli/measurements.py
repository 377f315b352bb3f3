"""The measurements behind `bubo bench`: medians over rounds, each with media that nothing has seen before."""

import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bubo.assistant import Assistant
    from bubo.grounding.pipeline import Grounder
    from bubo.speaker import ModelSpeaker, Speaker
    from bubo.types import Picture, Sound, Turn

OPENING = "What do you see and hear?"
REPEATED = "Where is the dog?"
BETWEEN = (
    "How many cats are there?",
    "Is there a car?",
    "What makes the sound?",
    "Is there a piano?",
    "When do you hear it?",
    "What is at the top?",
    "Do picture and sound belong together?",
    "Can you hear a siren?",
)
#: Ten questions; the last one is also asked alone, without media, for comparison.
QUESTIONS = (OPENING, *BETWEEN, REPEATED)
#: Longest answer measured, on both sides.
MAX_NEW_TOKENS = 48
#: Chats that go on at once.
NUM_CHATS = 8
STEPS = ("tag", "detect", "segment", "listen", "match")


@dataclass(frozen=True)
class Spoken:
    """One answer: its text, seconds until its first piece, tokens per second after it (0 if none came)."""

    text: str
    first_s: float
    rate: float


def variants(picture: "Picture", sound: "Sound", count: int) -> "Iterator[tuple[Picture, Sound]]":
    """The same media `count` times, each with ids of its own: one pixel and the loudness differ a little."""
    import numpy as np

    from bubo.types import Picture, Sound

    for number in range(count):
        pixels = picture.pixels.copy()
        pixels[0, 0] = number % 256
        samples = (sound.samples * np.float32(1 - 1e-4 * (number + 1))).astype(np.float32)
        yield Picture(pixels), Sound(samples, sound.sampling_rate)


def speak(speaker: "Speaker", turns: "Sequence[Turn]") -> Spoken:
    """Have one answer spoken, and time its pieces."""
    from bubo.settings import Settings

    settings = Settings(max_new_tokens=MAX_NEW_TOKENS)
    started = last = time.perf_counter()
    first_s, text = 0.0, ""
    for piece in speaker.stream(turns, settings):
        last = time.perf_counter()
        first_s = first_s or last - started
        text += piece
    tokens, seconds = speaker.last.tokens_generated - 1, last - started - first_s
    return Spoken(text, first_s, tokens / seconds if tokens > 0 and seconds > 0 else 0.0)


def measure_turns(
    assistant: "Assistant", media: "Sequence[tuple[Picture, Sound]]"
) -> tuple[dict[str, float], "list[Turn]"]:
    """One conversation of ten turns per pair of media, and the last question alone; the first pair warms up.

    Returns:
        Medians by name, and the turns of the last conversation.
    """
    from bubo.speaker import ModelSpeaker
    from bubo.types import Turn

    speaker = assistant.speaker
    rounds: list[dict[str, float]] = []
    turns: list[Turn] = []
    for picture, sound in media:
        if isinstance(speaker, ModelSpeaker):
            speaker.clear()  # or the conversation of the round before would be found again
        alone = speak(speaker, [Turn("user", REPEATED)])
        turns, spoken = [], []
        for number, question in enumerate(QUESTIONS):
            with_media = ((picture,), (sound,)) if number == 0 else ((), ())
            turns.append(Turn("user", question, *with_media))
            spoken.append(speak(speaker, turns))
            turns.append(Turn("assistant", spoken[-1].text))
        rounds.append(
            {
                "first_token_media_s": spoken[0].first_s,
                "first_token_turn1_s": alone.first_s,
                "first_token_turn10_s": spoken[-1].first_s,
                "tokens_per_s": spoken[0].rate,
            }
        )
    return medians(rounds[1:] or rounds), turns


def measure_chats(
    assistant: "Assistant", media: "Sequence[tuple[Picture, Sound]]", rounds: int
) -> dict[str, float]:
    """Tokens per second of one chat and of several at once, in turn, so that both meet the same machine.

    Each chat has media of its own, which it has perceived before, and then asks `BETWEEN`; what counts is
    the time from the first question to the last linked answer, all included. Every time another question
    comes first, so that nobody finds its talk in the cache.
    """
    found: list[dict[str, float]] = []
    chats = [_opened(assistant, *pair) for pair in media]
    for number in range(rounds + 1):
        one = _rate(assistant, chats[:1], 2 * number)
        together = _rate(assistant, chats, 2 * number + 1)
        ratio = together / max(one, 1e-9)
        found.append(
            {
                "one_chat_tokens_per_s": one,
                "eight_chats_tokens_per_s": together,
                "eight_chats_ratio": ratio,
            }
        )
    return medians(found[1:])


def _opened(assistant: "Assistant", picture: "Picture", sound: "Sound") -> "list[Turn]":
    """The turns of a chat whose media were perceived with its first answer."""
    from bubo.types import Turn

    turns = [Turn("user", OPENING, (picture,), (sound,))]
    answer = assistant.reply(turns)
    return [*turns, Turn("assistant", answer.text, answer=answer)]


def _rate(assistant: "Assistant", chats: "Sequence[Sequence[Turn]]", first: int) -> float:
    """Tokens per second of some chats that go on at once, each in a thread; which question comes first."""
    from bubo.settings import Settings
    from bubo.types import Turn

    settings = Settings(max_new_tokens=MAX_NEW_TOKENS)
    questions = [BETWEEN[(first + number) % len(BETWEEN)] for number in range(len(BETWEEN))]

    def go_on(opened: "Sequence[Turn]") -> int:
        turns, tokens = list(opened), 0
        for question in questions:
            turns.append(Turn("user", question))
            answer = assistant.reply(turns, settings)
            turns.append(Turn("assistant", answer.text, answer=answer))
            tokens += int(answer.metadata["tokens_generated"])
        return tokens

    with ThreadPoolExecutor(len(chats)) as pool:
        started = time.perf_counter()
        tokens = sum(pool.map(go_on, chats))
    return tokens / (time.perf_counter() - started)


def measure_generate(speaker: "ModelSpeaker", turns: "Sequence[Turn]", rounds: int) -> dict[str, float]:
    """transformers.generate on the same weights, fed the whole history of turn 1 and of turn 10."""
    found: list[dict[str, float]] = []
    for _ in range(rounds + 1):
        opening, last = turns[:1], turns[: 2 * len(QUESTIONS) - 1]
        first_s, _ = _generate(speaker, opening, 1)
        whole_s, tokens = _generate(speaker, opening, MAX_NEW_TOKENS)
        rate = (tokens - 1) / (whole_s - first_s) if tokens > 1 and whole_s > first_s else 0.0
        found.append(
            {
                "generate_first_token_media_s": first_s,
                "generate_first_token_turn10_s": _generate(speaker, last, 1)[0],
                "generate_tokens_per_s": rate,
            }
        )
    return medians(found[1:])


def _generate(speaker: "ModelSpeaker", turns: "Sequence[Turn]", max_new_tokens: int) -> tuple[float, int]:
    """Seconds from turns to the end of `generate`, preparation of the media included, and the new tokens."""
    import torch
    from PIL import Image

    from bubo.prompts import message

    started = time.perf_counter()
    inputs = speaker.processor.apply_chat_template(
        [message(turn) for turn in turns],
        images=[Image.fromarray(picture.pixels) for turn in turns for picture in turn.pictures],
        audio=[sound.samples for turn in turns for sound in turn.sounds],
    ).to(speaker.model.device)
    with torch.inference_mode():
        ids: Any = speaker.model.generate(**inputs, max_new_tokens=max_new_tokens, do_sample=False)
    return time.perf_counter() - started, int(ids.shape[1]) - int(inputs["input_ids"].shape[1])


def measure_grounding(
    grounder: "Grounder", text: str, media: "Sequence[tuple[Picture, Sound]]"
) -> dict[str, float]:
    """Seconds of each step of grounding, nothing being kept from before; the first pair warms up."""
    rounds: list[dict[str, float]] = []
    for picture, sound in media:
        started = time.perf_counter()
        grounder.ground(text, [picture], [sound], question=OPENING)
        seconds = {f"{step}_s": grounder.last.get(f"{step}_s", 0.0) for step in STEPS}
        rounds.append({**seconds, "grounding_s": time.perf_counter() - started})
    return medians(rounds[1:] or rounds)


def medians(rounds: Sequence[dict[str, float]]) -> dict[str, float]:
    """The median of each figure over rounds that all hold the same ones."""
    return {name: statistics.median(one[name] for one in rounds) for name in rounds[0]}


def timed(call: Callable[[], Any]) -> tuple[Any, float]:
    """What a call gives, and its seconds."""
    started = time.perf_counter()
    result = call()
    return result, time.perf_counter() - started


def peak_memory_mb() -> float | None:
    """The most memory this process has held so far, in millions of bytes; None where it cannot be told."""
    try:
        with open("/proc/self/status", encoding="ascii", errors="replace") as status:
            for line in status:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024 / 1e6
    except OSError:  # not Linux
        pass
    try:
        import resource
    except ImportError:  # Windows
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
