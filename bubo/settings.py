"""How to answer, and what an answer cost: what every speaker and everyone who asks one knows.

No torch here: who only asks, as the server does, need not wait for it.
"""

from dataclasses import dataclass

from bubo.errors import InputError

__all__ = ["Settings", "Stats"]


@dataclass(frozen=True)
class Settings:
    """How to answer.

    Args:
        max_new_tokens: Most tokens of an answer.
        temperature: 0 always takes the likeliest token.
        top_p: When sampling, the share of probability to draw from.
        seed: When sampling, makes the answer repeatable; None draws a new one each time.
        stop: Texts at which the answer ends, beside the model's own end; they are not part of it.

    Raises:
        InputError: If a value is out of range.
    """

    max_new_tokens: int = 160
    temperature: float = 0.0
    top_p: float = 0.95
    seed: int | None = None
    stop: tuple[str, ...] = ()

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
        if not isinstance(self.stop, list | tuple):
            raise InputError(f"stop must be a tuple of texts, but got {self.stop!r}.")
        if not all(isinstance(text, str) and text for text in self.stop):
            raise InputError(f"stop must hold texts of at least one character, but got {self.stop!r}.")
        object.__setattr__(self, "stop", tuple(self.stop))


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
