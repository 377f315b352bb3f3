"""Resumption is exact, a broken or full disk loses nothing, and a run folder tells its own story."""

from __future__ import annotations

import copy
import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from unit.train.toy import ToyModel, ToySet, build, toy_config

from bubo.errors import ConfigError, StorageError, TrainError
from bubo.train.checkpoint import checkpoints
from bubo.train.config import OptimConfig, RunConfig
from bubo.train.folder import read_log
from bubo.train.job import Job
from bubo.train.optim import MuonAdamW, learning_rate_factor, parameter_groups
from bubo.train.order import EpochItems, Order
from bubo.train.run import RunInterrupted, count_parameters, run


@pytest.fixture(autouse=True)
def _no_curves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing is most of the time of a toy run; the run of `whole` has drawn by then."""
    monkeypatch.setattr("bubo.train.run.draw_curves", lambda *args, **kwargs: None)


def weights(folder: Path) -> dict[str, torch.Tensor]:
    state: dict[str, torch.Tensor] = torch.load(folder / "model" / "toy.pt", weights_only=True)
    return state


def same(first: Path, second: Path) -> bool:
    one, two = weights(first), weights(second)
    return one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)


def at_call(number: int, act: Callable[[], None]) -> Callable[[RunConfig], Job]:
    """A build whose training forward number `number` does `act` first (two forwards make a step)."""

    def wrapped(config: RunConfig) -> Job:
        job, calls = build(config), 0
        forward = job.model.forward

        def counting(**batch: torch.Tensor) -> Any:
            nonlocal calls
            calls += job.model.training
            if job.model.training and calls == number:
                act()
            return forward(**batch)

        job.model.forward = counting  # type: ignore[method-assign]
        return job

    return wrapped


def leave() -> None:
    raise SystemExit(3)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run from start to end without a stop."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    run(toy_config(folder), build=build)
    return folder


def test_folder_of_a_finished_run(whole: Path) -> None:
    done = json.loads((whole / "done.json").read_text())
    assert done["steps"] == 20 and done["parameters"] == {"all": 105, "trained": 105}
    assert set(done["figures"]) == {"loss", "worst", "size"}
    assert {"bubo", "torch", "transformers", "python"} == set(done["versions"])
    assert [step for step, _ in checkpoints(whole)] == [15, 20]
    assert (whole / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert "finished toy" in (whole / "train.log").read_text()
    records = read_log(whole / "log.jsonl")
    assert [r["step"] for r in records if "loss" in r] == [4, 8, 12, 16, 20]
    assert [r["step"] for r in records if "eval_loss" in r] == [7, 14, 20]
    assert records[-1]["eval_loss"] == pytest.approx(done["figures"]["loss"], rel=1e-5)
    assert not list(whole.glob("*incomplete*"))


def test_killed_and_resumed_is_the_same(whole: Path, tmp_path: Path) -> None:
    config = toy_config(tmp_path / "run")
    with pytest.raises(SystemExit):
        run(config, build=at_call(23, leave))  # in step 12, after the checkpoint of step 10
    done = run(config, build=build)
    assert same(whole, tmp_path / "run")
    assert done["figures"] == json.loads((whole / "done.json").read_text())["figures"]
    steps = [r["step"] for r in read_log(tmp_path / "run" / "log.jsonl")]
    assert steps == sorted(steps) and steps.count(4) == 1


def test_killed_again_and_again(whole: Path, tmp_path: Path) -> None:
    config = toy_config(tmp_path / "run", save_every=3, eval_every=None, log_every=1)
    for _ in range(6):
        with pytest.raises(SystemExit):
            run(config, build=at_call(8, leave))
    run(config, build=build)
    assert same(whole, tmp_path / "run")


def test_evaluation_and_workers_do_not_matter(whole: Path, tmp_path: Path) -> None:
    data = {"validation": [], "workers": 1}
    run(toy_config(tmp_path / "run", eval_every=None, save_every=None, data=data), build=build)
    assert same(whole, tmp_path / "run")


def test_seed_matters(whole: Path, tmp_path: Path) -> None:
    run(toy_config(tmp_path / "run", seed=1), build=build)
    assert not same(whole, tmp_path / "run")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_asked_to_stop_saves_and_goes_on(whole: Path, tmp_path: Path, number: signal.Signals) -> None:
    config, before = toy_config(tmp_path / "run", save_every=None), signal.getsignal(number)
    with pytest.raises(RunInterrupted, match=r"stopped at step 12 of 20.*bubo train .*config\.yaml"):
        run(config, build=at_call(23, lambda: os.kill(os.getpid(), number)))
    assert signal.getsignal(number) == before
    assert [step for step, _ in checkpoints(tmp_path / "run")] == [12]
    run(config, build=build)
    assert same(whole, tmp_path / "run")


def test_second_signal_stops_at_once(tmp_path: Path) -> None:
    def twice() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        run(toy_config(tmp_path / "run", save_every=None), build=at_call(3, twice))
    assert not checkpoints(tmp_path / "run")


def test_checkpoints_by_the_clock(tmp_path: Path) -> None:
    run(toy_config(tmp_path / "run", save_every=None, save_minutes=1e-9), build=build)
    assert [step for step, _ in checkpoints(tmp_path / "run")] == [19, 20]


def test_finished_run_is_skipped_and_restart_repeats_it(tmp_path: Path) -> None:
    config = toy_config(tmp_path / "run")
    done = run(config, build=build)
    (tmp_path / "run" / "notes.txt").write_text("mine")
    assert run(config, build=lambda config: pytest.fail("built again")) == done
    again = run(config, build=build, restart=True)
    assert again["figures"] == done["figures"]
    assert (tmp_path / "run" / "notes.txt").read_text() == "mine"


def test_another_configuration_is_refused(tmp_path: Path) -> None:
    run(toy_config(tmp_path / "run"), build=build)
    with pytest.raises(ConfigError, match=r"seed: 0 -> 5.*--restart"):
        run(toy_config(tmp_path / "run", seed=5), build=build)


def test_a_run_that_never_saved_may_change(tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        run(toy_config(tmp_path / "run"), build=at_call(1, leave))
    run(toy_config(tmp_path / "run", seed=5), build=build)


def test_inputs_made_anew_are_refused(tmp_path: Path) -> None:
    first, second = toy_config(tmp_path / "first"), toy_config(tmp_path / "second")
    second = replace(second, init={"start": str(tmp_path / "first")})
    run(first, build=build)
    run(second, build=build)
    run(first, build=build, restart=True)
    (tmp_path / "first" / "done.json").write_text("{}")  # another time stamp at least
    with pytest.raises(ConfigError, match=r"init\.start: made anew"):
        run(second, build=build)


def test_full_disk_keeps_the_last_checkpoint(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_save = torch.save

    def full(value: Any, file: Any, *args: Any, **kwargs: Any) -> None:
        if "checkpoint-10" in str(file) and "optimizer" in str(file):
            Path(file).write_bytes(b"half")
            raise OSError(errno.ENOSPC, "No space left on device")
        real_save(value, file, *args, **kwargs)

    monkeypatch.setattr(torch, "save", full)
    config = toy_config(tmp_path / "run")
    with pytest.raises(StorageError, match=r"step 10.*No space left.*step 5 is intact"):
        run(config, build=build)
    assert [step for step, _ in checkpoints(tmp_path / "run")] == [5]
    assert not list((tmp_path / "run").glob("*incomplete*"))
    monkeypatch.undo()
    run(config, build=build)
    assert same(whole, tmp_path / "run")


def test_full_disk_at_the_product(tmp_path: Path) -> None:
    def fail(model: Any, folder: Path) -> None:
        (folder / "half").touch()
        raise OSError(errno.ENOSPC, "No space left on device")

    config = toy_config(tmp_path / "run")
    with pytest.raises(StorageError, match="Training is done"):
        run(config, build=lambda config: build(config, save=fail))
    assert not (tmp_path / "run" / "model").exists() and not (tmp_path / "run" / "done.json").exists()
    run(config, build=at_call(1, lambda: pytest.fail("trained again")))
    assert (tmp_path / "run" / "done.json").exists()


def test_broken_checkpoint_says_what_to_do(tmp_path: Path) -> None:
    config = toy_config(tmp_path / "run")
    with pytest.raises(SystemExit):
        run(config, build=at_call(23, leave))
    newest = checkpoints(tmp_path / "run")[-1][1]
    (newest / "weights.pt").write_bytes(b"broken")
    with pytest.raises(TrainError, match=r"checkpoint-10 cannot be read.*delete that folder"):
        run(config, build=build)


def test_divergence_is_reported_and_not_saved(tmp_path: Path) -> None:
    class Diverging(ToyModel):
        def forward(self, x: torch.Tensor, y: torch.Tensor) -> dict[str, torch.Tensor]:
            return {"loss": super().forward(x, y)["loss"] * float("nan")}

    with pytest.raises(TrainError, match="not a finite number"):
        run(toy_config(tmp_path / "run"), build=lambda config: build(config, model=Diverging()))
    assert not checkpoints(tmp_path / "run")


def test_two_processes_do_not_share_a_folder(tmp_path: Path) -> None:
    config = toy_config(tmp_path / "run")

    def second() -> None:
        with pytest.raises(TrainError, match="another process"):
            run(config, build=build)

    run(config, build=at_call(1, second))


def test_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    config = toy_config(tmp_path / "run")
    with pytest.raises(StorageError, match="cannot write in the run folder"):
        run(replace(config, output_dir=str(tmp_path / "file" / "run")), build=build)


def test_too_few_items(tmp_path: Path) -> None:
    with pytest.raises(TrainError, match="3 items, fewer than one batch of 4"):
        run(toy_config(tmp_path / "run"), build=lambda config: build(config, train_set=ToySet(3, 0)))


def test_model_options_that_do_not_fit(tmp_path: Path) -> None:
    def build_bad(config: RunConfig) -> Job:
        raise ValueError("hidden_size 30 is no multiple of 4 heads")

    with pytest.raises(ConfigError, match="stage 'toy' do not fit its model: hidden_size 30"):
        run(toy_config(tmp_path / "run"), build=build_bad)


def test_order_is_the_same_from_any_step() -> None:
    whole = list(Order(23, 4, 40, seed=3))
    assert len(whole) == 40
    for start in (0, 1, 5, 17, 39, 40):
        assert list(Order(23, 4, 40, seed=3, start=start)) == whole[start:]
    for epoch in range(8):
        indices = [i for batch in whole for e, i in batch if e == epoch]
        assert len(indices) == len(set(indices)) == 20
    assert [i for _, i in whole[0]] != [i for _, i in whole[5]]


def test_items_follow_the_epoch() -> None:
    items = EpochItems(ToySet(5, 0))
    assert torch.equal(items[(1, 2)]["x"], items[(1, 2)]["x"])
    first = items[(0, 2)]["x"]
    assert not torch.equal(first, items[(1, 2)]["x"])
    assert torch.equal(first, items[(0, 2)]["x"])


def test_learning_rate() -> None:
    factor = learning_rate_factor(OptimConfig(warmup_steps=4), 20)
    values = [factor(step) for step in range(20)]
    assert values[:5] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])
    assert values[-1] == pytest.approx(0.05)
    assert all(a > b for a, b in zip(values[4:-1], values[5:], strict=True))
    assert learning_rate_factor(OptimConfig(schedule="constant"), 20)(19) == 1.0


def test_parameter_groups(tmp_path: Path) -> None:
    job = build(toy_config(tmp_path), param_groups=[("out.", 2.0), ("norm", 0.0)])
    assert count_parameters(job) == (105, 89)
    groups = {(g["lr"], g["weight_decay"]): len(g["params"]) for g in parameter_groups(job, OptimConfig())}
    assert groups == {(1e-3, 0.02): 1, (1e-3, 0.0): 2, (2e-3, 0.02): 1, (2e-3, 0.0): 1}
    assert not any(parameter.requires_grad for parameter in job.model.norm.parameters())  # type: ignore[union-attr]
    with pytest.raises(TrainError, match="nose"):
        parameter_groups(build(toy_config(tmp_path), param_groups=[("nose", 1.0)]), OptimConfig())


def test_muon_takes_the_matrices_of_linear_layers_only() -> None:
    model = nn.ModuleDict(
        {
            "table": nn.Embedding(6, 4),
            "body": nn.Linear(4, 4),
            "head": nn.Linear(4, 6),
            "conv": nn.Conv2d(1, 2, 3),
        }
    )
    model["head"].weight = model["table"].weight
    groups = parameter_groups(Job(model=model, train_set=[], collate=list, save=print), OptimConfig())
    by_muon = [parameter for group in groups if group["muon"] for parameter in group["params"]]
    assert [id(parameter) for parameter in by_muon] == [id(model["body"].weight)]


def test_muon_steps_along_an_orthogonal_matrix() -> None:
    torch.manual_seed(0)
    layer = nn.Linear(32, 16, bias=False)
    before = layer.weight.detach().clone()
    layer.weight.grad = torch.randn(16, 32) * torch.logspace(-1, 0, 16)[:, None]
    group = {"params": [layer.weight], "lr": 1e-2, "weight_decay": 0.0, "muon": True}
    MuonAdamW([group], lr=1e-2, betas=(0.9, 0.98)).step()
    step = (layer.weight.detach() - before) / (1e-2 * 0.2 * 32**0.5)
    sizes = torch.linalg.svdvals(step)
    assert sizes.max() < 1.4 and sizes.min() > 0.4


def test_a_schedule_reaches_both_parts_after_loading() -> None:
    def fresh() -> tuple[nn.Linear, MuonAdamW]:
        layer = nn.Linear(4, 4)
        groups = [
            {"params": [p], "lr": 1.0, "weight_decay": 0.0, "muon": p.ndim == 2} for p in layer.parameters()
        ]
        return layer, MuonAdamW(groups, lr=1.0, betas=(0.9, 0.98))

    layer, optimizer = fresh()
    layer(torch.ones(1, 4)).sum().backward()
    optimizer.step()
    twin_layer, twin = fresh()
    twin_layer.load_state_dict(layer.state_dict())
    twin.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    for one, own in ((layer, optimizer), (twin_layer, twin)):
        for group in own.param_groups:
            group["lr"] = 0.01
        one.zero_grad()
        one(torch.full((1, 4), 2.0)).square().sum().backward()
        own.step()
        assert {group["lr"] for part in own.parts for group in part.param_groups} == {0.01}
    assert torch.equal(layer.weight, twin_layer.weight) and torch.equal(layer.bias, twin_layer.bias)


def test_model_config_is_left_alone(tmp_path: Path) -> None:
    class Settings:
        pass

    def with_config(config: RunConfig) -> Job:
        job = build(config)
        job.model.config = Settings()  # type: ignore[assignment]
        return replace(job, save=lambda model, folder: found.append(vars(model.config)))

    found: list[dict[str, Any]] = []
    run(toy_config(tmp_path / "run"), build=with_config)
    assert found == [{}]


KILL = """
import sys, time
from pathlib import Path
from unit.train.toy import build, toy_config
from bubo.train.run import run
def slow(config):
    job = build(config)
    forward = job.model.forward
    def sleepy(**batch):
        time.sleep(0.02)
        return forward(**batch)
    job.model.forward = sleepy
    return job
