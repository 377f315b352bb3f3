"""/api/conversations/{id}/runs and /api/runs: questions asked, answers followed and stopped."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response, StreamingResponse

from bubo.server.answering import Answering, Plan, Result, settings_within
from bubo.server.ids import new_id
from bubo.server.messages import message_dict
from bubo.server.problems import NotFoundError, Problem
from bubo.server.records import MediaRecord, MessageRecord
from bubo.server.run import Run
from bubo.server.schema import Ask, AskSettings, Started
from bubo.server.schema_stores import problems
from bubo.server.services import Owner, Services, owner, services
from bubo.server.streams import EVENT_STREAM, event_stream
from bubo.server.turns import branch, check_places, media_ids, turns_of

__all__ = ["check_ready", "router"]

router = APIRouter(prefix="/api", tags=["runs"])
Parts = Annotated[Services, Depends(services)]
Me = Annotated[Owner, Depends(owner)]


@router.post(
    "/conversations/{conversation_id}/runs",
    status_code=202,
    response_model=Started,
    responses=problems(400, 404, 409, 503),
)
def start_run(conversation_id: str, body: Ask, me: Me, parts: Parts) -> dict[str, Any]:
    """Asks a question, a new version of one, or for another answer; `/api/runs/{run}/events` follows it."""
    parts.conversations.get(me.id, conversation_id)
    parts.runs.check_room(me.id)
    messages = parts.conversations.messages(me.id, conversation_id)
    question = _question(conversation_id, body, messages, me, parts)
    chosen = body.settings.model_dump(exclude_none=True)
    run_id = f"run_{new_id()}"
    answer = parts.conversations.add_answer(
        me.id, conversation_id, parent=question.id, run_id=run_id, model=parts.engine.name, settings=chosen
    )
    path = branch([*messages, question], question.id)
    media = parts.media.get_many(me.id, [one for message in path for one in message.media])
    plan = _plan(path, media, answer, body.settings, me, parts)
    answering = Answering(plan, parts.engine, parts.metrics, run_id)
    run = Run(me.id, answering.run, id=run_id, abandon=answering.abandon, tick=answering.tick)
    try:
        parts.runs.start(run)
    except Problem as problem:  # another question was quicker since there was room
        parts.conversations.update_answer(answer.id, status="error", error=problem.body()["error"])
        raise
    return {
        "run": run_id,
        "question": message_dict(question, media),
        "answer": message_dict(answer, media),
    }


@router.get(
    "/runs/{run_id}/events",
    response_class=StreamingResponse,
    responses={200: EVENT_STREAM, **problems(404)},
)
async def follow_run(
    run_id: str,
    me: Me,
    parts: Parts,
    after: Annotated[int, Query(ge=0, le=10**9, description="Number of the last event that is known.")] = 0,
) -> Response:
    """What an answer in progress says, from any event on, and then as it comes."""
    return event_stream(parts.runs.get(me.id, run_id), after, ping_s=parts.settings.limits.ping_s)


@router.post("/runs/{run_id}/stop", status_code=202, responses=problems(404))
def stop_run(run_id: str, me: Me, parts: Parts) -> dict[str, bool]:
    """Ends an answer; what it has said so far stays."""
    parts.runs.stop(parts.runs.get(me.id, run_id))
    return {"stopped": True}


def check_ready(parts: Services) -> None:
    """Refuses what cannot wait for the model.

    Raises:
        Problem: 503 if it is not loaded.
    """
    if parts.engine.state == "loading":
        message = parts.engine.message or "The model is being loaded."
        raise Problem(
            503, f"{message} Try again soon.", "model_loading", retryable=True, headers={"Retry-After": "2"}
        )
    if parts.engine.state == "failed":
        raise Problem(503, parts.engine.message or "The model cannot be loaded.", "model_failed")


def _question(
    conversation_id: str, body: Ask, messages: Sequence[MessageRecord], me: Owner, parts: Services
) -> MessageRecord:
    """The question that is to be answered: an old one again, or a new one, which is written down."""
    by_id = {message.id: message for message in messages}
    if body.regenerate is not None:
        answer = by_id.get(body.regenerate)
        question = by_id.get(answer.parent or "") if answer is not None else None
        if answer is None or question is None or answer.role != "assistant":
            raise NotFoundError("answer in this conversation", "regenerate")
        return question
    parent = body.parent
    if body.edit is not None:
        edited = by_id.get(body.edit)
        if edited is None or edited.role != "user":
            raise NotFoundError("question in this conversation", "edit")
        parent = edited.parent
    _check_question(body, parts)
    if parent is not None and parent not in by_id:
        raise NotFoundError("message in this conversation", "parent")
    before = [] if parent is None else branch(messages, parent)
    if len(before) >= 2 * parts.settings.limits.turns:
        raise Problem(
            409,
            f"This conversation has {parts.settings.limits.turns} turns, and more are not followed: "
            "begin a new one.",
            "too_many_turns",
        )
    places = [place.model_dump() for place in body.places]
    if places:
        ids = [*body.media, *(one for message in before for one in message.media)]
        ids += [place["media"] for place in places if "media" in place]
        check_places(places, before, body.media, parts.media.get_many(me.id, ids))
    return parts.conversations.add_question(
        me.id,
        conversation_id,
        parent=parent,
        text=body.text,
        media=body.media,
        places=places,
        settings=body.settings.model_dump(exclude_none=True),
    )


def _check_question(body: Ask, parts: Services) -> None:
    limits = parts.settings.limits
    if not body.text.strip() and not body.places:
        raise Problem(400, "The question is empty: write one, or point at something.", "empty", param="text")
    for name, given, most, unit in (
        ("text", len(body.text), limits.text_characters, "characters"),
        ("media", len(body.media), limits.media_per_turn, "pictures and sounds"),
        ("places", len(body.places), limits.places_per_turn, "places"),
    ):
        if given > most:
            raise Problem(
                400, f"A question may have {most} {unit}, but this has {given}.", "too_much", param=name
            )


def _plan(
    path: Sequence[MessageRecord],
    media: dict[str, MediaRecord],
    answer: MessageRecord,
    chosen: AskSettings,
    me: Owner,
    parts: Services,
) -> Plan:
    pictures, sounds = media_ids(path, media)

    def save(result: Result) -> dict[str, Any]:
        return _save(result, answer, me, parts)

    return Plan(
        lambda: turns_of(path, parts.media, me.id, media),
        settings_within(parts.settings.limits, chosen.max_tokens, chosen.temperature),
        parts.engine.name,
        pictures,
        sounds,
        parts.conversations.corrections(me.id, answer.conversation_id),
        grounding=chosen.grounding is not False,
        threshold=chosen.threshold,
        save=save,
    )


def _save(result: Result, answer: MessageRecord, me: Owner, parts: Services) -> dict[str, Any]:
    """Writes an answer down as far as it has come; gives the message once it has ended."""
    grounding = dict(result.grounding)
    pace = result.tokens_per_s
    timings = result.timings if pace is None else {**result.timings, "tokens_per_s": pace}
    metadata = None
    if result.answer is not None:
        grounding["answer"] = result.answer.to_dict()
        metadata = {**result.answer.metadata, "finish": result.finish}
    parts.conversations.update_answer(
        answer.id,
        text=result.text,
        grounding=grounding,
        status=result.status,
        error=None if result.failure is None else dict(result.failure.body()["error"]),
        timings=timings,
        metadata=metadata,
    )
    if result.status == "running":
        return {}
    try:
        return {"message": message_dict(parts.conversations.message(me.id, answer.id), {})}
    except NotFoundError:  # its conversation was deleted meanwhile
        return {}
