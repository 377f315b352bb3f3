"""Nano's ear: the contract of a transformers model, and how frames become events."""

import pytest
import tiny_nano
import torch
from huggingface_hub.errors import StrictDataclassError
from same_model import assert_same_tensors
from transformers import AutoConfig, AutoFeatureExtractor, AutoModel

import bubo.models  # noqa: F401  (registers the Auto classes)
from bubo.models.bubo_audio import BuboAudioConfig, BuboAudioModel
from bubo.models.bubo_audio.modeling_bubo_audio import find_events
from bubo.models.imagebind import ImageBindFeatureExtractor

NAMES = ["barking", "meowing", "rain", "siren"]
TRUNK = {**tiny_nano.TRUNK, "num_frames": 44}
SMALL = {"sound_names": NAMES, "frames_per_clip": 10, "frame_s": 0.04, "event_size": 16, "num_slots": 3}
FRAMES = 10


def small_model(seed: int = 0, **changes) -> BuboAudioModel:
    """A model with random weights that hears the first and the third class in everything."""
    torch.manual_seed(seed)
    model = BuboAudioModel(BuboAudioConfig(trunk_config=dict(TRUNK), **{**SMALL, **changes})).eval()
    with torch.no_grad():
        model.clip_head.bias.copy_(torch.tensor([9.0, -9.0, 8.0, -9.0])[: len(model.clip_head.bias)])
        model.class_bias.zero_()
        model.event_head.weight.mul_(20)
    return model


@pytest.fixture(scope="module")
def model():
    return small_model()


def windows(batch: int = 3, clips: int = 2) -> torch.Tensor:
    return torch.randn(batch, clips, 1, 32, 44, generator=torch.Generator().manual_seed(1))


@torch.no_grad()
def test_every_output_has_the_shape_it_promises(model):
    output = model(windows())
    shapes = {
        "last_hidden_state": (3, 3 + 1 + 2 * FRAMES, 72),
        "frame_logits": (3, 2 * FRAMES, 4),
        "clip_logits": (3, 4),
        "frame_mask": (3, 2 * FRAMES),
        "slot_scores": (3, 3),
        "slot_times": (3, 3, 2),
        "slot_classes": (3, 3),
    }
    assert {name: tuple(value.shape) for name, value in output.items()} == shapes
    assert output.frame_mask.all()
    for classes in output.slot_classes.tolist():
        assert sorted(classes) == [-1, 0, 2] and classes[-1] == -1  # empty slots come last
    full = output.slot_scores > 0
    assert (full == (output.slot_classes >= 0)).all()
    assert output.last_hidden_state[:, :3][~full].abs().sum() == 0
    assert output.last_hidden_state[:, :3][full].abs().sum(-1).min() > 1
    assert model.config.num_anchors == 4

    dense = model(windows(), with_slots=False)
    assert dense.last_hidden_state.shape == (3, 2 * FRAMES, 72)
    assert dense.slot_classes is None
    torch.testing.assert_close(dense.frame_logits, output.frame_logits)


@torch.no_grad()
def test_save_and_load_give_the_same_model(model, tmp_path):
    model.save_pretrained(tmp_path)
    ImageBindFeatureExtractor(num_mel_bins=32, num_frames=44, clip_sampling="windows").save_pretrained(
        tmp_path
    )
    wanted = model(windows())
    for loaded in (BuboAudioModel.from_pretrained(tmp_path), AutoModel.from_pretrained(tmp_path)):
        assert type(loaded) is BuboAudioModel and not loaded.training
        assert_same_tensors(loaded, model)
        for name, value in loaded(windows()).items():
            torch.testing.assert_close(value, wanted[name], msg=name)
    config = AutoConfig.from_pretrained(tmp_path)
    assert type(config) is BuboAudioConfig and config.sound_names == NAMES
    assert config.trunk_config.to_dict() == model.config.trunk_config.to_dict()
    extractor = AutoFeatureExtractor.from_pretrained(tmp_path)
    assert type(extractor) is ImageBindFeatureExtractor
    assert (extractor.num_mel_bins, extractor.num_frames, extractor.clip_sampling) == (32, 44, "windows")


@torch.no_grad()
def test_a_batch_gives_what_its_sounds_give_alone(model):
    clips = [1, 3, 2]
    features, mask = torch.zeros(3, 3, 1, 32, 44), torch.zeros(3, 3, dtype=torch.bool)
    for i, count in enumerate(clips):
        features[i, :count] = windows(1, count)[0] + i
        mask[i, :count] = True
    features[~mask] = 7.0  # whatever the padding holds
    batch = model(features, mask)
    for i, count in enumerate(clips):
        alone = model(features[i : i + 1, :count])
        frames = count * FRAMES
        for name in ("clip_logits", "slot_scores", "slot_times", "slot_classes"):
            torch.testing.assert_close(batch[name][i], alone[name][0], rtol=1e-3, atol=1e-4, msg=name)
        torch.testing.assert_close(
            batch.frame_logits[i, :frames], alone.frame_logits[0], rtol=1e-3, atol=1e-4
        )
        torch.testing.assert_close(
            batch.last_hidden_state[i, : 4 + frames], alone.last_hidden_state[0], rtol=1e-3, atol=1e-4
        )
        assert batch.frame_mask[i].tolist() == [True] * frames + [False] * (3 * FRAMES - frames)


