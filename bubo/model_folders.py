"""Whether a folder of safetensors is whole, as far as names, heads and sizes tell."""

import json
from pathlib import Path

__all__ = ["problem_of"]

_INDEX = "model.safetensors.index.json"


def problem_of(folder: Path) -> str:
    """What is wrong with the files of a model folder, or nothing; only the heads of weights are read."""
    if not (folder / "config.json").is_file():
        return "config.json is missing"
    for path in sorted(folder.glob("*.json")):
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return f"{path.name} is no JSON"
        if path.name == "config.json" and not (isinstance(content, dict) and content.get("model_type")):
            return "config.json names no model_type"
    weights = sorted(folder.glob("*.safetensors"))
    index = folder / _INDEX
    if index.is_file():
        try:
            names = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
        except (OSError, ValueError, KeyError, AttributeError):
            return f"{_INDEX} cannot be read"
        lost = sorted(names - {path.name for path in weights})
        if lost:
            return f"{', '.join(lost)} of its index are missing"
    if not weights:
        return "there are no .safetensors"
    return next((f"{path.name} {problem}" for path in weights if (problem := _cut_short(path))), "")


def _cut_short(path: Path) -> str:
    """What is wrong with a safetensors file as far as its head and its size tell."""
    try:
        size = path.stat().st_size
        with open(path, "rb") as stream:
            length = int.from_bytes(stream.read(8), "little")
            if not 2 <= length <= size - 8:
                return "is no safetensors file"
            head = json.loads(stream.read(length))
        ends = [entry["data_offsets"][1] for name, entry in head.items() if name != "__metadata__"]
    except (OSError, ValueError, TypeError, KeyError, IndexError, AttributeError):
        return "is no safetensors file"
    whole = 8 + length + max(ends, default=0)
    return "" if size == whole else f"has {size} bytes, its head says {whole}"
