"""The examples of docs/server-api.md, run as they stand against a live server."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from live_server import LiveServer, live_server
from scripted import sample_picture, sample_sound

from bubo.media import encode_png, encode_wav
from bubo.server.settings import Limits

DOCS = Path(__file__).parents[2] / "docs" / "server-api.md"


def examples(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", DOCS.read_text(), re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    limits = Limits(requests_per_minute=10_000)
    with live_server(tmp_path_factory.mktemp("data"), limits=limits) as server:
        yield server


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "scene.png").write_bytes(encode_png(sample_picture()))
    (tmp_path / "scene.wav").write_bytes(encode_wav(sample_sound()))
    return tmp_path


def run(command: list[str], folder: Path, server: LiveServer) -> str:
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | {"BUBO": server.url},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_python(folder: Path, server: LiveServer) -> None:
    program = "\n".join(examples("python"))
    assert program.count("create(") >= 4
    said = run(
        [sys.executable, "-W", "error", "-W", "ignore::ResourceWarning", "-c", program], folder, server
    )
    assert "brown dog is e1" in said and "There is nothing to look at" in said


def test_shell(folder: Path, server: LiveServer) -> None:
    missing = [tool for tool in ("bash", "curl", "jq") if shutil.which(tool) is None]
    if missing:
        pytest.skip(f"the examples need {', '.join(missing)}")
    program = "\n".join(one for one in examples("sh") if "export BUBO=" not in one)
    said = run(["bash", "-euo", "pipefail", "-c", program], folder, server)
    assert said.rstrip().splitlines()[-1].startswith('{"region":{')
    for part in (
        '"chat.completion"',
        '"object":"grounding"',
        '"object":"file"',
        "data: [DONE]",
        '"finish_reason":"stop"',
        '"corrected":"r',
    ):
        assert part in said
    assert '"error":{' not in said
