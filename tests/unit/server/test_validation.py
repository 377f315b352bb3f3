"""What does not fit a schema is told in our words, with the field's name as OpenAI writes it."""

import re

import pytest
import serving

from bubo.server.validation import validation_problem

HELLO = {"role": "user", "content": "Hello!"}
PYDANTIC = re.compile(
    r"constrained|valid |Input |Value error|should|literal|validation|tagged-union|Extra inputs"
)


def chat(visitor, **fields):
    return visitor.post("/v1/chat/completions", json={"model": "bubo", "messages": [HELLO]} | fields)


def message(content):
    return [{"role": "user", "content": content}]


@pytest.mark.parametrize(
    ("fields", "param", "words"),
    [
        ({"stop": list("abcde")}, "stop", "a text or a list of 4 or fewer items, but 5 were given"),
        ({"stop": 5}, "stop", "a text or a list, but 5 was given"),
        ({"temperature": 9}, "temperature", "at most 2, but 9 was given"),
        ({"temperature": "warm"}, "temperature", 'a number, but "warm" was given'),
        ({"max_tokens": 1.5}, "max_tokens", "a whole number, but 1.5 was given"),
        ({"stream": "yes"}, "stream", 'true or false, but "yes" was given'),
        ({"model": None}, "model", "a text, but null was given"),
        ({"messages": []}, "messages", "a list of 1 or more items, but 0 were given"),
        ({"messages": [HELLO, {"role": "user"}]}, "messages[1].content", "is missing"),
        ({"messages": ["hi"]}, "messages[0]", 'an object, but "hi" was given'),
        (
            {"messages": [{"role": "boss", "content": "x"}]},
            "messages[0].role",
            "'developer', 'user' or 'assistant', but \"boss\" was given",
        ),
        ({"messages": message(5)}, "messages[0].content", "a text or a list, but 5 was given"),
        ({"messages": message("x" * 100_001)}, "messages[0].content", "but 100001 were given"),
        (
            {"messages": message([{"type": "text", "text": "x"}, {"type": "text", "text": 5}])},
            "messages[0].content[1].text",
            "a text, but 5 was given",
        ),
        ({"messages": message([{"type": "star"}])}, "messages[0].content[0]", "'type' is one of 'text', "),
        (
            {"messages": message([{"type": "image_url", "image_url": {"url": 5}}])},
            "messages[0].content[0].image_url.url",
            "a text, but 5 was given",
        ),
        ({"foo": 1}, "foo", "^Unrecognized request argument supplied: foo"),
        ({"seed": [list(range(100))]}, "seed", r"a whole number, but \[\[0, 1.*… was given"),
    ],
)
def test_questions_of_programs(visitor, fields, param, words):
    answer = chat(visitor, **fields)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (400, "invalid_request", param)
    assert re.search(words, error["message"]), error["message"]
    assert not PYDANTIC.search(error["message"]) and len(error["message"]) < 300


@pytest.mark.parametrize(
    ("request_", "param", "words"),
    [
        ({"content": b'{"a":', "headers": {"content-type": "application/json"}}, None, "is no JSON"),
        ({"json": [1]}, None, "must be an object"),
        ({"data": {"a": "b"}}, None, "application/json"),
        ({"json": {"messages": [HELLO]}}, "model", "model is missing"),
    ],
)
def test_bodies_that_are_no_question(visitor, request_, param, words):
    answer = visitor.post("/v1/chat/completions", **request_)
    error = answer.json()["error"]
    assert (answer.status_code, error["param"]) == (400, param)
    assert words in error["message"] and not PYDANTIC.search(error["message"])


