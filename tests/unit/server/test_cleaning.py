"""What is deleted is gone from the engine's caches, too, within a minute or so."""

import time
from pathlib import Path

import pytest
import serving

from bubo.server.cleaning import Cleaner

KEY = {"Authorization": "Bearer anything"}


def test_the_engine_forgets_what_was_deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = serving.make_app(tmp_path)
    parts = app.state.services
    with serving.visitor(app) as ana:
        cleaner = Cleaner(parts)
        talk = ana.post("/api/conversations", json={}).json()
        cleaner.tick(0)
        ana.delete(f"/api/conversations/{talk['id']}")
        cleaner.tick(1)
        assert parts.engine.cleared == 0, "it can be brought back"
        now = time.time()
        monkeypatch.setattr(time, "time", lambda: now + 31)
        cleaner.tick(2)
        cleaner.tick(3)
        assert parts.engine.cleared == 1
        files = {"file": ("a.png", serving.png(), "image/png")}
        file = ana.post("/v1/files", files=files, data={"purpose": "vision"}, headers=KEY).json()
        cleaner.tick(4)
        assert ana.delete(f"/v1/files/{file['id']}", headers=KEY).status_code == 200
        cleaner.tick(5)
        assert parts.engine.cleared == 1, "not for each file"
        cleaner.tick(62)
        cleaner.tick(200)
        assert parts.engine.cleared == 2
