"""Vicuna as it was published: a delta, to be added to LLaMA's weights.

Sums are made and written tensor by tensor, from files that are opened anew for each, so that a folder of many
gigabytes passes through the memory of a few tensors. (Pickles in the format before 2020 cannot be mapped:
those need the memory of a shard.)
"""

import shutil
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from .checkpoints import ConversionError, open_checkpoint, shard_files
from .conversion import Report
from .new_folder import new_folder
from .tensor_files import MAX_SHARD_BYTES, Entry, write_shards

# The delta may have more rows of these than the base: Vicuna added a token for padding.
GROWING = ("embed_tokens.weight", "lm_head.weight")
# Old files hold these; they are computed from the configuration.
COMPUTED = "rotary_emb.inv_freq"
# What lies beside the weights, in the delta or else in the base.
OTHERS = (
    "config.json",
    "generation_config.json",
    "tokenizer.model",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
)
# Tensor name -> (file, a tensor of its shape and type without values).
Places = dict[str, tuple[Path, Tensor]]


def merge_delta(
    base_folder: Path | str,
    delta_folder: Path | str,
    target_folder: Path | str,
    *,
    max_shard_bytes: int = MAX_SHARD_BYTES,
) -> Report:
    """Write base + delta as a folder of safetensors, with the delta's configuration and tokenizer.

    Rows that only the delta has are the delta's. The sum has the delta's type.

    Args:
        base_folder: The base model, as safetensors or .bin, whole or in shards.
        delta_folder: The delta, likewise.
        target_folder: A folder that does not exist yet.
        max_shard_bytes: Most bytes of a shard.

    Raises:
        ConversionError: If one is not whole, or if they do not hold the same tensors in the same shapes, but
            for more rows in the delta's embedding and head.
        OSError: If the target cannot be written; then nothing is left that looks finished.
    """
    base, delta, target = Path(base_folder), Path(delta_folder), Path(target_folder)
    entries = _sums(base, delta)
    with new_folder(target) as folder:
        write_shards(folder, entries, max_shard_bytes)
        for name in OTHERS:
            place = next((one / name for one in (delta, base) if (one / name).is_file()), None)
            if place is not None:
                shutil.copyfile(place, folder / name)
    return Report(target, len(entries), sum(entry.num_bytes for entry in entries), {}, [])


def convert_delta(source: Path, target: Path, *, base: Path | str | None = None) -> Report:
    """`merge_delta` as a kind of `convert`: the source is the delta.

    Raises:
        ConversionError: As `merge_delta`, or if there is no base.
    """
    if base is None:
        raise ConversionError(f"{source.name!r} is a delta: say what it is added to with base=FOLDER.")
    return merge_delta(base, source, target)


def _places(folder: Path) -> Places:
    places: Places = {}
    for file in shard_files(folder):
        opened = open_checkpoint(file)
        places |= {key: (file, opened.empty(key)) for key in opened if not key.endswith(COMPUTED)}
    return places


def _sums(base: Path, delta: Path) -> list[Entry]:
    """One entry per tensor of the delta.

    Raises:
        ConversionError: If the two do not belong together.
    """
    added, given = _places(delta), _places(base)
    for name, other, keys in (
        (base.name, delta.name, [key for key in added if key not in given]),
        (delta.name, base.name, [key for key in given if key not in added]),
    ):
        if keys:
            raise ConversionError(
                f"{name!r} lacks {len(keys)} tensors of {other!r}, such as {keys[0]}: they are not base and "
                "delta of one model."
            )
    entries = []
    for key, (file, empty) in added.items():
        place, other = given[key]
        grows = key.endswith(GROWING) and other.ndim == 2 and empty.shape[0] >= other.shape[0]
        if empty.shape[1:] != other.shape[1:] or (empty.shape[:1] != other.shape[:1] and not grows):
            raise ConversionError(
                f"{key} is {tuple(other.shape)} in {base.name!r} and {tuple(empty.shape)} in {delta.name!r}: "
                "they are not base and delta of one model."
            )
        entries.append(Entry(key, empty, partial(_sum, place, file, key)))
    return entries


def _sum(base: Path, delta: Path, key: str) -> Tensor:
    added, given = open_checkpoint(delta)[key], open_checkpoint(base)[key]
    if given.shape == added.shape:
        return (given + added).to(added.dtype)
    rows = given.shape[0]
    return torch.cat(((given + added[:rows]).to(added.dtype), added[rows:]))


__all__ = ["convert_delta", "merge_delta"]
