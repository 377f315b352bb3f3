"""ImageBind: the contract every model keeps, and what its front ends promise."""

import gzip

import numpy as np
import pytest
import torch
from PIL import Image
from same_model import assert_same_tensors
from transformers import AutoConfig, AutoFeatureExtractor, AutoImageProcessor, AutoModel

import bubo.models  # noqa: F401  (registers the Auto classes)
from bubo.models.imagebind import (
    ImageBindAudioConfig,
    ImageBindAudioModel,
    ImageBindConfig,
    ImageBindFeatureExtractor,
    ImageBindImageProcessor,
    ImageBindModel,
    ImageBindTokenizer,
    log_mel,
)
from bubo.models.imagebind.image_processing_imagebind import clip_frames
from bubo.models.imagebind.modeling_imagebind import INPUT_NAMES

SMALL = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "mlp_ratio": 2}
TOWERS = {
    "vision": {**SMALL, "image_size": 28},
    "text": {**SMALL, "vocab_size": 50, "max_position_embeddings": 9},
    "audio": {**SMALL, "num_mel_bins": 32, "num_frames": 44, "drop_path_rate": 0.0},
    "depth": {**SMALL, "image_size": 32},
    "thermal": {**SMALL, "image_size": 32},
    "imu": {**SMALL, "num_samples": 48, "drop_path_rate": 0.0, "head_dropout": 0.0},
}
RATE = 16000


def tower_input(modality: str, batch: int = 3) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    if modality == "text":
        ids = torch.randint(1, 48, (batch, 9), generator=generator)
        ids[torch.arange(batch), torch.arange(batch) + 2] = 49  # the end token, at another place in every row
        return ids
    shapes = {
        "vision": (3, 28, 28),
        "audio": (1, 32, 44),
        "depth": (1, 32, 32),
        "thermal": (1, 32, 32),
        "imu": (6, 48),
    }
    return torch.randn(batch, *shapes[modality], generator=generator)


def small_model(*modalities: str, **options) -> ImageBindModel:
    torch.manual_seed(0)
    configs = {f"{name}_config": TOWERS[name] for name in modalities or TOWERS}
    return ImageBindModel._from_config(ImageBindConfig(projection_dim=8, **configs), **options).eval()


def small_audio(**fields) -> ImageBindAudioModel:
    torch.manual_seed(0)
    return ImageBindAudioModel(ImageBindAudioConfig(**(TOWERS["audio"] | fields))).eval()


def noise(*samples: int, seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.uniform(-0.5, 0.5, count).astype(np.float32) for count in samples]


# --- configs


def test_released_sizes_are_the_defaults():
    config = ImageBindConfig()
    assert config.modalities == ("vision", "text", "audio", "depth", "thermal", "imu")
    assert config.audio_config.grid_size == (12, 19) and config.audio_config.num_tokens == 229


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"hidden_size": 50}, "multiple of num_attention_heads"),
        ({"hidden_size": "wide"}, "hidden_size"),
        ({"kernel_size": (200, 16)}, "does not fit"),
        ({"kernel_size": [16]}, "pairs"),
        ({"merge": "sum"}, "merge"),
        ({"drop_path_rate": 1.0}, "drop_path_rate"),
    ],
)
def test_bad_audio_config_is_refused(fields, message):
    with pytest.raises(Exception, match=message):
        ImageBindAudioConfig(**fields)


def test_config_keeps_its_subset(tmp_path):
    ImageBindConfig(audio_config=TOWERS["audio"], text_config=TOWERS["text"]).save_pretrained(tmp_path)
    loaded = AutoConfig.from_pretrained(tmp_path)
    assert isinstance(loaded, ImageBindConfig)
    assert loaded.modalities == ("text", "audio")
    assert loaded.audio_config.num_mel_bins == 32


# --- models


