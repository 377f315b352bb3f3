"""/health, /ready and /metrics, for whatever watches the server."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import BaseModel
from starlette.responses import JSONResponse, Response

from bubo.server.schema_stores import ModelState
from bubo.server.services import Services, services

__all__ = ["router"]

router = APIRouter(tags=["health"])
Parts = Annotated[Services, Depends(services)]


class Health(BaseModel):
    """The process answers."""

    status: Literal["ok"]


class Readiness(BaseModel):
    """Whether questions can be answered."""

    ready: bool
    model: ModelState
    database: bool


@router.head("/health", include_in_schema=False)
@router.get("/health", response_model=Health)
async def health() -> dict[str, str]:
    """Whether the process is alive."""
    return {"status": "ok"}


@router.head("/ready", include_in_schema=False)
@router.get(
    "/ready",
    response_model=Readiness,
    responses={503: {"model": Readiness, "description": "Not yet, or not any more."}},
)
def ready(parts: Parts) -> Response:
    """Whether the model is loaded and the database answers."""
    engine, database = parts.engine, parts.database.answers()
    fine = engine.state == "ready" and database
    told = Readiness(ready=fine, model=ModelState.of(engine), database=database)
    return JSONResponse(told.model_dump(), 200 if fine else 503)


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}, "description": "Metrics."}},
)
def metrics(parts: Parts) -> Response:
    """Counts and durations, in Prometheus' text format."""
    return Response(parts.metrics.text(), media_type=CONTENT_TYPE_LATEST)
