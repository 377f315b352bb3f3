"""A multimodal model of transformers as a speaker: whatever its Auto class and its processor can load.

When the model's context is full, the oldest questions are left out with their answers, as few as need be.
Nothing is kept between turns: each answer computes its whole prompt again.
"""

import copy
import queue
import secrets
import threading
import time
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from transformers import AutoModelForMultimodalLM, AutoProcessor, StoppingCriteria
from transformers.generation.streamers import BaseStreamer

from bubo.decoding import TextStream
from bubo.errors import InputError, ModelError, QuestionError, SoundRefusedError, SpeakerError
from bubo.plain_text import PlainText
from bubo.prompts import shorter
from bubo.settings import Settings, Stats
from bubo.types import Sound, Turn

__all__ = ["TransformersSpeaker"]


class TransformersSpeaker:
    """Speaks with a model of transformers on this machine. Threads may share one; their answers take turns.

    Args:
        model: A generating model, such as `AutoModelForMultimodalLM` loads. Of one that also makes sounds
            (Qwen2.5-Omni) the part that thinks in text is used.
        processor: Its processor, with a chat template.
        takes_sound: Whether turns may hold sounds; None says yes if the processor has an ear.

    Raises:
        ModelError: If the processor has no tokenizer or no chat template.
    """

    def __init__(self, model: Any, processor: Any, *, takes_sound: bool | None = None):
        if getattr(processor, "tokenizer", None) is None or not _has_template(processor):
            raise ModelError(
                f"A {type(processor).__name__} cannot write a conversation: a speaker's processor needs a "
                "tokenizer and a chat template."
            )
        self.model = getattr(model, "thinker", model).eval()
        self.processor = processor
        self.last = Stats()
        self._ear: Any = _ear_of(processor)
        self.takes_sound = self._ear is not None if takes_sound is None else takes_sound
        self._plain = PlainText(processor)
        self._end_ids = _end_ids(self.model, processor.tokenizer)
        self._lock = threading.Lock()

    @classmethod
    def load(
        cls,
        name_or_path: str | Path,
        *,
        takes_sound: bool | None = None,
        device: str = "",
        dtype: Any = "auto",
        **options: Any,
    ) -> "TransformersSpeaker":
        """Loads model and processor from a folder, or by name from what was downloaded before.

        Args:
            name_or_path: A folder with weights as safetensors; or a name on the model hub, whose files must
                be on this machine already: nothing is downloaded, and no code from the folder is run.
            takes_sound: As of the class.
            device: Where the model runs, such as "cuda:0"; "" is the GPU if there is one.
            dtype: Type of the weights; "auto" keeps theirs.
            **options: What else `from_pretrained` is told; with a `device_map`, `device` counts for nothing.

        Raises:
            ModelError: If it cannot be loaded.
        """
        fixed = {"local_files_only": True, "trust_remote_code": False}
        options.setdefault("device_map", device or ("cuda" if torch.cuda.is_available() else "cpu"))
        try:
            processor = AutoProcessor.from_pretrained(name_or_path, **fixed)
            model = AutoModelForMultimodalLM.from_pretrained(
                name_or_path, dtype=dtype, use_safetensors=True, **fixed, **options
            )
        except Exception as error:  # models of all kinds raise whatever they like
            detail = " ".join(str(error).split())[:300] or type(error).__name__
            raise ModelError(
                f"Cannot load {str(name_or_path)!r} as a multimodal model of transformers: {detail} Give a "
                "folder with its model and processor, or download it first."
            ) from error
        return cls(model, processor, takes_sound=takes_sound)

    def stream(
        self, turns: Sequence[Turn], settings: Settings | None = None, stop: threading.Event | None = None
    ) -> Generator[str, None, Stats]:
        """Answer the last turn, a user's. Closing the generator, or setting `stop`, ends it within a token.

        Raises:
            InputError: If there is nothing to answer, or pictures that the model does not take.
            SoundRefusedError: If turns hold sounds and the model takes none.
            QuestionError: If the last question alone does not fit into the model's context.
            SpeakerError: If the model cannot read the conversation, or fails while it answers.
        """
        if not turns or turns[-1].role != "user":
            given = "no turn" if not turns else f"a last turn of role {turns[-1].role!r}"
            raise InputError(f"A speaker answers a user's turn, but got {given}.")
        name = type(self.model).__name__
        if not (self.takes_sound and self._ear is not None) and any(turn.sounds for turn in turns):
            raise SoundRefusedError(f"The model {name} takes no sounds; ask without them.")
        if getattr(self.processor, "image_processor", None) is None and any(turn.pictures for turn in turns):
            raise InputError(f"The model {name} takes no pictures; ask without them or choose another one.")
        return self._answer(turns, settings or Settings(), stop)

    def _answer(
        self, turns: Sequence[Turn], settings: Settings, stop: threading.Event | None
    ) -> Generator[str, None, Stats]:
        started = time.perf_counter()
        stats = Stats()
        work = None
        try:
            inputs = self._fit(turns, settings, stats)
            stats.tokens_fed = int(inputs["input_ids"].shape[1])
            stats.encode_s = time.perf_counter() - started
            text = TextStream(self._decode, settings.stop)
            work = _Work(self.model, inputs, self._generation(settings), settings, self._lock, stop)
            for token in work.tokens():
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
                    break
            if piece := text.finish():
                yield piece
            if stats.finish != "stop":
                stopped = stop is not None and stop.is_set()
                full = stats.tokens_generated >= settings.max_new_tokens
                stats.finish = "length" if full else "stopped" if stopped else "stop"
        finally:
            if work is not None:
                work.close()
            stats.total_s = time.perf_counter() - started
            self.last = stats
        return stats

    def _fit(self, turns: Sequence[Turn], settings: Settings, stats: Stats) -> Any:
        """What the model is fed, on its device: of the turns as many as its context has room for.

        Raises:
            InputError: If the answer alone takes the whole context.
            QuestionError: If the last turn alone is too long.
            SpeakerError: If the processor cannot read them.
        """
        inputs = self._read(turns)
        whole = int(getattr(self.model.config.get_text_config(), "max_position_embeddings", None) or 0)
        room = whole - settings.max_new_tokens
        if whole and room < 1:
            raise InputError(
                f"max_new_tokens is {settings.max_new_tokens}, but the model's whole context is {whole} "
                "tokens; ask for a shorter answer."
            )
        if whole and _length(inputs) > room:
            choices = shorter(turns)
            inputs = self._read(choices[-1]) if choices else inputs
            if _length(inputs) > room:
                raise QuestionError(
                    f"The question, its media and the system text take {_length(inputs)} tokens, but with "
                    f"{settings.max_new_tokens} for the answer at most {room} fit; shorten the question or "
                    "send fewer media."
                )
            fits, tried = len(choices) - 1, -1  # the first choice that fits lies behind `tried`
            while fits - tried > 1:
                middle = (fits + tried) // 2
                longer = self._read(choices[middle])
                if _length(longer) <= room:
                    fits, inputs = middle, longer
                else:
                    tried = middle
            stats.turns_dropped = len(turns) - len(choices[fits])
        return inputs.to(self.model.device, dtype=self.model.dtype)

    def _read(self, turns: Sequence[Turn]) -> Any:
        """The conversation through the model's chat template.

        Raises:
            SpeakerError: If the processor cannot read it.
        """
        messages = [{"role": turn.role, "content": self._content(turn)} for turn in turns]
        try:
            return self.processor.apply_chat_template(
                messages, add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt"
            )
        except Exception as error:  # templates and processors of all kinds raise whatever they like
            raise SpeakerError(
                f"The processor {type(self.processor).__name__} cannot read this conversation: "
                f"{' '.join(str(error).split())[:300]}. Ask with other media, or without a system text."
            ) from error

    def _content(self, turn: Turn) -> list[dict[str, Any]]:
        content: list[dict[str, Any]] = [
            {"type": "image", "image": Image.fromarray(picture.pixels)} for picture in turn.pictures
        ]
        content += [{"type": "audio", "audio": self._samples(sound)} for sound in turn.sounds]
        return [*content, {"type": "text", "text": self._plain(turn.text)}]

    def _samples(self, sound: Sound) -> Any:
        """The samples at the rate that the model wants."""
        import soxr

        rate = int(self._ear.sampling_rate)
        if rate == sound.sampling_rate:
            return sound.samples.copy()
        return soxr.resample(sound.samples, sound.sampling_rate, rate)

    def _generation(self, settings: Settings) -> Any:
        """The model's own way of generating with what the settings say; beams and lengths are ours."""
        generation = copy.deepcopy(self.model.generation_config)
        sampled = settings.temperature > 0
        fields = {
            "max_length": None,
            "min_length": None,
            "max_new_tokens": settings.max_new_tokens,
            "min_new_tokens": 1,
            "num_beams": 1,
            "do_sample": sampled,
            "temperature": settings.temperature if sampled else None,
            "top_p": settings.top_p if sampled else None,
            "top_k": 0 if sampled else None,
            "return_dict_in_generate": False,
        }
        for name, value in fields.items():
            setattr(generation, name, value)
        return generation

    def _decode(self, ids: list[int]) -> str:
        text: str = self.processor.tokenizer.decode(
            ids, skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        return text


class _Work(BaseStreamer, StoppingCriteria):
    """One `generate` in a thread of its own, which hands out its tokens and can be ended."""

    def __init__(
        self,
        model: Any,
        inputs: Any,
        generation: Any,
        settings: Settings,
        lock: threading.Lock,
        stop: threading.Event | None,
    ):
        self._queue: queue.SimpleQueue[int | BaseException | None] = queue.SimpleQueue()
        self._prompt_seen = False
        self._ended = threading.Event()
        self._stop = stop
        self._thread = threading.Thread(
            target=self._run,
            args=(model, inputs, generation, settings, lock),
            name="bubo-generate",
            daemon=True,
        )
        self._thread.start()

    def tokens(self) -> Generator[int, None, None]:
        """The tokens as they come.

        Raises:
            SpeakerError: If the model fails.
        """
        while (token := self._queue.get()) is not None:
            if isinstance(token, BaseException):
                raise SpeakerError(
                    f"The model failed while it answered: {' '.join(str(token).split())[:300]}. Ask again "
                    "with fewer media, or in a new conversation."
                ) from token
            yield token

    def close(self) -> None:
        """Ends the work and waits for it: at most for a token, or for the prompt."""
        self._ended.set()
        self._thread.join()

    def put(self, value: Any) -> None:
        """Takes the prompt, then one token each."""
        if self._prompt_seen:
            for token in value.flatten().tolist():
                self._queue.put(token)
        self._prompt_seen = True

    def end(self) -> None:
        """Told by `generate` when it is done; the thread says so itself, also when it fails."""

    def __call__(self, input_ids: Any, scores: Any, **_: Any) -> Any:
        """Whether to stop, for each sequence."""
        return torch.full((input_ids.shape[0],), self._over, dtype=torch.bool, device=input_ids.device)

    @property
    def _over(self) -> bool:
        return self._ended.is_set() or (self._stop is not None and self._stop.is_set())

    def _run(
        self, model: Any, inputs: Any, generation: Any, settings: Settings, lock: threading.Lock
    ) -> None:
        devices = [model.device] if model.device.type == "cuda" else []
        try:
            with lock, torch.inference_mode(), torch.random.fork_rng(devices):
                if self._over:
                    return
                torch.manual_seed(secrets.randbits(63) if settings.seed is None else settings.seed)
                model.generate(
                    **inputs, generation_config=generation, streamer=self, stopping_criteria=[self]
                )
        except Exception as error:
            self._queue.put(error)
        finally:
            self._queue.put(None)


def _length(inputs: Any) -> int:
    return int(inputs["input_ids"].shape[1])


def _has_template(processor: Any) -> bool:
    return bool(
        getattr(processor, "chat_template", None) or getattr(processor.tokenizer, "chat_template", None)
    )


def _ear_of(processor: Any) -> Any | None:
    """The part of a processor that reads sounds."""
    for name in ("feature_extractor", "audio_processor"):
        part = getattr(processor, name, None)
        if getattr(part, "sampling_rate", None):
            return part
    return None


def _end_ids(model: Any, tokenizer: Any) -> frozenset[int]:
    configured = model.generation_config.eos_token_id
    configured = configured if isinstance(configured, list) else [configured]
    return frozenset(i for i in (*configured, tokenizer.eos_token_id) if i is not None)
