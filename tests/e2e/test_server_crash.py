"""The server is killed in the middle of answers: what was committed is there afterwards, whole."""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest
from live_server import Page, text_of, wait_until

ROOT = Path(__file__).parents[2]


@contextmanager
def process(data: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """A server of its own, killed at the end if it still runs."""
    command = [
        sys.executable,
        "-m",
        "tests.scripted",
        "--port",
        str(port),
        "--delay",
        "0.02",
        "--data",
        str(data),
    ]
    with (data.parent / "server.log").open("ab") as log:
        server = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, env=_environment())
    try:
        wait_until(lambda: _is_up(port) or server.poll() is not None, 120)
        assert server.poll() is None, (data.parent / "server.log").read_text()[-2_000:]
        yield server
    finally:
        server.kill()
        server.wait(10)


def _environment() -> dict[str, str]:
    import os

    return os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}


def _is_up(port: int) -> bool:
    try:
        return httpx2.get(f"http://127.0.0.1:{port}/health", timeout=2).status_code == 200
    except httpx2.HTTPError:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _kill_in_mid_answer(tmp_path: Path, times: int) -> None:
    data, port = tmp_path / "data", _free_port()
    data.mkdir()
    cookies = None
    whole: list[tuple[str, str, str]] = []  # conversation, answer and text of what was finished
    cut: list[tuple[str, str, str]] = []  # and the text that had been read of what was not
    for round in range(times + 1):
        with process(data, port) as server:
            page = Page(f"http://127.0.0.1:{port}")
            try:
                if cookies is not None:
                    page.http.cookies = cookies
                cookies = page.http.cookies
                for conversation, answer, text in whole:
                    found = page.message(conversation, answer)
                    assert (found["status"], found["text"]) == ("complete", text)
                for conversation, answer, text in cut:
                    found = page.message(conversation, answer)
                    assert found["status"] == "interrupted"
                    assert text.startswith(found["text"]) or found["text"].startswith(text)
                if round == times:
                    again = page.ask(cut[-1][0], "", regenerate=cut[-1][1])
                    assert text_of(page.answer(again["run"])).endswith("word149")
                    return
                conversation = page.conversation()
                first = page.ask(conversation, f"/say round {round} is over")
                whole.append((conversation, first["answer"]["id"], text_of(page.answer(first["run"]))))
                second = page.ask(conversation, "/long 150", parent=first["answer"]["id"])
                seen = ""
                for _, event in page.events(second["run"]):
                    seen += text_of([event])
                    if len(seen) > 40 * (1 + round % 5):
                        break
                server.send_signal(signal.SIGKILL)
                server.wait(10)
                cut.append((conversation, second["answer"]["id"], seen))
            finally:
                page.http.close()
                time.sleep(0.05)


def test_killed_in_mid_answer(tmp_path: Path) -> None:
    _kill_in_mid_answer(tmp_path, 1)


@pytest.mark.slow
@pytest.mark.timeout(1_200)
def test_killed_in_mid_answer_20_times(tmp_path: Path) -> None:
    _kill_in_mid_answer(tmp_path, 20)
