"""The compact copy of the reference cases, through the same runner as the whole set."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from tests.parity.cases import NotHere, load_case, run_case
from tests.parity.run import main, measure, run

GOLDENS = Path(__file__).parent / "goldens"


@pytest.mark.parametrize("path", sorted(GOLDENS.glob("*.safetensors")), ids=lambda path: path.stem)
def test_case(path: Path) -> None:
    try:
        result = measure(path)
    except NotHere as reason:
        pytest.skip(str(reason))
    assert result["pass"], result


def changed(path: Path, target: Path, key: str, delta: float) -> Path:
    """A copy of a case with one value of one tensor moved."""
    case = load_case(path)
    case.tensors[key] = case.tensors[key].clone()
    case.tensors[key].view(-1)[0] += delta
    facts = {name: json.dumps(value) for name, value in case.facts.items() if name != "weights_from"}
    save_file({name: value.contiguous() for name, value in case.tensors.items()}, target, metadata=facts)
    return target


@pytest.mark.parametrize(
    ("name", "key", "delta"),
    [
        ("ib_audio", "outputs/embedding", 1e-3),
        ("ib_audio", "weights/modality_trunks.audio.blocks.0.attn.bias_k", 0.5),
        ("ib_text", "weights/modality_postprocessors.text.1.log_logit_scale", -1.0),
        ("bubogpt_audio_trunk", "outputs/features_every_7th_token", 1e-2),
        ("audio_16k_mono_2p5s_dc", "outputs/sample_ranges", 1),
        ("image_preprocess", "outputs/small_up_every_7th_pixel", 0.1),
    ],
)
def test_a_case_that_differs_fails(tmp_path: Path, name: str, key: str, delta: float) -> None:
    path = changed(GOLDENS / f"{name}.safetensors", tmp_path / "case.safetensors", key, delta)
    result = measure(path)
    assert not result["pass"] and result["max_error"] > result["tolerance"]


def test_broken_cases_fail_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "broken.safetensors").write_bytes(b"nothing")
    save_file({"inputs/x": torch.ones(1)}, tmp_path / "unknown.safetensors")
    results = run(tmp_path)
    assert [result["name"] for result in results] == ["broken", "unknown"]
    assert not any(result["pass"] for result in results)
    assert main([str(tmp_path), "--json"]) == 1
    assert json.loads(capsys.readouterr().out) == results
    assert main([str(tmp_path / "nowhere")]) == 2


def test_every_output_of_a_case_is_compared() -> None:
    case = load_case(GOLDENS / "ib_audio.safetensors")
    assert {name for name, *_ in run_case(case)} == {name for name, _ in case.outputs()}


@pytest.mark.parity
def test_the_command() -> None:
    command = [sys.executable, "-m", "tests.parity.run", str(GOLDENS)]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2])
    assert ended.returncode == 0, ended.stdout
    assert ended.stdout.count("  pass  ") == len(list(GOLDENS.glob("*.safetensors")))
