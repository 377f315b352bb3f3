"""What answers: the Speaker protocol, and the one that runs a model of ours on this machine.

A conversation costs what is new in it: media are encoded once, and the key-value cache of a conversation is
kept, so that a turn feeds only tokens that were not there before. The cache is an economy, never a state:
`stream` gets all turns every time, and answers the same whether anything was kept or not.
"""

import threading
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from PIL import Image
from torch import Tensor

from bubo.batching import Batcher, Fed, Placed
from bubo.decoding import PrefixCaches, TextStream, common_length, pick_token
from bubo.errors import InputError
from bubo.passes import Passes, fail_alone
from bubo.prompts import Prompt, PromptWriter
from bubo.recent import Shared
from bubo.settings import Settings, Stats
from bubo.slots import Row
from bubo.types import Picture, Sound, Turn

__all__ = ["ModelSpeaker", "Settings", "Speaker", "Stats", "ask_with"]

#: Tokens at the end of an answer that are fed with the steps of others instead of in a pass of their own.
FEW_TOKENS = 4
#: How many conversations as long as the context may be kept; of shorter ones more.
FULL_CACHES = 4
#: Pictures or sounds of several conversations that are encoded in one pass. They are small: 224 x 224 pixels,
#: a few clips of two seconds.
MOST_MEDIA = 8


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


@dataclass(frozen=True, eq=False)
class _Inputs:
    """One medium as the model takes it: the method that encodes it, and its arguments (1, ...) by name."""

    encode: Callable[..., Tensor]
    tensors: Mapping[str, Tensor]


