"""The configuration of one training stage: a YAML file and `key=value` overrides become a frozen `RunConfig`.

Everything that can be wrong in a file is found here, before any weight or record is read: unknown keys, wrong
types, values out of range, combinations that cannot work. Each is a `ConfigError` naming file and key, what
was given and what was expected. The environment is not used; relative paths start at the current folder.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml

from bubo.errors import ConfigError

from .options import parse_options, read_yaml, show

PRODUCT_FOLDER = "model"  # inside a run folder: what the stage made
DONE_FILE = "done.json"  # inside a run folder: written last, by a run that reached its end
CONFIG_FILE = "config.yaml"  # inside a run folder: the resolved configuration

# Keys that may change between a kill and its resumption: the weights do not depend on them.
_FREE_KEYS = ("output_dir", "eval_every", "save_every", "save_minutes", "log_every", "data.workers")


@dataclass(frozen=True, kw_only=True)
class DataConfig:
    """What a stage reads.

    Attributes:
        train: folders of training records.
        validation: folders of records for the figures during and after training; never the held-out split.
        limit: use only the first `limit` items of each set (quick trials).
        workers: loader processes; 0 loads in the training process, which is best for memory-mapped sets.
    """

    train: tuple[str, ...] = ()
    validation: tuple[str, ...] = ()
    limit: int | None = None
    workers: int = 0


@dataclass(frozen=True, kw_only=True)
class OptimConfig:
    """Optimizer and its schedule: linear warm-up, then down to `min_lr_ratio * lr` at the last step.

    The matrices of linear layers are trained by Muon, all else by AdamW (see `optim.MuonAdamW`).

    Attributes:
        lr: peak learning rate, of both.
        betas: AdamW's two decay rates.
        weight_decay: on matrices and tables only; biases, norms and other vectors are not decayed.
        warmup_steps: steps from 0 to `lr`.
        min_lr_ratio: last learning rate as a share of `lr`.
        clip: largest gradient norm; 0 switches clipping off.
        schedule: the shape after the warm-up.
    """

    lr: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.98)
    weight_decay: float = 0.02
    warmup_steps: int = 0
    min_lr_ratio: float = 0.05
    clip: float = 1.0
    schedule: Literal["cosine", "linear", "constant"] = "cosine"


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """One stage of training.

    Attributes:
        stage: name of the stage, one of those in `stages.py`.
        output_dir: the run folder; see `train/README.md` for what it holds.
        data: what is read.
        init: name of a part -> folder of an earlier stage's run (or any saved model folder) to start it from.
        model: options of the stage itself, checked by the stage with `parse_options`.
        optim: optimizer and schedule.
        steps: optimizer steps in all.
        batch_size: items per forward pass.
        grad_accumulation: forward passes per optimizer step.
        eval_every: steps between evaluations on the validation set; None evaluates only at the end.
        save_every: steps between checkpoints; None saves only when stopped or by `save_minutes`.
        save_minutes: also save when this many minutes have passed since the last checkpoint.
        log_every: steps between log lines; each line is the mean over these steps.
        seed: of weights, data order and augmentation.
        threads: CPU threads of torch; None leaves torch's choice.
        bf16: bfloat16 autocast; "auto" uses it where the processor has instructions for it. Muon's own
            iterations are in bfloat16 whatever this says.
        loss_weights: name of a part of the loss -> weight.
    """

    stage: str
    output_dir: str
    steps: int
    data: DataConfig = field(default_factory=DataConfig)
    init: Mapping[str, str] = field(default_factory=dict)
    model: Mapping[str, Any] = field(default_factory=dict)
    optim: OptimConfig = field(default_factory=OptimConfig)
    batch_size: int = 32
    grad_accumulation: int = 1
    eval_every: int | None = None
    save_every: int | None = 500
    save_minutes: float | None = None
    log_every: int = 20
    seed: int = 0
    threads: int | None = None
    bf16: bool | Literal["auto"] = "auto"
    loss_weights: Mapping[str, float] = field(default_factory=dict)

    def init_folder(self, name: str) -> Path:
        """The model folder to start part `name` from.

        Raises:
            ConfigError: `init` has no such name, the folder is missing, or it is a run that has not finished.
        """
        if name not in self.init:
            raise ConfigError(
                f"stage {self.stage!r} starts {name!r} from an earlier stage, but `init` names only "
                f"{sorted(self.init) or 'nothing'}; add `init: {{{name}: FOLDER}}`"
            )
        folder = Path(self.init[name])
        if (folder / DONE_FILE).is_file():
            return folder / PRODUCT_FOLDER
        if (folder / CONFIG_FILE).is_file():
            raise ConfigError(
                f"init.{name}: the run in {folder} has not finished (it has no {DONE_FILE}); "
                f"finish it with `bubo train {folder / CONFIG_FILE}`"
            )
        if not folder.is_dir():
            raise ConfigError(
                f"init.{name}: there is no folder {folder}; run the stage that makes it first, "
                "or correct the path"
            )
        return folder

    def to_dict(self) -> dict[str, Any]:
        """Plain dicts, lists and scalars, ready for YAML."""
        return typing.cast(dict[str, Any], _plain(dataclasses.asdict(self)))

    def to_yaml(self) -> str:
        """The resolved configuration as YAML that `load` reads back to an equal value."""
        return str(yaml.safe_dump(self.to_dict(), sort_keys=False, width=110))


def check_inputs(config: RunConfig) -> None:
    """Look whether everything that the run starts from is there.

    Raises:
        ConfigError: a folder of records is missing, or an earlier stage has not finished.
    """
    for key in ("train", "validation"):
        for folder in getattr(config.data, key):
            if not Path(folder).is_dir():
                raise ConfigError(
                    f"data.{key}: there is no folder {folder}; make it with `bubo data world` "
                    "(`make nano` makes all that nano needs), or correct the path"
                )
    for name in config.init:
        config.init_folder(name)


def digest(config: RunConfig) -> str:
    """Short hash over the keys that decide the result."""
    return hashlib.sha256(json.dumps(_decisive(config), sort_keys=True).encode()).hexdigest()[:16]


def differences(old: RunConfig, new: RunConfig) -> list[str]:
    """One line `key: old -> new` for every differing key that decides the result."""
    before, after = _decisive(old), _decisive(new)
    keys = sorted(before.keys() | after.keys())
    return [
        f"{key}: {before.get(key, 'not set')!r} -> {after.get(key, 'not set')!r}"
        for key in keys
        if before.get(key, "not set") != after.get(key, "not set")
    ]


def load(path: str | Path, overrides: Sequence[str] = ()) -> RunConfig:
    """Read a stage file and apply overrides.

    Args:
        path: the YAML file.
        overrides: `key=value` with dots for nesting (`optim.lr=3e-4`); the value is read as YAML.

    Raises:
        ConfigError: whatever is wrong with the file or an override.
    """
    source = str(path)
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"cannot read the configuration {source}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{source} is not a text file in UTF-8; expected YAML") from error
    values = read_yaml(text, source)
    if not isinstance(values, dict):
        raise ConfigError(f"{source} holds {show(values)}; expected `key: value` lines of a training stage")
    for override in overrides:
        _apply_override(values, override)
    config = parse_options(RunConfig, values, prefix="", source=source)
    _check(config, source)
    return config


def _check(config: RunConfig, source: str) -> None:
    """Ranges and combinations."""
    for key, given, expected in _problems(config):
        raise ConfigError(f"{source}: `{key}` is {show(given)}; expected {expected}")


def _problems(config: RunConfig) -> Iterator[tuple[str, Any, str]]:
    """(key, given, expected) of everything out of range or impossible together."""
    optim, data = config.optim, config.data
    for key in ("stage", "output_dir"):
        if not getattr(config, key).strip():
            yield key, getattr(config, key), "a name that is not empty"
    if Path(config.output_dir).is_file():
        yield "output_dir", config.output_dir, "a folder, but this is a file"
    for key in ("steps", "batch_size", "grad_accumulation", "log_every"):
        if getattr(config, key) < 1:
            yield key, getattr(config, key), "1 or more"
    for key in ("eval_every", "save_every", "threads"):
        value = getattr(config, key)
        if value is not None and value < 1:
            yield key, value, "1 or more, or null to leave it out"
    if config.save_minutes is not None and not config.save_minutes > 0:
        yield "save_minutes", config.save_minutes, "more than 0, or null"
    if config.seed < 0:
        yield "seed", config.seed, "0 or more"
    if data.limit is not None and data.limit < 1:
        yield "data.limit", data.limit, "1 or more, or null for everything"
    if data.workers < 0:
        yield "data.workers", data.workers, "0 or more"
    if config.eval_every is not None and not data.validation:
        yield "eval_every", config.eval_every, "null, since `data.validation` names no folder"
    if not 0 < optim.lr < float("inf"):
        yield "optim.lr", optim.lr, "more than 0"
    if not all(0 <= beta < 1 for beta in optim.betas):
        yield "optim.betas", list(optim.betas), "two numbers from 0 to below 1"
    if not 0 <= optim.weight_decay < float("inf"):
        yield "optim.weight_decay", optim.weight_decay, "0 or more"
    if not 0 <= optim.warmup_steps < config.steps:
        yield "optim.warmup_steps", optim.warmup_steps, f"0 to {config.steps - 1} (fewer than `steps`)"
    if not 0 <= optim.min_lr_ratio <= 1:
        yield "optim.min_lr_ratio", optim.min_lr_ratio, "0 to 1"
    if not 0 <= optim.clip < float("inf"):
        yield "optim.clip", optim.clip, "0 or more"
    for name, weight in config.loss_weights.items():
        if not 0 <= weight < float("inf"):
            yield f"loss_weights.{name}", weight, "0 or more"
    for name, folder in config.init.items():
        if Path(folder).resolve() == Path(config.output_dir).resolve():
            yield f"init.{name}", folder, "another folder than `output_dir`"


def _apply_override(values: dict[str, Any], override: str) -> None:
    """Set one `a.b=value` in the nested dict."""
    key, equals, text = override.partition("=")
    parts = key.strip().split(".")
    if not equals or not all(parts):
        raise ConfigError(f"the override {override!r} is not `key=value`; for example optim.lr=3e-4")
    target = values
    for depth, part in enumerate(parts[:-1], start=1):
        if target.get(part) is None:
            target[part] = {}
        target = target[part]
        if not isinstance(target, dict):
            raise ConfigError(
                f"the override {override!r} looks inside `{'.'.join(parts[:depth])}`, a plain value"
            )
    target[parts[-1]] = read_yaml(text, f"the override {override!r}")


def _decisive(config: RunConfig) -> dict[str, Any]:
    """Dotted key -> value, without the keys that do not touch the result."""
    flat = dict(_flatten(config.to_dict(), ""))
    return {key: value for key, value in flat.items() if key not in _FREE_KEYS}


def _flatten(values: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _plain(value: Any) -> Any:
    """Tuples to lists and mappings to dicts, all the way down."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value
