"""Checkpoint files of any origin, opened without running what is in them and read tensor by tensor.

A checkpoint is one file, or a folder with the shards of one. Safetensors are read in place; pickles (.pth,
.pt, .bin) are mapped into memory and unpickled with `weights_only`, so that only tensors and plain containers
come out of them.
"""

import json
import pickle
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

# Names under which trainers put the state dict beside an optimizer and the like.
WRAPPERS = ("model", "state_dict")
INDICES = ("model.safetensors.index.json", "pytorch_model.bin.index.json")
WHOLE = ("model.safetensors", "pytorch_model.bin")


class ConversionError(ValueError):
    """A checkpoint that cannot be read, or that is not what it was taken for."""


class Checkpoint(Mapping[str, Tensor]):
    """Released key -> tensor; a tensor is read when it is asked for.

    Args:
        name: What the checkpoint is called in messages.
        tensors: Tensors that are mapped or in memory.
        lazy: Key -> (file, its key there) of tensors in safetensors files.
    """

    def __init__(self, name: str, tensors: dict[str, Tensor], lazy: dict[str, Path] | None = None):
        self.name = name
        self._tensors = tensors
        self._lazy = lazy or {}
        self._open: dict[Path, safe_open] = {}

    def __getitem__(self, key: str) -> Tensor:
        if key in self._tensors:
            return self._tensors[key]
        return self._file(self._lazy[key]).get_tensor(key)

    def __contains__(self, key: object) -> bool:
        return key in self._tensors or key in self._lazy  # the inherited one would read the tensor

    def __iter__(self) -> Iterator[str]:
        yield from self._tensors
        yield from self._lazy

    def __len__(self) -> int:
        return len(self._tensors) + len(self._lazy)

    def empty(self, key: str) -> Tensor:
        """A tensor of the same shape and type without values (on the meta device)."""
        if key in self._tensors:
            return torch.empty_like(self._tensors[key], device="meta")
        # a slice knows its shape and type without reading
        part = self._file(self._lazy[key]).get_slice(key)
        return torch.empty(part.get_shape(), dtype=_DTYPES[part.get_dtype()], device="meta")

    def _file(self, path: Path) -> safe_open:
        if path not in self._open:
            self._open[path] = safe_open(path, "pt")
        return self._open[path]


def open_checkpoint(path: Path | str, only: str | None = None) -> Checkpoint:
    """Opens a file, or a folder with an index and its shards, or with one whole file.

    Args:
        path: The file or folder.
        only: Of a folder with an index, open only shards that hold a key which this pattern matches at its
            beginning; the others need not be there.

    Raises:
        ConversionError: If there is nothing, if it is truncated or no checkpoint, if it holds more than
            tensors (such a pickle is not run), or if the index names shards that are not there.
    """
    path = Path(path)
    if path.is_dir():
        shards = shard_files(path, only)
        return open_checkpoint(shards[0]) if shards[0].name in WHOLE else _open_shards(path, shards)
    if not path.is_file():
        raise ConversionError(f"There is no checkpoint {str(path)!r}: check the path.")
    with open(path, "rb") as stream:
        head = stream.read(9)
    if head[8:9] == b"{" or path.suffix == ".safetensors":
        return Checkpoint(path.name, {}, dict.fromkeys(_safetensors_keys(path), path))
    return Checkpoint(path.name, _unpickled(path))


def shard_files(path: Path | str, only: str | None = None) -> list[Path]:
    """The files of a checkpoint: itself, or the shards that its index names, or the one whole file.

    Args:
        path: A file or folder.
        only: As in `open_checkpoint`.

    Raises:
        ConversionError: If there is nothing, or if shards are not there.
    """
    path = Path(path)
    if not path.is_dir():
        return [path]
    for name in INDICES:
        if (path / name).is_file():
            shards = _read_index(path / name, only)
            if not shards:
                raise ConversionError(f"The index of {path.name!r} names no shard with what is needed here.")
            absent = [one for one in shards if Path(one).name != one or not (path / one).is_file()]
            if absent:
                raise ConversionError(
                    f"{len(absent)} of {len(shards)} shards of {path.name!r} are missing, such as "
                    f"{absent[0]!r}: finish the download."
                )
            return [path / one for one in shards]
    for name in WHOLE:
        if (path / name).is_file():
            return [path / name]
    raise ConversionError(
        f"The folder {str(path)!r} holds no checkpoint: expected one of {', '.join((*INDICES, *WHOLE))}."
    )


def _read_index(path: Path, only: str | None = None) -> list[str]:
    try:
        shards = json.loads(path.read_text())["weight_map"].items()
        return sorted({str(shard) for key, shard in shards if only is None or re.match(only, key)})
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise ConversionError(
            f"The index {path.name!r} is broken ({type(error).__name__}): download it again."
        ) from error


def _open_shards(folder: Path, shards: list[Path]) -> Checkpoint:
    tensors: dict[str, Tensor] = {}
    lazy: dict[str, Path] = {}
    for shard in shards:
        if shard.suffix == ".safetensors":
            lazy |= dict.fromkeys(_safetensors_keys(shard), shard)
        else:
            tensors |= _unpickled(shard)
    return Checkpoint(folder.name, tensors, lazy)


def _safetensors_keys(path: Path) -> list[str]:
    try:
        with safe_open(path, "pt") as file:
            return list(file.keys())
    except (SafetensorError, OSError) as error:
        raise ConversionError(
            f"{path.name!r} is no whole safetensors file ({_brief(error)}): download it again."
        ) from error


def _unpickled(path: Path) -> dict[str, Tensor]:
    """The state dict of a pickle, its tensors mapped where the format allows it."""
    content = None
    try:
        try:
            content = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
        except RuntimeError as error:
            if "mmap can only be used" not in str(error):
                raise
            content = torch.load(path, map_location="cpu", weights_only=True)  # the format before 2020
    except pickle.UnpicklingError as error:
        # around the reason torch puts advice on how to run what is in the file; that is not passed on
        asked = re.search(r"\b(GLOBAL|operand)\s+(\S+)", str(error))
        with open(path, "rb") as stream:
            is_pickle = stream.read(2).startswith((b"\x80", b"PK"))  # by itself, or in a zip
        if asked is not None and (is_pickle or asked[1] == "GLOBAL"):
            raise ConversionError(
                f"{path.name!r} holds more than tensors ({asked[0]}); what is in such a pickle could run as "
                "code, so it is not read. Get the file from its publisher, or as safetensors."
            ) from error
        raise ConversionError(f"{path.name!r} is no checkpoint: is it the right file?") from error
    except (
        RuntimeError,
        OSError,
        EOFError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        IndexError,
    ) as e:
        raise ConversionError(
            f"{path.name!r} is truncated or no checkpoint ({_brief(e)}): download it again."
        ) from e
    for wrapper in WRAPPERS:
        if isinstance(content, Mapping) and isinstance(content.get(wrapper), Mapping):
            content = content[wrapper]
    if not isinstance(content, Mapping):
        raise ConversionError(
            f"{path.name!r} holds a {type(content).__name__}; expected named tensors, or a dict that has "
            f"them under {' or '.join(map(repr, WRAPPERS))}."
        )
    tensors = {str(key): value for key, value in content.items() if isinstance(value, Tensor)}
    if not tensors:
        raise ConversionError(f"{path.name!r} holds no tensors: is it the right file?")
    return tensors


def _brief(error: BaseException) -> str:
    return " ".join(str(error).split())[:160] or type(error).__name__


_DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
    "F8_E4M3": torch.float8_e4m3fn,
    "F8_E5M2": torch.float8_e5m2,
}