class ModelSpeaker:
    """A `BuboForConditionalGeneration` with its processor.

    Threads may share one: their steps run together, and so do the encoders over their media.

    Args:
        model: The model, in evaluation mode, on its device.
        processor: Its `BuboProcessor`.
        num_caches: Conversations whose key-value caches are kept, as long as all together hold no more
            positions than `FULL_CACHES` of them could.
        num_media: Pictures and sounds whose soft tokens are kept.
        picture_states: Where the vision tower's states (1, L, D) of a picture come from, for callers who need
            them too and keep them; None computes them. Several threads may call it at once.
        sound_states: The same for sounds.
    """

    takes_sound = True

    def __init__(
        self,
        model: Any,
        processor: Any,
        *,
        num_caches: int = 16,
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
        self._soft_tokens: Shared[Tensor] = Shared(num_media)
        self._encodings: Passes[_Inputs, Tensor] = Passes(
            fail_alone(self._encode_together),
            MOST_MEDIA,
            alike=lambda one: (one.encode, *((name, value.shape) for name, value in one.tensors.items())),
        )
        text_config = model.config.get_text_config()
        self.context_length = int(text_config.max_position_embeddings)
        self._caches = PrefixCaches(num_caches, FULL_CACHES * self.context_length)
        self.prompt_length: int | None = getattr(model.config, "max_prompt_length", None)
        self._end_ids = self._find_end_ids()
        self._ends = torch.tensor(sorted(self._end_ids), device=model.device)
        self._batcher = Batcher(self.model, self._find_banned(int(text_config.vocab_size)))

    def clear(self) -> None:
        """Forget all caches and soft tokens."""
        self._caches.clear()
        self._soft_tokens.clear()

    def stream(
        self, turns: Sequence[Turn], settings: Settings | None = None, stop: threading.Event | None = None
    ) -> Generator[str, None, Stats]:
        """Answer the last turn, a user's. Closing the generator, or setting `stop`, ends the work at once.

        Args:
            turns: The whole conversation.
            settings: None is greedy.
            stop: Looked at before every medium, every chunk of the prompt and every token.

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
        return self._answer(fitting, prompt, settings, stop or threading.Event(), stats, started)

    def _answer(
        self,
        turns: list[Turn],
        prompt: Prompt,
        settings: Settings,
        stop: threading.Event,
        stats: Stats,
        started: float,
    ) -> Generator[str, None, Stats]:
        row = Row(self._caches.take(prompt.keys))
        text = TextStream(self._decode, (*self.processor.stop_strings, *settings.stop))
        try:
            stats.tokens_reused = len(row.kept.keys)
            stats.tokens_fed = len(prompt.keys) - stats.tokens_reused
            fed = self._feed_prompt(row, prompt, stats, stop)
            if fed is not None:
                yield from self._speak(row, fed, text, settings, stop, stats, started)
            else:
                stats.finish = "stopped"
            if piece := text.finish():
                yield piece
            if stats.finish != "stopped":
                self._settle(row, turns, text.text)
        finally:
            stats.total_s = time.perf_counter() - started
            self._batcher.leave(row)
            self._caches.give(row.kept)
            self.last = stats
        return stats

    def _speak(
        self,
        row: Row,
        fed: Fed,
        text: TextStream,
        settings: Settings,
        stop: threading.Event,
        stats: Stats,
        started: float,
    ) -> Generator[str, None, None]:
        """The pieces of an answer whose prompt is fed."""
        generator = None
        if settings.temperature > 0:
            generator = torch.Generator()
            generator.seed() if settings.seed is None else generator.manual_seed(settings.seed)
        # an answer has at least one token
        fed = Fed(fed.logits.index_fill(0, self._ends, -torch.inf))
        while stats.finish == "closed":
            token = fed.best
            if token is None or settings.temperature > 0:
                token = pick_token(fed.logits, settings.temperature, settings.top_p, generator)
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
            elif stop.is_set():
                stats.finish = "stopped"
            else:
                fed = self._batcher.step(row, token)

    def _settle(self, row: Row, turns: list[Turn], answer: str) -> None:
        """Bring the cache to where the next turn starts: the answer as it is tokenised then, and its end."""
        prompt = self._prompts.write([*turns, Turn("assistant", answer)], False)
        self._batcher.rewind(row, common_length(row.kept.keys, prompt.keys))
        rest = prompt.ids[len(row.kept.keys) :]
        if row.slot is not None and len(rest) <= FEW_TOKENS:
            for token in rest:
                self._batcher.step(row, token)
        elif rest:
            self._feed_prompt(row, prompt, Stats(), threading.Event())

    def _feed_prompt(self, row: Row, prompt: Prompt, stats: Stats, stop: threading.Event) -> Fed | None:
        """Compute what of the prompt is not in the cache; None if it was stopped."""
        start = len(row.kept.keys)
        started = time.perf_counter()
        media = []
        for place, medium in prompt.media:
            if place >= start and not stop.is_set():
                name = "image_features" if isinstance(medium, Picture) else "audio_features"
                media.append(Placed(place, name, self._encode(medium, stats)))
        encoded = time.perf_counter()
        fed = self._batcher.prefill(row, prompt.ids, prompt.keys, media, stop)
        stats.encode_s += encoded - started
        stats.prefill_s += time.perf_counter() - encoded
        return fed

    def _encode(self, medium: Picture | Sound, stats: Stats) -> Tensor:
        """Soft tokens (1, N, H) of a medium, computed once, whoever asks for it."""

        def compute() -> Tensor:
            stats.encoder_calls += 1
            with torch.inference_mode():
                inputs = self._picture(medium) if isinstance(medium, Picture) else self._sound(medium)
            return self._encodings.share(inputs)

        return self._soft_tokens.get(medium.id, compute)

    def _picture(self, picture: Picture) -> _Inputs:
        encode = self.model.get_image_features
        if self._picture_states is not None:
            return _Inputs(encode, {"vision_hidden_states": self._picture_states(picture)})
        inputs = self.processor.image_processor(images=[Image.fromarray(picture.pixels)], return_tensors="pt")
        return _Inputs(encode, {"pixel_values": inputs["pixel_values"]})

    def _sound(self, sound: Sound) -> _Inputs:
        encode = self.model.get_audio_features
        if self._sound_states is not None:
            return _Inputs(encode, {"audio_hidden_states": self._sound_states(sound)})
        inputs = self.processor.feature_extractor(
            [sound.samples], sampling_rate=sound.sampling_rate, return_tensors="pt"
        )
        return _Inputs(encode, inputs)

    def _encode_together(self, media: Sequence[_Inputs]) -> list[Tensor]:
        """Soft tokens (1, N, H) of media of one kind and shape, in one pass."""
        encode, names = media[0].encode, media[0].tensors
        with torch.inference_mode():
            inputs = {
                name: torch.cat([one.tensors[name] for one in media]).to(self.model.device) for name in names
            }
            soft_tokens = self._batcher.alone(lambda: encode(**inputs))
            return [one.clone() for one in soft_tokens.split(1)]

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
