"""Databases of both kinds, and an app with visitors."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import serving
from fastapi import FastAPI
from postgres import running_postgres

from bubo.server.conversations import ConversationStore
from bubo.server.database import Database
from bubo.server.media_files import MediaStore
from bubo.server.settings import Limits


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A running PostgreSQL."""
    with running_postgres() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of an empty database of each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'bubo.sqlite3'}"
    else:
        with serving.empty_database(request.getfixturevalue("postgres")) as url:
            yield url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A database with the newest tables."""
    opened = Database(database_url)
    yield opened
    opened.close()


@pytest.fixture
def stores(database: Database, tmp_path: Path) -> tuple[ConversationStore, MediaStore]:
    """Conversations and media over `database`."""
    limits = Limits(turns=3, conversations=4, undo_s=30)
    return ConversationStore(database, limits), MediaStore(database, tmp_path / "media", limits)


@pytest.fixture
def app(tmp_path: Path) -> FastAPI:
    """The app with auth none."""
    return serving.make_app(tmp_path / "data")


@pytest.fixture
def visitor(app: FastAPI) -> Iterator[Any]:
    """A browser."""
    with serving.visitor(app) as client:
        yield client
