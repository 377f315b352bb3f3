"""/api/session: who is asking, signing in and out."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from bubo import __version__
from bubo.server.schema_stores import ModelState, SessionInfo, SignIn, problems
from bubo.server.services import Services, services

__all__ = ["router"]

router = APIRouter(prefix="/api", tags=["session"])
Parts = Annotated[Services, Depends(services)]


@router.get("/session", response_model=SessionInfo, responses=problems())
def get_session(request: Request, response: Response, parts: Parts) -> dict[str, Any]:
    """Tells who is asking, which model answers, and the limits; with auth none a cookie comes with it."""
    owner = parts.owners.begin(request, response)
    return {
        "auth": parts.owners.auth,
        "signed_in": owner is not None,
        "name": "" if owner is None else owner.name,
        "model": ModelState.of(parts.engine),
        "limits": asdict(parts.settings.limits),
        "version": __version__,
    }


@router.post("/session", status_code=204, responses=problems(400))
def sign_in(request: Request, response: Response, body: SignIn, parts: Parts) -> None:
    """Signs in by the shared token, or by name and password; sets the cookie."""
    parts.owners.sign_in(request, response, token=body.token, name=body.name, password=body.password)


@router.delete("/session", status_code=204, responses=problems())
def sign_out(request: Request, response: Response, parts: Parts) -> None:
    """Signs out: removes the cookie."""
    parts.owners.sign_out(request, response)
