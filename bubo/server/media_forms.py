"""The forms in which media are kept and shown: thumbnails, peaks of a wave, 16-bit WAV; and their checks."""

import io
import struct
import unicodedata

import numpy as np
from PIL import Image

from bubo.errors import MediaError
from bubo.files import sniff
from bubo.server.ids import clean_text
from bubo.server.problems import Problem
from bubo.types import Picture, Sound

__all__ = [
    "check_picture_size",
    "clean_name",
    "kind_of",
    "pcm_wav",
    "peaks_of",
    "thumbnail_of",
    "what_is_wrong",
]

THUMBNAIL_SIDE = 320
MAX_PEAKS = 1_000
MAX_NAME = 200
_HEAD = 64


def kind_of(content: bytes, name: str) -> str:
    """Tells "picture" or "sound" as the first bytes promise; the name does not matter.

    Raises:
        Problem: If it is neither.
    """
    found = sniff(content[:_HEAD])
    if found is None:
        what = "is empty" if not content else "is no picture or sound that can be read"
        if b"<svg" in content[:1_000].lower():
            what = "is a drawing of vectors (SVG)"
        raise Problem(
            415,
            f"The file {name!r} {what}: give PNG, JPEG, WebP, GIF, BMP or TIFF, or WAV, FLAC, OGG, MP3, M4A "
            "or WebM.",
            "unsupported_media",
            param="file",
        )
    return found[1]


def what_is_wrong(error: MediaError, content: bytes, name: str) -> str:
    """What a decoder says of a file, which it knows by its size only, with the file's name."""
    return str(error).replace(f"(given as {len(content)} bytes)", repr(name))


def check_picture_size(content: bytes, max_pixels: int) -> None:
    """Refuses too large a picture by its header.

    Raises:
        Problem: If it has more pixels.
    """
    try:
        with Image.open(io.BytesIO(content)) as image:
            width, height = image.size
    except Image.DecompressionBombError:
        width = height = 0
    except Exception:  # damaged: decoding it will say how
        return
    if width * height > max_pixels or not width:
        size = f"is {width} x {height} pixels" if width else "is far too large"
        raise Problem(
            413,
            f"The picture {size}; at most {max_pixels / 1e6:g} million pixels are taken. Scale it first.",
            "picture_too_large",
            param="file",
        )


def clean_name(name: str) -> str:
    """The last part of a file's name, without what could deceive: control and direction signs."""
    last = clean_text(name).replace("\\", "/").rsplit("/", 1)[-1]
    kept = "".join(sign for sign in last if unicodedata.category(sign) not in ("Cc", "Cf", "Zl", "Zp"))
    return kept.strip()[:MAX_NAME]


def thumbnail_of(picture: Picture) -> bytes:
    """The picture as a JPEG file of at most 320 pixels a side."""
    image = Image.fromarray(picture.pixels)
    image.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


def peaks_of(sound: Sound) -> list[list[float]]:
    """The lowest and highest sample of up to 1,000 equal parts, in thousandths."""
    count = min(MAX_PEAKS, len(sound.samples))
    starts = np.arange(count) * len(sound.samples) // count
    low = np.minimum.reduceat(sound.samples, starts)
    high = np.maximum.reduceat(sound.samples, starts)
    pairs = np.stack([low, high], axis=1).astype(np.float64)  # (count, 2)
    peaks: list[list[float]] = np.round(pairs, 3).tolist()
    return peaks


def pcm_wav(sound: Sound) -> bytes:
    """The sound as a WAV file of 16 bits per sample, which every browser plays."""
    data = np.round(sound.samples * 32_767).astype("<i2").tobytes()
    rate = sound.sampling_rate
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, rate, 2 * rate, 2, 16)
    body = b"WAVE" + form + struct.pack("<4sI", b"data", len(data)) + data
    return struct.pack("<4sI", b"RIFF", len(body)) + body
