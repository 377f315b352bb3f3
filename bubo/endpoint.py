"""A speaker elsewhere: any server that speaks OpenAI's chat completions (vLLM, Ollama, LM Studio, ...).

All turns go to the server each time, with their pictures and, if its model takes them, their sounds.
"""

import hashlib
import os
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from http import HTTPStatus

from bubo.completions import RequestWriter, read_pieces
from bubo.errors import InputError, QuestionError, SoundRefusedError, SpeakerError
from bubo.event_stream import Address, EventStream, Refusal, StreamBroken, StreamStopped, Unreachable
from bubo.prompts import shorter
from bubo.settings import Settings, Stats
from bubo.types import Turn

__all__ = ["KEY_VARIABLE", "KNOWN_ENDPOINTS", "EndpointSpeaker"]

#: The environment variable of the key.
KEY_VARIABLE = "BUBO_API_KEY"
#: Servers by name, where they listen if nothing else is said.
KNOWN_ENDPOINTS = {
    "vllm": "http://127.0.0.1:8000/v1",
    "ollama": "http://127.0.0.1:11434/v1",
    "lmstudio": "http://127.0.0.1:1234/v1",
}
TIMEOUT_S = 120.0

_PATH = "/chat/completions"
# Statuses that may pass, and the waits before the next tries; a server may ask for longer ones.
_BUSY = frozenset({429, 500, 502, 503, 504})
_WAITS_S = (0.5, 1.5)
_MAX_WAIT_S = 10.0
# Statuses of a server that cannot read a part of a message; others count only when they speak of sound.
_UNREADABLE = frozenset({400, 415, 422})
_OF_SOUND = re.compile(r"audio|sound|modalit|multimodal", re.IGNORECASE)
# Statuses of a conversation that is longer than the model's context, and how servers put it: OpenAI and vLLM
# ("maximum context length is", "longer than the maximum model length"), llama.cpp and LM Studio ("exceeds the
# available context size", "Trying to keep the first N tokens when context the overflows"), Ollama ("exceeds
# maximum context length", "prompt too long"), TGI ("`inputs` tokens + `max_new_tokens` must be").
_TOO_LONG = frozenset({400, 413, 422, 500})
_OF_LENGTH = re.compile(
    r"context[\s_-]?(?:length|size|window)|model[\s_]length|context the overflows"
    r"|prompt (?:is )?too long|too many (?:input |prompt )?tokens|tokens? to keep"
    r"|(?:input|prompt) tokens? exceed|max_new_tokens`? must be",
    re.IGNORECASE,
)
# Conversations of which it is known that they do not fit.
_MAX_KNOWN = 256
# Tries with fewer turns: each leaves out another such share of the questions that came before.
_SHARES = 4


class _Full(Exception):
    """The conversation does not fit into the model's context; the text is the server's."""


