"""/v1/chat/completions and /v1/models, as OpenAI's clients expect them."""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Header
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bubo.server.answering import MAX_ANSWER, Answering, Plan, Result, cut_off, settings_within
from bubo.server.blocks import markdown_blocks
from bubo.server.chat_media import ChatMedia
from bubo.server.computing import wait_for
from bubo.server.ids import new_id
from bubo.server.problems import Problem
from bubo.server.routes_runs import check_ready
from bubo.server.run import DONE, Run
from bubo.server.schema import Completion, ModelList, ModelObject
from bubo.server.schema_chat import AudioPart, ChatMessage, ChatRequest, FilePart, ImagePart, TextPart
from bubo.server.schema_stores import openai_problems
from bubo.server.services import Owner, Services, key_owner, services
from bubo.server.streams import EVENT_STREAM, PING, event_response
from bubo.settings import Settings
from bubo.types import Picture, Sound, Turn

__all__ = ["check_model", "router"]

router = APIRouter(prefix="/v1", tags=["OpenAI"])
Parts = Annotated[Services, Depends(services)]
Me = Annotated[Owner, Depends(key_owner)]

#: A name that any server of ours answers to.
ALIAS = "bubo"
_MAX_STOP = 200
# A run that fails before its first word has said no more than: role, error, end.
_FEW = 3
# With its second event it has said something.
_SPOKEN = 2
# Fields that would change the answer if we knew them; values that mean "not asked for" are fine.
_UNSUPPORTED = (
    "tools",
    "tool_choice",
    "functions",
    "function_call",
    "logprobs",
    "top_logprobs",
    "logit_bias",
    "presence_penalty",
    "frequency_penalty",
    "audio",
    "prediction",
    "moderation",
    "web_search_options",
)
_NOTHING = (None, False, 0, "", "none", "auto")


@router.get("/models", response_model=ModelList, responses=openai_problems())
def list_models(me: Me, parts: Parts) -> dict[str, Any]:
    """The model that this server has."""
    return {"object": "list", "data": [_model(parts)]}


@router.get("/models/{model}", response_model=ModelObject, responses=openai_problems(404))
def get_model(model: str, me: Me, parts: Parts) -> dict[str, Any]:
    """One model."""
    check_model(model, parts)
    return _model(parts)


@router.post(
    "/chat/completions",
    response_model=Completion,
    responses={200: {"content": EVENT_STREAM["content"]}, **openai_problems(404, 413, 502, 503)},
)
async def complete(
    request: Request,
    body: Annotated[ChatRequest, Body()],
    me: Me,
    parts: Parts,
    x_bubo_ui: Annotated[str, Header(description="1 asks for the text as blocks, too.")] = "",
) -> Response:
    """Answers a conversation; with `stream` as server-sent events. What the text stands on is `grounding`."""
    _refuse_unsupported(body)
    check_model(body.model, parts)
    check_ready(parts)
    media = ChatMedia(parts, me)
    plan = Plan(
        lambda: _turns(body.messages, media, parts),
        _settings(body, parts),
        parts.engine.name,
        media.picture_ids,
        media.sound_ids,
        grounding=body.grounding,
        threshold=body.threshold,
        ui=(body.ui or x_bubo_ui == "1") and bool(body.stream),
        page=False,
    )
    answering = Answering(plan, parts.engine, parts.metrics, f"chatcmpl-{new_id()}")
    run = Run(me.id, answering.run, abandon=answering.abandon, tick=answering.tick, page=False)
    parts.runs.start(run, wait=True)
    if not body.stream:
        return await _whole(request, run, answering, parts, blocks=body.ui or x_bubo_ui == "1")
    usage = body.stream_options is not None and bool(body.stream_options.include_usage)
    lines = _lines(run, answering, parts, usage)
    first = await anext(lines)
    if run.failure is not None and run.num_events <= _FEW:
        await lines.aclose()
        raise run.failure
    return event_response(_chain(first, lines))


def check_model(name: str, parts: Services) -> None:
    """Refuses names of models that are not here.

    Raises:
        Problem: 404.
    """
    if name not in (parts.engine.name, ALIAS):
        raise Problem(
            404,
            f"There is no model {name[:100]!r} here; this server has {parts.engine.name!r}.",
            "model_not_found",
            param="model",
        )


def _model(parts: Services) -> dict[str, Any]:
    return {"id": parts.engine.name, "object": "model", "created": 0, "owned_by": "bubo"}


def _refuse_unsupported(body: ChatRequest) -> None:
    if body.n is not None and body.n != 1:
        raise Problem(
            400,
            f"One answer is given at a time, but n is {body.n}: ask several times.",
            "unsupported_value",
            param="n",
        )
    for name in _UNSUPPORTED:
        if getattr(body, name) not in (*_NOTHING, [], {}):
            raise Problem(400, f"{name} is not supported: leave it out.", "unsupported_parameter", param=name)
    kind = body.response_format
    if kind is not None and not (isinstance(kind, dict) and kind.get("type") == "text"):
        raise Problem(
            400, "Answers are text: leave response_format out.", "unsupported_value", param="response_format"
        )
    if body.modalities not in (None, ["text"]):
        raise Problem(400, "Answers are text: leave modalities out.", "unsupported_value", param="modalities")


