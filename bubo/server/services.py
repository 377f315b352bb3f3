"""What routes work with: one object per server, made by `create_app`, found through the request."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.requests import HTTPConnection

from bubo.server.conversations import ConversationStore
from bubo.server.database import Database
from bubo.server.media_files import MediaStore
from bubo.server.owners import Owner, Owners
from bubo.server.settings import ServerSettings

if TYPE_CHECKING:
    from bubo.server.engine import Engine
    from bubo.server.metrics import Metrics
    from bubo.server.runs import Runs

__all__ = ["Owner", "Services", "key_owner", "owner", "services"]


@dataclass
class Services:
    """The parts of one server."""

    settings: ServerSettings
    database: Database
    conversations: ConversationStore
    media: MediaStore
    owners: Owners
    engine: "Engine"
    runs: "Runs"
    metrics: "Metrics"


def services(request: HTTPConnection) -> Services:
    """The parts of the server that got this request."""
    found: Services = request.app.state.services
    return found


def owner(request: HTTPConnection) -> Owner:
    """Whose request this is, by its cookie: the dependency of all routes below /api.

    Raises:
        Problem: 401 if nobody is signed in.
    """
    return services(request).owners.of_cookie(request)


def key_owner(request: HTTPConnection) -> Owner:
    """Whose request this is, by its Bearer key: the dependency of all routes below /v1.

    Raises:
        Problem: 401 if the key is missing or unknown.
    """
    return services(request).owners.of_key(request)