run(toy_config(Path(sys.argv[1])), build=slow)
"""


@pytest.mark.slow
def test_sigkill_and_resume(whole: Path, tmp_path: Path) -> None:
    tests = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(tests), "OMP_NUM_THREADS": str(torch.get_num_threads())}
    command = [sys.executable, "-c", KILL, str(tmp_path / "run")]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 90
    while len(checkpoints(tmp_path / "run")) < 2 and time.monotonic() < deadline:
        time.sleep(0.005)
    process.kill()
    process.wait()
    assert not (tmp_path / "run" / "done.json").exists()
    subprocess.run(command, env=environment, check=True, stderr=subprocess.DEVNULL)
    assert same(whole, tmp_path / "run")


LIMIT = """
import resource, sys
from pathlib import Path
from unit.train.toy import build, toy_config
from bubo.errors import StorageError
from bubo.train.run import run
resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))
try:
    run(toy_config(Path(sys.argv[1])), build=build)
except StorageError as error:
    print("refused:", error)
"""


@pytest.mark.slow
def test_real_write_error(tmp_path: Path) -> None:
    tests = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(tests)}
    command = [sys.executable, "-c", LIMIT, str(tmp_path / "run")]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    assert "refused: cannot write the checkpoint of step 5" in done.stdout
    assert not checkpoints(tmp_path / "run") and not list((tmp_path / "run").glob("*incomplete*"))
