"""What answers: the Speaker protocol, and the one that runs a model of ours on this machine.

A conversation costs what is new in it: media are encoded once, and the key-value cache of a conversation is
kept, so that a turn feeds only tokens that were not there before. The cache is an economy, never a state:
`stream` gets all turns every time, and answers the same whether anything was kept or not.
"""

import threading
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from PIL import Image
from torch import Tensor

from bubo.decoding import Kept, Key, PrefixCaches, TextStream, common_length, pick_token
from bubo.errors import InputError
from bubo.prompts import Prompt, PromptWriter
from bubo.recent import Recent
from bubo.types import Picture, Sound, Turn

__all__ = ["ModelSpeaker", "Settings", "Speaker", "Stats", "ask_with"]


@dataclass(frozen=True)
class Settings:
    """How to answer.

    Args:
        max_new_tokens: Most tokens of an answer.
        temperature: 0 always takes the likeliest token.
        top_p: When sampling, the share of probability to draw from.
        seed: When sampling, makes the answer repeatable; None draws a new one each time.

    Raises:
        InputError: If a value is out of range.
    """

    max_new_tokens: int = 160
    temperature: float = 0.0
    top_p: float = 0.95
    seed: int | None = None

    def __post_init__(self) -> None:
        if isinstance(self.max_new_tokens, bool) or not isinstance(self.max_new_tokens, int):
            raise InputError(f"max_new_tokens must be a whole number, but got {self.max_new_tokens!r}.")
        if not self.max_new_tokens >= 1:
            raise InputError(f"max_new_tokens must be at least 1, but got {self.max_new_tokens}.")
        for name, value in (("temperature", self.temperature), ("top_p", self.top_p)):
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise InputError(f"{name} must be a number, but got {value!r}.")
        if not 0 <= self.temperature <= 100:
            raise InputError(f"temperature must lie between 0 (greedy) and 100, but got {self.temperature}.")
        if not 0 < self.top_p <= 1:
            raise InputError(f"top_p must lie above 0 and at most 1, but got {self.top_p}.")
        if self.seed is not None and not (isinstance(self.seed, int) and 0 <= self.seed < 2**63):
            raise InputError(f"seed must be a whole number from 0 to 2**63 - 1, but got {self.seed!r}.")


@dataclass
class Stats:
    """What an answer cost.

    Fields:
        tokens_fed: Prompt positions computed for this answer, those of media included.
        tokens_reused: Prompt positions found in a kept cache.
        tokens_generated: Tokens of the answer.
        turns_dropped: Oldest turns left out because the context was full.
        sampled_s: Length of the longest sound that is too long to be heard whole: the model hears samples of
            it, and times in its words do not hold. 0 if there is none.
        encoder_calls: Pictures and sounds encoded.
        encode_s: Seconds spent encoding them.
        prefill_s: Seconds spent computing the prompt.
        first_token_s: Seconds from the start to the first token, all included.
        total_s: Seconds from the start to the end.
        finish: "stop" (the model ended), "length" (max_new_tokens), "stopped" (by the caller's event),
            "interrupted" (the way to a speaker elsewhere broke; the text so far stays), "closed" (the stream
            was closed or failed).
        note: What a reader should know of how the answer ended, in words; normally empty.
    """

    tokens_fed: int = 0
    tokens_reused: int = 0
    tokens_generated: int = 0
    turns_dropped: int = 0
    sampled_s: float = 0.0
    encoder_calls: int = 0
    encode_s: float = 0.0
    prefill_s: float = 0.0
    first_token_s: float = 0.0
    total_s: float = 0.0
    finish: str = "closed"
    note: str = ""


class Speaker(Protocol):
    """Turns in, the text of the next answer out, piece by piece."""

    last: Stats

    @property
    def takes_sound(self) -> bool:
        """Whether turns may hold sounds; otherwise they must say in words what is heard."""
        ...

    def stream(
        self, turns: Sequence[Turn], settings: Settings | None = None, stop: threading.Event | None = None
    ) -> Generator[str, None, Stats]:
        """Answer the last turn. The pieces joined are the answer; the generator returns what it cost.

        Raises:
            SoundRefusedError: If it turns out before the first piece that sounds are not taken;
                `takes_sound` is False from then on.
        """
        ...


def ask_with(
    speaker: Speaker, settings: Settings | None = None
) -> Callable[[str, Sequence[tuple[str, str]], str, threading.Event], str]:
    """A speaker as a function from text to text, as `ReasoningMatcher` wants one.

    Args:
        speaker: Who answers.
        settings: How; None is greedy.

    Returns:
        A function of a system text, earlier pairs of question and answer, a question, and an event that ends
        the work; its value is the answer.
    """

    def ask(system: str, shots: Sequence[tuple[str, str]], question: str, stop: threading.Event) -> str:
        turns = [Turn("system", system)] if system else []
        for asked, said in shots:
            turns += [Turn("user", asked), Turn("assistant", said)]
        return "".join(speaker.stream([*turns, Turn("user", question)], settings, stop))

    return ask


