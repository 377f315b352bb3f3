"""YAML values to dataclasses; messages name file, key, what was given and what was expected."""

from __future__ import annotations

import dataclasses
import json
import re
import types
import typing
from collections.abc import Mapping
from typing import Any, Literal, TypeVar

import yaml

from bubo.errors import ConfigError

T = TypeVar("T")


def parse_options(kind: type[T], values: Mapping[str, Any], *, prefix: str = "model", source: str = "") -> T:
    """Build the dataclass `kind` from a mapping, checking names and types.

    Stages use it for their own options: `parse_options(EyesOptions, config.model)`.

    Args:
        kind: a dataclass; field types may be scalars, Literals, tuples, mappings, unions and dataclasses.
        values: name -> value as YAML gives them.
        prefix: dotted place of `values` in the file, for messages.
        source: file name, for messages.

    Raises:
        ConfigError: unknown or missing keys, or a value of the wrong type.
    """
    place = f"{source}: " if source else ""
    dot = f"{prefix}." if prefix else ""
    hints = typing.get_type_hints(kind)
    fields = {item.name: item for item in dataclasses.fields(typing.cast(Any, kind)) if item.init}
    for key in values:
        if key not in fields:
            raise ConfigError(f"{place}unknown key `{dot}{key}`; expected one of {', '.join(fields)}")
    for name, item in fields.items():
        required = item.default is dataclasses.MISSING and item.default_factory is dataclasses.MISSING
        if required and name not in values:
            raise ConfigError(f"{place}`{dot}{name}` is missing; expected {_describe(hints[name])}")
    parsed = {key: _parse(hints[key], value, f"{dot}{key}", source) for key, value in values.items()}
    try:
        return kind(**parsed)
    except ConfigError:
        raise
    except ValueError as error:  # a stage's own dataclass may check itself in __post_init__
        raise ConfigError(f"{place}{prefix or 'options'}: {error}") from error


def _parse(hint: Any, value: Any, key: str, source: str) -> Any:
    """`value` as the type `hint`, or a ConfigError that names `key`."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if dataclasses.is_dataclass(hint) and isinstance(value, dict):
        return parse_options(typing.cast(type, hint), value, prefix=key, source=source)
    if origin in (typing.Union, types.UnionType):
        for option in args:
            try:
                return _parse(option, value, key, source)
            except ConfigError:
                continue
    elif origin is tuple and isinstance(value, (list, tuple)):
        if len(args) == 2 and args[1] is Ellipsis:
            return tuple(_parse(args[0], item, f"{key}[{i}]", source) for i, item in enumerate(value))
        if len(args) == len(value):
            return tuple(
                _parse(kind, item, f"{key}[{i}]", source)
                for i, (kind, item) in enumerate(zip(args, value, strict=True))
            )
    elif origin in (dict, Mapping) and isinstance(value, dict):
        return {
            _parse(args[0], name, f"{key} (name)", source): _parse(args[1], item, f"{key}.{name}", source)
            for name, item in value.items()
        }
    elif _is_scalar(hint, args if origin is Literal else (), value):
        return float(value) if hint is float else value
    place = f"{source}: " if source else ""
    raise ConfigError(f"{place}`{key}` is {show(value)}; expected {_describe(hint)}")


def _is_scalar(hint: Any, literals: tuple[Any, ...], value: Any) -> bool:
    """Whether `value` is of the scalar type `hint`; a bool is no number, an int is a float."""
    if hint is Any:
        return True
    if literals:
        return any(value == option and type(value) is type(option) for option in literals)
    if hint is None or hint is type(None):
        return value is None
    if hint is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return hint in (str, bool, int) and type(value) is hint


class _Loader(yaml.SafeLoader):
    """YAML as people write it: `1e-3` is a number, and a key given twice is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """A mapping without repeated keys."""
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} is not a text", key_node.start_mark
                )
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key `{key}` is given twice", key_node.start_mark
                )
            seen.add(key)
        mapping: dict[Any, Any] = super().construct_mapping(node, deep=deep)
        return mapping


# PyYAML follows YAML 1.1, where `1e-3` (no dot) is a text.
_NUMBER = r"^[-+]?(?:[0-9][0-9_]*)(?:\.[0-9_]*)?[eE][-+]?[0-9]+$"
_Loader.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(_NUMBER), list("-+0123456789"))


def read_yaml(text: str, source: str) -> Any:
    """Parsed YAML; a syntax error becomes a ConfigError with its line."""
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 (a SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = f" line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ConfigError(f"{source}{line}: {error.problem or 'not YAML'}") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{source}: not YAML ({error})") from error


def show(value: Any) -> str:
    """A value for a message: its text, shortened, and its type."""
    if value is None:
        return "null (nothing)"
    names = {
        str: "text",
        int: "whole number",
        float: "number",
        bool: "true/false",
        list: "list",
        dict: "mapping",
    }
    text = repr(value)
    return (
        f"{text if len(text) <= 60 else text[:57] + '...'} ({names.get(type(value), type(value).__name__)})"
    )


def _describe(hint: Any) -> str:
    """A type in the words of the file."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin is Literal:
        return " or ".join(json.dumps(arg) for arg in args)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(_describe(arg) for arg in args)
    if origin is tuple:
        if len(args) == 2 and args[1] is Ellipsis:
            return f"a list, each item {_describe(args[0])}"
        return f"a list of {len(args)}, each {_describe(args[0])}"
    if origin in (dict, Mapping) or dataclasses.is_dataclass(hint):
        return "a mapping (`key: value` lines)"
    names = {
        str: "a text",
        int: "a whole number",
        float: "a number",
        bool: "true or false",
        type(None): "null",
    }
    return names.get(hint, getattr(hint, "__name__", str(hint)))
