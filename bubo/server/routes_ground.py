"""/v1/ground: what in pictures and sounds the phrases of a given text stand for."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from starlette.requests import Request

from bubo.server.chat_media import ChatMedia
from bubo.server.computing import compute
from bubo.server.engine import answer_above
from bubo.server.problems import Problem
from bubo.server.routes_runs import check_ready
from bubo.server.schema import GroundAnswer, GroundRequest
from bubo.server.schema_chat import FileId
from bubo.server.schema_stores import openai_problems
from bubo.server.services import Owner, Services, key_owner, services
from bubo.server.wire import GroundingWriter
from bubo.types import Picture, Sound

__all__ = ["router"]

router = APIRouter(prefix="/v1", tags=["Bubo"])
Parts = Annotated[Services, Depends(services)]
Me = Annotated[Owner, Depends(key_owner)]


@router.post("/ground", response_model=GroundAnswer, responses=openai_problems(404, 413, 503))
async def ground(request: Request, body: GroundRequest, me: Me, parts: Parts) -> dict[str, Any]:
    """Ties the phrases of a text to pictures and sounds."""
    _check(body, parts)
    media = ChatMedia(parts, me)

    def work() -> dict[str, Any]:
        pictures, sounds = _decoded(body, media)  # not while it waits: they may be large
        answer = answer_above(parts.engine.ground(pictures, sounds, body.text), body.threshold)
        writer = GroundingWriter(media.picture_ids, media.sound_ids)
        for link in answer.links:
            writer.add_link(link)
        writer.finish(answer)
        return writer.whole()

    grounding = await compute(request, parts.runs, me.id, work)
    return {"object": "grounding", "model": parts.engine.name, "text": body.text, **grounding}


def _check(body: GroundRequest, parts: Services) -> None:
    """Refuses what is too much, or cannot be done yet.

    Raises:
        Problem: 400; 503 if the model is not ready.
    """
    limits = parts.settings.limits
    given = len(body.pictures) + len(body.sounds)
    if not 1 <= given <= limits.media_per_turn:
        raise Problem(
            400,
            f"Give 1 to {limits.media_per_turn} pictures and sounds, not {given}.",
            "wrong_number",
            param="pictures",
        )
    if len(body.text) > limits.text_characters:
        raise Problem(
            400,
            f"The text may have {limits.text_characters} characters, but has {len(body.text)}.",
            "text_too_long",
            param="text",
        )
    check_ready(parts)


def _decoded(body: GroundRequest, media: ChatMedia) -> tuple[list[Picture], list[Sound]]:
    """What the text speaks of, decoded."""
    pictures = [media.picture(url, f"pictures[{number}]") for number, url in enumerate(body.pictures)]
    sounds: list[Sound] = []
    for number, one in enumerate(body.sounds):
        param = f"sounds[{number}]"
        found = media.file(one.file_id, param) if isinstance(one, FileId) else media.sound(one.data, param)
        if isinstance(found, Picture):
            raise Problem(400, "This file is a picture, not a sound.", "wrong_media", param=param)
        sounds.append(found)
    return pictures, sounds
