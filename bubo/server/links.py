"""OpenAPI's links: which ids of an answer further requests take, for readers and for tools that follow them.

A link says what its answer knows: where a request needs a second id, from elsewhere, that one is left out.
"""

from typing import Any

__all__ = ["add_links"]

_Links = dict[str, dict[str, Any]]

_CONVERSATION = ("get_conversation", "change_conversation", "delete_conversation", "export_conversation")
_MEDIA = ("get_media", "get_media_content", "get_thumbnail", "segment", "delete_media")
_RUN = ("follow_run", "stop_run")
_FILE = ("get_file", "get_file_content", "delete_file")
_TEXT = "What is there?"


def add_links(schema: dict[str, Any]) -> None:
    """Adds the links to a description whose operations are called by the names of their functions."""
    for path in schema["paths"].values():
        for operation in path.values():
            for status, links in _LINKS.get(operation["operationId"], {}).items():
                operation["responses"][status]["links"] = links


def _given(place: str) -> str:
    """The value at a place of the answer."""
    return f"$response.body#{place}"


def _to(operations: tuple[str, ...], **parameters: str) -> _Links:
    """A link to each of the operations, all with the same parameters, called like the operation."""
    return {one: {"operationId": one, "parameters": parameters} for one in operations}


def _conversation(id: str) -> _Links:
    """What can be done with a conversation."""
    return _to(_CONVERSATION, conversation_id=id) | {
        "start_run": _question("A question is asked in it.", {"text": _TEXT}, conversation_id=id)
    }


def _question(description: str, body: dict[str, Any], **parameters: str) -> dict[str, Any]:
    return {
        "operationId": "start_run",
        "description": description,
        "parameters": parameters,
        "requestBody": body,
    }


def _medium(id: str, text: str = _TEXT) -> _Links:
    """What can be done with a picture or sound; what it is asked about in is any conversation."""
    question = _question("A question is asked about it.", {"text": text, "media": [id]})
    return _to(_MEDIA, media_id=id) | {"start_run": question}


def _file(id: str) -> _Links:
    """What can be done with a file of a program."""
    content = [{"type": "text", "text": _TEXT}, {"type": "file", "file": {"file_id": id}}]
    return _to(_FILE, id=id) | {
        "complete": {
            "operationId": "complete",
            "description": "A question is asked about it.",
            "requestBody": {"model": "bubo", "messages": [{"role": "user", "content": content}]},
        },
        "ground": {
            "operationId": "ground",
            "description": "A text is tied to it, if it is a picture.",
            "requestBody": {"text": "A brown dog.", "pictures": [id]},
        },
    }


def _answer(conversation: str, question: str, answer: str) -> _Links:
    """What can be done with a question and its answer."""
    here = {"conversation_id": conversation}
    return _to(("rate_message",), message_id=answer) | {
        "ask_further": _question("The next question.", {"text": _TEXT, "parent": answer}, **here),
        "ask_anew": _question("The question in other words.", {"text": _TEXT, "edit": question}, **here),
        "answer_again": _question("Another answer.", {"regenerate": answer}, **here),
        "show": {
            "operationId": "change_conversation",
            "description": "The branch that ends here is shown.",
            "parameters": here,
            "requestBody": {"leaf": answer},
        },
    }


_SAME = "$request.path.conversation_id"
#: By the name of an operation and the status of its answer.
_LINKS: dict[str, dict[str, _Links]] = {
    "add_media": {"201": _medium(_given("/id"))},
    "list_examples": {
        "200": _to(("copy_example",), example_id=_given("/0/id"))
        | _to(("get_example_file",), name=_given("/0/media/0/name"))
    },
    "copy_example": {"201": _medium(_given("/media/0/id"), _given("/text"))},
    "create_conversation": {"201": _conversation(_given("/id"))},
    "list_conversations": {
        "200": _conversation(_given("/conversations/0/id"))
        | {"next_page": {"operationId": "list_conversations", "parameters": {"before": _given("/next")}}}
    },
    "get_conversation": {
        "200": _answer(_SAME, _given("/messages/0/id"), _given("/messages/1/id"))
        | _to(("follow_run",), run_id=_given("/messages/1/run"))
        | _to(
            ("correct_region", "take_back_correction"),
            message_id=_given("/messages/1/id"),
            region_id=_given("/messages/1/grounding/regions/0/id"),
        )
    },
    "correct_region": {
        "200": _to(
            ("take_back_correction",),
            message_id="$request.path.message_id",
            region_id="$request.path.region_id",
        )
    },
    "delete_conversation": {"204": _to(("restore_conversation",), conversation_id=_SAME)},
    "start_run": {
        "202": _to(_RUN, run_id=_given("/run"))
        | _answer(_SAME, _given("/question/id"), _given("/answer/id"))
        | _to(("get_conversation",), conversation_id=_SAME)
    },
    "stop_run": {"202": _to(("follow_run",), run_id="$request.path.run_id")},
    "list_models": {"200": _to(("get_model",), model=_given("/data/0/id"))},
    "upload_file": {"200": _file(_given("/id"))},
    "list_files": {
        "200": _file(_given("/data/0/id"))
        | {"next_page": {"operationId": "list_files", "parameters": {"after": _given("/last_id")}}}
    },
}
