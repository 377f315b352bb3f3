"""Decoding of sound files and arrays into mono float32 at 16 kHz; the sound half of `bubo.media`.

Everything is read in blocks, mixed down and resampled on the way, so that memory stays small whatever a
header promises. soundfile reads WAV, FLAC and AIFF; PyAV reads MP3, OGG, M4A, MP4, WebM and AAC.
"""

import os
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from bubo.errors import MediaError
from bubo.files import sniff

SAMPLING_RATE = 16_000
MIN_DURATION_S = 0.1
MAX_DURATION_S = 600.0
MIN_RATE, MAX_RATE = 1_000, 768_000
MAX_CHANNELS = 64
# Louder than 32-bit integers taken for floats is no sound, and would overflow in the resampler.
MAX_LEVEL = 2.0**32

_BLOCK = 2**18  # values read at a time, over all channels
# soundfile reads OGG and MP3 too, but its MP3 decoder writes to stderr and its OGG one loses cut-off files.
_BY_SOUNDFILE = ("WAV", "FLAC", "AIFF")
# Formats that PyAV may recognise: no playlists, whose entries would open other files.
_AV_FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,aac,ogg,mp3,flac"
# Sizes in a WAV header from here on are what recorders write when they do not know the length.
_UNKNOWN_SIZE = 0x7FFFF000


class SoundBuffer:
    """Gathers blocks of a sound of any rate and channels into mono at 16 kHz.

    Args:
        rate: Samples per second of what will be added.
        name: For messages.
    """

    def __init__(self, rate: int, name: str):
        import soxr

        if not MIN_RATE <= rate <= MAX_RATE:
            raise MediaError(
                f"The sound {name} has {rate} samples per second; expected {MIN_RATE} to {MAX_RATE}."
            )
        self.rate, self.name = rate, name
        self.count = 0
        self._peak = 0.0
        self._parts: list[NDArray[np.float32]] = []
        self._stream = (
            None if rate == SAMPLING_RATE else soxr.ResampleStream(rate, SAMPLING_RATE, 1, "float32")
        )

    def check_duration(self, duration_s: float) -> None:
        """Refuses a sound that is longer than the limit, as a header tells it or as counted."""
        if duration_s > MAX_DURATION_S:
            raise MediaError(
                f"The sound {self.name} lasts {duration_s:.1f} s; expected {MIN_DURATION_S} s to "
                f"{MAX_DURATION_S:.0f} s. Cut it first."
            )

    def add(self, block: NDArray[Any]) -> None:
        """Adds samples (T, C) of any float type, C channels."""
        with np.errstate(over="ignore", invalid="ignore"):
            mono = block.astype(np.float32).mean(axis=1, dtype=np.float32)
        if not len(mono):
            return
        peak = float(np.abs(mono).max())
        if not peak <= MAX_LEVEL:  # NaN too
            raise MediaError(
                f"The sound {self.name} holds NaN, infinite or absurd samples ({peak}); expected -1 to 1."
            )
        self._peak = max(self._peak, peak)
        self.count += len(mono)
        self.check_duration(self.count / self.rate)
        self._parts.append(mono if self._stream is None else self._stream.resample_chunk(mono))

    def finish(self) -> NDArray[np.float32]:
        """The samples (T,) at 16 kHz between -1 and 1; sounds louder than that are scaled down as a whole."""
        if not self.count:
            raise MediaError(f"The sound {self.name} holds no samples: its length is 0.")
        if self.count < MIN_DURATION_S * self.rate:
            raise MediaError(
                f"The sound {self.name} lasts {self.count / self.rate:.3f} s; expected {MIN_DURATION_S} s to "
                f"{MAX_DURATION_S:.0f} s."
            )
        if self._stream is not None:
            self._parts.append(self._stream.resample_chunk(np.zeros(0, np.float32), last=True))
        samples = np.concatenate(self._parts)
        length = round(self.count * SAMPLING_RATE / self.rate)
        samples = np.pad(samples[:length], (0, max(0, length - len(samples))))
        if self._peak > 1:
            samples /= np.float32(self._peak)
        return np.clip(samples, -1, 1, out=samples)


