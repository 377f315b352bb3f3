"""A model folder laid out like nano's, of toy size, with random weights: what `bubo.load(folder)` takes."""

import json
from pathlib import Path

import tiny
import torch
from fakes import VOCABULARY

from bubo.models.bubo import BuboConfig, BuboForConditionalGeneration, BuboProcessor
from bubo.models.bubo_audio import BuboAudioConfig
from bubo.models.bubo_vision import BuboVisionConfig, BuboVisionImageProcessor
from bubo.models.imagebind import ImageBindFeatureExtractor

NUM_SLOTS = 3
TRUNK = {
    "hidden_size": 72,
    "num_hidden_layers": 1,
    "num_attention_heads": 3,
    "num_mel_bins": 32,
    "num_frames": 104,
    "stem_channels": [4, 8],
    "kernel_size": [8, 1],
    "stride": [8, 1],
    "use_cls": False,
    "merge": "none",
    "token_norm": False,
    "drop_path_rate": 0.0,
}


def tiny_nano_config() -> BuboConfig:
    """Eye, ear and language model of few weights; the classes are those of `fakes.VOCABULARY`."""
    vision = BuboVisionConfig(
        object_names=[thing["name"] for thing in VOCABULARY["objects"]],
        place_names=[place["name"] for place in VOCABULARY["places"]],
        image_size=32,
        stem_channels=[8, 8, 8],
        hidden_size=72,
        num_hidden_layers=1,
        num_attention_heads=3,
        intermediate_size=64,
        pyramid_size=16,
        pixel_size=16,
        num_slots=NUM_SLOTS,
    )
    audio = BuboAudioConfig(
        trunk_config=dict(TRUNK),
        sound_names=[sound["name"] for sound in VOCABULARY["sounds"]],
        frames_per_clip=25,
        frame_s=0.04,
        event_size=16,
        num_slots=NUM_SLOTS,
    )
    return BuboConfig(
        vision_config=vision,
        audio_config=audio,
        vision_qformer_config=tiny.tiny_qformer(),
        audio_qformer_config=tiny.tiny_qformer(),
        text_config=tiny.tiny_text_config(max_position_embeddings=2048),
        image_token_id=tiny.SPECIALS.index("<|image|>"),
        audio_token_id=tiny.SPECIALS.index("<|audio|>"),
        num_image_tokens=vision.num_anchors,
        num_audio_tokens=audio.num_anchors,
        anchored_queries=True,
        anchored_residual=True,
    )


def write_tiny_nano(folder: Path) -> Path:
    """Write model, processor and vocabulary into a folder; return it."""
    torch.manual_seed(0)
    config = tiny_nano_config()
    model = BuboForConditionalGeneration(config).eval()
    with torch.no_grad():
        eye, ear = model.model.vision_tower, model.model.audio_tower
        eye.centre_head[-1].bias[0] = 1.0  # opens slots
        eye.centre_head[-1].weight.mul_(20)
        eye.figure_head.bias.fill_(5.0)
        eye.tag_head.bias.fill_(3.0)  # sees every class
        ear.clip_head.bias.fill_(3.0)  # hears every class
        ear.class_bias.zero_()
    model.save_pretrained(folder / "model")
    extractor = ImageBindFeatureExtractor(
        num_mel_bins=32, num_frames=104, clip_duration_s=1.0, clip_sampling="windows", max_clips=6
    )
    BuboProcessor(
        BuboVisionImageProcessor(size={"height": 32, "width": 32}),
        extractor,
        tiny.tiny_tokenizer(),
        num_image_tokens=config.num_image_tokens,
        num_audio_tokens=config.num_audio_tokens,
    ).save_pretrained(folder / "model")
    (folder / "vocabulary.json").write_text(json.dumps(VOCABULARY))
    return folder
