"""The application: `create_app` puts engine, stores and routes together and says what runs beside them."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

from bubo import __version__
from bubo.server import (
    routes_chat,
    routes_conversations,
    routes_examples,
    routes_files,
    routes_ground,
    routes_health,
    routes_media,
    routes_regions,
    routes_runs,
    routes_session,
    static,
)
from bubo.server.cleaning import Cleaner
from bubo.server.conversations import ConversationStore
from bubo.server.database import Database
from bubo.server.description import DescribedApp, name_of
from bubo.server.engine import Engine
from bubo.server.logs import RequestLog
from bubo.server.media_files import MediaStore
from bubo.server.metrics import Metrics
from bubo.server.owners import Owners
from bubo.server.replies import add_problem_handlers
from bubo.server.runs import Runs
from bubo.server.security import add_guards
from bubo.server.services import Services
from bubo.server.settings import ServerSettings

__all__ = ["create_app"]

CLEAN_EVERY_S = 5.0
_log = logging.getLogger(__name__)
_ROUTERS = (
    routes_session,
    routes_media,
    routes_examples,
    routes_conversations,
    routes_runs,
    routes_regions,
    routes_chat,
    routes_files,
    routes_ground,
    routes_health,
    static,  # last: it answers what is left
)


def create_app(settings: ServerSettings, engine: Engine) -> FastAPI:
    """The whole server, ready to be run by uvicorn or a test's client.

    Args:
        settings: Where its data lie, who may come in, and its limits.
        engine: What answers; it may still be loading.

    Raises:
        InputError: If the database's address or the list of users is wrong.
        StorageError: If data folder or database cannot be used.
    """
    app = DescribedApp(
        title="Bubo",
        version=__version__,
        description="An assistant that sees, hears and shows what its words stand on.",
        docs_url=None,  # theirs load scripts from elsewhere; static.py has ours
        redoc_url=None,
        generate_unique_id_function=name_of,
        lifespan=_lifespan,
    )
    database = Database(settings.url)
    limits = settings.limits
    conversations = ConversationStore(database, limits)
    media = MediaStore(database, settings.data / "media", limits)
    metrics = Metrics()
    app.state.services = Services(
        settings=settings,
        database=database,
        conversations=conversations,
        media=media,
        owners=Owners(settings),
        engine=engine,
        runs=Runs(limits=limits, conversations=conversations, media=media, engine=engine, metrics=metrics),
        metrics=metrics,
    )
    conversations.mark_interrupted()
    for module in _ROUTERS:
        app.include_router(module.router)
    add_problem_handlers(app)
    add_guards(app, settings)
    app.add_middleware(RequestLog, metrics=metrics)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    parts: Services = app.state.services
    cleaner = Cleaner(parts)
    keeper = asyncio.create_task(_keep_clean(cleaner))
    try:
        yield
    finally:
        keeper.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await keeper
        await run_in_threadpool(parts.runs.close)
        await run_in_threadpool(cleaner.purge)
        parts.database.close()


async def _keep_clean(cleaner: Cleaner) -> None:
    """Lets the cleaner do what is due, for as long as the server runs."""
    while True:
        try:
            await run_in_threadpool(cleaner.tick, asyncio.get_running_loop().time())
        except Exception:  # a database that is away for a moment must not end the cleaning
            _log.exception("What was deleted could not be removed; trying again")
        await asyncio.sleep(CLEAN_EVERY_S)
