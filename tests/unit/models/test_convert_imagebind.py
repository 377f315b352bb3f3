"""Meta's ImageBind file: the released layout at full size, and small files of it through the whole way."""

import gzip
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
import tiny_grounding
import torch
from PIL import Image

from bubo.models.checkpoints import ConversionError
from bubo.models.conversion import convert
from bubo.models.imagebind import ImageBindConfig, ImageBindModel, ImageBindTokenizer
from bubo.models.imagebind.configuration_imagebind import MODALITIES
from bubo.models.imagebind.convert_imagebind import KEY_MAP, infer_config

MANIFESTS = Path(__file__).parents[2] / "parity" / "manifests"
# (prefix of ours, released prefix); the inverse of the key map, written by hand
STEM = {"vision": "rgbt_stem.proj.1", "audio": "rgbt_stem.proj", "thermal": "rgbt_stem.proj",
        "depth": "depth_stem.proj", "imu": "imu_stem.proj"}  # fmt: skip
HEAD = {"vision": "2", "audio": "2", "depth": "2", "thermal": "2", "imu": "3"}
TINY = {
    f"{name}_config": {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    for name in MODALITIES
}
HEADS = {name: {"num_attention_heads": 2} for name in TINY}


def released_name(name: str) -> str:
    """The name that a tensor of ours has in a released file."""
    part, _, rest = name.partition(".")
    modality, _, kind = part.rpartition("_")
    if kind == "head":
        if rest == "log_logit_scale":
            return f"modality_postprocessors.{modality}.1.{rest}"
        number, tensor = (
            {"norm": 0, "projection": HEAD.get(modality, "1")}[rest.split(".")[0]],
            rest.split(".")[1],
        )
        return f"modality_heads.{modality}.{'proj.' if modality == 'text' else ''}{number}.{tensor}"
    if rest.startswith("blocks"):
        rest = rest.replace("attention.", "attn.").replace("in_proj.", "in_proj_")
        return f"modality_trunks.{modality}.{rest}"
    if rest.startswith("pre_norm"):
        return f"modality_trunks.{modality}.pre_transformer_layer.0.{rest.split('.')[1]}"
    rest = rest.removeprefix("embeddings.")
    if rest == "position_embeddings":
        inside = "" if modality in ("text", "imu") else "pos_embedding_helper."
        rest = f"{inside}pos_embed"
    elif modality in STEM:
        stem = STEM[modality]
        rest = rest.replace("projection.", f"{stem}.").replace("norm.", f"{stem.split('.')[0]}.norm_layer.")
    return f"modality_preprocessors.{modality}.{rest}"


def tiny_file(path: Path, **fields: dict) -> ImageBindModel:
    """A small model with every tensor random, written under the released names."""
    torch.manual_seed(1)
    text = {"text_config": {**TINY["text_config"], "vocab_size": 50}}
    model = ImageBindModel(ImageBindConfig(**(fields or {**TINY, **text}), projection_dim=8)).eval()
    for value in model.state_dict().values():
        value.normal_(std=0.3)
    state = {released_name(name): value for name, value in model.state_dict().items()}
    if "text_config" in fields or not fields:
        state["modality_preprocessors.text.mask"] = torch.zeros(77, 77)
    torch.save(state, path)
    return model


def test_the_released_file_fits_exactly() -> None:
    shapes = json.loads(gzip.decompress((MANIFESTS / "imagebind_huge.json.gz").read_bytes()))
    released = {key: torch.empty(shape, device="meta") for key, shape in shapes.items()}
    config = infer_config(released, "imagebind_huge.pth", {})
    assert config.to_dict() == ImageBindConfig().to_dict()
    with torch.device("meta"):
        model = ImageBindModel(config)
    plan = KEY_MAP.plan(released)
    comparison = plan.compare(model)
    assert (comparison.missing, comparison.unexpected, comparison.wrong) == ([], [], [])
    assert list(plan.dropped) == ["modality_preprocessors.text.mask"]
    assert len(plan.entries) + len(plan.dropped) == 1311
    assert sum(value.numel() for value in model.state_dict().values()) + 77 * 77 == 1_200_786_990


def test_a_small_file_converts_loads_and_answers_the_same(tmp_path: Path) -> None:
    model = tiny_file(tmp_path / "released.pth")
    report = convert("imagebind", tmp_path / "released.pth", tmp_path / "out", config=HEADS)
    assert report.unexpected == [] and report.num_tensors == len(model.state_dict())
    loaded, info = ImageBindModel.from_pretrained(tmp_path / "out", output_loading_info=True)
    assert not any(info[kind] for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    torch.manual_seed(2)
    inputs = {
        "pixel_values": torch.randn(2, 3, 224, 224),
        "input_ids": torch.randint(0, 50, (2, 77)),
        "input_features": torch.randn(2, 1, 128, 204),
        "depth_values": torch.randn(2, 1, 224, 224),
        "thermal_values": torch.randn(2, 1, 224, 224),
        "imu_values": torch.randn(2, 6, 2000),
    }
    with torch.no_grad():
        expected, given = model(**inputs), loaded.eval()(**inputs)
    for name, value in expected.items():
        torch.testing.assert_close(given[name], value)
    loaded.save_pretrained(tmp_path / "again")
    again = ImageBindModel.from_pretrained(tmp_path / "again").eval()
    with torch.no_grad():
        torch.testing.assert_close(again(**inputs).audio_embeds, expected.audio_embeds)


def test_a_file_with_one_modality_gives_that_one(tmp_path: Path) -> None:
    tiny_file(tmp_path / "released.pth", audio_config=TINY["audio_config"])
    convert("imagebind", tmp_path / "released.pth", tmp_path / "out", config=HEADS, dtype=torch.bfloat16)
    loaded = ImageBindModel.from_pretrained(tmp_path / "out", dtype="auto")
    assert loaded.config.modalities == ("audio",) and loaded.dtype == torch.bfloat16
    assert (tmp_path / "out" / "preprocessor_config.json").is_file()


def broken(path: Path, **changes: torch.Tensor | None) -> None:
    state = torch.load(path, weights_only=True)
    for key, value in changes.items():
        name = next(one for one in state if one.endswith(key.replace("__", ".")))
        del state[name]
        if value is not None:
            state[name] = value
    torch.save(state, path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fc1__weight": None}, r"lacks 1 tensors, such as \w+_model.blocks.0.mlp.fc1.weight"),
        (
            {"fc1__weight": torch.ones(3)},
            r"tensors of another shape, such as .*fc1.weight: \(3,\) instead of",
        ),
    ],
)
def test_what_does_not_fit_is_named(tmp_path: Path, changes: dict, message: str) -> None:
    tiny_file(tmp_path / "released.pth", audio_config=TINY["audio_config"])
    broken(tmp_path / "released.pth", **changes)
    with pytest.raises(ConversionError, match=message):
        convert("imagebind", tmp_path / "released.pth", tmp_path / "out", config=HEADS)
    assert [path.name for path in tmp_path.iterdir()] == ["released.pth"]


def test_heads_that_no_shape_tells_are_asked_for(tmp_path: Path) -> None:
    tiny_file(tmp_path / "released.pth", audio_config=TINY["audio_config"])
    with pytest.raises(ConversionError, match=r'16 wide, the released one 768; .*"num_attention_heads"'):
        convert("imagebind", tmp_path / "released.pth", tmp_path / "out")


def test_another_file_is_not_imagebind(tmp_path: Path) -> None:
    torch.save({"model": {"visual_encoder.x": torch.ones(1)}}, tmp_path / "ram.pth")
    with pytest.raises(ConversionError, match="no tensor of ImageBind"):
        convert("imagebind", tmp_path / "ram.pth", tmp_path / "out")


def test_renamed_keys_are_reported(tmp_path: Path) -> None:
    tiny_file(tmp_path / "released.pth", audio_config=TINY["audio_config"])
    state = torch.load(tmp_path / "released.pth", weights_only=True)
    state["modality_trunks.audio.surplus"] = torch.ones(1)
    torch.save(state, tmp_path / "released.pth")
    report = convert("imagebind", tmp_path / "released.pth", tmp_path / "out", config=HEADS)
    assert report.unexpected == ["modality_trunks.audio.surplus"]


def test_the_page_on_imagebind_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vocabulary = tiny_grounding.merges_file(tmp_path)
    text = {**TINY["text_config"], "vocab_size": len(ImageBindTokenizer(vocabulary))}
    tiny_file(tmp_path / "imagebind_huge.pth", **{**TINY, "text_config": text})
    options = {"config": HEADS, "vocabulary": vocabulary}
    convert("imagebind", tmp_path / "imagebind_huge.pth", tmp_path / "models" / "imagebind", **options)
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 255, (240, 320, 3), np.uint8)).save(tmp_path / "dog.jpg")
    Image.fromarray(rng.integers(500, 9000, (240, 320)).astype(np.uint16)).save(tmp_path / "room.png")
    Image.fromarray(rng.uniform(280, 310, (240, 320)).astype(np.float32)).save(tmp_path / "night.tiff")
    soundfile.write(tmp_path / "bark.wav", rng.uniform(-0.5, 0.5, 48000), 16000)
    rows = [f"{i / 50}," + ",".join(f"{v:.3f}" for v in rng.normal(size=6)) for i in range(400)]
    (tmp_path / "walk.csv").write_text("time,ax,ay,az,gx,gy,gz\n" + "\n".join(rows))
    monkeypatch.chdir(tmp_path)
    page = (Path(__file__).parents[3] / "docs" / "imagebind.md").read_text(encoding="utf-8")
    names: dict = {}
    for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL):
        exec(compile(block, "imagebind.md", "exec"), names)
    embeds = [names[name] for name in ("seen", "said", "heard", "far", "warm", "moved")]
    assert [tuple(value.shape) for value in embeds] == [(1, 8), (2, 8), *[(1, 8)] * 4]
    assert all(torch.isfinite(value).all() for value in embeds)


@pytest.mark.slow
def test_killed_in_the_middle_it_leaves_nothing_that_looks_finished(tmp_path: Path) -> None:
    wide = {"audio_config": {"hidden_size": 1024, "num_hidden_layers": 12, "num_attention_heads": 2}}
    tiny_file(tmp_path / "released.pth", **wide)
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"audio_config": {"num_attention_heads": 2}}))
    command = [
        sys.executable,
        "-m",
        "bubo",
        "convert",
        "imagebind",
        "released.pth",
        "out",
        "--config",
        config,
    ]
    for _ in range(5):
        started = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 120
        while not list(tmp_path.glob(".out.*.part/model.safetensors")) and started.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.002)
        os.kill(started.pid, signal.SIGKILL)
        started.wait()
        assert not (tmp_path / "out").exists()
    assert subprocess.run(command, cwd=tmp_path, stdout=subprocess.DEVNULL).returncode == 0
    assert ImageBindModel.from_pretrained(tmp_path / "out").config.modalities == ("audio",)