class EndpointSpeaker:
    """Speaks with the model of a server. Threads may share one.

    A request that the server cannot take at the moment is made again, at most twice, before the first piece
    of an answer. If the connection breaks later, the answer ends with what has come: `Stats.finish` is then
    "interrupted", and `Stats.note` says why. When the server says that the conversation is longer than the
    model's context, it is asked again, at most four times, each time with another quarter of the earlier
    questions and their answers left out: the oldest first, and those that brought no media before the others.
    The next question of that conversation is asked without them at once.
    `Stats` counts the turns that were left out, and tokens as the server tells them, or none.

    Args:
        base_url: Its address up to the version ("http://127.0.0.1:8000/v1"), or a name in `KNOWN_ENDPOINTS`.
        model: Name of the model, as the server knows it.
        api_key: What it wants as a key; None takes that of the environment variable `KEY_VARIABLE`.
        timeout_s: Longest silence: until the first event of an answer, and between two.
        connect_timeout_s: Longest time to reach the server.
        takes_sound: Whether its model takes sounds; None finds it out by the first question with a sound.

    Raises:
        InputError: If an argument cannot be used.
    """

    def __init__(
        self,
        base_url: str,
        model: str,
        *,
        api_key: str | None = None,
        timeout_s: float = TIMEOUT_S,
        connect_timeout_s: float = 10.0,
        takes_sound: bool | None = None,
    ):
        self.address = Address.parse(KNOWN_ENDPOINTS.get(base_url, base_url))
        if not isinstance(model, str) or not model.strip():
            raise InputError(
                f"The speaker at {self.address} needs the name of one of its models, but got {model!r}."
            )
        for name, seconds in (("timeout_s", timeout_s), ("connect_timeout_s", connect_timeout_s)):
            if not 0 < seconds <= 86_400:
                raise InputError(f"{name} must be above 0 and at most a day, but got {seconds}.")
        self.model = model
        self.timeout_s = timeout_s
        self.connect_timeout_s = connect_timeout_s
        self.last = Stats()
        self._key = os.environ.get(KEY_VARIABLE, "") if api_key is None else api_key
        if not re.fullmatch(r"[!-~]*", self._key):
            raise InputError(
                f"The key of the speaker, from {KEY_VARIABLE} or api_key, holds spaces or signs that no key "
                "has; copy it again."
            )
        self._takes_sound = takes_sound
        self._guessed = False  # that it takes none, from a refusal that may have had another reason
        self._writer = RequestWriter(model)
        self._left_out = _LeftOut()

    @property
    def takes_sound(self) -> bool:
        """False once it is known that the model takes no sounds."""
        return self._takes_sound is not False

    def clear(self) -> None:
        """Forget media as they were sent, and which turns did not fit."""
        self._writer.clear()
        self._left_out = _LeftOut()

    def stream(
        self, turns: Sequence[Turn], settings: Settings | None = None, stop: threading.Event | None = None
    ) -> Generator[str, None, Stats]:
        """Answer the last turn, a user's. Closing the generator, or setting `stop`, closes the connection.

        Raises:
            InputError: If there is nothing to answer.
            QuestionError: If the last question alone is longer than the model's context.
            SoundRefusedError: If turns hold sounds and the model takes none.
            SpeakerError: If the server cannot be reached, refuses, or ends without a word.
        """
        if not turns or turns[-1].role != "user":
            given = "no turn" if not turns else f"a last turn of role {turns[-1].role!r}"
            raise InputError(f"A speaker answers a user's turn, but got {given}.")
        if not self.takes_sound and any(turn.sounds for turn in turns):
            raise self._deaf()
        return self._answer(turns, settings or Settings(), stop)

    def _answer(
        self, turns: Sequence[Turn], settings: Settings, stop: threading.Event | None
    ) -> Generator[str, None, Stats]:
        started = time.perf_counter()
        stats = Stats()
        begun = self._left_out.shortened(turns)
        kept: Sequence[Turn] | None = begun
        fewer = _fewer(begun)
        try:
            while kept is not None:
                stats.turns_dropped = len(turns) - len(kept)
                try:
                    with closing(self._pieces(kept, settings, stop, stats, started)) as pieces:
                        for number, piece in enumerate(pieces):
                            if number == 0 and kept is not begun:
                                self._left_out.note(turns, kept)
                            yield piece
                    break
                except _Full as full:
                    kept = next(fewer, None)
                    if kept is None:
                        raise self._overfull(full) from None
        finally:
            stats.total_s = time.perf_counter() - started
            self.last = stats
        return stats

    def _pieces(
        self,
        turns: Sequence[Turn],
        settings: Settings,
        stop: threading.Event | None,
        stats: Stats,
        started: float,
    ) -> Generator[str, None, None]:
        """The pieces of an answer to all of these turns.

        Raises:
            _Full: If they are too long, before the first piece.
            SpeakerError: As of `stream`.
        """
        said = False
        encoding = time.perf_counter()
        body = self._writer.write(turns, settings)
        stats.encode_s += time.perf_counter() - encoding
        try:
            with self._open(body, stop, any(turn.sounds for turn in turns)) as stream:
                for piece in read_pieces(stream.events(), stats, settings.max_new_tokens):
                    if not said:
                        piece = piece.lstrip()
                        stats.first_token_s = time.perf_counter() - started
                    if piece:
                        said = True
                        yield piece
        except StreamStopped:
            stats.finish = "stopped"
        except StreamBroken as error:
            if not said:
                if _OF_LENGTH.search(str(error)):  # LM Studio begins an answer before it looks
                    raise _Full(str(error)) from None
                raise self._silent(error) from None
            stats.finish = "interrupted"
            stats.note = f"the speaker at {self.address} broke off: {self._masked(error)}"
        if not said and stats.finish != "stopped" and not settings.stop:
            raise self._wordless(stats, settings)

    def _open(self, body: bytes, stop: threading.Event | None, sounds: bool) -> EventStream:
        """The stream of an answer; tried again while the server is busy."""
        waits_s = iter(_WAITS_S)
        while True:
            try:
                stream = EventStream(
                    self.address,
                    _PATH,
                    body,
                    key=self._key,
                    timeout_s=self.timeout_s,
                    connect_timeout_s=self.connect_timeout_s,
                    stop=stop,
                )
            except Refusal as refusal:
                if refusal.status in _TOO_LONG and _OF_LENGTH.search(refusal.message):
                    raise _Full(refusal.message) from None
                if (error := self._sounds_refused(refusal, sounds)) is not None:
                    raise error from None
                wait_s = next(waits_s, None)
                if refusal.status not in _BUSY or wait_s is None:
                    raise SpeakerError(self._complaint(refusal)) from None
                _wait(min(max(wait_s, refusal.retry_after_s), _MAX_WAIT_S), stop)
            else:
                if sounds and self._takes_sound is None:
                    self._takes_sound = True
                elif not sounds:
                    self._guessed = False  # without sounds it went: they were the reason
                return stream

    def _sounds_refused(self, refusal: Refusal, sounds: bool) -> SoundRefusedError | None:
        """The error of a refusal that may be one of sounds; the next one without sounds shows if it was."""
        of_sound = _OF_SOUND.search(refusal.message) is not None
        if sounds and self._takes_sound is None and (refusal.status in _UNREADABLE or of_sound):
            self._takes_sound, self._guessed = False, True
            return self._deaf(refusal.message)
        if not sounds and self._guessed and refusal.status in _UNREADABLE:
            self._takes_sound, self._guessed = None, False
        return None

    # ------------------------------------------------------------ errors

    def _complaint(self, refusal: Refusal) -> str:
        where, said = f"The speaker at {self.address}", f"({refusal.status}: {refusal.message})"
        if refusal.status == HTTPStatus.UNAUTHORIZED and not self._key:
            return f"{where} wants a key {said}. Put it into the environment variable {KEY_VARIABLE}."
        if refusal.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            return f"{where} refuses the key {said}. Check the environment variable {KEY_VARIABLE}."
        if refusal.status == HTTPStatus.NOT_FOUND:
            return (
                f"{where} does not know the model {self.model!r}, or has nothing at this address {said}. "
                "Check the name; most addresses end in /v1."
            )
        if 300 <= refusal.status < 400:
            return f"{where} sends us elsewhere {said}, which is not followed. Give the right address."
        if refusal.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            return f"{where} finds the question too large {said}. Send fewer or smaller media."
        if refusal.status in _BUSY or refusal.status >= 500:
            return f"{where} has trouble {said}. Try again later, or look at its log."
        return f"{where} refuses the question {said}. Begin a new conversation, or ask with other media."

    def _deaf(self, said: str = "") -> SoundRefusedError:
        because = f" ({said})" if said else ""
        return SoundRefusedError(
            f"The model {self.model!r} at {self.address} takes no sounds{because}; ask without them."
        )

    def _overfull(self, full: _Full) -> QuestionError:
        said = str(full).replace(self._key, "***") if self._key else str(full)
        return QuestionError(
            f"The question is longer than the context of {self.model!r} at {self.address} ({said}). Shorten "
            "it, send fewer or smaller media, or start the server with a larger context."
        )

    def _silent(self, error: StreamBroken) -> SpeakerError:
        if isinstance(error, Unreachable):
            return SpeakerError(
                f"The speaker at {self.address} cannot be reached: {error}. Start the server, or check "
                "address and port."
            )
        return SpeakerError(
            f"The speaker at {self.address} did not answer: {self._masked(error)}. Ask again, look at the "
            f"server's log, or wait longer than {self.timeout_s:g} s."
        )

    def _masked(self, error: StreamBroken) -> str:
        """What went wrong, without the key, which a server may repeat."""
        return str(error).replace(self._key, "***") if self._key else str(error)

    def _wordless(self, stats: Stats, settings: Settings) -> SpeakerError:
        if stats.finish == "length":
            return SpeakerError(
                f"The speaker at {self.address} used all {settings.max_new_tokens} tokens without a word of "
                "an answer. A model that thinks first needs more: raise max_new_tokens."
            )
        why = f": {stats.note}" if stats.note else ""
        return SpeakerError(f"The speaker at {self.address} ended without a word{why}. Ask in other words.")


