"""The OpenAPI description is exact: schemathesis tries every route against it, alone and in chains."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from live_server import LiveServer, Page, live_server
from scripted import Script, ScriptedEngine, sample_picture, sample_sound

from bubo.media import encode_png, encode_wav
from bubo.server.settings import Limits

LIMITS = Limits(
    running_per_owner=1_000, queue=1_000, requests_per_minute=10**6, uploads_per_minute=10**6,
    logins_per_minute=10**6, conversations=10**6,
)  # fmt: skip
# 400 and its kin are documented: not every rule (base 64, sizes, the last message's role) can be a schema.
CHECKS = """
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "400", "401", "403", "404", "409", "413", "415", "416", "422", "429", "503"]

# the usual ones, and 413: a body over the limit is refused before it is read
[checks.negative_data_rejection]
expected-statuses = ["400", "401", "403", "404", "406", "413", "415", "422", "428", "5xx"]
"""
ALONE = """
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
# Only the links of the description are followed: by names alone, an example's media would be taken for media
# of one's own. Chains are long, for a correction needs a picture, a question about it, and its answer.
CHAINED = """
[phases.stateful]
max-steps = 20

[phases.stateful.inference]
algorithms = []
"""


def _things(page: Page) -> dict[str, str]:
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


def _run(folder: Path, server: LiveServer, page: Page, config: str, *options: str) -> None:
    """Runs schemathesis in a folder with a page's cookie; fails with what it says if it finds something."""
    command = shutil.which("schemathesis", path=str(Path(sys.executable).parent))
    assert command is not None, "schemathesis is not installed: install the extra dev"
    file = folder / "schemathesis.toml"
    file.write_text(config + CHECKS)
    cookie = "; ".join(f"{name}={value}" for name, value in page.http.cookies.items())
    done = subprocess.run(
        [
            command, "--config-file", str(file), "run", f"{server.url}/openapi.json",
            "-H", f"Cookie: {cookie}", "--seed", "1", "--no-shrink", "--continue-on-failure", *options,
        ],
        capture_output=True, text=True, timeout=300, cwd=folder,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-6_000:] + done.stderr[-2_000:]


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_schemathesis_finds_nothing(tmp_path: Path) -> None:
    with live_server(tmp_path / "data", ScriptedEngine(Script()), limits=LIMITS) as server:
        page = server.page()
        config = ALONE.format(**_things(page))
        _run(tmp_path, server, page, config, "--phases", "examples,coverage,fuzzing", "--max-time", "75")


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_schemathesis_finds_nothing_in_chains_of_requests(tmp_path: Path) -> None:
    (tmp_path / "scene.png").write_bytes(encode_png(sample_picture()))
    (tmp_path / "scene.wav").write_bytes(encode_wav(sample_sound()))
    hooks = Path(__file__).with_name("schemathesis_hooks.py")
    with live_server(tmp_path / "data", ScriptedEngine(Script()), limits=LIMITS) as server:
        page = server.page()
        described = page.call("GET", "/openapi.json")["paths"]
        config = f"hooks = '{hooks}'\n{CHAINED}"
        _run(tmp_path, server, page, config, "--phases", "stateful", "--max-time", "60")
    taking_ids = {
        one["operationId"] for path, ways in described.items() for one in ways.values() if "{" in path
    }
    missed = taking_ids - set((tmp_path / "reached.txt").read_text().split())
    assert len(missed) <= 2, missed  # as a rule none; the chains are drawn by chance
