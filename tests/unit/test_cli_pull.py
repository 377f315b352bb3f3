"""`bubo pull` and `bubo models`: what they print, ask, refuse."""

import io
import json
import os

import pytest
from scripted_server import ScriptedServer

from bubo import cli
from bubo.cli import entry

PRESET = """\
summary: a trial
speaker: {{kind: bubo, model: trial}}
parameters: {{other: 1000000000}}
sources:
  - repo: owner/trial
    licence: mine, not yours
    licence_url: https://example.org
    non_commercial: true
    gated: true
    files: [config.json, {{path: model.safetensors, bytes: {size}}}]
steps:
  - {{kind: copy, source: [owner/trial/*], target: trial}}
"""
CONFIG = b'{"model_type": "llama"}'
WEIGHTS = (2).to_bytes(8, "little") + b"{}"


class Terminal(io.StringIO):
    """Somebody who can be asked."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def surroundings(monkeypatch, tmp_path):
    for name in entry._QUIET:
        monkeypatch.setenv(name, os.environ.get(name, "1"))
    monkeypatch.setenv("BUBO_HOME", str(tmp_path / "models"))
    monkeypatch.setattr("sys.stdin", io.StringIO())
    presets = tmp_path / "models" / "presets"
    presets.mkdir(parents=True)
    (presets / "trial.yaml").write_text(PRESET.format(size=len(WEIGHTS)))


@pytest.fixture
def hub(monkeypatch):
    scripted = ScriptedServer()
    scripted.put("/owner/trial/resolve/main/config.json", CONFIG)
    scripted.put("/owner/trial/resolve/main/model.safetensors", WEIGHTS)
    monkeypatch.setenv("HF_ENDPOINT", scripted.url)
    monkeypatch.delenv("HF_HUB_OFFLINE")
    yield scripted
    scripted.close()


def test_all_is_listed_before_anything_is_fetched(hub, capsys):
    assert cli.main(["pull", "trial", "--dry-run"]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[2:8] == [
        "owner/trial  [NON-COMMERCIAL]",
        "  licence: mine, not yours, https://example.org",
        "  gated: accept the terms on https://huggingface.co/owner/trial first",
        "  config.json  ?  hash as the hub tells  to fetch",
        "  model.safetensors  10 bytes  hash as the hub tells  to fetch",
        "",
    ]
    assert "to fetch: 2 files, 10 bytes and 1 whose sizes are not known here" in out
    assert "may not be used commercially" in out
    assert err == ""
    assert hub.asked == []


def test_pull_with_yes(hub, capsys, tmp_path):
    assert cli.main(["pull", "trial", "--yes"]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[-1] == "trial: ready"
    assert err.splitlines() == [
        "owner/trial/config.json",
        "owner/trial/model.safetensors",
        "trial: placing",
    ]
    assert (tmp_path / "models" / "trial" / "model.safetensors").read_bytes() == WEIGHTS
    assert cli.main(["pull", "trial"]) == 0  # nothing to agree to any more
    assert capsys.readouterr().out == "trial: ready\n"


@pytest.mark.parametrize(("said", "code"), [("y\n", 0), ("Yes\n", 0), ("\n", 2), ("n\n", 2), ("", 2)])
def test_a_terminal_is_asked(hub, capsys, monkeypatch, said, code):
    monkeypatch.setattr("sys.stdin", Terminal(said))
    assert cli.main(["pull", "trial"]) == code
    err = capsys.readouterr().err
    assert "Do you agree to these licences" in err
    assert ("error: Nothing was fetched." in err) == bool(code)
    assert bool(hub.asked) != bool(code)


def test_progress_on_a_terminal(hub, monkeypatch):
    errors = Terminal()
    monkeypatch.setattr("sys.stderr", errors)
    assert cli.main(["pull", "trial", "--yes"]) == 0
    assert "owner/trial/model.safetensors: 100%" in errors.getvalue()
    assert "\r" in errors.getvalue()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["pull", "trial"], "this is no terminal. If you agree, say bubo pull trial --yes"),
        (["pull", "trail"], "No preset is called 'trail'. Did you mean 'trial'"),
        (["pull", "trial", "--yes", "--from", "nowhere"], "There is no folder 'nowhere'"),
        (["pull", "trial", "--yes"], "HF_HUB_OFFLINE is set. What has come so far is kept"),
        (["pull", "bubogpt-13b", "--yes"], "needs files that cannot be fetched: bubogpt_13b"),
        (["pull"], "required: PRESET"),
        (
            ["ask", "What?", "--model", "trial"],
            "'trial' is not ready (trial is missing). Run: bubo pull trial",
        ),
        (["ask", "What?", "--model", "modern"], "Run: bubo pull modern (after that it has to be trained"),
        (["ask", "What?", "--model", "classic"], "'classic' is a grounder"),
    ],
)
def test_one_clear_error(capsys, words, message):
    assert cli.main(words) == 2
    err = capsys.readouterr().err
    assert message in err
    assert [line.startswith("error: ") for line in err.splitlines()][-1]
    assert err.count("error: ") == 1


def test_a_folder_of_anything_is_not_ready(hub, tmp_path, capsys):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "config.json").write_text("{}")
    (tmp_path / "mine" / "model.safetensors").write_bytes(WEIGHTS)
    assert cli.main(["pull", "trial", "--yes", "--from", str(tmp_path / "mine")]) == 2
    assert "config.json names no model_type" in capsys.readouterr().err


def test_without_a_network_each_file_has_a_line(hub, monkeypatch, capsys):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert cli.main(["pull", "trial", "--yes"]) == 2
    *lines, error = capsys.readouterr().err.splitlines()
    files = [line for line in lines if "https://huggingface.co/owner/trial/resolve/main/" in line]
    assert files and f"the {len(files)} files above" in error and len(error) < 300


def test_models_lists_presets_and_what_to_do(hub, capsys):
    assert cli.main(["models"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "nano: ready (model, fp32)" and lines[2].endswith(", nothing to pull")
    place = lines.index("trial: not ready (model, fp32, non-commercial)")
    assert lines[place + 1 : place + 5] == [
        "  a trial",
        "  memory 5.5 GB, not pulled, 10 bytes and 1 file of unknown size to fetch",
        "  missing: trial",
        "  -> bubo pull trial",
    ]
    assert cli.main(["pull", "trial", "--yes"]) == 0
    capsys.readouterr()
    assert cli.main(["models"]) == 0
    assert (
        f"  memory 5.5 GB, on disk {len(WEIGHTS) + len(CONFIG)} bytes" in capsys.readouterr().out.splitlines()
    )
    assert cli.main(["models", "--json"]) == 0
    entries = {entry["name"]: entry for entry in json.loads(capsys.readouterr().out)}
    assert entries["trial"]["ready"] and entries["trial"]["command"] is None
    assert entries["trial"]["bytes"] == len(WEIGHTS) + len(CONFIG)
    assert entries["bubogpt-7b"]["command"] == "bubo pull bubogpt-7b"
    assert entries["modern"]["training"]
    assert entries["bubogpt-7b-4bit"]["memory_bytes"] < entries["bubogpt-7b"]["memory_bytes"]


def test_without_the_grounder(hub, capsys, tmp_path):
    path = tmp_path / "models" / "presets" / "trial.yaml"
    path.write_text(path.read_text() + "grounder: quick\n")
    assert cli.main(["pull", "trial", "--dry-run"]) == 0
    assert "facebook/sam2.1-hiera-small" in capsys.readouterr().out
    assert cli.main(["pull", "trial", "--yes", "--without-grounder"]) == 0
    out = capsys.readouterr().out
    assert "facebook/sam2.1-hiera-small" not in out
    assert out.splitlines()[-1].startswith("trial: what speaks is ready. Load it with --grounder NAME")
    assert cli.main(["pull", "quick", "--without-grounder"]) == 2


def test_a_broken_preset_is_listed_and_others_go_on(hub, capsys, tmp_path):
    (tmp_path / "models" / "presets" / "bad.yaml").write_text("speaker: [")
    assert cli.main(["models"]) == 0
    out = capsys.readouterr().out
    assert "bad: broken\n  " in out and "not a readable YAML file" in out and "trial: not ready" in out
    assert cli.main(["models", "--json"]) == 0
    entries = {entry["name"]: entry for entry in json.loads(capsys.readouterr().out)}
    assert "not a readable YAML" in entries["bad"]["error"] and entries["trial"]["error"] is None
    assert set(entries["bad"]) == set(entries["trial"])
    assert cli.main(["pull", "trial", "--yes"]) == 0
    assert cli.main(["pull", "bad"]) == 2
    assert "The preset 'bad' cannot be used: " in capsys.readouterr().err


def test_what_is_not_pinned_is_told(capsys, tmp_path):
    path = tmp_path / "models" / "presets" / "trial.yaml"
    assert cli.main(["models"]) == 0
    assert "  not pinned, so that others may come one day: owner/trial" in capsys.readouterr().out
    path.write_text(
        path.read_text().replace("repo: owner/trial\n", f"repo: owner/trial\n    revision: {'a1' * 20}\n")
    )
    assert cli.main(["models", "--json"]) == 0
    entries = {entry["name"]: entry for entry in json.loads(capsys.readouterr().out)}
    assert entries["trial"]["unpinned"] == []


def test_a_preset_is_removed_with_its_downloads(hub, capsys, tmp_path, monkeypatch):
    home = tmp_path / "models"
    assert cli.main(["pull", "trial", "--yes"]) == 0
    capsys.readouterr()
    assert cli.main(["models", "--remove", "trial"]) == 2
    out, err = capsys.readouterr()
    assert f"model folder: {home / 'trial'}" in out and "to be freed: " in out
    assert "bubo models --remove trial --yes" in err and (home / "trial").is_dir()
    monkeypatch.setattr("sys.stdin", Terminal("n\n"))
    assert cli.main(["models", "--remove", "trial"]) == 2 and (home / "trial").is_dir()
    monkeypatch.setattr("sys.stdin", Terminal("y\n"))
    assert cli.main(["models", "--remove", "trial"]) == 0
    assert not (home / "trial").exists() and not list((home / "downloads").rglob("*"))
    assert (home / "presets" / "trial.yaml").is_file()
    capsys.readouterr()
    assert cli.main(["models", "--remove", "trial", "--yes"]) == 0
    assert capsys.readouterr().out == "trial: nothing of it is here\n"
    assert cli.main(["models", "--remove", "nano", "--yes"]) == 2


def test_what_lies_elsewhere_is_not_removed(hub, capsys, tmp_path):
    home, elsewhere = tmp_path / "models", tmp_path / "elsewhere"
    other = (home / "presets" / "trial.yaml").read_text()
    (home / "presets" / "twin.yaml").write_text(other)
    assert cli.main(["pull", "trial", "--yes"]) == 0
    (home / "trial").rename(elsewhere)
    (home / "trial").symlink_to(elsewhere)
    (home / "downloads").rename(tmp_path / "kept")
    (home / "downloads").symlink_to(tmp_path / "kept")
    capsys.readouterr()
    assert cli.main(["models", "--remove", "trial", "--yes"]) == 0
    out = capsys.readouterr().out
    assert f"left alone: {home / 'trial'} (a link to somewhere else)" in out
    assert (elsewhere / "config.json").is_file() and list((tmp_path / "kept").rglob("config.json"))
    (home / "trial").unlink()
    elsewhere.rename(home / "trial")
    assert cli.main(["models", "--remove", "trial", "--yes"]) == 0
    assert "(a part of twin, too)" in capsys.readouterr().out
