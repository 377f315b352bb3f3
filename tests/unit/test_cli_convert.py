"""`bubo convert`: what it prints, what it refuses, and that what it writes loads."""

import json
import os
import subprocess
import sys

import pytest
import torch
from tiny_ram import TAGS, tiny_ram, write_released

from bubo import cli
from bubo.cli import entry
from bubo.kinds import KINDS
from bubo.models.ram import RamModel
from bubo.presets import STEP_KINDS


@pytest.fixture(autouse=True)
def surroundings(monkeypatch, tmp_path):
    for name in entry._QUIET:
        monkeypatch.setenv(name, os.environ.get(name, "1"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def released(tmp_path):
    """A small RAM as its authors would publish it, with its tags and what shapes do not tell."""
    path = tmp_path / "ram.pth"
    model = tiny_ram()
    write_released(model, path)
    content = torch.load(path)
    content["model"]["extra.weight"] = torch.zeros(1)
    torch.save(content, path)
    (tmp_path / "tags.txt").write_text("\n".join(TAGS))
    fields = {"num_attention_heads": model.config.num_attention_heads, "image_size": model.config.image_size}
    (tmp_path / "config.json").write_text(json.dumps(fields))
    return model


def test_a_file_becomes_a_folder_that_loads(released, tmp_path, capsys):
    words = ["--config", "config.json", "--with", "tags=tags.txt", "--dtype", "float16"]
    assert cli.main(["convert", "ram", "ram.pth", "made", *words]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("made: ") and out.endswith(" MB\n")
    assert "left out 1 tensors that nothing has a place for: extra.weight\n" in err
    assert "writes captions" in err
    model = RamModel.from_pretrained(tmp_path / "made", dtype="auto")
    assert (model.dtype, model.config.tag_names) == (torch.float16, list(TAGS))
    assert cli.main(["convert", "ram", "ram.pth", "made", *words]) == 2
    assert "is there already" in capsys.readouterr().err


def test_kinds_are_listed(capsys):
    assert cli.main(["convert", "--list"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(KINDS)


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["ram", "ram.pth"], "Give KIND, SOURCE and TARGET"),
        (["rum", "ram.pth", "made"], "There is no kind 'rum'; the kinds are"),
        (["ram", "none.pth", "made"], "There is no checkpoint 'none.pth'"),
        (["sam", "ram.pth", "made"], "it is another kind of checkpoint"),
        (["ram", "ram.pth", "made", "--with", "tags"], "--with was given 'tags'; expected NAME=PATH"),
        (["ram", "ram.pth", "made", "--with", "words=x"], "does not take words; it takes config, dtype"),
        (["ram", "ram.pth", "made", "--with", "source=x"], "--with does not give the source"),
        (["ram", "ram.pth", "made", "--with", "config=config.json"], "--with does not give the config"),
        (["ram", "ram.pth", "made", "--with", "tags=none.txt"], "Cannot read the list 'none.txt'"),
        (["imagebind", "ram.pth", "made", "--config", "flat.json"], "'audio_config' in the configuration"),
        (["imagebind", "audio.pth", "made", "--config", "audio.json", "--with", "vocabulary=none.gz"],
         "Something to be read is not there: No vocabulary at none.gz"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line_and_leaves_nothing(released, tmp_path, capsys, words, part):
    torch.save(
        {"modality_preprocessors.audio.cls_token": torch.ones(1, 1, 16),
         "modality_heads.audio.2.weight": torch.ones(8, 16)},
        tmp_path / "audio.pth",
    )  # fmt: skip
    (tmp_path / "flat.json").write_text('{"audio_config": 3}')
    (tmp_path / "audio.json").write_text('{"audio_config": {"num_attention_heads": 2}}')
    assert cli.main(["convert", *words]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ") and part in err and len(err.splitlines()) == 1
    assert not [path for path in tmp_path.iterdir() if "made" in path.name]


def test_the_list_needs_no_torch():
    code = (
        "import sys; from bubo import cli; cli.main(['convert', '--list']); assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "imagebind" in done.stdout, done.stderr


def test_kinds_of_steps_are_kinds_of_conversions():
    assert set(STEP_KINDS) - {"copy"} <= set(KINDS)