def test_files_and_lists(visitor):
    picture = {"file": ("a.png", serving.png())}
    for answer, param, words in (
        (visitor.post("/v1/files", files=picture, data={"purpose": "nonsense"}), "purpose", '"nonsense" was'),
        (visitor.post("/v1/files", files=picture, data={"purpose": ""}), "purpose", '"" was'),
        (visitor.post("/v1/files", files=picture, data={"more": "x"}), "more", "Unrecognized .*: more"),
        (visitor.post("/v1/files", data={"purpose": "vision"}), "file", "file is missing"),
        (visitor.post("/v1/files", data={"file": "text"}), "file", 'must be a file, but "text" was given'),
        (visitor.get("/v1/files?limit=0"), "limit", 'at least 1, but "0" was given'),
        (visitor.post("/v1/ground", json={"text": "x", "foo": 1}), "foo", "Unrecognized .*: foo"),
    ):
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, param), answer.text
        assert re.search(words, answer.json()["error"]["message"])
    for purpose in ("vision", "user_data", "assistants"):
        assert visitor.post("/v1/files", files=picture, data={"purpose": purpose}).status_code == 200


def test_the_pages_own_routes_keep_their_status(visitor):
    conversation = visitor.post("/api/conversations", json={}).json()["id"]
    place = {"kind": "point", "media": "a", "x": "1", "y": 2}
    for answer, param in (
        (visitor.post(f"/api/conversations/{conversation}/runs", json={"places": [place]}), "places[0].x"),
        (visitor.post(f"/api/conversations/{conversation}/runs", json={"more": 1}), "more"),
        (visitor.post("/api/messages/x/rating", json={"rating": False}), "rating"),
        (visitor.post("/api/media", files={"file": ("a.png", serving.png())}, data={"x": "y"}), "x"),
    ):
        assert (answer.status_code, answer.json()["error"]["param"]) == (422, param), answer.text
        assert not PYDANTIC.search(answer.json()["error"]["message"])


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (
            "/v1/chat/completions",
            r'{"model": "bubo", "messages": [{"role": "user", "content": "\ud800"}]}',
            400,
        ),
        ("/v1/chat/completions", r'{"model": "\ud800", "messages": []}', 400),
        ("/v1/chat/completions", r'{"\ud800": 1}', 400),
        ("/v1/ground", r'{"text": "\ud800"}', 400),
        ("/api/conversations", r'{"title": "\ud800"}', 422),
        ("/api/session", r'{"name": "\ud800"}', 422),
    ],
)
def test_half_of_a_surrogate_pair_is_refused_like_anything_wrong(visitor, path, body, status):
    answer = visitor.post(path, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == status, answer.text
    assert answer.json()["error"]["message"]


def test_secrets_are_not_repeated(visitor):
    answer = visitor.post("/api/session", json={"password": ["hunter2"]})
    assert answer.status_code == 422 and "hunter2" not in answer.text


def test_what_changes_nothing_is_taken(visitor):
    ignored = {
        "user": "me", "metadata": {"a": "b"}, "store": True, "service_tier": "auto", "safety_identifier": "x",
        "prompt_cache_key": "k", "parallel_tool_calls": False, "reasoning_effort": "low", "verbosity": "low",
        "presence_penalty": 0, "frequency_penalty": 0.0, "tools": [], "logit_bias": {}, "n": 1,
        "stream_options": {"include_usage": True}, "response_format": {"type": "text"},
        "temperature": 1, "top_p": 1,
    }  # fmt: skip
    answer = chat(visitor, **ignored, messages=[{**HELLO, "name": "ana", "refusal": None}])
    assert answer.status_code == 200, answer.text


def test_the_official_clients_fields_are_all_known():
    from openai.types.chat.completion_create_params import CompletionCreateParamsBase

    from bubo.server.schema_chat import ChatRequest

    assert set(CompletionCreateParamsBase.__annotations__) <= set(ChatRequest.model_fields)


def test_an_error_of_an_unknown_kind_has_words():
    error = {"type": "brand_new", "loc": ("body", "x"), "msg": "constrained-x", "input": object()}
    problem = validation_problem([error], {"x": 1}, 400)
    assert problem.param == "x" and "something of type object was given" in problem.message
    assert validation_problem([], None, 400).message


def test_the_description_has_no_answers_of_others(app):
    described = app.openapi()
    for path, operations in described["paths"].items():
        for operation in operations.values():
            if path.startswith("/v1/"):
                assert "400" in operation["responses"]
                assert ("422" in operation["responses"]) == (operation["operationId"].startswith("upload"))
    assert "HTTPValidationError" not in str(described)