@torch.no_grad()
def test_frames_beyond_the_end_of_the_sound_do_not_count(model):
    output = model(windows(2, 1), durations_s=torch.tensor([0.4, 0.21]))
    assert output.frame_mask.sum(1).tolist() == [10, 6]  # a frame that has begun counts
    assert output.slot_times[1].max() <= 6 * 0.04 + 1e-6


@pytest.mark.parametrize("shape", [(1, 1, 32, 44), (1, 2, 1, 32, 40), (1, 2, 1, 64, 44), (1, 2, 3, 32, 44)])
def test_a_wrong_shape_is_named(model, shape):
    with pytest.raises(ValueError, match=r"expected \(B, S, 1, 32, 44\)") as error:
        model(torch.zeros(shape))
    assert str(shape) in str(error.value)


def test_a_mask_of_another_shape_is_named(model):
    with pytest.raises(ValueError, match=r"clip_mask has shape \(2, 3\), expected \(2, 2\)"):
        model(windows(2, 2), torch.ones(2, 3, dtype=torch.bool))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"event_size": 32}, "a slot needs 104 numbers"),
        ({"frames_per_clip": 12}, "the trunk makes only 11 tokens"),
        ({"num_slots": "many"}, "num_slots"),
        ({"frame_s": "short"}, "frame_s"),
        ({"trunk_config": {**TRUNK, "num_mel_bins": "all"}}, "num_mel_bins"),
    ],
)
def test_a_configuration_that_cannot_be_is_refused(change, says):
    with pytest.raises((ValueError, StrictDataclassError), match=says):
        BuboAudioConfig(**{"trunk_config": dict(TRUNK), **SMALL, **change})


@torch.no_grad()
def test_fewer_classes_than_slots_leave_slots_empty():
    output = small_model(sound_names=NAMES[:1])(windows())
    assert output.slot_classes.tolist() == [[0, -1, -1]] * 3
    assert output.last_hidden_state.shape == (3, 3 + 1 + 2 * FRAMES, 72)


def test_gradients_reach_every_weight():
    model = small_model().train()
    output = model(windows(), with_slots=False)
    (output.frame_logits.square().sum() + output.clip_logits.square().sum()).backward()
    without = [name for name, weight in model.named_parameters() if weight.grad is None]
    assert [name for name in without if not name.startswith("trunk.")] == []


# Events, on frames made by hand: 12 frames of 0.1 s, three classes


def frames(*spans: tuple[int, int, int], count: int = 12, classes: int = 3) -> torch.Tensor:
    """Frame logits (1, count, classes), high from frame `first` to before `last` of a class."""
    logits = torch.full((1, count, classes), -9.0)
    for number, first, last in spans:
        logits[0, first:last, number] = 9.0
    return logits


def find(logits: torch.Tensor, clip: list[float], mask: torch.Tensor | None = None, slots: int = 3):
    mask = torch.ones(logits.shape[:2], dtype=torch.bool) if mask is None else mask
    return [value[0] for value in find_events(logits, torch.tensor([clip]), mask, 0.1, slots, 0.4)]


def test_events_come_in_the_order_of_their_beginning():
    classes, scores, times, spans = find(frames((0, 6, 10), (2, 2, 5), (1, 0, 3)), [5.0, -5.0, 2.0])
    assert classes.tolist() == [2, 0, -1]  # class 1 sounds in some frames, but not in the sound as a whole
    torch.testing.assert_close(times, torch.tensor([[0.2, 0.5], [0.6, 1.0], [0.0, 0.0]]))
    torch.testing.assert_close(scores, torch.tensor([2.0, 5.0, -torch.inf]).sigmoid())
    assert spans.sum(-1).tolist() == [3, 4, 0]
    assert spans[0, 2:5].all() and spans[1, 6:10].all()


def test_the_surest_events_win_when_slots_are_few():
    classes, _, _, _ = find(frames((0, 1, 4), (1, 5, 8), (2, 8, 11)), [3.0, 1.0, 2.0], slots=2)
    assert classes.tolist() == [0, 2]


def test_a_masked_frame_neither_sounds_nor_blurs_the_end():
    mask = torch.arange(12)[None] < 7
    classes, _, times, spans = find(frames((0, 4, 12)), [4.0, -4.0, -4.0], mask)
    assert classes.tolist() == [0, -1, -1]
    torch.testing.assert_close(times[0], torch.tensor([0.4, 0.7]))
    assert spans[0].tolist() == [4 <= i < 7 for i in range(12)]
    assert find(frames((0, 8, 12)), [4.0, -4.0, -4.0], mask)[0].tolist() == [-1, -1, -1]


def test_a_cut_batch_row_has_the_times_of_the_row_alone():
    logits = torch.randn(1, 12, 3, generator=torch.Generator().manual_seed(2)) * 3
    mask = torch.arange(12)[None] < 7
    for whole, part in zip(find(logits, [3.0] * 3, mask), find(logits[:, :7], [3.0] * 3), strict=True):
        torch.testing.assert_close(whole[..., :7] if whole.dtype == torch.bool else whole, part)


def test_silence_has_no_events():
    classes, scores, times, spans = find(frames(), [-4.0, -4.0, -4.0])
    assert classes.tolist() == [-1, -1, -1]
    assert scores.abs().sum() == 0 and times.abs().sum() == 0 and not spans.any()
    # sure of a class, but no frame shows it
    assert find(frames(), [5.0, -4.0, -4.0])[0].tolist() == [-1, -1, -1]
