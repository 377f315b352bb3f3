"""Presets: which files make a model, under which licence, how they are converted and with what they are used.

A preset is a YAML file of `bubo.configs` (configs/models/, configs/models/grounders/) or of the folder presets/ in the
models' home. What can be wrong in such a file is found when it is read: unknown keys, wrong types, a step whose
source no file is. Each is a `ModelError` that names file and key.
"""

from __future__ import annotations

import dataclasses
import difflib
import re
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path, PurePosixPath
from typing import Any, Literal, TypeVar

import yaml

from bubo.errors import ModelError

__all__ = ["Parameters", "Preset", "SourceFile", "Step", "find_preset", "read_presets"]

T = TypeVar("T")

#: Kinds of steps; "copy" takes files that are a folder of transformers already, the others are conversions.
STEP_KINDS = ("copy", "imagebind", "ram", "ram_plus", "groundingdino", "sam", "bubogpt")
#: What a speaker of each kind must say and may say.
SPEAKER_KEYS = {
    "bubo": (("model",), ("dtype", "quantization", "device_map")),
    "transformers": (("model",), ("dtype", "quantization", "device_map")),
    "endpoint": (("url", "model"), ("key",)),
}
GROUNDER_ROLES = ("tagger", "detector", "segmenter", "listener")
#: Bytes of one parameter; bitsandbytes adds scales, which are counted in.
BYTES_PER_PARAMETER = {"fp32": 4.0, "fp16": 2.0, "bf16": 2.0}
BYTES_PER_QUANTIZED = {"8bit": 1.05, "4bit": 0.56}
#: What running needs beside the weights: activations, the cache of a conversation, the libraries.
WORKING_BYTES = 1_500_000_000


@dataclass(frozen=True, kw_only=True)
class SourceFile:
    """One file that a preset is made of.

    Attributes:
        path: Its path in the repository, or the name of a file that an address gives.
        repo: Repository on the hub ("owner/name"); None if it is not from there.
        revision: Branch, tag or commit of the repository.
        url: Address of a file that is not on the hub. With neither repo nor url it is nowhere to be fetched,
            and `note` says how to come by it.
        bytes: Its size, where it is known.
        sha256: Its hash, or the first 16 digits or more of it, where it was published; never guessed.
        licence: Short name of its licence.
        licence_url: Where that can be read.
        non_commercial: Whether the licence forbids commercial use.
        gated: Whether the owner's terms must be accepted on the hub first.
        note: What else should be known.
    """

    path: str
    repo: str | None = None
    revision: str = "main"
    url: str | None = None
    bytes: int | None = None
    sha256: str | None = None
    licence: str
    licence_url: str
    non_commercial: bool = False
    gated: bool = False
    note: str = ""

    @property
    def name(self) -> str:
        """Its last name."""
        return PurePosixPath(self.path).name

    @property
    def place(self) -> str:
        """Where it lies below a folder of downloads: "owner/name/path", or its path alone."""
        return f"{self.repo}/{self.path}" if self.repo else self.path

    @property
    def address(self) -> str:
        """Where a person finds it."""
        if self.url or not self.repo:
            return self.url or "published nowhere"
        return f"https://huggingface.co/{self.repo}/resolve/{self.revision}/{self.path}"


@dataclass(frozen=True, kw_only=True)
class Step:
    """What makes one model folder.

    Attributes:
        kind: One of `STEP_KINDS`.
        source: Paths of files of the preset; "owner/name/*" stands for all files of a repository.
        target: Name of the folder in the models' home.
        options: Further arguments of the conversion.
    """

    kind: str
    source: tuple[str, ...]
    target: str
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """How many parameters there are in memory: those that quantization makes smaller, and the others."""

    language: int = 0
    other: int = 0


