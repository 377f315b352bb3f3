"""The OpenAPI description is exact: schemathesis tries every route against it."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from live_server import LiveServer, Page, live_server
from scripted import Script, ScriptedEngine

from bubo.server.settings import Limits

SECONDS = 75
# 400 and its kin are documented: not every rule (base 64, sizes, the last message's role) can be a schema.
CONFIG = """
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "400", "401", "403", "404", "409", "413", "415", "416", "422", "429", "503"]

# the usual ones, and 413: a body over the limit is refused before it is read
[checks.negative_data_rejection]
expected-statuses = ["400", "401", "403", "404", "406", "413", "415", "422", "428", "5xx"]

[parameters]
conversation_id = "{conversation}"
media_id = "{media}"
run_id = "{run}"
message_id = "{message}"
"path.id" = "{file}"

[[operations]]
include-method = "DELETE"
parameters = {{ conversation_id = "{other}", media_id = "{nothing}", "path.id" = "file-{nothing}" }}
"""


def _things(page: Page, server: LiveServer) -> dict[str, str]:
    """Ids of one of each, so that more than 404 is tried."""
    conversation, media = page.conversation(), page.upload_picture()
    started = page.ask(conversation, "What is there?", media=[media])
    page.answer(started["run"])
    files = {"file": ("x.png", page.http.get(f"/api/media/{media}/content").content)}
    file = page.call("POST", "/v1/files", files=files, data={"purpose": "vision"})
    return {
        "conversation": conversation,
        "media": media,
        "run": started["run"],
        "message": started["answer"]["id"],
        "file": file["id"],
        "other": page.conversation(),
        "nothing": "0" * 32,
    }


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_schemathesis_finds_nothing(tmp_path: Path) -> None:
    command = shutil.which("schemathesis", path=str(Path(sys.executable).parent))
    assert command is not None, "schemathesis is not installed: install the extra dev"
    limits = Limits(
        running_per_owner=1_000, queue=1_000, requests_per_minute=10**6, uploads_per_minute=10**6,
        logins_per_minute=10**6, conversations=10**6,
    )  # fmt: skip
    with live_server(tmp_path / "data", ScriptedEngine(Script()), limits=limits) as server:
        page = server.page()
        config = tmp_path / "schemathesis.toml"
        config.write_text(CONFIG.format(**_things(page, server)))
        cookie = "; ".join(f"{name}={value}" for name, value in page.http.cookies.items())
        done = subprocess.run(
            [
                command, "--config-file", str(config), "run", f"{server.url}/openapi.json",
                "-H", f"Cookie: {cookie}", "--phases", "examples,coverage,fuzzing",
                "--max-time", str(SECONDS), "--seed", "1", "--no-shrink", "--continue-on-failure",
            ],
            capture_output=True, text=True, timeout=300, cwd=tmp_path,
        )  # fmt: skip
    assert done.returncode == 0, done.stdout[-6_000:] + done.stderr[-2_000:]
