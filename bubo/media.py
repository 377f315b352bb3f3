"""Pictures and sounds in and out: the only place where media is decoded.

`load_picture` and `load_sound` take whatever a user has (path, bytes, array, PIL image) and give a checked
value, or raise `MediaError`. What a file is, its content tells; its extension does not matter. Limits are
checked from the header, before anything large is decoded.
"""

import io
import re
import struct
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import soundfile
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from bubo import sounds
from bubo.checks import describe
from bubo.errors import MediaError
from bubo.files import open_media, sniff, write_atomic
from bubo.sounds import MAX_DURATION_S, MIN_DURATION_S, SAMPLING_RATE
from bubo.types import Picture, Sound

__all__ = [
    "MAX_ASPECT",
    "MAX_DURATION_S",
    "MAX_PIXELS",
    "MAX_SIDE",
    "MIN_DURATION_S",
    "SAMPLING_RATE",
    "encode_flac",
    "encode_jpeg",
    "encode_png",
    "encode_wav",
    "load_picture",
    "load_sound",
    "write_atomic",
]

MAX_PIXELS = 50_000_000
MAX_SIDE = 20_000
MAX_ASPECT = 100
# A progressive JPEG is decoded once per scan; ordinary ones have about ten, a hostile one thousands.
MAX_JPEG_SCANS = 100

_BLOCK = 2**20  # values converted at a time: the steps between take eight bytes each
# A marker with a segment behind it, or the end; 0, 1, 255 and 208 to 216 stand within the data or alone.
_JPEG_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd8\xff]")
_PICTURE_FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "DIB", "TIFF", "GIF")
_ORIENTATION_TAG = 0x0112
# EXIF orientation -> the turn that makes the picture upright
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

PictureSource = str | Path | bytes | bytearray | memoryview | Image.Image | NDArray[Any] | Picture
SoundSource = str | Path | bytes | bytearray | memoryview | tuple[int, Any] | Sound


def load_picture(source: PictureSource) -> Picture:
    """A picture from a path, bytes, PIL image, array or picture.

    Files may be PNG, JPEG, WebP, BMP, TIFF or GIF (first frame) of any mode and bit depth; EXIF turns are
    applied, transparency is laid over white. Arrays may be (H, W), (H, W, 1), (H, W, 3) or (H, W, 4) with
    uint8, uint16, bool, other integers from 0 to 255, or floats from 0 to 1.

    Raises:
        MediaError: If it is missing, empty, damaged, no picture, or outside the limits (50 million pixels,
            sides of 20,000, 100 times as long as wide).
    """
    if isinstance(source, Picture):
        _check_size(source.width, source.height, "that is given")
        return source
    if isinstance(source, Image.Image):
        return Picture(_decode_pil(source, "the given PIL image"))
    if isinstance(source, np.ndarray):
        return Picture(_array_to_pixels(source))
    if isinstance(source, bytearray | memoryview):
        source = bytes(source)
    if not isinstance(source, str | Path | bytes):
        raise MediaError(
            f"A picture must be a path, bytes, a PIL image or an array, but got {describe(source)}."
        )
    stream, name = open_media(source, "picture")
    with stream:
        pixels = _decode_picture(stream, name)
    return Picture(pixels, "" if isinstance(source, bytes) else str(source))


def load_sound(source: SoundSource) -> Sound:
    """A sound from a path, bytes, (rate, samples) or sound: mono at 16 kHz.

    Files may be WAV, FLAC, OGG, MP3, AIFF, M4A/MP4, WebM or AAC of any rate and channels, which are averaged.
    Arrays may be (T,), (T, C) or (C, T) with int16, int32, uint8 or floats from -1 to 1. Sounds louder than
    that are scaled down as a whole.

    Raises:
        MediaError: If it is missing, empty, damaged, no sound, not finite, or outside 0.1 s to 10 minutes.
    """
    name = ""
    if isinstance(source, Sound):
        within = MIN_DURATION_S <= source.duration_s <= MAX_DURATION_S
        if source.sampling_rate == SAMPLING_RATE and within:
            return source
        samples, name = sounds.decode_array(source.sampling_rate, source.samples), source.source
    elif isinstance(source, tuple) and len(source) == 2:
        samples = sounds.decode_array(*source)
    else:
        if isinstance(source, bytearray | memoryview):
            source = bytes(source)
        if not isinstance(source, str | Path | bytes):
            raise MediaError(f"A sound must be a path, bytes or (rate, samples), but got {describe(source)}.")
        stream, shown = open_media(source, "sound")
        with stream:
            samples = sounds.decode_file(stream, shown)
        name = "" if isinstance(source, bytes) else str(source)
    return Sound(samples, SAMPLING_RATE, name)


