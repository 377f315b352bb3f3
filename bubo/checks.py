"""Checks of values handed to the value types.

Each function returns the value in its canonical form or raises `InputError` with the name of the value, what
was expected and what was given.
"""

import math
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bubo.errors import InputError


def describe(value: object) -> str:
    """A short description of a value for error texts: arrays by shape and type, others by a clipped repr."""
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape} and type {value.dtype}"
    text = repr(value)
    return f"{text if len(text) <= 80 else text[:77] + '...'} ({type(value).__name__})"


def check_text(name: str, value: object) -> str:
    """The value if it is a string."""
    if not isinstance(value, str):
        raise InputError(f"{name} must be a string, but got {describe(value)}.")
    return value


def check_choice(name: str, value: object, choices: Collection[str]) -> str:
    """The value if it is one of `choices`."""
    if not isinstance(value, str) or value not in choices:
        raise InputError(f"{name} must be one of {', '.join(sorted(choices))}, but got {describe(value)}.")
    return value


def check_index(name: str, value: object) -> int:
    """The value as a plain int that is not negative."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 0:
        raise InputError(f"{name} must be a whole number from 0 up, but got {describe(value)}.")
    return int(value)


def check_number(name: str, value: object) -> float:
    """The value as a plain finite float."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        raise InputError(f"{name} must be a number, but got {describe(value)}.")
    number = float(value)
    if not math.isfinite(number):
        raise InputError(f"{name} must be a finite number, but got {number}.")
    return number


def check_tuple(name: str, value: object, kind: type) -> tuple[Any, ...]:
    """The list or tuple as a tuple whose members are all of `kind`."""
    if not isinstance(value, list | tuple):
        raise InputError(f"{name} must be a tuple of {kind.__name__}, but got {describe(value)}.")
    for position, member in enumerate(value):
        if not isinstance(member, kind):
            raise InputError(
                f"{name} must be a tuple of {kind.__name__}, but its member {position} is {describe(member)}."
            )
    return tuple(value)


def check_floats(name: str, value: object, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """The value as a finite float32 array of exactly `shape`; an empty value fits every empty shape."""
    try:
        array = np.asarray(value, dtype=np.float32)
    except (TypeError, ValueError):
        raise InputError(f"{name} must be numbers of shape {shape}, but got {describe(value)}.") from None
    if array.size == 0 and math.prod(shape) == 0:
        array = array.reshape(shape)
    if array.shape != shape:
        raise InputError(f"{name} must have shape {shape}, but got shape {array.shape}.")
    if not np.isfinite(array).all():
        raise InputError(f"{name} must be finite, but holds NaN or infinite numbers.")
    return array


def check_masks(name: str, value: object, ndim: int) -> NDArray[np.bool_]:
    """The value if it is a boolean array with `ndim` axes, the last two being height and width."""
    shape = "(H, W)" if ndim == 2 else "(N, H, W)"
    if not isinstance(value, np.ndarray) or value.ndim != ndim or value.dtype != np.bool_:
        raise InputError(f"{name} must be a boolean array of shape {shape}, but got {describe(value)}.")
    return value


def check_keys(name: str, value: object, keys: Collection[str]) -> Mapping[str, Any]:
    """The value if it is a mapping that holds all of `keys` (and perhaps more)."""
    if not isinstance(value, Mapping):
        raise InputError(f"{name} must be a dictionary, but got {describe(value)}.")
    missing = [key for key in keys if key not in value]
    if missing:
        raise InputError(f"{name} must hold the keys {', '.join(keys)}; missing: {', '.join(missing)}.")
    return value


def set_fields(value: object, **fields: object) -> None:
    """Puts canonical forms into the fields of a frozen value; only for use while it is being made."""
    for name, content in fields.items():
        object.__setattr__(value, name, content)
