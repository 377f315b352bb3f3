"""What schemathesis cannot know of this server when it makes chains of requests.

It makes up ids, numbers and files: hardly a question of its own would be answered, no upload be a picture. So
most requests that fit the description are made to fit the server, too, by what the answers before them told;
the others stay as they are. Schemathesis loads this file by its configuration: see test_server_schema.py.
"""

import re
import zlib
from pathlib import Path
from typing import Any

import schemathesis
from schemathesis.openapi.checks import EnsureResourceAvailability, UseAfterFree
from schemathesis.transport.serialization import Binary

#: The test writes them into the folder that schemathesis is run in.
_FILES = [Binary(Path(name).read_bytes()) for name in ("scene.png", "scene.wav")]
_ID = re.compile(r"[0-9a-f]{32}")
_EVERYWHERE = {"box": [0, 0, 10_000, 10_000]}
_UPLOADS = ("add_media", "upload_file")
#: Operations with ids in address and body: 404 may be about either.
_NAMING = ("start_run", "change_conversation")
#: Where the test reads which operations have succeeded.
_REACHED = Path("reached.txt")
_IN_CHAT = ("model", "stream", "stream_options", "ui", "grounding", "threshold")

_conversations: list[str] = []
_pictures: list[str] = []
_restored: set[str] = set()


@schemathesis.hook
def map_body(context: Any, body: Any) -> Any:
    """Makes most uploads a picture or a sound; what is no file at all stays so."""
    if _operation(context) in _UPLOADS and isinstance(body, dict):
        draw = _draw(body)
        if isinstance(body.get("file"), str) and draw:
            body["file"] = _FILES[draw % 2]
    return body


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    """Makes most bodies fit; schemathesis looks anew whether what is changed here fits the description."""
    positive = case.meta is not None and case.meta.generation.mode.is_positive
    if not positive or not isinstance(case.body, dict) or not _draw(case.body):
        return
    operation, body = _operation(case), case.body
    if operation in ("segment", "correct_region"):
        case.body = dict(_EVERYWHERE)
    elif operation == "start_run":
        case.body = _question(body)
        if _conversations and not _ID.fullmatch(case.path_parameters["conversation_id"]):
            case.path_parameters["conversation_id"] = _conversations[-1]
    elif operation == "complete":
        case.body = {name: body[name] for name in _IN_CHAT if name in body}
        case.body["messages"] = body["messages"][:1]
    elif operation == "ground":
        case.body = {"text": "A brown dog.", "pictures": body.get("pictures", [])[:1]}


def _question(body: dict[str, Any]) -> dict[str, Any]:
    """A question that names only what there may be."""
    question = {"text": "What is there?", "settings": body.get("settings", {})}
    question["media"] = [one for one in body.get("media", ()) if _ID.fullmatch(one)] or _pictures[-1:]
    named = ("parent", "edit", "regenerate")
    return question | {name: body[name] for name in named if _ID.fullmatch(body.get(name) or "")}


@schemathesis.hook
def after_call(context: Any, case: Any, response: Any) -> None:
    """Remembers what there is, and writes down what has succeeded."""
    if not 200 <= response.status_code < 300:
        return
    operation = _operation(case)
    with _REACHED.open("a") as file:
        file.write(f"{operation}\n")
    if operation == "create_conversation":
        _conversations.append(response.json()["id"])
    elif operation == "add_media":
        _pictures.extend(one["id"] for one in [response.json()] if one["kind"] == "picture")
    elif operation == "copy_example":
        _pictures.extend(one["id"] for one in response.json()["media"] if one["kind"] == "picture")
    elif operation == "restore_conversation":
        _restored.add(response.json()["id"])
    elif operation == "delete_conversation":
        gone = case.path_parameters["conversation_id"]
        _restored.discard(gone)
        _conversations[:] = [one for one in _conversations if one != gone]
    elif operation == "delete_media":
        _pictures[:] = [one for one in _pictures if one != case.path_parameters["media_id"]]


@schemathesis.hook
def filter_failure(context: Any, failure: Any, case: Any, response: Any) -> bool:
    """Drops what is no failure here: three customs of the server that no description can hold.

    - An unknown id in a body is 404, like one in the address: another owner's things must look as if they
      were not there, wherever they are named. The error tells the field (`param`); one that tells none is of
      the address, and stays a failure.
    - Sounds have no thumbnail: 404.
    - A deleted conversation can be restored, and then it is there again.
    """
    operation = _operation(case)
    if isinstance(failure, EnsureResourceAvailability) and operation in _NAMING:
        return response.json()["error"]["param"] not in case.body
    if isinstance(failure, EnsureResourceAvailability) and operation == "get_thumbnail":
        return case.path_parameters["media_id"] in _pictures
    if isinstance(failure, UseAfterFree):
        return case.path_parameters.get("conversation_id") not in _restored
    return True


def _operation(about: Any) -> str:
    """The id of the operation that a hook's context, or a case, is about."""
    return str(about.operation.definition.raw["operationId"])


def _draw(body: Any) -> int:
    """0 to 3, by what the body holds: the same again when a chain is repeated."""
    return zlib.crc32(repr(body).encode(errors="replace")) % 4
