"""The official client of OpenAI's API against a live server."""

import base64
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from live_server import LiveServer, live_server, wait_until
from scripted import HEARD, NOTHING, SEEN, ScriptedEngine, sample_picture, sample_sound

from bubo.media import encode_png, encode_wav
from bubo.server.settings import Limits

PICTURE_URL = "data:image/png;base64," + base64.b64encode(encode_png(sample_picture())).decode()
SOUND_DATA = base64.b64encode(encode_wav(sample_sound())).decode()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    limits = Limits(requests_per_minute=10_000, uploads_per_minute=10_000)
    with live_server(tmp_path_factory.mktemp("data"), limits=limits) as server:
        yield server


@pytest.fixture
def client(server: LiveServer) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="me", max_retries=0, timeout=30) as client:
        yield client


def user(text: str, *parts: Any) -> Any:
    return [{"role": "user", "content": [{"type": "text", "text": text}, *parts] if parts else text}]


def image(url: str) -> Any:
    return {"type": "image_url", "image_url": {"url": url}}


AUDIO: Any = {"type": "input_audio", "input_audio": {"data": SOUND_DATA, "format": "wav"}}


def test_models(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["scripted"]
    assert client.models.retrieve("scripted").object == "model"
    with pytest.raises(openai.NotFoundError) as caught:
        client.models.retrieve("gpt-none")
    assert caught.value.code == "model_not_found"


def test_a_whole_answer(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(
        model="scripted", messages=user("What is there?", image(PICTURE_URL), AUDIO)
    )
    assert answer.object == "chat.completion" and answer.id.startswith("chatcmpl-")
    assert answer.choices[0].message.content == f"{SEEN} {HEARD}"
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens > 0
    grounding = (answer.model_extra or {})["grounding"]
    assert {link["state"] for link in grounding["links"]} == {"ready"} and len(grounding["links"]) == 5
    assert grounding["regions"][0]["media"] == "picture-0" and grounding["spans"][0]["media"] == "sound-0"


def test_a_stream(client: openai.OpenAI) -> None:
    chunks = list(
        client.chat.completions.create(
            model="scripted",
            messages=user("What?", image(PICTURE_URL)),
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == SEEN
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"
    assert chunks[-1].choices == [] and chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == len(SEEN.split())
    assert len({chunk.id for chunk in chunks}) == 1
    extras = [chunk.model_extra or {} for chunk in chunks]
    assert all(set(extra) <= {"grounding"} for extra in extras)
    links = [link for extra in extras for link in extra.get("grounding", {}).get("links", ())]
    assert {SEEN[link["start"] : link["end"]] for link in links} == {"brown dog", "red ball", "green tent"}


def test_blocks_when_asked(client: openai.OpenAI) -> None:
    stream = client.chat.completions.create(
        model="scripted", messages=user("/say **hello** you"), stream=True, extra_body={"ui": True}
    )
    shown = [(chunk.model_extra or {}).get("ui") for chunk in stream]
    assert [ui for ui in shown if ui][-1]["blocks"] == [["p", {}, [["strong", {}, ["hello"]], " you"]]]
    whole = client.chat.completions.create(
        model="scripted", messages=user("/say *hi*"), extra_headers={"X-Bubo-UI": "1"}
    )
    assert (whole.model_extra or {})["ui"]["blocks"] == [["p", {}, [["em", {}, ["hi"]]]]]


def test_settings_arrive(client: openai.OpenAI, server: LiveServer) -> None:
    answer = client.chat.completions.create(
        model="bubo", messages=user("/long 30"), max_completion_tokens=4, temperature=0.7, top_p=0.5, seed=-3
    )
    settings = server.engine.asked[-1].settings
    assert (settings.max_new_tokens, settings.temperature, settings.top_p) == (4, 0.7, 0.5)
    assert settings.seed == 2**63 - 3
    assert answer.choices[0].message.content == "word0 word1 word2 word3"
    assert answer.choices[0].finish_reason == "length"
    client.chat.completions.create(model="bubo", messages=user("/long 30"), max_tokens=10**6)
    assert server.engine.asked[-1].settings.max_new_tokens == Limits().max_tokens


@pytest.mark.parametrize(
    ("stop", "said"),
    [
        ("word3", "word0 word1 word2 "),
        (["zzz", " word2"], "word0 word1"),
        (["1 w"], "word0 word"),
        ("x", None),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_stop_texts(client: openai.OpenAI, stop: Any, said: str | None, stream: bool) -> None:
    asked: Any = {"model": "bubo", "messages": user("/long 6"), "stop": stop}
    if stream:
        chunks = list(client.chat.completions.create(**asked, stream=True))
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
        finish = chunks[-1].choices[0].finish_reason
    else:
        answer = client.chat.completions.create(**asked)
        text, finish = answer.choices[0].message.content, answer.choices[0].finish_reason
    assert text == (said if said is not None else "word0 word1 word2 word3 word4 word5")
    assert finish == "stop"


def test_a_conversation(client: openai.OpenAI, server: LiveServer) -> None:
    messages: Any = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "What?"}, image(PICTURE_URL)]},
        {"role": "assistant", "content": "A dog."},
        {"role": "user", "content": "/say Yes."},
    ]
    client.chat.completions.create(model="scripted", messages=messages)
    turns = server.engine.asked[-1].turns
    assert [(turn.role, turn.text) for turn in turns] == [
        ("system", "Be brief."), ("user", "What?"), ("assistant", "A dog."), ("user", "/say Yes."),
    ]  # fmt: skip
    assert len(turns[1].pictures) == 1


def test_files(client: openai.OpenAI, server: LiveServer) -> None:
    picture = client.files.create(file=("a dog.png", encode_png(sample_picture())), purpose="vision")
    sound = client.files.create(file=("bark.wav", encode_wav(sample_sound())), purpose="user_data")
    assert picture.filename == "a dog.png" and picture.bytes > 0 and picture.object == "file"
    assert [file.id for file in client.files.list()] == [sound.id, picture.id]
    assert [file.id for file in client.files.list(limit=1)] == [sound.id, picture.id]  # page after page
    with pytest.raises(openai.NotFoundError, match="after: There is no file"):
        client.files.list(after="file-" + "0" * 32)
    assert client.files.retrieve(picture.id) == picture
    assert client.files.content(picture.id).read()[:4] == b"\x89PNG"
    answer = client.chat.completions.create(
        model="scripted",
        messages=user("What?", image(picture.id), {"type": "file", "file": {"file_id": sound.id}}),
    )
    grounding = (answer.model_extra or {})["grounding"]
    assert grounding["regions"][0]["media"] == picture.id and grounding["spans"][0]["media"] == sound.id
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="other", max_retries=0) as other:
        assert list(other.files.list()) == []
        for call in (other.files.retrieve, other.files.content, other.files.delete):
            with pytest.raises(openai.NotFoundError):
                call(picture.id)
        with pytest.raises(openai.NotFoundError):
            other.chat.completions.create(model="scripted", messages=user("What?", image(picture.id)))
    for file in (picture, sound):
        assert client.files.delete(file.id).deleted
    with pytest.raises(openai.NotFoundError):
        client.files.retrieve(picture.id)


@pytest.mark.parametrize(
    ("change", "error", "code", "param"),
    [
        ({"n": 2}, openai.BadRequestError, "unsupported_value", "n"),
        ({"model": "gpt"}, openai.NotFoundError, "model_not_found", "model"),
        ({"logprobs": True}, openai.BadRequestError, "unsupported_parameter", "logprobs"),
        (
            {"tools": [{"type": "function", "function": {"name": "f"}}]},
            openai.BadRequestError, "unsupported_parameter", "tools",
        ),
        (
            {"response_format": {"type": "json_object"}},
            openai.BadRequestError, "unsupported_value", "response_format",
        ),
        ({"stop": ""}, openai.BadRequestError, "invalid_value", "stop"),
        ({"temperature": 9}, openai.BadRequestError, "invalid_request", "temperature"),
        ({"messages": []}, openai.BadRequestError, "invalid_request", "messages"),
        ({"messages": user("  ")}, openai.BadRequestError, "empty", "messages[0]"),
        ({"messages": user("x" * 9_000)}, openai.BadRequestError, "text_too_long", "messages[0]"),
        (
            {"messages": [{"role": "assistant", "content": "I"}]},
            openai.BadRequestError, "invalid_value", "messages",
        ),
        (
            {"messages": user("x", image("https://example.org/a.png"))},
            openai.BadRequestError, "url_not_allowed", "messages[0].content[1]",
        ),
        (
            {"messages": user("x", image("file:///etc/passwd"))},
            openai.BadRequestError, "invalid_url", "messages[0].content[1]",
        ),
        (
            {"messages": user("x", image("data:image/png;base64,!!!"))},
            openai.BadRequestError, "invalid_base64", "messages[0].content[1]",
        ),
        (
            {"messages": user("x", image("data:image/png;base64,aGFsbG8="))},
            openai.BadRequestError, "invalid_image", "messages[0].content[1]",
        ),
        (
            {"messages": user("x", AUDIO | {"input_audio": {"data": "aGk=", "format": "wav"}})},
            openai.BadRequestError, "invalid_audio", "messages[0].content[1]",
        ),
        (
            {"messages": user("x", *[image(PICTURE_URL)] * 6)},
            openai.BadRequestError, "too_many_media", "messages[0]",
        ),
    ],
)  # fmt: skip
@pytest.mark.parametrize("stream", [False, True])
def test_refusals(
    client: openai.OpenAI, change: Any, error: Any, code: str, param: str, stream: bool
) -> None:
    with pytest.raises(error) as caught:
        client.chat.completions.create(**{"model": "bubo", "messages": user("x"), "stream": stream} | change)
    assert caught.value.code == code
    assert caught.value.param is not None and caught.value.param.startswith(param)
    assert caught.value.type in ("invalid_request_error", "not_found_error")
    assert len(str(caught.value.body["message"])) > 20  # type: ignore[index]


@pytest.mark.parametrize("stream", [False, True])
def test_a_failure_before_the_first_word_has_its_status(client: openai.OpenAI, stream: bool) -> None:
    with pytest.raises(openai.BadRequestError, match="refused, as it asked"):
        client.chat.completions.create(model="bubo", messages=user("/refuse"), stream=stream)


def test_a_failure_in_the_middle(client: openai.OpenAI) -> None:
    said = ""
    with pytest.raises(openai.APIError, match="broke off"):
        for chunk in client.chat.completions.create(
            model="bubo", messages=user("/error 3 /delay 0.05", image(PICTURE_URL)), stream=True
        ):
            said += chunk.choices[0].delta.content or ""
    assert said == "A **brown dog**"
    with pytest.raises(openai.InternalServerError):
        client.chat.completions.create(model="bubo", messages=user("/error 3", image(PICTURE_URL)))


@pytest.mark.parametrize("stream", [False, True])
def test_who_goes_away_stops_the_answer(server: LiveServer, stream: bool) -> None:
    server.engine.stopped.clear()
    with openai.OpenAI(base_url=f"{server.url}/v1", api_key="gone", max_retries=0) as client:
        messages = user("/long 2000 /delay 0.05")
        if stream:
            for chunk in client.chat.completions.create(model="bubo", messages=messages, stream=True):
                if chunk.choices[0].delta.content:
                    break
        else:
            with pytest.raises(openai.APITimeoutError):
                client.with_options(timeout=1.0).chat.completions.create(model="bubo", messages=messages)
    wait_until(lambda: server.engine.stopped, 5)


@pytest.mark.parametrize("stream", [False, True])
def test_what_is_over_the_limit_waits(server: LiveServer, stream: bool) -> None:
    """Six questions of one key at once: two run, the others wait, all are answered."""
    wait_until(lambda: server.engine.running == 0)
    server.engine.most_running = 0
    texts: dict[int, str] = {}

    def one(number: int) -> None:
        with openai.OpenAI(base_url=f"{server.url}/v1", api_key="many", max_retries=0) as client:
            asked = user(f"/delay 0.02 /say number {number} of six")
            if stream:
                chunks = client.chat.completions.create(model="bubo", messages=asked, stream=True)
                texts[number] = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
            else:
                answer = client.chat.completions.create(model="bubo", messages=asked)
                texts[number] = str(answer.choices[0].message.content)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert texts == {number: f"number {number} of six" for number in range(6)}
    assert server.engine.most_running <= 2


def test_a_model_that_loads_asks_to_come_again(tmp_path: Path) -> None:
    engine = ScriptedEngine(state="loading")
    with live_server(tmp_path, engine) as server:
        with (
            openai.OpenAI(base_url=f"{server.url}/v1", api_key="me", max_retries=0) as client,
            pytest.raises(openai.InternalServerError) as caught,
        ):
            client.chat.completions.create(model="bubo", messages=user("x"))
        assert caught.value.status_code == 503 and caught.value.code == "model_loading"
        threading.Timer(1.0, lambda: setattr(engine, "state", "ready")).start()
        with openai.OpenAI(base_url=f"{server.url}/v1", api_key="me", max_retries=3) as client:
            answer = client.chat.completions.create(model="bubo", messages=user("x"))
        assert answer.choices[0].message.content == NOTHING


def test_keys_where_they_are_needed(tmp_path: Path) -> None:
    token = "a long and secret token"
    with live_server(tmp_path, auth="token", token=token) as server:
        with (
            openai.OpenAI(base_url=f"{server.url}/v1", api_key="wrong", max_retries=0) as client,
            pytest.raises(openai.AuthenticationError),
        ):
            client.models.list()
        with openai.OpenAI(base_url=f"{server.url}/v1", api_key=token, max_retries=0) as client:
            assert [model.id for model in client.models.list()] == ["scripted"]


def test_what_changes_nothing_is_taken_and_what_is_unknown_is_not(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(
        model="bubo", messages=user("/say fine"), user="me", metadata={"a": "b"}, store=True,
        service_tier="auto", reasoning_effort="low", parallel_tool_calls=False, prompt_cache_key="k",
        extra_body={"grounding": False, "threshold": 0.5, "ui": True},
    )  # fmt: skip
    assert answer.choices[0].message.content == "fine"
    assert (answer.model_extra or {})["ui"] == {"from": 0, "blocks": [["p", {}, ["fine"]]]}
    with pytest.raises(openai.BadRequestError, match="Unrecognized request argument supplied: foo") as caught:
        client.chat.completions.create(model="bubo", messages=user("x"), extra_body={"foo": 1})
    assert caught.value.param == "foo"
    with pytest.raises(openai.BadRequestError, match="purpose") as caught:
        client.files.create(file=("a.png", encode_png(sample_picture())), purpose="batch")
    assert caught.value.param == "purpose"


def test_async_client(server: LiveServer) -> None:
    import asyncio

    async def ask() -> str:
        async with openai.AsyncOpenAI(base_url=f"{server.url}/v1", api_key="me") as client:
            stream = await client.chat.completions.create(
                model="bubo", messages=user("/say one two"), stream=True
            )
            return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])

    assert asyncio.run(ask()) == "one two"


def test_grounding_of_a_given_text(server: LiveServer) -> None:
    import httpx2

    body = {
        "text": "The brown dog 🐕 and a green tent.",
        "pictures": [PICTURE_URL],
        "sounds": [{"data": SOUND_DATA, "format": "wav"}],
    }
    began = time.monotonic()
    answer = httpx2.post(f"{server.url}/v1/ground", json=body, timeout=30)
    assert answer.status_code == 200, answer.text
    found = answer.json()
    phrases = {body["text"][link["start"] : link["end"]]: link for link in found["links"]}
    assert set(phrases) == {"brown dog", "green tent"} and found["object"] == "grounding"
    assert [entity["label"] for entity in found["entities"]] == ["dog", "tent"]
    assert time.monotonic() - began < 20
    for wrong, status in (({"text": "x"}, 400), ({"text": "", "pictures": [PICTURE_URL]}, 400)):
        assert httpx2.post(f"{server.url}/v1/ground", json=wrong).status_code == status
