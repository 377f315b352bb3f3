"""All five stages of nano, two steps each, on a dozen hand-made records; what is shipped then answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import AutoProcessor
from unit.train.small_world import OBJECTS, small_records, write_small_world

from bubo.errors import TrainError
from bubo.models import BuboForConditionalGeneration
from bubo.train.arrays import open_arrays
from bubo.train.config import RunConfig
from bubo.train.features import open_features
from bubo.train.folder import read_log
from bubo.train.options import parse_options
from bubo.train.packing import Front, Packer
from bubo.train.run import run
from bubo.train.ship import STAGES, main, ship

SIZES: dict[str, dict[str, Any]] = {
    "eyes": {"num_hidden_layers": 1},
    "ears": {},
    "language": {
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "intermediate_size": 64,
        "vocab_size": 400,
        "attention_layer": 1,
        "per_row": 2,
    },
    "align": {"qformer_layers": 1, "attention_layer": 1, "train_language": False, "captions_only": True},
    "instruct": {"attention_layer": 1, "fact_weight": 4.0, "joined": 0.5},
}  # fmt: skip
FROM = {"align": ("eyes", "ears", "language"), "instruct": ("eyes", "ears", "language", "align")}


def stage_config(root: Path, stage: str) -> RunConfig:
    init = {"bubo" if name == "align" else name: str(root / name) for name in FROM.get(stage, ())}
    values = {
        "stage": stage,
        "output_dir": str(root / stage),
        "steps": 2,
        "batch_size": 4,
        "log_every": 1,
        "threads": 1,
        "data": {name: [str(root / "world" / name)] for name in ("train", "validation")},
        "init": init,
        "model": SIZES[stage],
    }
    return parse_options(RunConfig, values, prefix="")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Any:
    root = tmp_path_factory.mktemp("nano")
    for folder in ("train", "validation"):
        write_small_world(root / "world" / folder)
    patch = pytest.MonkeyPatch()
    patch.setattr("bubo.train.run.draw_curves", lambda *args, **kwargs: None)
    threads = torch.get_num_threads()
    try:
        with pytest.raises(TrainError, match="stage eyes of .* has not finished"):
            ship(root, root / "shipped")
        reports = {stage: run(stage_config(root, stage), progress=False) for stage in STAGES}
    finally:
        patch.undo()
        torch.set_num_threads(threads)
    (root / "shipped").mkdir()
    assert main([str(root), str(root / "shipped")]) == 0
    return root, reports


def test_every_stage_learns_and_reports(trained: Any) -> None:
    root, reports = trained
    wanted = {
        "eyes": {"tags_map", "region_recall50", "region_miou", "slot_precision", "place_acc"},
        "ears": {"sound_map", "span_f1"},
        "language": {"valid_words", "valid_attention", "exact_describe_picture", "exact_talk", "exact_when"},
        "align": {"valid_words", "exact_position", "exact_when"},
        "instruct": {"valid_words", "exact_talk", "exact_describe_sound"},
    }
    for stage in STAGES:
        figures = reports[stage]["figures"]
        assert wanted[stage] <= figures.keys(), stage
        assert all(np.isfinite(value) for value in figures.values()), stage
        losses = [entry["loss"] for entry in read_log(root / stage / "log.jsonl") if "loss" in entry]
        assert len(losses) == 2 and np.isfinite(losses).all(), stage
    assert "exact_talk" not in reports["align"]["figures"]  # captions only
    trained_share = [reports[stage]["parameters"]["trained"] for stage in ("align", "instruct")]
    assert trained_share[0] < trained_share[1]  # the language model joins in stage 2, the towers never do


def test_the_shipped_folder_is_complete(trained: Any) -> None:
    root, reports = trained
    shipped = root / "shipped"
    names = {"model", "vocabulary.json", "grounding.json", "report.json"}
    assert {path.name for path in shipped.iterdir()} == names
    config = json.loads((shipped / "model" / "config.json").read_text())
    assert 0 < config["max_prompt_length"] <= 2048
    thresholds = json.loads((shipped / "grounding.json").read_text())
    assert thresholds and all(0 < value <= 1 for value in thresholds.values())
    objects = [entry["name"] for entry in json.loads((shipped / "vocabulary.json").read_text())["objects"]]
    assert objects == list(OBJECTS)
    assert json.loads((shipped / "report.json").read_text())["stages"] == json.loads(json.dumps(reports))


@pytest.fixture(scope="module")
def served(trained: Any) -> Any:
    folder = trained[0] / "shipped" / "model"
    model, report = BuboForConditionalGeneration.from_pretrained(
        folder, dtype=torch.float32, output_loading_info=True
    )
    assert not any(report[name] for name in ("missing_keys", "unexpected_keys", "mismatched_keys")), report
    return model.eval(), AutoProcessor.from_pretrained(folder)


def test_the_shipped_folder_answers(served: Any) -> None:
    model, processor = served
    assert processor.num_image_tokens == model.config.num_image_tokens
    assert processor.num_audio_tokens == model.config.num_audio_tokens
    record = next(small_records(2))
    assert record.picture is not None and record.sound is not None
    inputs = processor(
        images=Image.fromarray(record.picture.pixels), audio=record.sound.samples, text="What?"
    )
    ids = model.generate(**inputs, max_new_tokens=1, do_sample=False)
    assert ids.shape[1] == inputs["input_ids"].shape[1] + 1
    assert model.lm_head.weight is model.get_input_embeddings().weight
    assert model.dtype == torch.float32


def test_training_and_serving_see_the_same_tokens(trained: Any, served: Any) -> None:
    model, processor = served
    front = Front(model.config.num_image_tokens, model.config.num_audio_tokens)
    packer = Packer(processor.tokenizer, front)
    world = open_arrays(trained[0] / "world" / "train")
    kinds = {"picture": "image", "sound": "audio"}
    for dialogue in world.records[0]["dialogues"]:
        messages = [
            {
                "role": turn["role"],
                "content": [{"type": kinds[name]} for name in kinds if name in turn["media"]]
                + [{"type": "text", "text": turn["text"]}],
            }
            for turn in dialogue
        ]
        assert packer.pack([dialogue], {}).ids == processor.encode_turns(messages)


@torch.inference_mode()
def test_training_and_serving_see_the_same_media(trained: Any, served: Any) -> None:
    model, processor = served
    world = open_arrays(trained[0] / "world" / "train")
    computed = sorted((world.folder / "features").iterdir())
    assert len(computed) == 2  # one folder for each tower: both stages used the same ones, rounded once
    features = open_features(world, model.model.vision_tower, model.model.audio_tower)
    assert sorted((world.folder / "features").iterdir()) == computed  # the shipped ones are still the same
    for row, record in zip(range(3), small_records(12), strict=False):
        assert record.picture is not None and record.sound is not None
        pixels = processor.image_processor(record.picture.pixels, return_tensors="pt")["pixel_values"]
        served_tokens = model.get_image_features(pixels)
        cached = torch.from_numpy(np.array(features.vision[row], np.float32))[None]
        trained_tokens = model.get_image_features(vision_hidden_states=cached)
        assert cosine(served_tokens, trained_tokens) > 0.995
        sound = processor.feature_extractor(record.sound.samples, return_tensors="pt")
        heard = model.get_audio_features(sound["input_features"], sound["clip_mask"])
        piece = features.audio[features.audio_start[row] : features.audio_start[row + 1]]
        states = torch.from_numpy(np.array(piece, np.float32))[None]
        assert cosine(heard, model.get_audio_features(audio_hidden_states=states)) > 0.995


def cosine(a: torch.Tensor, b: torch.Tensor) -> float:
    """The smallest cosine of corresponding tokens."""
    return float(torch.nn.functional.cosine_similarity(a, b, dim=-1).min())
