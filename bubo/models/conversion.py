"""Released checkpoints -> folders that `from_pretrained` reads.

A `KeyMap` says, by rules over names, what becomes of every released key: another name, several tensors, a
part of one, or nothing, with the reason. What a file holds is compared with what the model needs before a
byte is written: a missing key and a wrong shape are errors that name it, what nobody asked for is reported.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from huggingface_hub.errors import StrictDataclassError
from torch import Tensor, nn

from bubo.kinds import KINDS

from .checkpoints import Checkpoint, ConversionError, open_checkpoint
from .new_folder import new_folder
from .tensor_files import Entry, write_shards


@dataclass(frozen=True)
class Split:
    """One released tensor that is several of ours: `apply` gives one per target, by default equal rows."""

    pattern: str
    targets: tuple[str, ...]
    apply: Callable[[Tensor], Sequence[Tensor]] | None = None

    def __call__(self, value: Tensor) -> Sequence[Tensor]:
        """The parts, in the order of the targets."""
        return self.apply(value) if self.apply else value.chunk(len(self.targets), 0)


@dataclass(frozen=True)
class Join:
    """Several released tensors that are one of ours.

    The last group of the pattern tells the parts apart; `apply` gets them by it.
    """

    pattern: str
    target: str
    apply: Callable[[Mapping[str, Tensor]], Tensor]


@dataclass(frozen=True)
class KeyMap:
    """What becomes of released keys. Patterns are regular expressions.

    Args:
        renames: (pattern, replacement), each applied to every key, in this order.
        drops: Pattern of released keys that are left out (matched at their beginning) -> why.
        changes: Pattern of renamed keys (searched) -> what is done to the tensor.
        splits: Rules for renamed keys (matched whole).
        joins: Rules for renamed keys (matched whole).
    """

    renames: Sequence[tuple[str, str]] = ()
    drops: Mapping[str, str] = field(default_factory=dict)
    changes: Mapping[str, Callable[[Tensor], Tensor]] = field(default_factory=dict)
    splits: Sequence[Split] = ()
    joins: Sequence[Join] = ()

    def renamed(self, key: str) -> str:
        """Our name of a released key, before splits and joins."""
        for pattern, replacement in self.renames:
            key = re.sub(pattern, replacement, key)
        return key

    def reason(self, key: str) -> str | None:
        """Why a released key is left out, or None if it is not."""
        return next((reason for pattern, reason in self.drops.items() if re.match(pattern, key)), None)

    def plan(self, released: Checkpoint | Mapping[str, Tensor]) -> "Plan":
        """What to make of which released tensors; their values are not read."""
        entries: dict[str, Entry] = {}
        dropped: dict[str, str] = {}
        parts: dict[str, tuple[Join, dict[str, str]]] = {}
        origin: dict[str, str] = {}

        def add(name: str, key: str, empty: Tensor, make: Callable[[], Tensor]) -> None:
            if name in entries:
                raise ConversionError(
                    f"{origin[name]!r} and {key!r} both become {name!r}: is it one checkpoint?"
                )
            entries[name], origin[name] = Entry(name, empty, make), key

        for key in released:
            reason = self.reason(key)
            if reason is not None:
                dropped[key] = reason
                continue
            name = self.renamed(key)
            join = next((rule for rule in self.joins if re.fullmatch(rule.pattern, name)), None)
            if join is not None:
                target = re.sub(join.pattern, join.target, name)
                part = re.fullmatch(join.pattern, name).groups()[-1]
                parts.setdefault(target, (join, {}))[1][part] = key
                continue
            empty, read = self._changed(name, released, key)
            split = next((rule for rule in self.splits if re.fullmatch(rule.pattern, name)), None)
            if split is None:
                add(name, key, empty, read)
                continue
            for number, part in enumerate(split(empty)):
                target = re.sub(split.pattern, split.targets[number], name)
                add(target, key, part, partial(_part, split, read, number))
        for target, (join, keys) in parts.items():
            try:
                empty = join.apply({part: _empty(released, key) for part, key in keys.items()})
            except KeyError as error:
                raise ConversionError(
                    f"{target!r} needs a part {error.args[0]!r}, and only {sorted(keys.values())} are there."
                ) from None
            add(target, next(iter(keys.values())), empty, partial(_joined, join, released, keys))
        return Plan(entries, origin, dropped)

    def _changed(
        self, name: str, released: Mapping[str, Tensor], key: str
    ) -> tuple[Tensor, Callable[[], Tensor]]:
        change = next((rule for pattern, rule in self.changes.items() if re.search(pattern, name)), None)
        empty = _empty(released, key)
        if change is None:
            return empty, lambda: released[key]
        return change(empty), lambda: change(released[key])


@dataclass(frozen=True)
class Plan:
    """What a checkpoint gives.

    Attributes:
        entries: Our name -> the tensor to make.
        origin: Our name -> a released key that it is made of.
        dropped: Released key -> why it is left out.
    """

    entries: dict[str, Entry]
    origin: dict[str, str]
    dropped: dict[str, str]

    def compare(self, model: nn.Module) -> "Comparison":
        """Hold it against what a model needs; the model may be on the meta device."""
        needed = model.state_dict()
        same: dict[int, list[str]] = {}  # names of one parameter: tied weights
        for name, value in model.named_parameters(remove_duplicate=False):
            same.setdefault(id(value), []).append(name)
        tied = {name: names for names in same.values() for name in names}
        missing, wrong = [], []
        for name, value in needed.items():
            if name in self.entries:
                given = tuple(self.entries[name].empty.shape)
                if given != tuple(value.shape):
                    wrong.append((name, given, tuple(value.shape)))
            elif not any(other in self.entries for other in tied.get(name, ())):
                missing.append(name)
        unexpected = [self.origin[name] for name in self.entries if name not in needed]
        return Comparison(missing, unexpected, wrong)


def merge_plans(plans: Mapping[str, Plan]) -> Plan:
    """One plan out of those of several checkpoints; of two tensors with one name the later is taken.

    Args:
        plans: Name of a checkpoint, for messages, -> its plan.
    """
    merged = Plan({}, {}, {})
    for name, plan in plans.items():
        merged.entries.update(plan.entries)
        merged.origin.update({key: f"{name}: {origin}" for key, origin in plan.origin.items()})
        merged.dropped.update({f"{name}: {key}": reason for key, reason in plan.dropped.items()})
    return merged


@dataclass(frozen=True)
class Comparison:
    """How a checkpoint and a model differ.

    Attributes:
        missing: Our names of tensors that the checkpoint lacks.
        unexpected: Released keys that the model has no place for.
        wrong: (our name, shape given, shape needed).
    """

    missing: list[str]
    unexpected: list[str]
    wrong: list[tuple[str, tuple[int, ...], tuple[int, ...]]]

    def check(self, name: str) -> None:
        """Raise if something is missing or has another shape.

        Raises:
            ConversionError: Names what, and how much of it.
        """
        if self.missing:
            raise ConversionError(
                f"{name!r} lacks {len(self.missing)} tensors, such as {', '.join(self.missing[:3])}: it is "
                "another kind of checkpoint, or not whole."
            )
        if self.wrong:
            key, given, needed = self.wrong[0]
            raise ConversionError(
                f"{name!r} has {len(self.wrong)} tensors of another shape, such as {key}: {given} instead of "
                f"{needed}. Is it a checkpoint of another size?"
            )


@dataclass(frozen=True)
class Report:
    """What a conversion did.

    Attributes:
        target: The folder that was written.
        num_tensors: Tensors in it.
        num_bytes: Their bytes.
        dropped: Released key -> why it was left out.
        unexpected: Released keys that nobody has a place for; they were left out.
    """

    target: Path
    num_tensors: int
    num_bytes: int
    dropped: dict[str, str]
    unexpected: list[str]


def convert(kind: str, source: Path | str, target: Path | str, **options: Any) -> Report:
    """Converts one released checkpoint.

    Args:
        kind: A key of `KINDS`.
        source: The file, or the folder of files, that the kind reads.
        target: A folder that does not exist yet.
        **options: What the kind's own function takes.

    Raises:
        ConversionError: If the kind is unknown, or the source is not what the kind needs; then there is no
            target.
    """
    function = function_of(kind)
    try:
        return function(Path(source), Path(target), **options)
    except ConversionError:
        raise
    except (ValueError, StrictDataclassError) as error:  # shapes or settings that nobody thought of
        detail = " ".join(str(error).split())[:300]
        raise ConversionError(
            f"{Path(source).name!r} does not make a model of kind {kind!r}: {detail}. Is it the right file, "
            "and are its settings right?"
        ) from error


def function_of(kind: str) -> Callable[..., Report]:
    """What converts a kind.

    Raises:
        ConversionError: If there is no such kind.
    """
    if kind not in KINDS:
        raise ConversionError(f"There is no kind {kind!r}; the kinds are {', '.join(KINDS)}.")
    module, _, name = KINDS[kind][0].partition(":")
    function: Callable[..., Report] = getattr(import_module(module), name)
    return function


def write_model(
    plan: Plan,
    model: nn.Module,
    target: Path,
    *,
    name: str,
    dtype: torch.dtype | None = None,
    save_others: Callable[[Path], None] | None = None,
) -> Report:
    """Writes what `from_pretrained` reads: weights and configuration, in one step.

    Args:
        plan: Of one checkpoint, or several merged.
        model: The model, best on the meta device; its `config` is saved beside the weights.
        target: A folder that does not exist yet.
        name: What the source is called in messages.
        dtype: Type of floating tensors; None keeps theirs.
        save_others: Saves processors and the like into the folder that it is given.

    Raises:
        ConversionError: If the checkpoint does not fit the model, or the target is there already.
        OSError: If it cannot be written; then nothing is left that looks finished.
    """
    comparison = plan.compare(model)
    comparison.check(name)
    needed = model.state_dict()
    entries = [_typed(entry, dtype) for key, entry in plan.entries.items() if key in needed]
    with new_folder(target) as folder:
        write_shards(folder, entries)
        config: Any = model.config
        config.architectures = [type(model).__name__]
        config.save_pretrained(folder)
        if save_others is not None:
            save_others(folder)
    num_bytes = sum(entry.num_bytes for entry in entries)
    return Report(target, len(entries), num_bytes, plan.dropped, comparison.unexpected)


def convert_file(
    source: Path,
    target: Path,
    key_map: KeyMap,
    settings_of: Callable[[Checkpoint, Plan], Any],
    model: Callable[[Any], nn.Module],
    *,
    dtype: torch.dtype | None = None,
    save_others: Callable[[Any, Path], None] | None = None,
) -> Report:
    """Converts a checkpoint that is a model by itself.

    Args:
        source: The file.
        target: A folder that does not exist yet.
        key_map: What becomes of its keys.
        settings_of: The model's configuration, from the checkpoint and its plan.
        model: Makes the model of that.
        dtype: Type of the weights; None keeps theirs.
        save_others: Saves processors and the like that fit a configuration into a folder.

    Raises:
        ConversionError: As `open_checkpoint`, `settings_of` and `write_model`.
    """
    released = open_checkpoint(source)
    plan = key_map.plan(released)
    settings = settings_of(released, plan)
    with torch.device("meta"):
        empty = model(settings)
    others = None if save_others is None else partial(save_others, settings)
    return write_model(plan, empty, target, name=source.name, dtype=dtype, save_others=others)


def count_layers(released: Mapping[str, Any], pattern: str) -> int:
    """How many layers there are: one more than the largest number in the pattern's group, or 0."""
    numbers = (re.match(pattern, key) for key in released)
    return max((int(found.group(1)) + 1 for found in numbers if found), default=0)


def shape_of(released: Mapping[str, Tensor], key: str, name: str) -> tuple[int, ...]:
    """The shape of one tensor.

    Raises:
        ConversionError: If there is no such key.
    """
    if key not in released:
        raise ConversionError(f"{name!r} has no tensor {key!r}: it is another kind of checkpoint.")
    return tuple(_empty(released, key).shape)


def _empty(released: Mapping[str, Tensor], key: str) -> Tensor:
    if isinstance(released, Checkpoint):
        return released.empty(key)
    return torch.empty_like(released[key], device="meta")


def _part(split: Split, read: Callable[[], Tensor], number: int) -> Tensor:
    return split(read())[number]


def _joined(join: Join, released: Mapping[str, Tensor], keys: Mapping[str, str]) -> Tensor:
    return join.apply({part: released[key] for part, key in keys.items()})


def _typed(entry: Entry, dtype: torch.dtype | None) -> Entry:
    if dtype is None or not entry.empty.is_floating_point():
        return entry
    return Entry(entry.name, entry.empty.to(dtype), lambda: entry.make().to(dtype))