def test_forward_embeds_what_is_given():
    model = small_model()
    inputs = {INPUT_NAMES[name]: tower_input(name) for name in TOWERS}
    with torch.no_grad():
        outputs = model(**inputs)
    assert list(outputs) == [f"{name}_embeds" for name in TOWERS]
    assert all(embeds.shape == (3, 8) for embeds in outputs.values())
    lengths = {name: outputs[f"{name}_embeds"].norm(dim=-1).mean().item() for name in TOWERS}
    expected = {"vision": 1, "text": 1 / 0.07, "audio": 20, "depth": 5, "thermal": 10, "imu": 5}
    assert lengths == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("modality", TOWERS)
def test_save_and_load_keeps_the_numbers(tmp_path, modality):
    model = small_model(modality)
    model.save_pretrained(tmp_path)
    loaded = AutoModel.from_pretrained(tmp_path).eval()
    inputs = {INPUT_NAMES[modality]: tower_input(modality)}
    with torch.no_grad():
        before, after = model(**inputs), loaded(**inputs)
    assert_same_tensors(loaded, model)
    torch.testing.assert_close(before.to_tuple(), after.to_tuple())


@pytest.mark.parametrize("modality", TOWERS)
def test_batch_equals_single(modality):
    model, values = small_model(modality), tower_input(modality)
    with torch.no_grad():
        batch = model.get_modality_features(modality, values)
        single = torch.cat([model.get_modality_features(modality, row[None]) for row in values])
    torch.testing.assert_close(batch, single, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("modality", ["audio", "text"])
def test_eager_equals_sdpa(modality):
    values = tower_input(modality)
    results = []
    for implementation in ("eager", "sdpa"):
        model = small_model(modality, attn_implementation=implementation)
        assert getattr(model, f"{modality}_model").config._attn_implementation == implementation
        with torch.no_grad():
            results.append(model.get_modality_features(modality, values))
    torch.testing.assert_close(*results, rtol=1e-4, atol=1e-4)


def test_text_behind_the_end_token_does_not_count():
    model, ids = small_model("text"), tower_input("text")
    changed = ids.clone()
    changed[0, 3:] = 0  # row 0 ends at index 2
    with torch.no_grad():
        torch.testing.assert_close(model.get_text_features(ids)[0], model.get_text_features(changed)[0])


@pytest.mark.parametrize("modality", ["audio", "vision"])
def test_gradient_checkpointing_changes_no_gradient(modality):
    gradients = []
    for checkpointing in (False, True):
        model = small_model(modality).train()
        if checkpointing:
            model.gradient_checkpointing_enable({"use_reentrant": False})
            assert model.is_gradient_checkpointing
        model.get_modality_features(modality, tower_input(modality))[:, 0].sum().backward()
        tower = getattr(model, f"{modality}_model")
        gradients.append(tower.blocks[0].attention.in_proj.weight.grad.clone())
    assert gradients[0].abs().max() > 0
    torch.testing.assert_close(*gradients)


def test_missing_modality_and_missing_input_say_so():
    model = small_model("audio")
    with pytest.raises(ValueError, match="no 'imu' tower, it has audio"):
        model.get_imu_features(tower_input("imu"))
    with pytest.raises(ValueError, match="at least one of pixel_values"):
        model()


@pytest.mark.parametrize("shape", [(2, 1, 32, 45), (2, 3, 32, 44), (2, 32, 44)])
def test_wrong_clip_shape_is_refused(shape):
    with pytest.raises(ValueError, match="mel bins, frames"):
        small_audio()(torch.zeros(shape))


def test_vision_clips_average_and_repeat_a_lone_frame():
    model, images = small_model("vision"), tower_input("vision", 4)
    video = images.unsqueeze(2).expand(-1, -1, 2, -1, -1)  # two equal frames
    with torch.no_grad():
        single = model.get_image_features(images)
        clips = model.get_image_features(video.unflatten(0, (2, 2)))
    torch.testing.assert_close(clips, single.unflatten(0, (2, 2)).mean(1), rtol=1e-4, atol=1e-6)
    with pytest.raises(ValueError, match="1 or 2 frames, got 4"):
        model.get_image_features(torch.zeros(1, 1, 3, 4, 28, 28))


def test_vision_takes_other_square_sizes():
    with torch.no_grad():
        hidden = small_model("vision").vision_model(torch.zeros(1, 3, 42, 42)).last_hidden_state
    assert hidden.shape == (1, 10, 16)
    with pytest.raises(ValueError, match="square, got 28x42"):
        small_model("vision").get_image_features(torch.zeros(1, 3, 28, 42))


# --- the audio tower alone


def test_audio_model_loads_through_auto_classes(tmp_path):
    model = small_audio(token_norm=True, logit_scale=7.0)
    model.save_pretrained(tmp_path)
    loaded = AutoModel.from_pretrained(tmp_path)
    assert isinstance(loaded, ImageBindAudioModel)
    with torch.no_grad():
        tokens = loaded.eval()(tower_input("audio")).last_hidden_state
    torch.testing.assert_close(tokens, model(tower_input("audio")).last_hidden_state.detach())
    torch.testing.assert_close(tokens.norm(dim=-1), torch.full((3, 7), 7.0))


def test_audio_merge_leaves_padding_clips_out():
    clips = tower_input("audio", 4).unflatten(0, (2, 2))  # (2, 2, 1, 32, 44)
    mask = torch.tensor([[True, True], [True, False]])
    with torch.no_grad():
        kept = small_audio(merge="none")(clips).last_hidden_state
        merged = small_audio()(clips, clip_mask=mask).last_hidden_state
    assert kept.shape == (2, 2, 7, 16)
    torch.testing.assert_close(merged, torch.stack([kept[0].mean(0), kept[1, 0]]), rtol=1e-4, atol=1e-5)
    with pytest.raises(ValueError, match=r"clip_mask must have shape .* \(2, 2\)"):
        small_audio()(clips, clip_mask=mask[:1])


def test_audio_stem_and_pairs():
    fields = {"stem_channels": (4, 8), "kernel_size": (4, 2), "stride": (4, 1), "use_cls": False}
    model = small_audio(**fields)
    assert model.config.stem_size == (8, 11) and model.config.grid_size == (2, 10)
    features = tower_input("audio")
    with torch.no_grad():
        tokens = model(features).last_hidden_state
        model.to(memory_format=torch.channels_last)
        again = model(features.contiguous(memory_format=torch.channels_last)).last_hidden_state
    assert tokens.shape == (3, model.config.num_tokens, 16) == (3, 20, 16)
    torch.testing.assert_close(tokens, again, rtol=1e-4, atol=1e-4)


def test_audio_hidden_states_and_bfloat16():
    model = small_audio().to(torch.bfloat16)
    with torch.no_grad():
        outputs = model(tower_input("audio"), output_hidden_states=True)
    assert len(outputs.hidden_states) == 3
    assert outputs.last_hidden_state.dtype == torch.bfloat16


def test_drop_path_acts_in_training_only():
    model, features = small_audio(drop_path_rate=0.9), tower_input("audio")
    with torch.no_grad():
        calm = model(features).last_hidden_state
        torch.testing.assert_close(calm, model(features).last_hidden_state)
        assert not torch.equal(calm, model.train()(features).last_hidden_state)


# --- sounds


def windows_extractor(**fields) -> ImageBindFeatureExtractor:
    return ImageBindFeatureExtractor(num_mel_bins=16, clip_sampling="windows", **fields)


def test_windows_cover_a_sound_once():
    extractor = windows_extractor()
    assert extractor.clip_ranges(5 * RATE // 2) == [(0, 32000), (32000, 64000)]
    outputs = extractor(noise(RATE, 5 * RATE // 2, 6 * RATE), sampling_rate=RATE)
    assert outputs["input_features"].shape == (3, 3, 1, 16, 204)
    assert outputs["input_features"].dtype == np.float32
    assert outputs["clip_mask"].tolist() == [[True, False, False], [True, True, False], [True, True, True]]
    assert not outputs["input_features"][~outputs["clip_mask"]].any()


def test_windows_of_long_sounds_spread_evenly():
    ranges = windows_extractor(max_clips=3).clip_ranges(10 * RATE)
    assert ranges == [(0, 32000), (64000, 96000), (128000, 160000)]


def test_windows_are_independent():
    extractor = windows_extractor()
    sounds = noise(3 * RATE, 5 * RATE)
    batch = extractor(sounds)["input_features"]
    for row, sound in zip(batch, sounds, strict=True):
        alone = extractor(sound)["input_features"][0]
        np.testing.assert_array_equal(row[: len(alone)], alone)
    second = extractor(sounds[1][2 * RATE : 4 * RATE] + 0.1)["input_features"][0, 0]  # an offset is removed
    np.testing.assert_allclose(batch[1, 1], second, atol=2e-2)


def test_silence_and_padding_have_their_values():
    features = windows_extractor()(np.zeros(2 * RATE, dtype=np.float32))["input_features"]
    assert features[..., :198].min() == pytest.approx(-1.2776, abs=1e-3)
    assert features[..., 198:].max() == pytest.approx(0.46706, abs=1e-4)


def test_log_mel_finds_a_tone():
    times = np.arange(RATE) / RATE
    clips = np.stack([np.sin(2 * np.pi * hertz * times) for hertz in (300, 3000)])
    mels = log_mel(clips, num_mel_bins=64)
    assert mels.shape == (2, 64, 98) and mels.dtype == np.float32
    centres = 1127 * np.log1p(np.array([300, 3000]) / 700)
    low, high = 1127 * np.log1p(np.array([20, 8000]) / 700)
    expected = (centres - low) / (high - low) * 65 - 1
    assert np.abs(mels.mean(axis=2).argmax(axis=1) - expected).max() <= 1
    assert log_mel(clips, num_frames=20).shape == (2, 128, 20)


def test_resampling_keeps_a_tone():
    tone = {
        rate: np.sin(2 * np.pi * 440 * np.arange(2 * rate) / rate).astype(np.float32)
        for rate in (RATE, 44100, 8000)
    }
    extractor = windows_extractor()
    for rate in (44100, 8000):
        same = extractor.prepare(tone[rate], rate)[0]
        assert same.shape == (2 * RATE,)
        np.testing.assert_allclose(same[400:-400], tone[RATE][400:-400], atol=0.01)


@pytest.mark.parametrize(
    ("audio", "rate", "message"),
    [
        (np.zeros(0, dtype=np.float32), RATE, "not be empty"),
        (np.zeros((1, 2, 3), dtype=np.float32), RATE, "shape"),
        (np.array([0.0, np.nan] * 900), RATE, "NaN"),
        (np.zeros(RATE, dtype=np.int16), RATE, "divide 16-bit samples"),
        ([], RATE, "No sound"),
        (np.zeros(44101, dtype=np.float32), 44101, "common divisor"),
    ],
)
def test_bad_sounds_are_refused(audio, rate, message):
    with pytest.raises(ValueError, match=message):
        windows_extractor()(audio, sampling_rate=rate)


def test_published_sampling_refuses_less_than_a_frame():
    with pytest.raises(ValueError, match="at least 400 samples"):
        ImageBindFeatureExtractor()(np.zeros(399, dtype=np.float32))


@pytest.mark.parametrize("fields", [{"clip_sampling": "random"}, {"fit": "crop"}, {"num_clips": 0}])
def test_bad_extractor_settings_are_refused(fields):
    with pytest.raises(ValueError, match=next(iter(fields))):
        ImageBindFeatureExtractor(**fields)


def test_extractor_round_trip(tmp_path):
    windows_extractor(max_clips=2).save_pretrained(tmp_path)
    loaded = AutoFeatureExtractor.from_pretrained(tmp_path)
    assert isinstance(loaded, ImageBindFeatureExtractor)
    outputs = loaded(noise(9 * RATE), return_tensors="pt")
    assert outputs["input_features"].shape == (1, 2, 1, 16, 204)
    assert outputs["clip_mask"].dtype == torch.bool


# --- pictures, video, text


def test_image_processor_round_trip(tmp_path):
    ImageBindImageProcessor().save_pretrained(tmp_path)
    loaded = AutoImageProcessor.from_pretrained(tmp_path)
    assert isinstance(loaded, ImageBindImageProcessor)
    pictures = [Image.new("RGBA", (300, 225), (255, 0, 0, 0)), Image.new("L", (50, 224))]
    pixels = loaded(pictures, return_tensors="pt")["pixel_values"]
    assert pixels.shape == (2, 3, 224, 224)
    assert pixels[0, 0].mean() == pytest.approx(
        (1 - 0.48145466) / 0.26862954, abs=1e-4
    )  # transparent red is red


def test_video_becomes_clips_of_two_frames():
    frames = np.random.default_rng(0).integers(0, 256, (7, 20, 31, 3), dtype=np.uint8)
    pixels = ImageBindImageProcessor().preprocess_video(frames, 2.0, num_clips=2)["pixel_values"]
    assert pixels.shape == (1, 6, 3, 2, 224, 224)
    assert [list(row) for row in clip_frames(7, 2.0, 2, 2.0, 2)] == [[0, 3], [3, 6]]
    with pytest.raises(ValueError, match="uint8 array"):
        ImageBindImageProcessor().preprocess_video(frames / 255, 2.0)


@pytest.fixture
def vocabulary(tmp_path):
    path = tmp_path / "merges.txt.gz"
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.write("header\nd o\ndo g</w>\ng s</w>\n")
    return path


def test_tokenizer_joins_by_rank_and_frames_rows(vocabulary):
    tokenizer = ImageBindTokenizer(vocabulary, max_length=6)
    start, end = len(tokenizer) - 2, len(tokenizer) - 1
    rows = tokenizer(["  DOG\n", "dogs!", "a b c d e f"])["input_ids"]
    assert rows.shape == (3, 6)
    assert rows[0].tolist() == [start, 513, end, 0, 0, 0]
    assert [tokenizer.tokens[index] for index in rows[1][1:4]] == ["do", "gs</w>", "!</w>"]
    assert rows[2, -1] == end
    assert (
        ImageBindTokenizer(vocabulary, max_length=6, keep_end=False)("a b c d e f")["input_ids"][0, -1] != end
    )
    assert tokenizer.decode(tokenizer.encode("It&#39;s 12 dogs")) == "it 's 1 2 dogs "


def test_tokenizer_round_trip_and_missing_file(vocabulary, tmp_path):
    tokenizer = ImageBindTokenizer(vocabulary, max_length=9)
    tokenizer.save_pretrained(tmp_path / "saved")
    loaded = ImageBindTokenizer.from_pretrained(tmp_path / "saved")
    np.testing.assert_array_equal(tokenizer("dogs")["input_ids"], loaded("dogs")["input_ids"])
    with pytest.raises(FileNotFoundError, match="No vocabulary at"):
        ImageBindTokenizer(tmp_path / "missing.gz")


def test_the_longest_sound_that_is_heard_whole():
    assert ImageBindFeatureExtractor(clip_sampling="windows", max_clips=6).whole_s == 12.0
    assert ImageBindFeatureExtractor(clip_sampling="upstream", num_clips=3).whole_s == 6.0
    assert ImageBindFeatureExtractor(num_clips=3, use_global=True, fit="resize").whole_s == np.inf


@pytest.mark.parametrize("kind", ["vision", "text", "audio", "depth", "thermal", "imu"])
def test_each_tower_can_be_built_by_its_model_type(kind):
    config = AutoConfig.for_model(f"imagebind_{kind}")
    assert config.model_type == f"imagebind_{kind}"
    with torch.device("meta"):
        assert type(AutoModel.from_config(config)).__name__.startswith("ImageBind")