@dataclass(frozen=True, kw_only=True)
class Preset:
    """A model or a grounder by name.

    Attributes:
        name: What `bubo pull` and `bubo.load` call it.
        summary: What it is, in a line.
        kind: "model" speaks, "grounder" only ties text to media.
        mode: "parity" does as the released system did, "better" as well as we can.
        package: Package of this library that holds the model; None if it is made of files.
        speaker: What speaks: {kind: bubo|transformers|endpoint, ...}.
        grounder: Name of a grounder's preset, or the parts of one: role -> {kind, model, ...}.
        dtype: Type of a grounder's weights.
        parameters: Of this preset alone, without those of a grounder that it names.
        training: If it must be trained first: how; then `speaker` names the folder that training makes.
        files: What it is made of.
        steps: How.
    """

    name: str
    summary: str
    kind: Literal["model", "grounder"] = "model"
    mode: Literal["parity", "better"] = "better"
    package: str | None = None
    speaker: Mapping[str, Any] | None = None
    grounder: str | Mapping[str, Any] | None = None
    dtype: Literal["fp32", "fp16", "bf16"] = "fp32"
    parameters: Parameters = Parameters()
    training: str = ""
    files: tuple[SourceFile, ...] = ()
    steps: tuple[Step, ...] = ()

    @property
    def precision(self) -> str:
        """Type of the weights, and how the language model is quantized."""
        spoken = self.speaker or {}
        quantization = spoken.get("quantization")
        dtype = str(spoken.get("dtype") or self.dtype)
        return f"{dtype}, {quantization}" if quantization else dtype

    @property
    def non_commercial(self) -> bool:
        """Whether any of its files may not be used commercially."""
        return any(file.non_commercial for file in self.files)

    def sources(self, step: Step) -> tuple[SourceFile, ...]:
        """The files that a step reads, in its order."""
        found = []
        for wanted in step.source:
            found += [file for file in self.files if _stands_for(wanted, file)]
        return tuple(dict.fromkeys(found))

    def weight_bytes(self, dtype: str | None = None, quantization: str | None = None) -> int:
        """Bytes of the weights in memory.

        Args:
            dtype: "fp32", "fp16" or "bf16".
            quantization: "8bit", "4bit" or None.
        """
        each = BYTES_PER_PARAMETER[dtype or self.dtype]
        language = BYTES_PER_QUANTIZED[quantization] if quantization else each
        return int(self.parameters.language * language + self.parameters.other * each)


def find_preset(name: str, presets: Mapping[str, Preset]) -> Preset:
    """The preset of a name.

    Raises:
        ModelError: If there is none; it names those that sound like it.
    """
    if name in presets:
        return presets[name]
    raise ModelError(f"No preset is called {name!r}. {suggestion(name, presets)}")


def suggestion(name: str, known: Iterable[str]) -> str:
    """Names that sound like one that is unknown, or all."""
    close = difflib.get_close_matches(name.lower(), known, 3, 0.5)
    if close:
        return f"Did you mean {' or '.join(map(repr, close))}? `bubo models` lists all."
    return f"Known names: {', '.join(known)}."


def read_presets(more: Path | None = None) -> dict[str, Preset]:
    """All presets by name: those of the library first, models before grounders.

    Args:
        more: A folder of further presets; it need not exist.

    Raises:
        ModelError: If a file is not a preset, or two have one name.
    """
    shipped = Path(str(resources.files("bubo.configs"))) / "models"
    paths = [*sorted(shipped.glob("*.yaml")), *sorted((shipped / "grounders").glob("*.yaml"))]
    if more is not None and more.is_dir():
        paths += sorted(more.glob("*.yaml"))
    raw: dict[str, tuple[Path, dict[str, Any]]] = {}
    for path in paths:
        values = _read_yaml(path)
        name = values.get("name", path.stem)
        if name != path.stem:
            raise ModelError(f"{path}: `name` is {name!r}; expected {path.stem!r}, the name of the file")
        if name in raw:
            raise ModelError(f"{path}: there is a preset {name!r} already, in {raw[name][0]}; rename this one")
        raw[name] = (path, values)
    presets = {name: _preset(path, _inherited(path, values, raw)) for name, (path, values) in raw.items()}
    for name, preset in presets.items():
        _check(raw[name][0], preset, presets)
    return dict(sorted(presets.items(), key=lambda item: (item[1].kind != "model", item[1].package is None)))


