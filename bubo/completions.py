"""OpenAI's chat completions as a format: turns to the body of a request, events to pieces of text."""

import base64
import io
import json
import threading
import wave
from collections.abc import Generator, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image

from bubo.event_stream import StreamBroken, one_line
from bubo.media import encode_jpeg, encode_png
from bubo.recent import Recent
from bubo.settings import Settings, Stats
from bubo.types import Picture, Sound, Turn

#: Longest side of a picture as it is sent; servers scale to less.
MAX_SIDE = 2048
#: Pictures up to this size are sent exact, larger ones as JPEG.
MAX_PNG_PIXELS = 1_000_000
#: Most characters of an answer, whatever the server sends; grounding takes longer than the text grows.
MAX_ANSWER = 20_000

_KEPT_MEDIA, _KEPT_BYTES = 32, 64_000_000
# Signs that would steer a terminal; line breaks and tabs stay.
_CONTROLS = {code: None for code in (*range(32), *range(127, 160)) if code not in (9, 10)}


class RequestWriter:
    """Writes requests; keeps media as they were sent last. Threads may share one.

    Args:
        model: Name of the model that is asked.
    """

    def __init__(self, model: str):
        self.model = model
        self._encoded: Recent[str] = Recent(_KEPT_MEDIA, len, _KEPT_BYTES)
        self._lock = threading.Lock()

    def write(self, turns: Sequence[Turn], settings: Settings) -> bytes:
        """The body of a request for a streamed answer to these turns, with all their media."""
        request: dict[str, Any] = {
            "model": self.model,
            "messages": [self._message(turn) for turn in turns],
            "max_tokens": settings.max_new_tokens,
            "temperature": settings.temperature,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if settings.stop:
            request["stop"] = list(settings.stop)
        if settings.temperature > 0:
            request["top_p"] = settings.top_p
            if settings.seed is not None:
                request["seed"] = settings.seed
        return json.dumps(request).encode()

    def clear(self) -> None:
        """Forget all media."""
        with self._lock:
            self._encoded.clear()

    def _message(self, turn: Turn) -> dict[str, Any]:
        """A turn as a message; the text alone where there is nothing else."""
        parts: list[dict[str, Any]] = []
        for picture in turn.pictures:
            parts.append({"type": "image_url", "image_url": {"url": self._picture(picture)}})
        for sound in turn.sounds:
            data = {"data": self._sound(sound), "format": "wav"}
            parts.append({"type": "input_audio", "input_audio": data})
        if not parts:
            return {"role": turn.role, "content": turn.text}
        return {"role": turn.role, "content": [*parts, {"type": "text", "text": turn.text}]}

    def _picture(self, picture: Picture) -> str:
        with self._lock:
            return self._encoded.get(picture.id, lambda: picture_url(picture))

    def _sound(self, sound: Sound) -> str:
        with self._lock:
            return self._encoded.get(sound.id, lambda: sound_data(sound))


def picture_url(picture: Picture) -> str:
    """A picture as a data URL: PNG if it is small, else JPEG; scaled down to `MAX_SIDE`."""
    if max(picture.size_hw) > MAX_SIDE:
        image = Image.fromarray(picture.pixels)
        image.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.LANCZOS)
        picture = Picture(np.asarray(image))
    exact = picture.width * picture.height <= MAX_PNG_PIXELS
    data = encode_png(picture) if exact else encode_jpeg(picture)
    return f"data:image/{'png' if exact else 'jpeg'};base64,{base64.b64encode(data).decode()}"


def sound_data(sound: Sound) -> str:
    """A sound as a WAV file of 16 bits per sample, which every server reads, in base 64."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(sound.sampling_rate)
        file.writeframes(np.round(sound.samples * 32767).astype("<i2").tobytes())
    return base64.b64encode(buffer.getvalue()).decode()


def read_pieces(
    events: Iterable[Mapping[str, Any]], stats: Stats, max_new_tokens: int
) -> Generator[str, None, None]:
    """The pieces of text in the events of an answer; how it ended and what it cost goes into the stats.

    Args:
        events: As `EventStream.events` gives them.
        stats: Gets finish, note and the server's count of tokens.
        max_new_tokens: What was asked for; a server that sends far more is not followed.

    Raises:
        StreamBroken: If the server reports an error, sends too much, or ends before the answer does.
    """
    finish, size = "", 0
    most = 1_000 + 4 * max_new_tokens
    try:
        for number, event in enumerate(events):
            if event.get("error") is not None:
                raise StreamBroken(f"it reports an error: {one_line(json.dumps(event['error']))}")
            if number >= most:
                raise StreamBroken(f"it sends more than {most} events for {max_new_tokens} tokens")
            if event.get("done") is True:
                finish = finish or "stop"
            _count(event.get("usage"), stats)
            choice = _first(event.get("choices"))
            message = choice.get("delta", choice.get("message"))
            piece = message.get("content") if isinstance(message, Mapping) else None
            if isinstance(piece, str) and (piece := _clean(piece)):
                size += len(piece)
                if size > MAX_ANSWER:
                    raise StreamBroken(f"its answer is longer than {MAX_ANSWER:,} characters")
                yield piece
            if isinstance(reason := choice.get("finish_reason"), str) and reason:
                finish = reason
    except StreamBroken:
        if not finish:  # what breaks behind the end takes nothing from the answer
            raise
    if not finish:
        raise StreamBroken("the connection was closed before the answer was whole")
    stats.finish = "length" if finish == "length" else "stop"
    if finish == "content_filter":
        stats.note = "a filter of the speaker's server cut the answer"


def _count(usage: object, stats: Stats) -> None:
    """Takes over the server's count of tokens."""
    if isinstance(usage, Mapping):
        details = usage.get("prompt_tokens_details")
        cached = details.get("cached_tokens") if isinstance(details, Mapping) else 0
        prompt = _number(usage.get("prompt_tokens"))
        stats.tokens_reused = min(prompt, _number(cached))
        stats.tokens_fed = prompt - stats.tokens_reused
        stats.tokens_generated = _number(usage.get("completion_tokens"))


def _first(choices: object) -> Mapping[str, Any]:
    if isinstance(choices, list) and choices and isinstance(choices[0], Mapping):
        return choices[0]
    return {}


def _number(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31 else 0


def _clean(text: str) -> str:
    """Text without what would steer a terminal, and without halves of characters."""
    return text.translate(_CONTROLS).encode("utf-8", "replace").decode()