def decode_array(rate: object, samples: object) -> NDArray[np.float32]:
    """Samples of any shape and type at 16 kHz, see `bubo.media.load_sound`."""
    if isinstance(rate, bool) or not isinstance(rate, int | np.integer):
        raise MediaError(
            f"A sound array must come as (rate, samples) with a whole rate, but the rate is {rate!r}."
        )
    buffer = SoundBuffer(int(rate), "array")
    channels = _to_channels(samples)
    buffer.check_duration(len(channels) / buffer.rate)
    step = _BLOCK // channels.shape[1]
    for first in range(0, len(channels), step):
        buffer.add(_to_floats(channels[first : first + step]))
    return buffer.finish()


def _to_channels(samples: object) -> NDArray[Any]:
    """Samples of any shape as (T, C), of a type that `_to_floats` takes."""
    try:
        array = np.asarray(samples)
    except ValueError:
        raise MediaError("Sound samples must be an array, but the lists given differ in length.") from None
    if array.ndim not in (1, 2):
        raise MediaError(
            f"Sound samples must have shape (T,), (T, C) or (C, T), but got shape {array.shape}."
        )
    if not array.size:
        return np.zeros((0, 1), np.float32)
    if array.ndim == 1:
        array = array[:, None]
    elif array.shape[0] < array.shape[1]:  # channels first: nobody has more channels than samples
        array = array.T
    if array.shape[1] > MAX_CHANNELS:
        raise MediaError(f"Sound samples may have {MAX_CHANNELS} channels, but got shape {array.shape}.")
    if array.dtype.kind != "f" and array.dtype not in (np.int16, np.int32, np.uint8):
        raise MediaError(
            f"Sound samples must be floats from -1 to 1, int16, int32 or uint8, but got {array.dtype}."
        )
    return array


def _to_floats(block: NDArray[Any]) -> NDArray[Any]:
    """Samples as floats from -1 to 1."""
    if block.dtype == np.uint8:
        return (block.astype(np.float32) - 128) / 128
    return block if block.dtype.kind == "f" else block / -float(np.iinfo(block.dtype).min)


def decode_file(stream: BinaryIO, name: str) -> NDArray[np.float32]:
    """The samples (T,) of an open sound file at 16 kHz."""
    head = stream.read(64)
    format_and_kind = sniff(head)
    stream.seek(0)
    if format_and_kind is None or format_and_kind[1] != "sound":
        found = f"{format_and_kind[0]} {format_and_kind[1]}" if format_and_kind else "file of no known format"
        raise MediaError(
            f"{name} is a {found}, not a sound: give WAV, FLAC, OGG, MP3, M4A or WebM (its content counts)."
        )
    form = format_and_kind[0]
    try:
        if form in ("WAV", "AIFF"):
            _check_chunk_size(stream, head, name)
        elif form == "OGG":
            _check_last_page(stream, name)
        if form in _BY_SOUNDFILE:
            return _decode_with_soundfile(stream, name)
        return _decode_with_av(stream, name, trust_header=_has_length(stream, form))
    except MediaError:
        raise
    except ImportError:
        raise
    except Exception as error:  # decoders of foreign bytes raise whatever they like
        detail = (str(error).split("] ", 1)[-1].split("': ", 1)[-1] or type(error).__name__).replace(
            "\n", " "
        )
        raise MediaError(
            f"The sound {name} looks like {form} but cannot be decoded: {detail[:200]}. "
            "It is damaged, truncated or of an unknown kind: save it again, best as WAV."
        ) from None


def _truncated(name: str, got: str, expected: str) -> MediaError:
    return MediaError(
        f"The sound {name} is truncated: it holds {got} of {expected} in its header. Fetch it again."
    )


