"""The forward passes of several conversations over one language model.

Prompts are fed in chunks; single tokens and short prompts of conversations that wait at the same time share a
pass. Where a model or its cache does not allow that, they are fed one by one; the answers are the same.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor

from bubo.decoding import Kept, Key
from bubo.passes import Passes
from bubo.slots import MOST_MISSED, Row, Slots, fits_slot

__all__ = ["Batcher", "Fed", "Placed"]

logger = logging.getLogger(__name__)
Value = TypeVar("Value")

#: Most conversations whose steps share a pass.
MOST_ROWS = 32
#: Most seconds that a step waits for conversations that were in the step before.
PATIENCE_S = 0.02
#: Positions of a prompt fed at a time: the first guess, and the bounds. They are halved if a chunk takes
#: longer than `CHUNK_S`, so that nobody waits long and a stop is heeded soon.
CHUNK, CHUNK_LEAST, CHUNK_MOST = 256, 32, 1024
CHUNK_S = 0.4
#: Most new tokens of a prompt that shares a pass with the steps of others.
MOST_SHARED = 64
#: Relative difference of logits in a shared pass from those computed alone that rounding can explain.
ROUNDING = {torch.float32: 1e-3, torch.float64: 1e-3}
ROUNDING_HALF = 0.1


@dataclass(frozen=True, eq=False)
class Placed:
    """The soft tokens of one medium.

    Args:
        place: Position of the first one in the prompt.
        name: The model's argument that takes them.
        features: (1, N, H).
    """

    place: int
    name: str
    features: Tensor


@dataclass(frozen=True, eq=False)
class Fed:
    """What a pass gave.

    Args:
        logits: (vocabulary,) of the next token, -inf where banned.
        best: The likeliest token, if it is known already.
    """

    logits: Tensor
    best: int | None = None


class Batcher:
    """Feeds a model for several threads.

    Args:
        model: A causal language model of transformers, in evaluation mode.
        banned: (vocabulary,), true for tokens that never come.
    """

    def __init__(self, model: Any, banned: Tensor):
        self._model = model
        self._banned = banned
        self._passes: Passes[Row, Fed] = Passes(self._run, MOST_ROWS, PATIENCE_S, self._weight)
        self._slots = Slots()
        # whether shared passes give what single ones give, once it is known
        self._agrees: bool | None = None  # those of steps
        self._packs: bool | None = None  # those with prompts
        self._chunk = CHUNK

    def alone(self, work: Callable[[], Value]) -> Value:
        """What `work` gives, computed with the model while nobody else uses it."""
        with torch.inference_mode():
            return self._passes.alone(work)

    def prefill(
        self,
        row: Row,
        ids: Sequence[int],
        keys: Sequence[Key],
        media: Sequence[Placed] = (),
        stop: threading.Event | None = None,
    ) -> Fed | None:
        """Feeds what of a prompt is not in the cache; None if it was stopped, with what was fed till then.

        Args:
            row: Whose cache.
            ids: All tokens of the prompt.
            keys: Their keys.
            media: Soft tokens of all media that are not in the cache yet.
            stop: Looked at between chunks.
        """
        if self._may_share(row, keys):
            if stop is not None and stop.is_set():
                return None
            return self._share(row, ids[len(row.kept.keys) :])
        self.leave(row)
        kept, fed = row.kept, None
        while len(kept.keys) < len(ids):
            if stop is not None and stop.is_set():
                return None
            start = len(kept.keys)
            end = _chunk_end(keys, start, start + self._chunk)
            features: dict[str, list[Tensor]] = {}
            for medium in media:
                if start <= medium.place < end:
                    features.setdefault(medium.name, []).append(medium.features)
            joined = {name: torch.cat(parts) for name, parts in features.items()}
            fed = self.alone(lambda: self._feed(kept, ids[start:end], keys[start:end], joined))  # noqa: B023
        return fed

    def step(self, row: Row, token: int) -> Fed:
        """Feeds one token, together with those of others that wait."""
        if self._agrees is False or (row.slot is None and not fits_slot(row.kept)):
            row.tokens = (token,)
            return self.alone(lambda: self._feed_row(row))
        return self._share(row, (token,))

    def rewind(self, row: Row, length: int) -> None:
        """Forgets the positions of a row from `length` on."""
        if length == len(row.kept.keys):
            return
        if row.slot is not None:
            self.alone(lambda: self._rewind(row, length))
        else:
            row.kept.crop(length)

    def leave(self, row: Row) -> None:
        """Brings a row's cache back to it; the row may come again."""
        self._passes.leave(row)
        if row.slot is not None:
            self.alone(lambda: self._slots.leave(row))

    def _may_share(self, row: Row, keys: Sequence[Key]) -> bool:
        """Whether what is new of a prompt may be fed with the steps of others: a few tokens, no media."""
        new = keys[len(row.kept.keys) :]
        return (
            self._packs is not False
            and self._agrees is not False
            and 0 < len(new) <= min(MOST_SHARED, self._chunk)
            and not any(isinstance(key, str) for key in new)
            and (row.slot is not None or fits_slot(row.kept))
        )

    def _share(self, row: Row, tokens: Sequence[int]) -> Fed:
        row.tokens = tokens
        with torch.inference_mode():
            return self._passes.share(row, row)

    def _weight(self, row: Row) -> float:
        """How much of a shared pass a row takes; prompts are no more than a chunk together."""
        return len(row.tokens) / self._chunk if len(row.tokens) > 1 else 0.0

    # ------------------------------------------------------------ inside a pass

    def _rewind(self, row: Row, length: int) -> None:
        if row.slot is None:  # it has just lost it
            row.kept.crop(length)
        else:
            self._slots.crop(row, length)
            del row.kept.keys[length:]

    def _run(self, rows: list[Row]) -> list[Fed | Exception]:
        """The new tokens of each row, together if there are several rows."""
        for row in self._slots.rows:
            if row.missed >= MOST_MISSED and row not in rows:
                self._slots.leave(row)
        failed = False
        if len(rows) > 1 or rows[0].slot is not None:
            try:
                shared = self._run_together(rows)
            except Exception as error:  # whatever it was, it may concern one of them only
                logger.warning("A shared pass failed, its conversations go on one by one: %s", error)
                shared, failed = None, True
            if shared is not None:
                return [*shared]
            for row in self._slots.rows:
                self._slots.leave(row)
        results = [self._attempt(row) for row in rows]
        if failed and _with_prompts(rows) and not any(isinstance(result, Exception) for result in results):
            self._packs = False  # it was none of them
        return results

    def _run_together(self, rows: list[Row]) -> list[Fed] | None:
        """One pass for all; None if its results are not those of single passes."""
        for row in rows:
            self._slots.join(row)
        packed = _with_prompts(rows)
        alone = {} if (self._packs if packed else self._agrees) else self._examples(rows)
        logits = self._slots.step(self._model, rows)
        for row, expected in alone.items():
            if not _close(logits[rows.index(row)], expected):
                self._refuse(packed)
                for one in rows:  # the step is taken back
                    self._slots.crop(one, len(one.kept.keys))
                return None
        if len({self._slots.length(row) for row in rows}) > 1:
            if packed:
                self._packs = True
            else:
                self._agrees = True
        for row in rows:
            row.kept.keys.extend(row.tokens)
        logits = logits.masked_fill(self._banned, -torch.inf)
        best = logits.argmax(-1).tolist()
        return [Fed(*pair) for pair in zip(logits, best, strict=True)]

    def _refuse(self, packed: bool) -> None:
        """Never again a pass of this kind."""
        if packed:
            logger.warning("This model does not take prompts with steps; prompts are fed by themselves.")
            self._packs = False
        else:
            logger.warning("This model does not take steps together; conversations go on one by one.")
            self._agrees = False

    def _examples(self, rows: list[Row]) -> dict[Row, Tensor]:
        """The logits that the shortest and the longest row get by themselves, and any with a prompt."""
        chosen = {choice(rows, key=self._slots.length) for choice in (min, max)}
        chosen |= {row for row in rows if len(row.tokens) > 1}
        return {
            row: self._model(
                input_ids=torch.tensor([row.tokens], device=self._model.device),
                past_key_values=self._slots.copy(row),
                use_cache=True,
                logits_to_keep=1,
            ).logits[0, -1]
            for row in chosen
        }

    def _attempt(self, row: Row) -> Fed | Exception:
        try:
            return self._feed_row(row)
        except Exception as error:
            return error

    def _feed_row(self, row: Row) -> Fed:
        return self._feed(row.kept, row.tokens, row.tokens, {})

    def _feed(self, kept: Kept, ids: Sequence[int], keys: Sequence[Key], features: dict[str, Tensor]) -> Fed:
        """One forward pass over new positions of one conversation."""
        started = time.perf_counter()
        kept.sound = False
        outputs = self._model(
            input_ids=torch.tensor([ids], device=self._model.device),
            past_key_values=kept.cache,
            use_cache=True,
            logits_to_keep=1,
            **features,
        )
        kept.cache = outputs.past_key_values
        kept.keys.extend(keys)
        kept.sound = True
        logits = outputs.logits[0, -1].masked_fill(self._banned, -torch.inf)
        if len(ids) >= CHUNK_LEAST:
            took_s = time.perf_counter() - started
            if took_s > CHUNK_S:
                self._chunk = max(CHUNK_LEAST, self._chunk // 2)
            elif took_s < CHUNK_S / 4:
                self._chunk = min(CHUNK_MOST, self._chunk * 2)
        return Fed(logits)


def _chunk_end(keys: Sequence[Key], start: int, end: int) -> int:
    """The last place up to `end` that cuts through no medium; behind the medium, if it begins at `start`."""
    if end >= len(keys):
        return len(keys)
    cut = end
    while cut > start and isinstance(keys[cut], str) and keys[cut - 1] == keys[cut]:
        cut -= 1
    if cut > start:
        return cut
    while end < len(keys) and keys[end] == keys[end - 1]:
        end += 1
    return end


def _with_prompts(rows: Sequence[Row]) -> bool:
    return any(len(row.tokens) > 1 for row in rows)


def _close(logits: Tensor, expected: Tensor) -> bool:
    """Whether two (vocabulary,) logits differ by no more than rounding."""
    wanted = expected.float()
    gap = (logits.float() - wanted).norm() / (wanted - wanted.mean()).norm().clamp_min(1e-6)
    return bool(gap <= ROUNDING.get(expected.dtype, ROUNDING_HALF))