class ModelSpeaker:
    """A `BuboForConditionalGeneration` with its processor. Threads may share one; their steps take turns.

    Args:
        model: The model, in evaluation mode, on its device.
        processor: Its `BuboProcessor`.
        num_caches: Conversations whose key-value caches are kept.
        num_media: Pictures and sounds whose soft tokens are kept.
        picture_states: Where the vision tower's states (1, L, D) of a picture come from, for callers who need
            them too and keep them; None computes them.
        sound_states: The same for sounds.
    """

    takes_sound = True

    def __init__(
        self,
        model: Any,
        processor: Any,
        *,
        num_caches: int = 4,
        num_media: int = 32,
        picture_states: Callable[[Picture], Tensor] | None = None,
        sound_states: Callable[[Sound], Tensor] | None = None,
    ):
        self.model = model.eval()
        self.processor = processor
        self._prompts = PromptWriter(processor.layout)
        self.last = Stats()
        self._picture_states = picture_states
        self._sound_states = sound_states
        self._caches = PrefixCaches(num_caches)
        self._soft_tokens: Recent[Tensor] = Recent(num_media)
        self._lock = threading.Lock()
        text_config = model.config.get_text_config()
        self.context_length = int(text_config.max_position_embeddings)
        self.prompt_length: int | None = getattr(model.config, "max_prompt_length", None)
        self._end_ids = self._find_end_ids()
        self._ends = torch.tensor(sorted(self._end_ids), device=model.device)
        self._banned = self._find_banned(int(text_config.vocab_size))

    def clear(self) -> None:
        """Forget all caches and soft tokens."""
        self._caches.clear()
        with self._lock:
            self._soft_tokens.clear()

    def stream(
        self, turns: Sequence[Turn], settings: Settings | None = None, stop: threading.Event | None = None
    ) -> Generator[str, None, Stats]:
        """Answer the last turn, a user's. Closing the generator, or setting `stop`, ends the work at once.

        Args:
            turns: The whole conversation.
            settings: None is greedy.
            stop: Looked at before every token.

        Returns:
            A generator of text pieces; its value is what the answer cost (also in `last` when it has ended).

        Raises:
            InputError: If there is nothing to answer, or a medium that this model cannot perceive.
            QuestionError: If the last turn alone does not fit into the context.
        """
        if not turns or turns[-1].role != "user":
            given = "no turn" if not turns else f"a last turn of role {turns[-1].role!r}"
            raise InputError(f"A speaker answers a user's turn, but got {given}.")
        for kind, tower in (("pictures", "vision_config"), ("sounds", "audio_config")):
            if getattr(self.model.config, tower) is None and any(getattr(turn, kind) for turn in turns):
                raise InputError(
                    f"This model cannot perceive {kind}; ask without them or choose another model."
                )
        settings = settings or Settings()
        started = time.perf_counter()
        fitting, prompt = self._prompts.fit(
            list(turns), settings.max_new_tokens, self.context_length, self.prompt_length
        )
        lengths = [sound.duration_s for turn in fitting for sound in turn.sounds]
        whole_s = self.processor.feature_extractor.whole_s if lengths else 0.0
        sampled_s = max((length for length in lengths if length > whole_s), default=0.0)
        stats = Stats(turns_dropped=len(turns) - len(fitting), sampled_s=sampled_s)
        return self._answer(fitting, prompt, settings, stop, stats, started)

    def _answer(
        self,
        turns: list[Turn],
        prompt: Prompt,
        settings: Settings,
        stop: threading.Event | None,
        stats: Stats,
        started: float,
    ) -> Generator[str, None, Stats]:
        kept = self._caches.take(prompt.keys)
        text = TextStream(self._decode, self.processor.stop_strings)
        generator = None
        if settings.temperature > 0:
            generator = torch.Generator()
            generator.seed() if settings.seed is None else generator.manual_seed(settings.seed)
        try:
            stats.tokens_reused, stats.tokens_fed = len(kept.keys), len(prompt.keys) - len(kept.keys)
            logits = self._feed_prompt(kept, prompt, stats)
            while stats.finish == "closed":
                if not stats.tokens_generated:  # an answer has at least one token
                    logits = logits.index_fill(0, self._ends, -torch.inf)
                token = pick_token(logits, settings.temperature, settings.top_p, generator)
                if not stats.tokens_generated:
                    stats.first_token_s = time.perf_counter() - started
                if token in self._end_ids:
                    stats.finish = "stop"
                    break
                stats.tokens_generated += 1
                if piece := text.push(token):
                    yield piece
                if text.stopped:
                    stats.finish = "stop"
                elif stats.tokens_generated >= settings.max_new_tokens:
                    stats.finish = "length"
                elif stop is not None and stop.is_set():
                    stats.finish = "stopped"
                else:
                    logits = self._feed(kept, [token], [token])
            if piece := text.finish():
                yield piece
            if stats.finish != "stopped":
                self._settle(kept, turns, text.text)
        finally:
            stats.total_s = time.perf_counter() - started
            self._caches.give(kept)
            self.last = stats
        return stats

    def _settle(self, kept: Kept, turns: list[Turn], answer: str) -> None:
        """Bring the cache to where the next turn starts: the answer as it is tokenised then, and its end."""
        prompt = self._prompts.write([*turns, Turn("assistant", answer)], False)
        kept.crop(common_length(kept.keys, prompt.keys))
        if len(kept.keys) < len(prompt.keys):
            self._feed_prompt(kept, prompt, Stats())

    def _feed_prompt(self, kept: Kept, prompt: Prompt, stats: Stats) -> Tensor:
        """Compute what of the prompt is not in the cache; logits of the next token."""
        start = len(kept.keys)
        started = time.perf_counter()
        features: dict[str, Tensor] = {}
        for name, kind in (("image_features", Picture), ("audio_features", Sound)):
            fresh = [medium for place, medium in prompt.media if place >= start and isinstance(medium, kind)]
            if fresh:
                features[name] = torch.cat([self._encode(medium, stats) for medium in fresh])
        encoded = time.perf_counter()
        logits = self._feed(kept, prompt.ids[start:], prompt.keys[start:], **features)
        stats.encode_s += encoded - started
        stats.prefill_s += time.perf_counter() - encoded
        return logits

    def _feed(self, kept: Kept, ids: list[int], keys: list[Key] | list[int], **features: Tensor) -> Tensor:
        """One forward pass over new positions; logits (vocabulary,) of the next token, -inf where banned."""
        input_ids = torch.tensor([ids], device=self.model.device)
        with self._lock, torch.inference_mode():
            kept.sound = False
            outputs = self.model(
                input_ids=input_ids, past_key_values=kept.cache, use_cache=True, logits_to_keep=1, **features
            )
            kept.cache = outputs.past_key_values
            kept.keys.extend(keys)
            kept.sound = True
            logits: Tensor = outputs.logits[0, -1].masked_fill(self._banned, -torch.inf)
        return logits

    def _encode(self, medium: Picture | Sound, stats: Stats) -> Tensor:
        """Soft tokens (1, N, H) of a medium, computed once."""

        def encode() -> Tensor:
            stats.encoder_calls += 1
            with torch.inference_mode():
                return self._picture(medium) if isinstance(medium, Picture) else self._sound(medium)

        with self._lock:
            return self._soft_tokens.get(medium.id, encode)

    def _picture(self, picture: Picture) -> Tensor:
        if self._picture_states is not None:
            states = self._picture_states(picture).to(self.model.device)
            return self.model.get_image_features(vision_hidden_states=states)  # type: ignore[no-any-return]
        inputs = self.processor.image_processor(images=[Image.fromarray(picture.pixels)], return_tensors="pt")
        return self.model.get_image_features(inputs["pixel_values"].to(self.model.device))  # type: ignore[no-any-return]

    def _sound(self, sound: Sound) -> Tensor:
        if self._sound_states is not None:
            states = self._sound_states(sound).to(self.model.device)
            return self.model.get_audio_features(audio_hidden_states=states)  # type: ignore[no-any-return]
        inputs = self.processor.feature_extractor(
            [sound.samples], sampling_rate=sound.sampling_rate, return_tensors="pt"
        ).to(self.model.device)
        return self.model.get_audio_features(**inputs)  # type: ignore[no-any-return]

    def _decode(self, ids: list[int]) -> str:
        return self.processor.tokenizer.decode(ids, clean_up_tokenization_spaces=False)  # type: ignore[no-any-return]

    def _find_end_ids(self) -> frozenset[int]:
        configured = self.model.generation_config.eos_token_id
        configured = configured if isinstance(configured, list) else [configured]
        return frozenset(i for i in (*configured, self.processor.tokenizer.eos_token_id) if i is not None)

    def _find_banned(self, vocab_size: int) -> Tensor:
        """(vocabulary,), true for ids that no answer holds: special tokens but the end, ids of no token."""
        banned = torch.zeros(vocab_size, dtype=torch.bool)
        banned[len(self.processor.tokenizer) :] = True
        special = [i for i, token in self.processor.tokenizer.added_tokens_decoder.items() if token.special]
        banned[[i for i in special if i not in self._end_ids]] = True
        return banned.to(self.model.device)
