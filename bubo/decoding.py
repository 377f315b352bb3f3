"""What a decoding loop needs: kept key-value caches, ids turned into text piece by piece, picking a token.

Nothing here knows about turns, pictures or a particular model; it is token ids, cache objects and strings.
"""

import copy
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

#: What one cached position holds: the id of its token, or the id of the medium whose soft token stands there.
#: Two pictures have the same placeholder tokens, so token ids alone would take one for the other.
Key = int | str

#: What a decoder makes of bytes that are not (yet) valid UTF-8.
BROKEN = "\ufffd"


def common_length(a: Sequence[Key], b: Sequence[Key]) -> int:
    """How many keys two sequences share from the start."""
    shortest = min(len(a), len(b))
    if a[:shortest] == b[:shortest]:
        return shortest
    return next(place for place in range(shortest) if a[place] != b[place])


@dataclass
class Kept:
    """A key-value cache and the keys of the positions in it.

    Fields:
        cache: The model's cache object, None before the first forward pass.
        keys: One per cached position.
        sound: False while a forward pass runs; a cache left so is thrown away.
    """

    cache: Any = None
    keys: list[Key] = field(default_factory=list)
    sound: bool = True

    def crop(self, length: int) -> None:
        """Forget all positions from `length` on; all of them, if the cache cannot be cropped."""
        if length == len(self.keys):
            return
        try:
            self.cache.crop(length - len(self.keys))
        except (RuntimeError, NotImplementedError, AttributeError):  # some layers cannot go back
            length = 0
        if length == 0:
            self.cache = None
        del self.keys[length:]


class PrefixCaches:
    """The caches of the last few conversations. Threads may share it; a cache taken belongs to its taker.

    Args:
        capacity: Caches kept, the longest unused one goes first.
        most_keys: Most positions kept in all caches, but for the one used last; None is no limit.
    """

    def __init__(self, capacity: int = 4, most_keys: int | None = None):
        self.capacity = capacity
        self.most_keys = most_keys
        self._kept: list[Kept] = []
        self._lock = threading.Lock()

    def take(self, keys: Sequence[Key]) -> Kept:
        """The best cache for feeding `keys`: it holds a true prefix of them, and never a part of a medium."""
        keys = list(keys)
        with self._lock:
            best = max(self._kept, key=lambda kept: common_length(kept.keys, keys), default=None)
            length = whole_prefix(keys, common_length(best.keys, keys)) if best else 0
            if best is None or length == 0:
                return Kept()
            # Going back a little reuses the cache; a conversation that merely starts alike keeps its own.
            if len(best.keys) - length > length:
                best = Kept(copy.deepcopy(best.cache), list(best.keys))
            else:
                self._kept.remove(best)
        best.crop(length)
        return best

    def give(self, kept: Kept) -> None:
        """Keep a cache for later. One whose forward pass was interrupted is dropped."""
        if not kept.sound or not kept.keys:
            return
        with self._lock:
            self._kept.append(kept)
            del self._kept[: max(0, len(self._kept) - self.capacity)]
            while self.most_keys is not None and len(self._kept) > 1:
                if sum(len(one.keys) for one in self._kept) <= self.most_keys:
                    break
                del self._kept[0]

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._kept.clear()

    def __len__(self) -> int:
        return len(self._kept)


def whole_prefix(keys: Sequence[Key], length: int) -> int:
    """The longest prefix of at most `length` keys that leaves one key to feed and cuts through no medium."""
    length = min(length, len(keys) - 1)
    while length > 0 and isinstance(keys[length], str) and keys[length - 1] == keys[length]:
        length -= 1
    return max(length, 0)


class TextStream:
    """Token ids in, text out, in pieces that are final: never half a character, nothing of a stop string.

    Args:
        decode: From a list of ids to their text.
        stop_strings: Texts that end the answer; they and what follows are cut off.
    """

    def __init__(self, decode: Callable[[list[int]], str], stop_strings: Sequence[str] = ()):
        self.text = ""
        self.stopped = False
        self._decode = decode
        self._stop_strings = tuple(stop_strings)
        self._ids: list[int] = []
        self._read = 0  # ids whose text is in _held or out already
        self._context = 0  # ids from here on are decoded again, so that the next one is joined as it should
        self._held = ""

    def push(self, token: int) -> str:
        """Take one token; return the text that has become certain, possibly none."""
        self._ids.append(token)
        before = self._decode(self._ids[self._context : self._read])
        after = self._decode(self._ids[self._context :])
        if len(after) <= len(before) or after.endswith(BROKEN):
            return ""
        self._context, self._read = self._read, len(self._ids)
        return self._release(self._held + after[len(before) :].replace(BROKEN, ""))

    def finish(self) -> str:
        """No more tokens: return what was held back. Bytes that never became a character are left out."""
        before = self._decode(self._ids[self._context : self._read])
        rest = self._decode(self._ids[self._context :])[len(before) :].replace(BROKEN, "")
        piece = "" if self.stopped else self._release(self._held + rest) + self._held
        self.text += self._held if not self.stopped else ""
        self._held = ""
        return piece

    def _release(self, text: str) -> str:
        """Cut `text` at a stop string, hold back what may become one, give out the rest."""
        if not self.text:
            text = text.lstrip()  # the space before a first word is the layout's
        ends = [place for stop in self._stop_strings if (place := text.find(stop)) >= 0]
        if ends:
            self.stopped = True
            text, self._held = text[: min(ends)].rstrip(), ""
        else:
            keep = max((overlap(text, stop) for stop in self._stop_strings), default=0)
            text, self._held = text[: len(text) - keep], text[len(text) - keep :]
        self.text += text
        return text


def overlap(text: str, stop: str) -> int:
    """How many characters at the end of `text` are the start of `stop`."""
    return next(
        (size for size in range(min(len(text), len(stop) - 1), 0, -1) if text.endswith(stop[:size])), 0
    )


def pick_token(logits: Tensor, temperature: float, top_p: float, generator: torch.Generator | None) -> int:
    """The next token: the likeliest at temperature 0, else one drawn from the smallest set of mass `top_p`.

    Args:
        logits: (vocabulary,) with -inf at tokens that may not come.
        temperature: Divides the logits; 0 is greedy.
        top_p: Share of probability to draw from, likeliest tokens first; at least one token stays.
        generator: Source of randomness on the CPU.
    """
    if temperature == 0:
        return int(logits.argmax())
    weights, ids = (logits.float().cpu() / temperature).softmax(-1).sort(descending=True)
    weights[weights.cumsum(0) - weights >= top_p] = 0
    return int(ids[torch.multinomial(weights, 1, generator=generator)])
