"""What the weights of a Bubo take in memory, part by part, without building it.

The model is made on the meta device, which costs nothing. Activations and the key-value cache come on top.
"""

import math

import torch
from torch import nn

from .bubo import BuboConfig, BuboForConditionalGeneration

TYPES = {"float32": 4, "float16": 2, "bfloat16": 2}
#: bitsandbytes: the language model's linear layers as 8 or 4 bits, all else as float16.
QUANTISED = ("8-bit", "4-bit")
KINDS = (*TYPES, *QUANTISED)
PARTS = ("vision_tower", "vision_bridge", "audio_tower", "audio_bridge", "language_model", "lm_head")
BLOCK = 64  # weights that share one scale when they are 4 bits
CODE_BYTES = 16 * 4  # the sixteen values of four bits, kept by every layer


def weight_bytes(config: BuboConfig, kind: str) -> dict[str, int]:
    """Bytes of the weights of every part that the configuration has.

    Args:
        config: Of any size.
        kind: One of `KINDS`. A head tied to the embedding takes nothing.

    Raises:
        ValueError: If the kind is unknown.
    """
    if kind not in KINDS:
        raise ValueError(f"The type of weights is one of {', '.join(KINDS)}, but got {kind!r}.")
    with torch.device("meta"):
        model = BuboForConditionalGeneration(config)
    seen: set[int] = set()  # parameters counted before: tied ones
    counts = {}
    for name in PARTS:
        part = getattr(model, name) if name == "lm_head" else getattr(model.model, name)
        if part is not None:
            counts[name] = _bytes_of(part, kind, name == "language_model", seen)
    return counts


def memory_table(configs: dict[str, BuboConfig]) -> str:
    """A table in Markdown: a row per name and part, a column per kind, in GB (1e9 bytes)."""
    lines = ["| model | part | " + " | ".join(KINDS) + " |", "|---|---|" + "---:|" * len(KINDS)]
    for name, config in configs.items():
        counts = {kind: weight_bytes(config, kind) for kind in KINDS}
        for part in counts["float32"]:
            row = " | ".join(f"{counts[kind][part] / 1e9:.2f}" for kind in KINDS)
            lines.append(f"| {name} | {part} | {row} |")
        total = " | ".join(f"{sum(counts[kind].values()) / 1e9:.2f}" for kind in KINDS)
        lines.append(f"| {name} | **all** | {total} |")
    return "\n".join(lines)


def _bytes_of(part: nn.Module, kind: str, quantised: bool, seen: set[int]) -> int:
    size = TYPES.get(kind, 2)
    total = 0
    for module in part.modules():
        linear = quantised and kind in QUANTISED and isinstance(module, nn.Linear)
        for name, value in module.named_parameters(recurse=False):
            if id(value) in seen:
                continue
            seen.add(id(value))
            packed = linear and name == "weight"
            total += _packed_bytes(value.shape, kind) if packed else value.numel() * size
        for name, buffer in module.named_buffers(recurse=False):
            # what is not stored, such as rotary frequencies, is computed as it is and stays so
            stored = name not in module._non_persistent_buffers_set and buffer.is_floating_point()
            total += buffer.numel() * (size if stored else buffer.element_size())
    return total


def _packed_bytes(shape: torch.Size, kind: str) -> int:
    """Bytes of a linear layer's weight (out, in) and its scales."""
    number = shape.numel()
    if kind == "8-bit":
        return number + 4 * shape[0]  # one float32 scale per row
    return math.ceil(number / 2) + 4 * math.ceil(number / BLOCK) + CODE_BYTES


__all__ = ["KINDS", "memory_table", "weight_bytes"]