def _inherited(
    path: Path, values: dict[str, Any], raw: Mapping[str, tuple[Path, dict[str, Any]]]
) -> dict[str, Any]:
    """The values of a preset over those of the one that it says it is `like`."""
    if "like" not in values:
        return values
    model = values["like"]
    if model not in raw or "like" in raw[model][1]:
        raise ModelError(f"{path}: `like` is {model!r}; expected the name of a preset that is like no other")
    return {**raw[model][1], **{key: value for key, value in values.items() if key != "like"}}


def _preset(path: Path, values: dict[str, Any]) -> Preset:
    """A preset from its YAML: `sources` there are groups of files that share an origin and a licence."""
    values = dict(values)
    files: list[dict[str, Any]] = []
    groups = values.pop("sources", [])
    if not isinstance(groups, list):
        raise ModelError(f"{path}: `sources` is {_show(groups)}; expected a list")
    for number, group in enumerate(groups):
        if not isinstance(group, dict) or not isinstance(group.get("files"), list):
            raise ModelError(f"{path}: `sources[{number}]` must be a mapping with a list `files`")
        shared = {key: value for key, value in group.items() if key != "files"}
        for file in group["files"]:
            files.append({**shared, **({"path": file} if isinstance(file, str) else file)})
    if "files" in values:
        raise ModelError(f"{path}: unknown key `files`; files stand in `sources`, by origin")
    preset: Preset = _build(Preset, {"name": path.stem, **values, "files": files}, "", path)
    return preset


def _check(path: Path, preset: Preset, presets: Mapping[str, Preset]) -> None:
    """Look whether the parts of a preset fit together."""
    for file in preset.files:
        parts = PurePosixPath(file.path)
        if parts.is_absolute() or ".." in parts.parts or not file.name:
            raise ModelError(f"{path}: the path {file.path!r} must stay below its folder")
        if file.sha256 is not None and not re.fullmatch(r"[0-9a-f]{16,64}", file.sha256):
            raise ModelError(f"{path}: sha256 of {file.path} must be 16 to 64 digits of a hash, in lower case")
        if file.repo and file.url:
            raise ModelError(f"{path}: {file.path} has both `repo` and `url`; give one")
    for step in preset.steps:
        if step.kind not in STEP_KINDS:
            raise ModelError(f"{path}: there is no step {step.kind!r}; expected one of {', '.join(STEP_KINDS)}")
        if not re.fullmatch(r"[a-z0-9][a-z0-9._-]*", step.target):
            raise ModelError(f"{path}: {step.target!r} is no name of a folder (a-z, 0-9, dot, dash, underscore)")
        for wanted in step.source:
            if not any(_stands_for(wanted, file) for file in preset.files):
                raise ModelError(f"{path}: the step {step.target!r} reads {wanted!r}, which no source has")
    _check_speaker(path, preset)
    parts = preset.grounder
    if isinstance(parts, str):
        if parts not in presets or presets[parts].kind != "grounder":
            raise ModelError(f"{path}: `grounder` is {parts!r}. {suggestion(parts, _grounders(presets))}")
    elif parts is not None:
        for role, part in parts.items():
            if role not in GROUNDER_ROLES or not isinstance(part, dict) or "kind" not in part:
                roles = ", ".join(GROUNDER_ROLES)
                raise ModelError(f"{path}: `grounder.{role}` must be one of {roles}, with a `kind`")