def _check_size(width: int, height: int, name: str) -> None:
    short, long = sorted((width, height))
    if not short:
        raise MediaError(f"The picture {name} has no pixels ({width} x {height}).")
    if long > MAX_SIDE or width * height > MAX_PIXELS or long > MAX_ASPECT * short:
        raise MediaError(
            f"The picture {name} is {width} x {height} pixels; expected up to {MAX_PIXELS // 10**6} million "
            f"pixels, sides up to {MAX_SIDE}, none over {MAX_ASPECT} times the other. Scale or cut it first."
        )


def _count_scans(data: bytes) -> int:
    """Scans of a JPEG up to its end; what lies behind, such as the film of a motion photo, is not read."""
    scans, at = 0, 2
    while (found := _JPEG_MARKER.search(data, at)) and (marker := found[0][1]) != 0xD9:
        scans += marker == 0xDA
        at = found.end() + int.from_bytes(data[found.end() : found.end() + 2], "big")
    return scans


def _decode_picture(stream: BinaryIO, name: str) -> NDArray[np.uint8]:
    found = sniff(stream.read(64))
    if found is not None and found[1] != "picture":
        raise MediaError(f"{name} is a {found[0]} {found[1]}, not a picture (its name does not matter).")
    if found is not None and found[0] == "JPEG":
        stream.seek(0)
        if (scans := _count_scans(stream.read())) > MAX_JPEG_SCANS:
            raise MediaError(
                f"The picture {name} has {scans} JPEG scans; expected up to {MAX_JPEG_SCANS}. Save it again."
            )
    stream.seek(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's own size warning: the limits here are stricter
        try:
            with Image.open(stream, formats=_PICTURE_FORMATS) as image:
                return _decode_pil(image, name)
        except MediaError:
            raise
        except Image.DecompressionBombError:
            raise MediaError(
                f"The picture {name} is far too large; expected at most {MAX_PIXELS // 10**6} million pixels."
            ) from None
        except UnidentifiedImageError:
            what = f"starts like {found[0]} but is damaged" if found else "is not a picture of a known format"
            raise MediaError(f"{name} {what}: give PNG, JPEG, WebP, BMP, TIFF or GIF.") from None
        except Exception as error:  # headers of foreign bytes raise whatever they like
            raise _damaged(name, error) from None


def _damaged(name: str, error: Exception) -> MediaError:
    detail = str(error).replace("\n", " ") or type(error).__name__
    return MediaError(f"The picture {name} cannot be decoded: {detail[:200]}. It is damaged or truncated.")


def _decode_pil(image: Image.Image, name: str) -> NDArray[np.uint8]:
    """Upright RGB pixels (H, W, 3) of an image whose content may not have been read yet."""
    _check_size(*image.size, name)
    try:
        image.load()
        _check_size(*image.size, name)  # a GIF frame may reach beyond the size in the header
        try:
            turn = _TURNS.get(image.getexif().get(_ORIENTATION_TAG, 1))
        except Exception:  # damaged EXIF data is no reason to refuse the picture
            turn = None
        return _to_rgb(image if turn is None else image.transpose(turn))
    except MediaError:
        raise
    except Exception as error:  # decoders of foreign bytes raise whatever they like
        raise _damaged(name, error) from None


def _to_rgb(image: Image.Image) -> NDArray[np.uint8]:
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return _repeat_grey(_to_bytes(np.asarray(image)))
    if image.mode == "La":
        image = image.convert("LA")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        white.alpha_composite(image)
        image = white
    return np.asarray(image if image.mode == "RGB" else image.convert("RGB"))


def _repeat_grey(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.repeat(grey[:, :, None], 3, axis=2)


def _to_bytes(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Brightness of any number type as 0..255: 16-bit by its range, floats from 0 to 1, others stretched."""
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise MediaError("The picture holds NaN or infinite values; expected finite numbers.")
    low, high = float(values.min()), float(values.max())
    if values.dtype.kind == "f" and low >= 0 and high <= 1:
        low, high = 0.0, 1.0
    elif values.dtype != np.uint16 and low >= 0 and high <= 255:  # 8 bits in a wider type
        low, high = 0.0, 255.0
    elif low >= 0 and high <= 65535:
        low, high = 0.0, 65535.0
    factor = 255.0 / ((high - low) or 1.0)
    return _in_blocks(values, lambda rows: np.round((rows.astype(np.float64) - low) * factor))


def _in_blocks(values: NDArray[Any], convert: Callable[[NDArray[Any]], NDArray[Any]]) -> NDArray[np.uint8]:
    """All values converted, a few rows at a time."""
    converted = np.empty(values.shape, np.uint8)
    step = max(1, _BLOCK // values[0].size)
    for first in range(0, len(values), step):
        converted[first : first + step] = convert(values[first : first + step])
    return converted


def _array_to_pixels(array: NDArray[Any]) -> NDArray[np.uint8]:
    grey = array.ndim == 2 or (array.ndim == 3 and array.shape[2] == 1)
    if not grey and (array.ndim != 3 or array.shape[2] not in (3, 4)):
        hint = " Move the channels to the end." if array.ndim == 3 and array.shape[0] in (1, 3, 4) else ""
        raise MediaError(
            f"A picture array must be (H, W), (H, W, 3) or (H, W, 4), but got {array.shape}.{hint}"
        )
    _check_size(array.shape[1], array.shape[0], "array")
    kind = array.dtype.kind
    if kind == "f":
        if not np.isfinite(array).all() or array.min() < 0 or array.max() > 1:
            raise MediaError(
                "A float picture array must hold finite numbers from 0 to 1: divide by 255 first."
            )
        array = _in_blocks(array, lambda rows: np.round(rows.astype(np.float32) * 255))
    elif array.dtype == np.uint16:
        array = _to_bytes(array)
    elif kind == "b":
        array = array * np.uint8(255)
    elif kind not in "iu" or array.min() < 0 or array.max() > 255:
        raise MediaError(
            f"A picture array must hold numbers from 0 to 255 or floats, but got {describe(array)}."
        )
    pixels: NDArray[np.uint8] = array.astype(np.uint8)
    if grey:
        return _repeat_grey(pixels.reshape(pixels.shape[:2]))
    return pixels if pixels.shape[2] == 3 else _to_rgb(Image.fromarray(pixels))


def encode_png(picture: Picture) -> bytes:
    """The picture as a PNG file, exact."""
    return _encode(picture, "PNG")


def encode_jpeg(picture: Picture, quality: int = 95) -> bytes:
    """The picture as a JPEG file with full colour resolution (4:4:4)."""
    return _encode(picture, "JPEG", quality=quality, subsampling=0)


def _encode(picture: Picture, form: str, **options: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture.pixels).save(buffer, form, **options)
    return buffer.getvalue()


def encode_wav(sound: Sound) -> bytes:
    """The sound as a WAV file of 32-bit floats, exact.

    Written here, since libsndfile puts the time of day into such files: equal sounds give equal bytes.
    """
    data = sound.samples.astype("<f4").tobytes()
    rate = sound.sampling_rate
    form = struct.pack("<4sIHHIIHHH", b"fmt ", 18, 3, 1, rate, 4 * rate, 4, 32, 0)
    fact = struct.pack("<4sII", b"fact", 4, len(sound.samples))
    body = b"WAVE" + form + fact + struct.pack("<4sI", b"data", len(data)) + data
    return struct.pack("<4sI", b"RIFF", len(body)) + body


def encode_flac(sound: Sound) -> bytes:
    """The sound as a FLAC file of 16 bits per sample."""
    buffer = io.BytesIO()
    soundfile.write(buffer, sound.samples, sound.sampling_rate, format="FLAC", subtype="PCM_16")
    return buffer.getvalue()
