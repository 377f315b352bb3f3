"""Safetensors written tensor by tensor: a file of any size passes through memory one tensor at a time.

Format: eight bytes with the length of a JSON header, the header (name -> type, shape, place), the values.
Source: the safetensors format description.
"""

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

MAX_SHARD_BYTES = 5_000_000_000
_NAMES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.int16: "I16",
    torch.int8: "I8",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}


@dataclass(frozen=True)
class Entry:
    """One tensor to come.

    Attributes:
        name: Its key.
        empty: A tensor of its shape and type on the meta device.
        make: Makes it, when its turn comes.
    """

    name: str
    empty: Tensor
    make: Callable[[], Tensor]

    @property
    def num_bytes(self) -> int:
        """Bytes of its values."""
        return self.empty.numel() * self.empty.element_size()


def write_safetensors(path: Path, entries: Sequence[Entry]) -> None:
    """Writes a file and makes sure that it is on the disk."""
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    offset = 0
    for entry in entries:
        end = offset + entry.num_bytes
        shape = list(entry.empty.shape)
        header[entry.name] = {
            "dtype": _NAMES[entry.empty.dtype],
            "shape": shape,
            "data_offsets": [offset, end],
        }
        offset = end
    head = json.dumps(header, separators=(",", ":")).encode()
    head += b" " * (-len(head) % 8)
    with open(path, "wb") as stream:
        stream.write(len(head).to_bytes(8, "little"))
        stream.write(head)
        for entry in entries:
            value = entry.make()
            if value.shape != entry.empty.shape or value.dtype != entry.empty.dtype:
                raise ValueError(
                    f"{entry.name} came as {tuple(value.shape)} {value.dtype}, "
                    f"expected {tuple(entry.empty.shape)} {entry.empty.dtype}."
                )
            stream.write(_bytes_of(value))
        stream.flush()
        os.fsync(stream.fileno())


def write_shards(folder: Path, entries: Sequence[Entry], max_bytes: int = MAX_SHARD_BYTES) -> None:
    """Writes model.safetensors, or shards of it with their index, as `save_pretrained` lays them out."""
    shards: list[list[Entry]] = [[]]
    size = 0
    for entry in entries:
        if shards[-1] and size + entry.num_bytes > max_bytes:
            shards.append([])
            size = 0
        shards[-1].append(entry)
        size += entry.num_bytes
    if len(shards) == 1:
        write_safetensors(folder / "model.safetensors", shards[0])
        return
    places = {}
    for number, shard in enumerate(shards, start=1):
        name = f"model-{number:05d}-of-{len(shards):05d}.safetensors"
        write_safetensors(folder / name, shard)
        places.update({entry.name: name for entry in shard})
    total = sum(entry.num_bytes for entry in entries)
    index = {"metadata": {"total_size": total}, "weight_map": places}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=1) + "\n")


def _bytes_of(value: Tensor) -> memoryview:
    """The values in order, without a copy where they lie so already."""
    flat = value.detach().cpu().contiguous().reshape(-1)
    return memoryview(flat.view(torch.uint8).numpy())
