"""The verbs over real models: a toy one with random weights, and nano where it has been made."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import scripted_endpoint
import tiny_multimodal
import tiny_nano
import torch
from PIL import Image
from scripted_endpoint import refuse, say

import bubo
from bubo import cli
from bubo.cli import measurements
from bubo.cli.bench import TABLE
from bubo.grounding.reasoning import SHOTS
from bubo.media import load_sound
from bubo.nano import __file__ as nano_file
from bubo.speaker import ModelSpeaker
from bubo.types import Answer, Sound

ROOT = Path(__file__).parents[2]
NANO = Path(nano_file).parent
SAMPLES = NANO / "samples"
MEDIA = ["--picture", str(SAMPLES / "scene.png"), "--sound", str(SAMPLES / "scene.wav")]
COMMAND = [sys.executable, "-m", "bubo"]

needs_nano = pytest.mark.skipif(
    not (NANO / "model" / "config.json").is_file(), reason="nano's weights are not there; make nano"
)


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    return tiny_nano.write_tiny_nano(tmp_path_factory.mktemp("tiny-nano"))


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    """The command line sets these for its process; here they must not outlive a test."""
    for name in (
        "TRANSFORMERS_VERBOSITY",
        "TRANSFORMERS_NO_ADVISORY_WARNINGS",
        "HF_HUB_DISABLE_PROGRESS_BARS",
    ):
        monkeypatch.setenv(name, os.environ.get(name, "1"))


def ask(folder, *words, capsys):
    assert (
        cli.main(["ask", "What do you see and hear?", *MEDIA, "--model", str(folder), "--json", *words]) == 0
    )
    return json.loads(capsys.readouterr().out)


def without_timings(data):
    return {name: value for name, value in data.items() if name != "timings"}


def test_ask_is_repeatable_and_seeds_differ(folder, capsys):
    greedy = ask(folder, capsys=capsys)
    Answer.from_dict(greedy)
    assert without_timings(greedy) == without_timings(ask(folder, "--greedy", "--seed", "1", capsys=capsys))
    first, again, other = (ask(folder, "--seed", seed, capsys=capsys) for seed in ("1", "1", "2"))
    assert without_timings(first) == without_timings(again)
    assert first["text"] != other["text"]


def test_ground_draws_what_it_finds(folder, capsys, tmp_path):
    words = ["ground", str(SAMPLES / "scene.png"), "--text", "a piano", "--model", str(folder)]
    assert cli.main([*words, "--json", "--draw", str(tmp_path / "found.png")]) == 0
    data = json.loads(capsys.readouterr().out)
    (entity,) = data["entities"]
    assert [data["text"][link["start"] : link["end"]] for link in data["links"]] == ["a piano"]
    with Image.open(SAMPLES / "scene.png") as picture:
        for region in entity["regions"]:
            assert region["mask"]["size"] == [picture.height, picture.width]
    with Image.open(tmp_path / "found.png") as drawing:
        assert drawing.width > 100


def test_bench_measures_everything(folder, capsys, monkeypatch):
    monkeypatch.setattr(measurements, "MAX_NEW_TOKENS", 4)
    assert cli.main(["bench", "--model", str(folder), "--rounds", "1", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    figures = data["figures"]
    names = [row.name for _, rows in TABLE for row in rows]
    assert list(figures) == names
    assert all(figure["value"] >= 0 for figure in figures.values())
    assert figures["turn10_ratio"]["aim"] == 1.3
    assert figures["load_s"]["value"] > 0
    assert figures["generate_first_token_turn10_s"]["value"] > 0
    assert figures["grounding_s"]["value"] >= figures["listen_s"]["value"] > 0


def test_doctor_says_whether_nano_is_ready(folder, capsys, monkeypatch):
    import bubo.assistant

    load = bubo.assistant.load
    monkeypatch.setattr("bubo.assistant.load", lambda name: load(folder))
    assert cli.main(["doctor"]) == 0
    out = capsys.readouterr().out
    parts = (
        "torch ",
        "CPU, ",
        "nano: ready",
        "not ready: bubogpt-13b",
        "pictures",
        "train: ",
        "current folder",
    )
    for part in parts:
        assert part in out
    monkeypatch.setattr("bubo.assistant.load", lambda name: load(folder / "nothing"))
    assert cli.main(["doctor"]) == 2
    assert "nano: NOT READY" in capsys.readouterr().out


def test_a_process_without_a_terminal(folder):
    done = subprocess.run(
        [*COMMAND, "chat", "--samples", "--model", str(folder)],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert all(line.startswith("note: ") for line in done.stderr.splitlines())  # the answer may be cut
    assert "you> What do you see and hear?" in done.stdout
    assert " -> " in done.stdout


@pytest.mark.skipif(os.name == "nt", reason="needs a pseudo-terminal")
def test_a_process_in_a_terminal(folder, tmp_path):
    import pty

    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, "chat", "--model", str(folder)],
        stdin=theirs, stdout=theirs, stderr=theirs, env={**os.environ, "TERM": "dumb"}, close_fds=True,
    )  # fmt: skip
    os.close(theirs)
    os.write(
        ours, f"/picture {SAMPLES}/scene.png\nWhat?\n/save {tmp_path}/talk.bubo\n/what\n/quit\n".encode()
    )
    shown = b""
    while True:
        try:
            piece = os.read(ours, 4096)
        except OSError:  # Linux says so when the other side is closed
            break
        if not piece:
            break
        shown += piece
    os.close(ours)
    assert process.wait(timeout=120) == 0, shown.decode()
    assert b"picture: scene.png" in shown
    assert b"error: There is no command /what" in shown
    assert len(bubo.Conversation.load(tmp_path / "talk.bubo").answers) == 1


def test_the_towers_read_each_medium_once_for_words_and_evidence(folder):
    model = bubo.load(folder)
    towers = model.speaker.model.model
    read = {"picture": 0, "sound": 0}

    def count(name):
        def hook(*_):
            read[name] += 1

        return hook

    towers.vision_tower.register_forward_hook(count("picture"))
    towers.audio_tower.trunk.register_forward_hook(count("sound"))
    chat = model.conversation()
    chat.ask("What do you see and hear?", SAMPLES / "scene.png", SAMPLES / "scene.wav")
    chat.ask("Where is the dog?")
    assert read == {"picture": 1, "sound": 1}


def test_shared_states_are_those_of_the_plain_model(folder):
    model = bubo.load(folder)
    shared, plain = model.speaker, ModelSpeaker(model.speaker.model, model.speaker.processor)
    sound = load_sound(SAMPLES / "scene.wav")
    for length in (sound.samples, np.tile(sound.samples, 3)):  # the longer one is read in samples
        one = Sound(length, sound.sampling_rate)
        with torch.inference_mode():
            states, expected = (each._encode_together([each._sound(one)])[0] for each in (shared, plain))
        np.testing.assert_allclose(states, expected, atol=1e-5)


# ------------------------------------------------------------------ other speakers


def test_an_endpoint_speaks_and_the_towers_ground(folder, capsys):
    text = "I see a dog and a thingamajig. I hear a dog barking."
    with scripted_endpoint.serve() as server:
        server.enqueue(refuse(400, "no audio here"), say(text[:20], text[20:]), say("a thingamajig -> piano"))
        words = ["--speaker", server.url, "--speaker-model", "x", "--speaker-matches"]
        data = ask(folder, *words, capsys=capsys)
    assert data["text"] == text
    labels = {entity["id"]: entity["label"] for entity in data["entities"]}
    linked = {text[link["start"] : link["end"]]: labels[link["entity"]] for link in data["links"]}
    assert linked["a dog"] == "dog" and linked["a thingamajig"] == "piano"
    assert [len(request["messages"]) for request in server.seen] == [1, 1, 2 + 2 * len(SHOTS)]
    assert "Heard in the sound of" in json.dumps(server.seen[1])


def test_a_model_of_transformers_speaks_and_the_towers_ground(folder, capsys, tmp_path):
    for part in tiny_multimodal.tiny_llava():
        part.save_pretrained(tmp_path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bubo.cli.arguments.SPEAKER_MAX_NEW_TOKENS", 12)
        first, again = (ask(folder, "--speaker", str(tmp_path), capsys=capsys) for _ in range(2))
    assert first["text"] and first["text"] == again["text"]
    assert first["timings"]["listen_s"] > 0
    assert cli.main(["ask", "What?", "--speaker", str(folder), "--model", str(folder)]) == 2
    assert "as a multimodal model of transformers" in capsys.readouterr().err


def test_the_snippets_about_speakers_run(folder, tmp_path, monkeypatch, capsys):
    for name in ("scene.png", "scene.wav"):
        shutil.copy(SAMPLES / name, tmp_path)
    monkeypatch.chdir(tmp_path)
    load = bubo.load
    monkeypatch.setattr(bubo, "load", lambda name, speaker: load(folder, speaker=speaker))
    text = (ROOT / "docs" / "speakers.md").read_text(encoding="utf-8")
    names = {"bubo": bubo}
    with scripted_endpoint.serve() as server:
        server.enqueue(say("A dog."))
        for block in re.findall(r"^```python\n(.*?)^```", text, re.M | re.S):
            exec(compile(block.replace("http://127.0.0.1:8000/v1", server.url), "speakers.md", "exec"), names)
    assert capsys.readouterr().out == "A dog. stop\n"
    assert names["assistant"].grounder.matcher.timeout_s == 20


# ------------------------------------------------------------------ nano itself


@needs_nano
def test_nano_answers_about_its_samples(capsys):
    assert cli.main(["ask", "What do you see and hear?", *MEDIA, "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    labels = {entity["label"]: entity for entity in data["entities"]}
    assert "dog" in labels
    assert labels["dog"]["regions"]
    assert data["links"]
    assert data["verdict"]["value"] == "match"


@needs_nano
@pytest.mark.parametrize("page", ["README.md", "docs/quickstart.md", "docs/grounding.md"])
def test_the_snippets_run(page, tmp_path, monkeypatch):
    """All Python blocks of a page in turn: README.md's in a clone, the others beside the sample media."""
    folder = tmp_path / "bubo/nano/samples" if page == "README.md" else tmp_path
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("scene.png", "scene.wav"):
        shutil.copy(SAMPLES / name, folder)
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"^```python\n(.*?)^```", (ROOT / page).read_text(encoding="utf-8"), re.M | re.S)
    assert blocks
    names = {"bubo": bubo}
    for block in blocks:
        exec(compile(block, page, "exec"), names)


@pytest.mark.parametrize(
    "page", sorted([*ROOT.glob("*.md"), *ROOT.glob("*/*.md")]), ids=lambda page: page.name
)
def test_links_between_pages_lead_somewhere(page):
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", text):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} points to {target}"
