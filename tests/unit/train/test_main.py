"""The command line of training: exit codes, one-line errors, nothing heavy before the arguments are right."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from unit.train.toy import build, toy_config

from bubo import cli
from bubo.train import stages


def main(words: list[str]) -> int:
    return cli.main(["train", *words])


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stage file of the toy job."""
    monkeypatch.setattr(stages, "build", build)
    monkeypatch.setattr("bubo.train.run.draw_curves", lambda *args, **kwargs: None)
    file = tmp_path / "toy.yaml"
    file.write_text(toy_config(tmp_path / "run").to_yaml())
    return file


def test_trains_then_skips(stage: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(stage), "steps=10"]) == 0
    assert (tmp_path / "run" / "done.json").is_file()
    assert main([str(tmp_path / "run" / "config.yaml")]) == 0
    assert capsys.readouterr().out == ""


def test_dry_run_writes_nothing(stage: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(stage), "optim.lr=0.25", "--dry-run"]) == 0
    out = capsys.readouterr().out
    assert "lr: 0.25" in out and "# parameters: 105, trained: 105" in out
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["none.yaml"], "there is no file none.yaml"),
        (["STAGE", "steps=0"], "`steps` is 0"),
        (["STAGE", "optim.speed=0"], "unknown key `optim.speed`"),
        (["STAGE", "data.train=[nowhere]"], "no folder nowhere"),
        (["STAGE", "init.eyes=nowhere"], "no folder nowhere"),
        (["STAGE", "init.eyes=nowhere", "--dry-run"], "no folder nowhere"),
    ],
)
def test_mistakes_are_one_line_and_exit_two(
    stage: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    assert main([str(stage) if word == "STAGE" else word for word in arguments]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and words in error and error.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_unknown_stage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "toy.yaml"
    file.write_text(toy_config(tmp_path / "run").to_yaml())
    assert main([str(file)]) == 2
    assert "'toy'" in capsys.readouterr().err


def test_stop_is_exit_130(
    stage: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import os
    import signal

    def stopping(config: Any) -> Any:
        os.kill(os.getpid(), signal.SIGTERM)
        return build(config)

    monkeypatch.setattr(stages, "build", stopping)
    assert main([str(stage)]) == 130
    assert "To go on: bubo train" in capsys.readouterr().err


def test_help_is_light() -> None:
    code = (
        "import sys; from bubo.train.command import main\n"
        "try: main(['--help'])\n"
        "except SystemExit as stop: assert stop.code == 0\n"
        "assert not {'torch', 'transformers', 'matplotlib'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "KEY=VALUE" in done.stdout
