"""Files in and out: opening what a user named, telling what it is, writing whole or not at all."""

import io
import os
import secrets
import stat
from pathlib import Path
from typing import BinaryIO

from bubo.errors import MediaError, StorageError

# (position, first bytes there, name, kind); the content decides what a file is, never its extension.
_MAGIC = (
    (0, b"\x89PNG\r\n\x1a\n", "PNG", "picture"),
    (0, b"\xff\xd8\xff", "JPEG", "picture"),
    (8, b"WEBP", "WebP", "picture"),
    (0, b"BM", "BMP", "picture"),
    (0, b"II*\x00", "TIFF", "picture"),
    (0, b"MM\x00*", "TIFF", "picture"),
    (0, b"II+\x00", "TIFF", "picture"),
    (0, b"MM\x00+", "TIFF", "picture"),
    (0, b"GIF8", "GIF", "picture"),
    (8, b"WAVE", "WAV", "sound"),
    (0, b"fLaC", "FLAC", "sound"),
    (0, b"OggS", "OGG", "sound"),
    (0, b"ID3", "MP3", "sound"),
    (8, b"AIFF", "AIFF", "sound"),
    (8, b"AIFC", "AIFF", "sound"),
    *((8, brand, "HEIC", "picture") for brand in (b"heic", b"heix", b"heim", b"hevc", b"mif1")),
    (8, b"avif", "AVIF", "picture"),
    (4, b"ftyp", "MP4", "sound"),
    (0, b"\x1aE\xdf\xa3", "WebM", "sound"),
)


# More than any picture or sound within the limits needs; keeps a hostile file from filling the memory.
_MAX_BYTES = {"picture": 2**29, "sound": 2**32}


def sniff(head: bytes) -> tuple[str, str] | None:
    """Format and kind ("picture" or "sound") that the first 16 bytes of a file promise; None if unknown."""
    for position, magic, name, kind in _MAGIC:
        if head[position : position + len(magic)] == magic:
            return name, kind
    if len(head) >= 2 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0:
        # an MPEG audio frame; layer bits of 0 mean AAC
        return ("MP3" if head[1] & 0x06 else "AAC"), "sound"
    return None


def open_media(source: str | Path | bytes, kind: str) -> tuple[BinaryIO, str]:
    """Opens a path or bytes for a decoder.

    Args:
        source: A path, or the content of a file.
        kind: "picture" or "sound", for the messages.

    Returns:
        The stream, at its start, and a name for messages.

    Raises:
        MediaError: If there is nothing, nothing readable, no plain file, or an empty one.
    """
    if isinstance(source, bytes):
        if not source:
            raise MediaError(f"The {kind} is empty: 0 bytes were given. Give the content of a {kind} file.")
        _check_bytes(len(source), kind, "given as bytes")
        return io.BytesIO(source), f"(given as {len(source)} bytes)"
    name = str(source)
    shown = repr(name if len(name) <= 200 else name[:197] + "...")
    if "://" in name:
        raise MediaError(
            f"Cannot open {shown}: addresses are not fetched. Save the {kind} and give its path."
        )
    try:
        status = os.stat(source)
        if stat.S_ISDIR(status.st_mode):
            raise MediaError(f"{shown} is a folder, not a {kind}: give the path of one file.")
        if not stat.S_ISREG(status.st_mode):
            raise MediaError(
                f"{shown} is a device or pipe, not a {kind} file: give a plain file, or its bytes."
            )
        if not status.st_size:
            raise MediaError(f"The {kind} {shown} is empty (0 bytes): give a file with content.")
        _check_bytes(status.st_size, kind, shown)
        return open(source, "rb"), shown
    except MediaError:  # it is a ValueError, too
        raise
    except FileNotFoundError:
        raise MediaError(f"There is no {kind} {shown}: check the path.") from None
    except (OSError, ValueError) as error:  # ValueError: a path with a zero byte
        raise MediaError(f"Cannot read the {kind} {shown}: {_reason(error)}.") from None


def _check_bytes(count: int, kind: str, name: str) -> None:
    if count > _MAX_BYTES[kind]:
        raise MediaError(
            f"The {kind} {name} has {count} bytes; expected at most {_MAX_BYTES[kind]}. Make it smaller."
        )


def _reason(error: OSError | ValueError) -> str:
    return error.strerror if isinstance(error, OSError) and error.strerror else str(error)


def write_atomic(path: str | Path, data: bytes | bytearray | memoryview, *, private: bool = False) -> None:
    """Writes a file whole or not at all: beside its place first, then renamed into it.

    Args:
        path: Where.
        data: What.
        private: Whether only its owner may ever read it.

    Raises:
        StorageError: If it cannot be written (disk full, no permission, no such folder); nothing is left
            behind and an older file of that name stays as it was.
    """
    target = Path(path)
    part = target.with_name(f".{target.name[:100]}.{secrets.token_hex(4)}.part") if target.name else target
    try:
        try:
            with open(part, "xb", opener=_open_private if private else None) as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())  # a full disk may show itself only here
            os.replace(part, target)
        except BaseException:
            if target.name:
                part.unlink(missing_ok=True)
            raise
    except (OSError, ValueError) as error:
        raise StorageError(
            f"Cannot write {str(target)!r} ({len(data)} bytes): {_reason(error)}. "
            "Give a path in an existing folder that can be written, on a disk with room."
        ) from None


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
