"""Four questions with pictures and sounds of the generated world (data_tools/world/server_examples.py)."""

import io
import json
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from bubo.server.problems import NotFoundError

__all__ = ["TYPES", "find", "listed", "path_of"]

TYPES = {"jpg": "image/jpeg", "flac": "audio/flac"}


def listed(language: str = "en") -> list[dict[str, Any]]:
    """All examples as clients get them, with titles in a language; English where there is none."""
    return [
        {
            "id": example["id"],
            "title": example["title"].get(language[:2].lower(), example["title"]["en"]),
            "text": example["text"],
            "media": [_media(name) for name in example["media"]],
        }
        for example in _read()
    ]


def find(example_id: str) -> dict[str, Any]:
    """One example as the file has it.

    Raises:
        NotFoundError: If there is none of this id.
    """
    for example in _read():
        if example["id"] == example_id:
            return example
    raise NotFoundError("example")


def path_of(name: str) -> Path:
    """Where a file of an example lies.

    Raises:
        NotFoundError: If no example has it.
    """
    if not any(name in example["media"] for example in _read()):
        raise NotFoundError("file of an example")
    return Path(str(resources.files(__name__))) / name


@cache
def _read() -> list[dict[str, Any]]:
    examples: list[dict[str, Any]] = json.loads(path_of_list().read_text(encoding="utf-8"))
    return examples


def path_of_list() -> Path:
    """Where the examples are listed."""
    return Path(str(resources.files(__name__))) / "examples.json"


@cache
def _media(name: str) -> dict[str, Any]:
    """What clients need to show a file; pictures are their own thumbnails, being small."""
    from PIL import Image

    from bubo.media import load_sound
    from bubo.server.media_forms import peaks_of

    data = path_of(name).read_bytes()
    url = f"/api/examples/files/{name}"
    shared: dict[str, Any] = {"id": name.partition(".")[0], "name": name, "bytes": len(data), "url": url}
    if TYPES[name.rpartition(".")[2]].startswith("image/"):
        with Image.open(io.BytesIO(data)) as image:
            width, height = image.size
        return shared | {"kind": "picture", "width": width, "height": height, "thumbnail": url}
    sound = load_sound(data)
    return shared | {"kind": "sound", "duration_s": sound.duration_s, "peaks": peaks_of(sound)}
