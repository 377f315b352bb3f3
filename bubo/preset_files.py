"""Presets read from YAML, and everything that can be wrong in such a file.

A preset is a file of `bubo.configs` (configs/models/, configs/models/grounders/) or of the folder presets/ in
the models' home. Unknown keys, wrong types, a step whose source no file is: each is a `ModelError` that names
file and key. In a file of the user's it costs that preset alone.
"""

from __future__ import annotations

import dataclasses
import re
import types
import typing
from collections.abc import Callable, Mapping
from functools import partial
from importlib import resources
from pathlib import Path, PurePosixPath
from typing import Any, Literal, TypeVar

import yaml

from bubo.errors import ModelError
from bubo.presets import (
    BYTES_PER_PARAMETER,
    BYTES_PER_QUANTIZED,
    GROUNDER_ROLES,
    SPEAKER_KEYS,
    STEP_KINDS,
    Preset,
    Presets,
    stands_for,
    suggestion,
)

__all__ = ["read_presets"]

T = TypeVar("T")
_REPO = re.compile(r"[\w-][\w.-]*(?:/[\w-][\w.-]*)?", re.ASCII)
_TAKEN = ("downloads", "presets")  # folders of the models' home that hold something else
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # written in C where that was built


def read_presets(more: Path | None = None) -> Presets:
    """All presets by name: those of the library first, models before grounders.

    Args:
        more: A folder of further presets; it need not exist. A file there that is not a preset, or has a name
            that another has, is left out and stands in `broken` of what is returned.

    Raises:
        ModelError: If a file of the library is not a preset.
    """
    shipped = Path(str(resources.files("bubo.configs"))) / "models"
    raw: dict[str, tuple[Path, dict[str, Any]]] = {}
    presets: dict[str, Preset] = {}
    broken: dict[str, str] = {}

    def attempt(path: Path, do: Callable[[], None]) -> bool:
        try:
            do()
        except ModelError as error:
            if more is None or path.parent != more:
                raise
            known = path.stem in raw and raw[path.stem][0] != path
            broken[str(path) if known else path.stem] = str(error)
            return False
        return True

    for folder in (shipped, shipped / "grounders", *([more] if more is not None else [])):
        for path in sorted(folder.glob("*.yaml"), key=lambda path: path.stem):
            attempt(path, partial(_read, path, raw))
    for name, (path, values) in raw.items():
        attempt(path, partial(_make, name, path, values, raw, presets))
    wrong = [""]
    while wrong:  # what names a broken one is broken, too
        wrong = [
            name
            for name, preset in presets.items()
            if not attempt(raw[name][0], partial(_check, raw[name][0], preset, presets))
        ]
        for name in wrong:
            del presets[name]
    order = sorted(presets.items(), key=lambda item: (item[1].kind != "model", item[1].package is None))
    return Presets(order, broken)


def _read(path: Path, raw: dict[str, tuple[Path, dict[str, Any]]]) -> None:
    """Takes the values of a file in."""
    values = _read_yaml(path)
    name = values.get("name", path.stem)
    if name != path.stem:
        raise ModelError(f"{path}: `name` is {name!r}; expected {path.stem!r}, the name of the file")
    if name in raw:
        raise ModelError(f"{path}: there is a preset {name!r} already, in {raw[name][0]}; rename this one")
    raw[name] = (path, values)


def _make(
    name: str,
    path: Path,
    values: dict[str, Any],
    raw: Mapping[str, tuple[Path, dict[str, Any]]],
    presets: dict[str, Preset],
) -> None:
    """Takes the preset in that these values make."""
    presets[name] = _preset(path, _inherited(path, values, raw))


def _inherited(
    path: Path, values: dict[str, Any], raw: Mapping[str, tuple[Path, dict[str, Any]]]
) -> dict[str, Any]:
    """The values of a preset over those of the one that it says it is `like`."""
    if "like" not in values:
        return values
    model = values["like"]
    if not isinstance(model, str) or model not in raw or "like" in raw[model][1]:
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
    preset: Preset = _build(Preset, {**values, "name": path.stem, "files": files}, "", path)
    return preset


def _check(path: Path, preset: Preset, presets: Mapping[str, Preset]) -> None:
    """Look whether the parts of a preset fit together."""
    for file in preset.files:
        parts = PurePosixPath(file.path)
        if parts.is_absolute() or ".." in parts.parts or not file.name:
            raise ModelError(f"{path}: the path {file.path!r} must stay below its folder")
        if file.sha256 is not None and not re.fullmatch(r"[0-9a-f]{16,64}", file.sha256):
            raise ModelError(
                f"{path}: sha256 of {file.path} must be 16 to 64 digits of a hash, in lower case"
            )
        if file.repo and file.url:
            raise ModelError(f"{path}: {file.path} has both `repo` and `url`; give one")
        if file.repo is not None and not _REPO.fullmatch(file.repo):
            raise ModelError(f"{path}: `repo` is {file.repo!r}; expected OWNER/NAME")
        if file.url is not None and not file.url.startswith(("https://", "http://")):
            raise ModelError(f"{path}: `url` is {file.url!r}; expected one that begins with https://")
    for step in preset.steps:
        if step.kind not in STEP_KINDS:
            raise ModelError(
                f"{path}: there is no step {step.kind!r}; expected one of {', '.join(STEP_KINDS)}"
            )
        if not re.fullmatch(r"[a-z0-9][a-z0-9._-]*", step.target) or step.target in _TAKEN:
            raise ModelError(
                f"{path}: {step.target!r} is no name of a model's folder (a-z, 0-9, dot, dash, underscore; "
                f"not {' or '.join(_TAKEN)})"
            )
        for wanted in (*step.source, *step.extras.values()):
            if not any(stands_for(wanted, file) for file in preset.files):
                raise ModelError(f"{path}: the step {step.target!r} reads {wanted!r}, which no source has")
    for tag in preset.languages:
        if not re.fullmatch(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*", tag):
            raise ModelError(f"{path}: `languages` has {tag!r}; expected tags of languages such as 'en'")
    _check_speaker(path, preset)
    tools = preset.grounder
    if isinstance(tools, str):
        if tools not in presets or presets[tools].kind != "grounder":
            raise ModelError(f"{path}: `grounder` is {tools!r}. {suggestion(tools, _grounders(presets))}")
    elif tools is not None:
        for role, part in tools.items():
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


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        values = yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)  # noqa: S506 (a safe one)
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