def _check_speaker(path: Path, preset: Preset) -> None:
    if preset.speaker is None:
        if preset.kind == "model":
            raise ModelError(f"{path}: `speaker` is missing; only presets of kind grounder have none")
        return
    kind = preset.speaker.get("kind")
    if kind not in SPEAKER_KEYS:
        raise ModelError(f"{path}: `speaker.kind` is {kind!r}; expected one of {', '.join(SPEAKER_KEYS)}")
    needed, optional = SPEAKER_KEYS[kind]
    for key in needed:
        if key not in preset.speaker:
            raise ModelError(f"{path}: `speaker.{key}` is missing")
    for key, value in preset.speaker.items():
        if key not in ("kind", *needed, *optional):
            expected = ", ".join(("kind", *needed, *optional))
            raise ModelError(f"{path}: unknown key `speaker.{key}`; expected one of {expected}")
        allowed = {"dtype": BYTES_PER_PARAMETER, "quantization": BYTES_PER_QUANTIZED}.get(key)
        if allowed is not None and value is not None and value not in allowed:
            raise ModelError(f"{path}: `speaker.{key}` is {_show(value)}; expected {' or '.join(allowed)}")


def _grounders(presets: Mapping[str, Preset]) -> list[str]:
    return [name for name, preset in presets.items() if preset.kind == "grounder"]


def _stands_for(wanted: str, file: SourceFile) -> bool:
    if wanted.endswith("/*"):
        return file.repo == wanted.removesuffix("/*")
    return wanted in (file.path, file.place)


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ModelError(f"{path}: not a readable YAML file ({' '.join(str(error).split())})") from error
    if not isinstance(values, dict) or not all(isinstance(key, str) for key in values):
        raise ModelError(f"{path}: {_show(values)} is no preset; expected `key: value` lines")
    return values


def _build(kind: type[T], values: Any, key: str, path: Path) -> T:
    """The dataclass `kind` from a mapping; names and types are checked."""
    if not isinstance(values, dict):
        raise ModelError(f"{path}: `{key}` is {_show(values)}; expected a mapping")
    dot = f"{key}." if key else ""
    hints = typing.get_type_hints(kind)
    fields = {item.name: item for item in dataclasses.fields(typing.cast(Any, kind))}
    for name in values:
        if name not in fields:
            raise ModelError(f"{path}: unknown key `{dot}{name}`; expected one of {', '.join(fields)}")
    for name, item in fields.items():
        default = item.default is not dataclasses.MISSING or item.default_factory is not dataclasses.MISSING
        if not default and name not in values:
            raise ModelError(f"{path}: `{dot}{name}` is missing")
    return kind(**{name: _value(hints[name], value, f"{dot}{name}", path) for name, value in values.items()})


def _value(hint: Any, value: Any, key: str, path: Path) -> Any:
    """`value` as the type `hint`: the few that presets have."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if dataclasses.is_dataclass(hint):
        return _build(typing.cast(type, hint), value, key, path)
    if origin in (typing.Union, types.UnionType):
        if value is None and type(None) in args:
            return None
        for option in args:
            if (typing.get_origin(option) or option) is type(value) or (
                typing.get_origin(option) is Mapping and isinstance(value, dict)
            ):
                return value
    elif origin is tuple and isinstance(value, list | tuple):
        return tuple(_value(args[0], item, f"{key}[{number}]", path) for number, item in enumerate(value))
    elif origin is Literal:
        if value in args:
            return value
        expected = " or ".join(map(repr, args))
        raise ModelError(f"{path}: `{key}` is {_show(value)}; expected {expected}")
    elif (origin is Mapping and isinstance(value, dict)) or type(value) is hint:
        return value
    expected = getattr(hint, "__name__", str(hint))
    raise ModelError(f"{path}: `{key}` is {_show(value)}; expected {expected}")


def _show(value: Any) -> str:
    text = repr(value)
    return f"{text if len(text) <= 60 else text[:57] + '...'} ({type(value).__name__})"
