"""YAML and overrides to a RunConfig; everything wrong is one clear ConfigError."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from bubo.errors import ConfigError
from bubo.train import config as configs
from bubo.train.config import RunConfig, differences, digest, load, parse_options

GOOD = """
stage: toy
output_dir: runs/toy
steps: 100
data: {train: [a, b], validation: [c], limit: null}
init: {vision: runs/eyes}
model: {width: 32, names: [x, y]}
optim: {lr: 1e-3, betas: [0.9, 0.98], warmup_steps: 10}
eval_every: 50
loss_weights: {lm: 1, attention: 0.3}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "stage.yaml"
    path.write_text(GOOD)
    return path


def test_reads_values_and_defaults(file: Path) -> None:
    config = load(file)
    assert config.optim.lr == 1e-3 and config.optim.betas == (0.9, 0.98)
    assert config.data.train == ("a", "b") and config.data.limit is None
    assert config.loss_weights == {"lm": 1.0, "attention": 0.3}
    assert config.model == {"width": 32, "names": ["x", "y"]}
    assert (config.optim.clip, config.optim.weight_decay, config.bf16) == (1.0, 0.02, "auto")


def test_resolved_yaml_reads_back_equal(file: Path, tmp_path: Path) -> None:
    config = load(file, ["optim.lr=2e-4", "save_minutes=1.5"])
    again = tmp_path / "config.yaml"
    again.write_text(config.to_yaml())
    assert load(again) == config
    assert digest(load(again)) == digest(config)


def test_overrides_reach_every_depth(file: Path) -> None:
    config = load(file, ["steps=7", "optim.warmup_steps=0", "model.depth=3", "init.audio=x/y", "bf16=false"])
    assert (config.steps, config.model["depth"], config.init["audio"], config.bf16) == (7, 3, "x/y", False)
    assert load(file, ["data.train=[q]"]).data.train == ("q",)


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("stepz=3", ["unknown key `stepz`", "steps"]),
        ("optim.learning_rate=3", ["unknown key `optim.learning_rate`", "lr"]),
        ("steps=many", ["`steps`", "'many'", "whole number"]),
        ("steps=1.5", ["`steps`", "1.5", "whole number"]),
        ("steps=true", ["`steps`", "true/false", "whole number"]),
        ("steps=0", ["`steps`", "1 or more"]),
        ("batch_size=-1", ["`batch_size`", "1 or more"]),
        ("output_dir=''", ["`output_dir`", "not empty"]),
        ("optim.lr=fast", ["`optim.lr`", "'fast'", "a number"]),
        ("optim.lr=.nan", ["`optim.lr`", "more than 0"]),
        ("optim.betas=[0.9]", ["`optim.betas`", "list of 2"]),
        ("optim.betas=[0.9, 1.0]", ["`optim.betas`", "below 1"]),
        ("optim.betas=[0.9, x]", ["`optim.betas[1]`", "'x'"]),
        ("optim.schedule=step", ["`optim.schedule`", "'step'", '"cosine"']),
        ("optim.warmup_steps=100", ["`optim.warmup_steps`", "0 to 99"]),
        ("optim.min_lr_ratio=2", ["`optim.min_lr_ratio`", "0 to 1"]),
        ("optim=3", ["`optim`", "mapping"]),
        ("data.train=a", ["`data.train`", "'a'", "a list"]),
        ("data.train=[1]", ["`data.train[0]`", "a text"]),
        ("data.limit=0", ["`data.limit`", "1 or more"]),
        ("data.workers=-1", ["`data.workers`", "0 or more"]),
        ("data.validation=[]", ["`eval_every`", "data.validation"]),
        ("bf16=maybe", ["`bf16`", "'maybe'", "true or false", '"auto"']),
        ("save_minutes=0", ["`save_minutes`", "more than 0"]),
        ("save_every=0", ["`save_every`", "1 or more"]),
        ("loss_weights.lm=-1", ["`loss_weights.lm`", "0 or more"]),
        ("loss_weights.lm=big", ["`loss_weights.lm`", "'big'"]),
        ("init.vision=3", ["`init.vision`", "3 (whole number)", "a text"]),
        ("init.vision=runs/toy", ["`init.vision`", "another folder"]),
        ("seed=-1", ["`seed`", "0 or more"]),
        ("steps.a=1", ["`steps`", "plain value"]),
        ("steps", ["'steps'", "key=value"]),
        (".=1", ["key=value"]),
        ("steps=[1", ["override", "line 1"]),
    ],
)
def test_each_mistake_is_named(file: Path, override: str, words: list[str]) -> None:
    with pytest.raises(ConfigError) as error:
        load(file, [override])
    for word in words:
        assert word in str(error.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["null", "key: value"]),
        ("[1, 2]", ["list"]),
        ("stage: [", ["line 1"]),
        ("stage: a\nstage: b\n", ["line 2", "`stage`", "twice"]),
        ("1: a\n", ["the key 1 is not a text"]),
        ("stage: toy\noutput_dir: x\n", ["`steps` is missing", "whole number"]),
        ("stage: !!python/object/apply:os.getcwd []", ["could not determine a constructor"]),
    ],
)
def test_broken_files(tmp_path: Path, text: str, words: list[str]) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as error:
        load(path)
    assert str(path) in str(error.value)
    for word in words:
        assert word in str(error.value)


def test_missing_and_binary_files(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read the configuration"):
        load(tmp_path / "none.yaml")
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="UTF-8"):
        load(tmp_path / "binary.yaml")


@dataclass(frozen=True)
class Options:
    width: int
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.width < 1:
            raise ValueError(f"width was {self.width}, expected 1 or more")


def test_stage_options(file: Path) -> None:
    assert parse_options(Options, load(file).model) == Options(32, ("x", "y"))
    with pytest.raises(ConfigError, match="unknown key `model.height`"):
        parse_options(Options, {"width": 1, "height": 2})
    with pytest.raises(ConfigError, match="width was 0, expected 1 or more"):
        parse_options(Options, {"width": 0})


def test_differences_leave_out_what_does_not_decide(file: Path) -> None:
    config = load(file)
    assert not differences(config, load(file, ["save_every=3", "eval_every=9", "output_dir=z"]))
    assert digest(config) == digest(load(file, ["log_every=1", "data.workers=2"]))
    assert differences(config, load(file, ["optim.lr=0.5"])) == ["optim.lr: 0.001 -> 0.5"]
    assert differences(config, load(file, ["model.new=1"])) == ["model.new: 'not set' -> 1"]


def test_init_folders(tmp_path: Path) -> None:
    def config(folder: Path) -> RunConfig:
        return RunConfig(stage="toy", output_dir="o", steps=1, init={"vision": str(folder)})

    with pytest.raises(ConfigError, match="there is no folder"):
        config(tmp_path / "none").init_folder("vision")
    with pytest.raises(ConfigError, match="`init` names only"):
        config(tmp_path).init_folder("audio")
    assert config(tmp_path).init_folder("vision") == tmp_path  # any saved model
    (tmp_path / configs.CONFIG_FILE).touch()
    with pytest.raises(ConfigError, match="has not finished"):
        config(tmp_path).init_folder("vision")
    (tmp_path / configs.DONE_FILE).touch()
    assert config(tmp_path).init_folder("vision") == tmp_path / "model"


def test_inputs_are_looked_for(tmp_path: Path) -> None:
    config = RunConfig(
        stage="toy", output_dir="o", steps=1, data=configs.DataConfig(train=(str(tmp_path / "none"),))
    )
    with pytest.raises(ConfigError, match="bubo data world"):
        configs.check_inputs(config)
