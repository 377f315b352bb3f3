"""/api/media/{id}/segment and /api/messages/{id}/regions: what is pointed at, and regions put right by it."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from bubo.server.computing import compute
from bubo.server.corrections import region_of
from bubo.server.problems import NotFoundError, Problem
from bubo.server.routes_runs import check_ready
from bubo.server.schema import CorrectedRegion, Region, SegmentAnswer, SegmentRequest
from bubo.server.schema_stores import problems
from bubo.server.services import Owner, Services, owner, services
from bubo.server.turns import box_place
from bubo.server.wire import region_dict
from bubo.types import Place, Point

__all__ = ["router"]

router = APIRouter(prefix="/api", tags=["regions"])
Parts = Annotated[Services, Depends(services)]
Me = Annotated[Owner, Depends(owner)]


@router.post("/media/{media_id}/segment", response_model=SegmentAnswer, responses=problems(400, 404, 503))
async def segment(
    request: Request, media_id: str, body: SegmentRequest, me: Me, parts: Parts
) -> dict[str, Any]:
    """The thing at points or in a box of a picture."""
    place = await run_in_threadpool(_place, media_id, body, me, parts)

    def work() -> dict[str, Any]:
        there = parts.engine.segment(parts.media.picture(me.id, media_id), place)
        if there is None:
            return {"region": None, "label": ""}
        return {"region": region_dict(there.region, media_id), "label": there.label}

    return await compute(request, parts.runs, me.id, work, brief=True)


@router.put(
    "/messages/{message_id}/regions/{region_id}",
    response_model=CorrectedRegion,
    responses=problems(400, 404, 409, 503),
)
async def correct_region(
    request: Request, message_id: str, region_id: str, body: SegmentRequest, me: Me, parts: Parts
) -> dict[str, Any]:
    """Gives a region of an answer the outline that `segment` finds; it keeps its id.

    All answers of the conversation that stand on this region are changed alike.
    """
    media_id = await run_in_threadpool(_media_of, message_id, region_id, me, parts)
    place = await run_in_threadpool(_place, media_id, body, me, parts)

    def work() -> dict[str, Any]:
        there = parts.engine.segment(parts.media.picture(me.id, media_id), place)
        if there is None:
            raise Problem(
                400,
                "There is nothing at these points; point at the thing itself.",
                "nothing_there",
                param="points",
            )
        return parts.conversations.correct(me.id, message_id, region_id, there.region)

    return await compute(request, parts.runs, me.id, work, brief=True)


@router.delete(
    "/messages/{message_id}/regions/{region_id}/correction",
    response_model=Region,
    responses=problems(404, 409),
)
def take_back_correction(message_id: str, region_id: str, me: Me, parts: Parts) -> dict[str, Any]:
    """Gives a corrected region the outline back that the model found; another one stays as it is."""
    return parts.conversations.uncorrect(me.id, message_id, region_id)


def _media_of(message_id: str, region_id: str, me: Owner, parts: Services) -> str:
    """The picture that a region of a message lies in.

    Raises:
        NotFoundError: If message or region are unknown, or another owner's.
    """
    known = region_of(parts.conversations.message(me.id, message_id).grounding, region_id)
    if known is None:
        raise NotFoundError("region in this message")
    media_id: str = known["media"]
    return media_id


def _place(media_id: str, body: SegmentRequest, me: Owner, parts: Services) -> Place:
    """The points or the box of a picture.

    Raises:
        NotFoundError: If the picture is unknown or another owner's.
        Problem: 400 if it is a sound, or nothing in it is pointed at; 503 if the model is not ready.
    """
    record = parts.media.get(me.id, media_id)
    if record.kind != "picture":
        raise Problem(400, "Only pictures have places to point at; this is a sound.", "not_a_picture")
    width, height = record.width or 0, record.height or 0
    points = tuple(Point(point.x, point.y, point.positive) for point in body.points)
    if not all(0 <= point.x <= width and 0 <= point.y <= height for point in points):
        raise Problem(
            400,
            f"A point lies outside of the picture of {width} x {height} pixels.",
            "outside",
            param="points",
        )
    if body.box is not None:
        place = box_place(body.box, width, height, points=points)
    elif points:
        place = Place(points)
    else:
        raise Problem(400, "Give points or a box: nothing was pointed at.", "no_place", param="points")
    if place.only_negative:
        raise Problem(
            400,
            "Only points with positive: false were given, which say what does not belong to a thing: give a "
            "positive point or a box, too.",
            "no_place",
            param="points",
        )
    check_ready(parts)
    return place
