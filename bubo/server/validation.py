"""What does not fit a schema, in sentences of ours: what was given, what is expected, and what to do.

The names of fields are written as OpenAI writes them: `messages[0].content`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bubo.server.problems import Problem

__all__ = ["validation_problem"]

_Error = Mapping[str, Any]
_MAX_SHOWN = 60
_MAX_NAME = 100
_SECRET = ("password", "token")
#: What is expected, by the kind of error; braces are filled from the error's context.
_EXPECTED = {
    "string_type": "a text",
    "string_unicode": "a text of valid Unicode",
    "string_too_long": "a text of {max_length} or fewer characters",
    "string_too_short": "a text of {min_length} or more characters",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_parsing_size": "a whole number that is not so large",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "greater_than_equal": "at least {ge}",
    "greater_than": "more than {gt}",
    "less_than_equal": "at most {le}",
    "less_than": "less than {lt}",
    "list_type": "a list",
    "too_long": "a list of {max_length} or fewer items",
    "too_short": "a list of {min_length} or more items",
    "dict_type": "an object",
    "model_type": "an object",
    "model_attributes_type": "an object",
    "literal_error": "{expected}",
    "enum": "{expected}",
    "union_tag_invalid": "an object whose {discriminator} is one of {expected_tags}",
    "union_tag_not_found": "an object with the field {discriminator}",
    "value_error": "{error}",
}
_OF_SIZE = ("string_too_long", "string_too_short", "too_long", "too_short")
_NO_FILE = "Expected UploadFile"  # how the framework begins its sentence when a file comes as text


@dataclass(frozen=True)
class _Wrong:
    """One error: where it is, whether in the body, and what is told of it."""

    param: str
    name: str
    error: _Error

    @property
    def kind(self) -> str:
        return str(self.error.get("type", ""))


def validation_problem(errors: Sequence[_Error], body: Any, status: int) -> Problem:
    """The problem that a list of pydantic's errors is told as: the first one, alternatives of a field joined.

    Args:
        errors: What pydantic found; of each "type", "loc", "input" and "ctx" are read.
        body: What was given, to tell names of fields from pydantic's own in the places of errors.
        status: The status of the response.
    """
    found = [_wrong(error, body) for error in errors]
    if not found:
        return Problem(status, "The request does not fit; /docs shows what is expected.", "invalid_request")
    first = found[0]
    # a field of several kinds has errors for each; those further inside are of the kind that was meant
    inside = [one for one in found if one.param.startswith((f"{first.param}.", f"{first.param}["))]
    first = inside[0] if first.param and inside else first
    same = [one for one in found if one.param == first.param]
    return Problem(status, _sentence(first, same), "invalid_request", param=first.param[:_MAX_NAME] or None)


def _sentence(first: _Wrong, same: Sequence[_Wrong]) -> str:
    """What is said of one place."""
    param, context = first.param[:_MAX_NAME], first.error.get("ctx") or {}
    if first.kind == "json_invalid":
        at = first.error["loc"][-1]
        return f"The body is no JSON ({context.get('error')} at character {at}): correct it."
    if first.kind == "extra_forbidden":
        return f"Unrecognized request argument supplied: {param}. Leave it out; /docs shows what there is."
    if not param:
        return (
            "The body must be an object as /docs describes it: send one, with the header Content-Type that "
            "belongs to it (application/json for JSON)."
        )
    if first.kind == "missing":
        return f"{param} is missing: give it as /docs describes."
    expected = " or ".join(dict.fromkeys(_expected(one) for one in same))
    given = next((size for one in same if (size := _size(one))), _shown(first))
    return f"{param} must be {expected}, but {given} given: correct it as /docs describes."


def _expected(wrong: _Wrong) -> str:
    context = {name: _plain(value) for name, value in (wrong.error.get("ctx") or {}).items()}
    if context.get("error", "").startswith(_NO_FILE):
        return "a file"
    try:
        return _EXPECTED[wrong.kind].format(**context)
    except KeyError:  # a kind that has no words yet
        return "as /docs describes it"


def _plain(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _size(wrong: _Wrong) -> str:
    """How large something is that is too large or too small; "" of other errors."""
    return f"{len(wrong.error['input'])} were" if wrong.kind in _OF_SIZE else ""


def _shown(wrong: _Wrong) -> str:
    if wrong.name in _SECRET:
        return "something else was"
    given = wrong.error.get("input")
    try:
        text = json.dumps(given, ensure_ascii=False)
    except (TypeError, ValueError):
        text = f"something of type {type(given).__name__}"
    return f"{text} was" if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}… was"


def _wrong(error: _Error, body: Any) -> _Wrong:
    """Finds the field of an error: pydantic puts the kinds that a field may have between the names."""
    place = list(error.get("loc", ()))
    if place[:1] != ["body"]:
        names = [str(part) for part in place[1:]]
        return _Wrong(".".join(names), names[-1] if names else "", error)
    param, name, here = "", "", body
    rest = place[1:]
    kind_told = False  # whether the part before was the kind of an object that has several
    for number, part in enumerate(rest):
        if isinstance(part, int):
            if isinstance(here, list):
                param += f"[{part}]"
                here = here[part] if part < len(here) else None
            kind_told = False
            continue
        last = number == len(rest) - 1
        known = isinstance(here, Mapping) and part in here
        if isinstance(here, Mapping) and not last and not kind_told:
            kind_told = part in (here.get("type"), here.get("kind"))
            if kind_told:
                continue
        if not known and not (last and error.get("type") == "missing"):
            continue
        param, name = (f"{param}.{part}" if param else part), part
        here = here[part] if known else None
        kind_told = False
    return _Wrong(param, name, error)
