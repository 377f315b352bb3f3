"""What the server's tests share: an app with the scripted engine, visitors, databases, and small files."""

import io
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from fastapi import FastAPI
from PIL import Image
from scripted import ScriptedEngine
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from starlette.requests import Request
from starlette.testclient import TestClient

from bubo.media import encode_wav
from bubo.server.app import create_app
from bubo.server.settings import Limits, ServerSettings
from bubo.types import Sound

__all__ = ["Request", "TestClient", "asked", "empty_database", "make_app", "png", "upload", "visitor", "wav"]


def make_app(data: Path, limits: dict[str, Any] | None = None, **settings: Any) -> FastAPI:
    """The whole app over a data folder."""
    return create_app(ServerSettings(data=data, limits=Limits(**limits or {}), **settings), ScriptedEngine())


def visitor(app: FastAPI, address: str = "127.0.0.1", **options: Any) -> TestClient:
    """A browser with cookies of its own; with auth none it has its session already."""
    client = TestClient(app, client=(address, 50_000), **options)
    client.get("/api/session")
    return client


def png(width: int = 40, height: int = 30, colour: tuple[int, int, int] = (200, 30, 30)) -> bytes:
    """A picture file of one colour."""
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(buffer, "PNG")
    return buffer.getvalue()


def wav(seconds: float = 0.5, sampling_rate: int = 16_000) -> bytes:
    """A sound file with a tone."""
    times = np.arange(round(seconds * sampling_rate)) / sampling_rate
    samples = (0.5 * np.sin(2 * np.pi * 440 * times)).astype(np.float32)
    return encode_wav(Sound(samples, sampling_rate))


def upload(client: TestClient, data: bytes | None = None, name: str = "picture.png") -> Any:
    """The answer to an upload."""
    return client.post("/api/media", files={"file": (name, png() if data is None else data)})


def asked(client: TestClient, text: str = "What is this?", media: Sequence[str] = ()) -> tuple[Any, Any]:
    """A conversation with a question and its finished answer."""
    talk = client.post("/api/conversations", json={}).json()
    body = {"text": text, "media": list(media), "places": [], "parent": None, "settings": {}}
    answer = client.post(f"/api/conversations/{talk['id']}/runs", json=body)
    assert answer.status_code == 202, answer.text
    said = answer.json()
    for _ in range(400):
        whole = client.get(f"/api/conversations/{talk['id']}").json()
        if not whole["running"]:
            return whole, said
        time.sleep(0.02)
    raise AssertionError("the answer did not end")


@contextmanager
def empty_database(postgres: str) -> Iterator[str]:
    """A new database in a running PostgreSQL."""
    name = f"test_{uuid.uuid4().hex}"
    admin = create_engine(
        make_url(postgres).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT"
    )
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    try:
        yield make_url(postgres).set(database=name).render_as_string(hide_password=False)
    finally:
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        admin.dispose()
