"""`bubo serve` as a process: it starts, answers, ends cleanly, and loses nothing when it is killed."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager, suppress

import httpx2
import pytest
import serving

pytestmark = pytest.mark.timeout(600)


@contextmanager
def served(data, *options, **environment):
    """A running server: its process and its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bubo", "serve", "--port", "0", "--data", str(data), *options],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
        env={**os.environ, "CI": "true", **environment},
    )  # fmt: skip
    try:
        line = process.stdout.readline()
        found = re.search(r"http://\S+", line)
        assert found, line + process.stderr.read()
        yield process, found[0]
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.fixture
def browser():
    """Makes clients with a session, and closes them in the end."""
    with ExitStack() as opened:

        def make(address, cookies=None):
            client = opened.enter_context(httpx2.Client(base_url=address, timeout=60, cookies=cookies))
            assert client.get("/api/session").status_code == 200
            return client

        yield make


def begin(client, text="What do you see?", media=()):
    talk = client.post("/api/conversations", json={}).json()
    body = {"text": text, "media": list(media), "places": [], "parent": None, "settings": {}}
    said = client.post(f"/api/conversations/{talk['id']}/runs", json=body)
    assert said.status_code == 202, said.text
    return talk["id"], said.json()


def test_it_can_be_used_while_the_model_loads_answers_with_nano_and_keeps_all(tmp_path, browser):
    with served(tmp_path) as (process, address):
        client = browser(address)
        assert client.get("/").text.startswith("<!doctype html>")
        assert client.get("/api/session").json()["model"]["state"] in ("loading", "ready")
        example = client.post("/api/examples/beach").json()
        talk, said = begin(client, example["text"], [one["id"] for one in example["media"]])
        with client.stream("GET", f"/api/runs/{said['run']}/events", timeout=200) as events:
            lines = list(events.iter_lines())
        assert "data: [DONE]" in lines
        whole = client.get(f"/api/conversations/{talk}").json()
        answer = whole["messages"][1]
        assert answer["status"] == "complete"
        assert "turtle" in answer["text"]
        assert answer["grounding"]["regions"]
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=20)
    with served(tmp_path) as (_, address):
        again = browser(address, client.cookies)
        assert again.get(f"/api/conversations/{talk}").json() == whole
        for medium in whole["messages"][0]["media"]:
            assert again.get(medium["url"]).status_code == 200


def test_what_a_kill_cuts_off_is_interrupted_and_nothing_else_is_lost(tmp_path, browser):
    kept = {}
    cookies = None
    for _ in range(2):  # the second start finds what the first left
        with served(tmp_path) as (process, address):
            client = browser(address, cookies)
            cookies = client.cookies
            for talk, messages in kept.items():
                now = client.get(f"/api/conversations/{talk}").json()["messages"]
                assert [m["id"] for m in now] == messages
                assert [m["status"] for m in now] == ["complete", "interrupted"]
            talk, said = begin(client)  # the model is still loading: the answer is under way
            process.kill()
            process.wait(timeout=20)
            kept[talk] = [said["question"]["id"], said["answer"]["id"]]
    assert (tmp_path / "bubo.sqlite3").is_file()


def test_open_streams_do_not_hold_it_up(tmp_path, browser):
    with served(tmp_path) as (process, address):
        client = browser(address)
        talk, said = begin(client)
        with client.stream("GET", f"/api/runs/{said['run']}/events") as events:
            lines = events.iter_lines()
            next(lines)
            started = time.monotonic()
            process.send_signal(signal.SIGTERM)
            rest = list(lines)
        process.wait(timeout=20)
        assert time.monotonic() - started < 15
        assert "data: [DONE]" in rest


def test_only_names_of_this_machine_reach_it(tmp_path):
    with served(tmp_path) as (_, address):
        assert httpx2.get(address, headers={"Host": "evil.example"}).status_code == 421
        assert httpx2.get(address).status_code == 200


def test_the_token_is_made_once_and_kept_secret(tmp_path):
    with served(tmp_path, "--auth", "token") as (process, address):
        said = process.stdout.readline()
        token = (tmp_path / "token").read_text()
        assert token in said
        assert (tmp_path / "token").stat().st_mode & 0o077 == 0
        assert httpx2.get(f"{address}v1/models").status_code == 401
        key = {"Authorization": f"Bearer {token}"}
        assert httpx2.get(f"{address}v1/models", headers=key).status_code == 200


def test_logs_hold_neither_questions_nor_names(tmp_path, browser):
    with served(tmp_path, "--log-level", "debug") as (process, address):
        client = browser(address)
        media = serving.upload(client, name="private-holiday.png").json()
        begin(client, "a very private question", [media["id"]])
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=30)
    assert "POST" in log
    assert "private" not in log
    assert media["id"] not in log
    for line in log.splitlines():
        if line.startswith("{"):
            assert {"time", "level", "message"} <= set(json.loads(line))


def test_a_port_that_is_taken_is_said_in_one_line(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [sys.executable, "-m", "bubo", "serve", "--port", port, "--data", str(tmp_path)],
            capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=120,
        )  # fmt: skip
    assert done.returncode == 2
    assert f"port {port}" in done.stderr
    assert "Traceback" not in done.stderr


def test_where_the_usual_port_is_taken_the_next_one_is_said(tmp_path):
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with suppress(OSError):  # it is taken already
            taken.bind(("127.0.0.1", 8000))
            taken.listen()
        process = subprocess.Popen(
            [sys.executable, "-m", "bubo", "serve", "--data", str(tmp_path)],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, text=True,
            env={**os.environ, "CI": "true"},
        )  # fmt: skip
        try:
            said, address = process.stdout.readline(), process.stdout.readline()
        finally:
            process.kill()
            process.communicate()
    other = re.search(r"Port 8000 is taken, so this is port (\d+)", said)
    assert other and f":{other[1]}/" in address


def test_a_model_that_nobody_has_is_refused_at_once(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "bubo", "serve", "--port", "0", "--data", str(tmp_path), "--model", "namo"],
        capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=120,
    )  # fmt: skip
    assert done.returncode == 2 and done.stdout == ""
    assert "No model is called 'namo'" in done.stderr and "nano" in done.stderr.replace("namo", "")


def test_a_second_server_on_the_same_data_is_refused(tmp_path):
    with served(tmp_path) as (_, address):
        second = subprocess.run(
            [sys.executable, "-m", "bubo", "serve", "--port", "0", "--data", str(tmp_path)],
            capture_output=True, text=True, env={**os.environ, "CI": "true"}, timeout=120,
        )  # fmt: skip
        assert second.returncode == 2
        assert str(tmp_path) in second.stderr and "--data" in second.stderr
        assert httpx2.get(f"{address}health").status_code == 200