def _check_chunk_size(stream: BinaryIO, head: bytes, name: str) -> None:
    """Refuses a cut-off WAV or AIFF, which soundfile would read as far as it goes."""
    promised = int.from_bytes(head[4:8], "little" if head[:4] == b"RIFF" else "big")
    if head[:4] == b"RF64":
        promised = int.from_bytes(head[20:28], "little") if head[12:16] == b"ds64" else 0
    held = stream.seek(0, os.SEEK_END) - 8
    stream.seek(0)
    # one byte of padding is often forgotten
    if held + 1 < promised and (promised < _UNKNOWN_SIZE or head[:4] == b"RF64"):
        raise _truncated(name, f"{held} bytes", f"{promised}")


def _check_last_page(stream: BinaryIO, name: str) -> None:
    """Refuses an OGG file whose last page is not whole."""
    size = stream.seek(0, os.SEEK_END)
    stream.seek(max(0, size - 2**17))  # a page has at most 65,307 bytes
    tail = stream.read()
    stream.seek(0)
    page = tail[max(0, tail.rfind(b"OggS")) :]
    lacing = page[27 : 27 + page[26]] if len(page) > 26 else b""
    if len(page) < 27 or len(lacing) < page[26] or len(page) < 27 + len(lacing) + sum(lacing):
        raise _truncated(name, f"{len(page)} bytes", "a longer last page")


def _has_length(stream: BinaryIO, form: str) -> bool:
    """Whether the header tells the length; otherwise FFmpeg guesses one from the bit rate."""
    if form == "MP3":
        start = stream.read(2**18)
        stream.seek(0)
        return b"Xing" in start or b"Info" in start
    return form != "AAC"


class _Reader:
    """The face of a stream that soundfile gets: no file name to guess from, no error in its C callbacks."""

    def __init__(self, stream: BinaryIO):
        self._stream = stream

    def __repr__(self) -> str:
        return "it"  # soundfile puts this into its messages

    def read(self, count: int = -1) -> bytes:
        return self._stream.read(max(0, count))

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        try:
            return self._stream.seek(offset, whence)
        except (OSError, ValueError, OverflowError):  # a damaged header may point before the start
            return self._stream.tell()

    def tell(self) -> int:
        return self._stream.tell()


def _decode_with_soundfile(stream: BinaryIO, name: str) -> NDArray[np.float32]:
    import soundfile

    with soundfile.SoundFile(_Reader(stream)) as file:
        buffer = SoundBuffer(file.samplerate, name)
        known = 0 < file.frames < 2**62
        if known:
            buffer.check_duration(file.frames / file.samplerate)
        if file.channels > MAX_CHANNELS:
            raise MediaError(f"The sound {name} has {file.channels} channels; expected 1 to {MAX_CHANNELS}.")
        while len(block := file.read(_BLOCK // file.channels, dtype="float32", always_2d=True)):
            buffer.add(block)
        if known and buffer.count < 0.98 * file.frames:
            raise _truncated(name, f"{buffer.count} samples", f"{file.frames}")
    return buffer.finish()


def _decode_with_av(stream: BinaryIO, name: str, *, trust_header: bool) -> NDArray[np.float32]:
    import av

    options = {"format_whitelist": _AV_FORMATS}
    with av.open(stream, "r", options=options, metadata_errors="replace") as container:
        if not container.streams.audio:
            raise MediaError(f"{name} holds no sound: give a file with an audio track.")
        track = container.streams.audio[0]
        rate = int(track.codec_context.sample_rate or 0)
        buffer = SoundBuffer(rate, name)
        promised_s = 0.0
        if not trust_header:
            pass
        elif track.duration is not None and track.time_base is not None:
            promised_s = float(track.duration * track.time_base)
        elif container.duration is not None and not container.streams.video:
            promised_s = container.duration / av.time_base
        buffer.check_duration(promised_s)
        to_float = av.AudioResampler(format="fltp")
        for frame in container.decode(track):
            for part in to_float.resample(frame):
                buffer.add(part.to_ndarray().T)
        for part in to_float.resample(None):
            buffer.add(part.to_ndarray().T)
        if buffer.count and buffer.count / rate < 0.99 * promised_s - 0.1:
            raise _truncated(name, f"{buffer.count / rate:.1f} s", f"{promised_s:.1f} s")
    return buffer.finish()