def _settings(body: ChatRequest, parts: Services) -> Settings:
    return settings_within(
        parts.settings.limits,
        body.max_completion_tokens or body.max_tokens,
        body.temperature,
        top_p=Settings().top_p if body.top_p is None else body.top_p,
        seed=None if body.seed is None else body.seed % 2**63,
        stop=_stops(body.stop),
    )


def _stops(stop: str | list[str] | None) -> tuple[str, ...]:
    stops = (stop,) if isinstance(stop, str) else tuple(stop or ())
    if any(not one or len(one) > _MAX_STOP for one in stops):
        raise Problem(
            400, f"A stop text must have 1 to {_MAX_STOP} characters.", "invalid_value", param="stop"
        )
    return stops


def _turns(messages: Sequence[ChatMessage], media: ChatMedia, parts: Services) -> list[Turn]:
    """The messages as turns, media decoded."""
    limits = parts.settings.limits
    if messages[-1].role != "user":
        raise Problem(
            400,
            "The last message must be the user's: it is what is answered.",
            "invalid_value",
            param="messages",
        )
    if len(messages) > 2 * limits.turns + 1:
        raise Problem(
            400, f"At most {2 * limits.turns + 1} messages are taken.", "too_many_messages", param="messages"
        )
    return [_turn(message, media, parts, f"messages[{n}]") for n, message in enumerate(messages)]


def _turn(message: ChatMessage, media: ChatMedia, parts: Services, param: str) -> Turn:
    texts: list[str] = []
    pictures: list[Picture] = []
    sounds: list[Sound] = []
    contents = (
        [TextPart(type="text", text=message.content)] if isinstance(message.content, str) else message.content
    )
    for number, part in enumerate(contents):
        where = f"{param}.content[{number}]"
        found: Picture | Sound | None = None
        if isinstance(part, TextPart):
            texts.append(part.text)
        elif isinstance(part, ImagePart):
            found = media.picture(part.image_url.url, where)
        elif isinstance(part, AudioPart):
            found = media.sound(part.input_audio.data, where)
        elif isinstance(part, FilePart):
            found = media.file(part.file.file_id, where)
        if isinstance(found, Picture):
            pictures.append(found)
        elif found is not None:
            sounds.append(found)
    _check_amounts("\n".join(texts), len(pictures) + len(sounds), message.role, parts, param)
    role = "system" if message.role == "developer" else message.role
    return Turn(role, "\n".join(texts), tuple(pictures), tuple(sounds))


def _check_amounts(text: str, num_media: int, role: str, parts: Services, param: str) -> None:
    limits = parts.settings.limits
    most = max(limits.text_characters, MAX_ANSWER) if role == "assistant" else limits.text_characters
    if len(text) > most:
        raise Problem(
            400,
            f"A message may have {most} characters, but this one has {len(text)}.",
            "text_too_long",
            param=param,
        )
    if num_media and role != "user":
        raise Problem(
            400, "Only the user's messages may hold pictures and sounds.", "invalid_value", param=param
        )
    if num_media > limits.media_per_turn:
        raise Problem(
            400,
            f"A message may have {limits.media_per_turn} pictures and sounds, but this one has {num_media}.",
            "too_many_media",
            param=param,
        )
    if role == "user" and not text.strip():
        raise Problem(400, "A user's message needs text.", "empty", param=param)


async def _whole(
    request: Request, run: Run, answering: Answering, parts: Services, *, blocks: bool
) -> Response:
    """The answer in one piece. Whoever goes away before it is there has it stopped."""
    await wait_for(request, parts.runs, run)
    if run.failure is not None:
        raise run.failure
    result = answering.result
    if result is None or result.status != "complete":
        raise cut_off()
    return JSONResponse(_completion(result, answering, blocks))


def _completion(result: Result, answering: Answering, blocks: bool) -> dict[str, Any]:
    message = {"role": "assistant", "content": result.text, "refusal": None}
    whole = {
        "id": answering.id,
        "object": "chat.completion",
        "created": answering.created,
        "model": answering.plan.model,
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": result.finish}],
        "usage": result.usage,
        "grounding": result.grounding,
    }
    if blocks:
        whole["ui"] = {"from": 0, "blocks": markdown_blocks(result.text, result.grounding["links"])}
    return whole


async def _lines(run: Run, answering: Answering, parts: Services, usage: bool) -> AsyncGenerator[str, None]:
    """The chunks as lines. Whoever goes away has the answer stopped."""
    held: list[str] = []
    try:
        async for batch in run.follow(0, parts.settings.limits.ping_s):
            if not batch:
                yield PING
                continue
            texts = held + [text for _, text in batch]
            if len(texts) < _SPOKEN and not run.ended:
                held = texts  # the role alone waits for the first word, or for an error, which has a status
                continue
            held = []
            if texts[-1] == DONE and usage and answering.result is not None and run.failure is None:
                texts.insert(-1, json.dumps(_usage_chunk(answering, answering.result)))
            yield "".join(f"data: {text}\n\n" for text in texts)
    finally:
        if not run.ended:
            parts.runs.stop(run)


def _usage_chunk(answering: Answering, result: Result) -> dict[str, Any]:
    return {
        "id": answering.id,
        "object": "chat.completion.chunk",
        "created": answering.created,
        "model": answering.plan.model,
        "choices": [],
        "usage": result.usage,
    }


async def _chain(first: str, rest: AsyncGenerator[str, None]) -> AsyncIterator[str]:
    async with aclosing(rest):
        yield first
        async for line in rest:
            yield line
