"""A base and a delta become a model, in the memory of a few tensors."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_bubogpt import LLM_ROWS, write_vicuna
from transformers import AutoModelForCausalLM

from bubo.models.checkpoints import ConversionError
from bubo.models.conversion import convert
from bubo.models.delta import merge_delta


def tensors(folder):
    files = sorted(Path(folder).glob("*.safetensors"))
    return {name: value for file in files for name, value in load_file(file).items()}


def write_bins(folder, state, count=3):
    """The .bin shards that old models came in."""
    folder.mkdir()
    names = sorted(state)
    places = {}
    for number in range(count):
        file = f"pytorch_model-{number + 1:05d}-of-{count:05d}.bin"
        torch.save({name: state[name] for name in names[number::count]}, folder / file)
        places |= dict.fromkeys(names[number::count], file)
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps({"weight_map": places}))
    return folder


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """A base without the row of padding, and a delta that has it."""
    root = tmp_path_factory.mktemp("pair")
    delta = write_vicuna(root / "delta", seed=1)
    state = tensors(write_vicuna(root / "whole", seed=2))
    for name in ("model.embed_tokens.weight", "lm_head.weight"):
        state[name] = state[name][: LLM_ROWS - 1].clone()
    state["model.layers.0.self_attn.rotary_emb.inv_freq"] = torch.ones(6)
    base = write_bins(root / "base", {name: value.half() for name, value in state.items()})
    return base, delta


def test_base_and_delta_are_added(pair, tmp_path):
    base, delta = pair
    report = convert("vicuna", delta, tmp_path / "vicuna", base=base)
    added = tensors(delta)
    given = {}
    for file in base.glob("*.bin"):
        given |= torch.load(file)
    made = tensors(tmp_path / "vicuna")
    assert made.keys() == added.keys() and report.num_tensors == len(made)
    for name, value in made.items():
        rows = given[name].shape[0]
        assert torch.equal(value[:rows], given[name].float() + added[name][:rows])
        assert torch.equal(value[rows:], added[name][rows:])
        assert value.dtype == added[name].dtype
    assert len(made["lm_head.weight"]) == LLM_ROWS
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "vicuna")
    assert model(torch.tensor([[1, 2, LLM_ROWS - 1]])).logits.isfinite().all()
    assert (tmp_path / "vicuna" / "tokenizer.model").is_file()


def test_shards_are_as_large_as_wanted(pair, tmp_path):
    merge_delta(*pair, tmp_path / "vicuna", max_shard_bytes=60_000)
    files = list((tmp_path / "vicuna").glob("model-*.safetensors"))
    assert len(files) > 2
    merge_delta(*pair, tmp_path / "whole")
    assert tensors(tmp_path / "vicuna").keys() == tensors(tmp_path / "whole").keys()


def test_models_that_do_not_belong_together(pair, tmp_path):
    base, delta = pair
    wide = write_vicuna(tmp_path / "wide", width=96)
    with pytest.raises(ConversionError, match=r"is \(\d+, 64\) in 'base' and \(\d+, 96\) in 'wide'"):
        merge_delta(base, wide, tmp_path / "out")
    state = tensors(delta)
    state.pop("model.norm.weight")
    (tmp_path / "less").mkdir()
    save_file(state, tmp_path / "less" / "model.safetensors")
    with pytest.raises(ConversionError, match=r"'less' lacks 1 tensors of 'base', such as model.norm.weight"):
        merge_delta(base, tmp_path / "less", tmp_path / "out")
    with pytest.raises(ConversionError, match=r"'base' lacks .* of 'more'|say what it is added to"):
        convert("vicuna", delta, tmp_path / "out")
    assert not (tmp_path / "out").exists()


MEASURE = """
import sys
from pathlib import Path
from bubo.models.delta import merge_delta

def resident():
    fields = dict(line.split(":") for line in Path("/proc/self/status").read_text().splitlines())
    return int(fields["VmHWM"].split()[0]) * 1024

for folder in sys.argv[1:]:
    base, delta, out = (Path(folder) / name for name in ("base", "delta", "out"))
    Path("/proc/self/clear_refs").write_text("5")
    before = resident()
    merge_delta(base, delta, out)
    print(resident() - before)
"""


def write_shards(folder, state, count):
    folder.mkdir()
    names, places = sorted(state), {}
    for number in range(count):
        part = {name: state[name] for name in names[number::count]}
        save_file(part, folder / f"{number}.safetensors")
        places |= dict.fromkeys(part, f"{number}.safetensors")
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": places}))


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc")
def test_memory_stays_below_a_shard(tmp_path):
    """All resident memory counts, that of mapped files too: two shards of 32 MB, sixteen tensors each."""
    size = 2**20
    state = {f"layer.{number:02d}": torch.full((size,), 1.0).half() for number in range(32)}
    for kind, write in (("bin", write_bins), ("safetensors", write_shards)):
        (tmp_path / kind).mkdir()
        for name in ("base", "delta"):
            write(tmp_path / kind / name, state, 2)
    folders = [tmp_path / "bin", tmp_path / "safetensors"]
    command = [sys.executable, "-c", MEASURE, *map(str, folders)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    peaks = [int(line) for line in done.stdout.split()]
    assert len(peaks) == 2 and max(peaks) < 1.2 * 16 * 2 * size, peaks
    for folder in folders:
        assert torch.equal(tensors(folder / "out")["layer.31"], torch.full((size,), 2.0).half())