class _LeftOut:
    """Which turns of the conversations asked about lately did not fit, so that it is not tried each time.

    A conversation is known by what was said before its last question: that stays as it is when it goes on.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[bytes, frozenset[int]] = OrderedDict()  # numbers of the turns that fitted
        self._lock = threading.Lock()

    def shortened(self, turns: Sequence[Turn]) -> Sequence[Turn]:
        """The turns without those that did not fit at an earlier question of the same conversation."""
        with self._lock:
            for length, key in reversed(_beginnings(turns)):
                if (kept := self._kept.get(key)) is not None:
                    self._kept.move_to_end(key)
                    return [turn for place, turn in enumerate(turns) if place in kept or place >= length]
        return turns

    def note(self, turns: Sequence[Turn], kept: Sequence[Turn]) -> None:
        """These of the turns fitted."""
        length, key = _beginnings(turns)[-1]
        fitted = set(map(id, kept))
        with self._lock:
            self._kept[key] = frozenset(n for n in range(length) if id(turns[n]) in fitted)
            self._kept.move_to_end(key)
            while len(self._kept) > _MAX_KNOWN:
                self._kept.popitem(last=False)


def _beginnings(turns: Sequence[Turn]) -> list[tuple[int, bytes]]:
    """What was said before each question: the number of turns, and a digest of them."""
    said = hashlib.sha256()
    found = []
    for length, turn in enumerate(turns):
        if turn.role == "user":
            found.append((length, said.digest()))
        media = [picture.id for picture in turn.pictures] + [sound.id for sound in turn.sounds]
        said.update(repr((turn.role, turn.text, media)).encode(errors="surrogatepass"))
    return found


def _fewer(turns: Sequence[Turn]) -> Iterator[Sequence[Turn]]:
    """The conversation with more and more of its oldest questions and answers left out, in a few steps."""
    choices = shorter(turns)
    numbers = {-(-len(choices) * share // _SHARES) for share in range(1, _SHARES + 1)}
    return (choices[number - 1] for number in sorted(numbers) if number)


def _wait(seconds: float, stop: threading.Event | None) -> None:
    if stop is None:
        time.sleep(seconds)
    elif stop.wait(seconds):
        raise StreamStopped
