"""Windows over sounds of any length, and the listeners over them."""

import numpy as np
import pytest
import tiny_grounding
import torch

from bubo.errors import ModelError
from bubo.grounding.clap_listener import ClapListener
from bubo.grounding.frame_listener import FrameListener
from bubo.grounding.imagebind_listener import ImageBindListener
from bubo.grounding.window_listener import WindowListener
from bubo.grounding.windows import Windows, spans_of
from bubo.types import Sound, same

RATE = 16_000


def noise(duration_s, seed=0, rate=RATE):
    samples = np.random.default_rng(seed).uniform(-0.5, 0.5, max(1, round(duration_s * rate)))
    return Sound(samples.astype(np.float32), rate)


class ToneListener(WindowListener):
    """Hears "tone" where the samples are not zero: a window's share of such samples decides."""

    def __init__(self, **settings):
        super().__init__(Windows(2.0, 0.5, 3), RATE, threshold=0.5, backgrounds=["nothing"], **settings)
        self.batches = []

    def encode_windows(self, pieces):
        self.batches.append(len(pieces))
        share = torch.tensor([float(np.count_nonzero(piece)) / len(piece) for piece in pieces])
        return torch.stack([12 * share, torch.full_like(share, 6.0)], dim=1)

    def encode_texts(self, texts):
        return torch.tensor([{"tone": [1.0, 0.0], "nothing": [0.0, 1.0]}.get(t, [-1.0, 0.0]) for t in texts])


def tone(start_s, end_s, duration_s):
    samples = np.zeros(round(duration_s * RATE), np.float32)
    samples[round(start_s * RATE) : round(end_s * RATE)] = 0.5
    return Sound(samples, RATE)


@pytest.mark.parametrize("duration_s", [0.1, 1.0, 2.0, 2.01, 3.3, 60.0, 600.0])
def test_windows_cover_every_moment_and_end_with_the_sound(duration_s):
    windows = Windows(2.0, 0.5)
    starts = windows.starts(duration_s)
    assert starts[0] == 0 and len(set(starts)) == len(starts)
    assert all(0 < later - start <= 0.5 + 1e-9 for start, later in zip(starts, starts[1:], strict=False))
    assert max(starts[-1] + 2.0, duration_s) == pytest.approx(max(2.0, duration_s))
    pieces = windows.cut(np.zeros(round(duration_s * 100), np.float32), 100, duration_s)
    assert [len(piece) for piece in pieces] == [min(200, round(duration_s * 100))] * len(starts)


@pytest.mark.parametrize(("window_s", "hop_s"), [(1.0, 1.0), (1.0, 0.0), (0.5, 0.7)])
def test_windows_that_do_not_overlap_are_refused(window_s, hop_s):
    with pytest.raises(ModelError, match="Windows must overlap"):
        Windows(window_s, hop_s)


def test_blended_scores_have_no_cliffs(rng):
    windows = Windows(2.0, 0.5)
    scores = rng.uniform(0, 1, (len(windows.starts(9.7)), 2)).astype(np.float32)
    frames, frame_s = windows.blend(scores, 9.7)
    assert len(frames) * frame_s == pytest.approx(9.7, abs=frame_s)
    assert frames.min() >= scores.min() and frames.max() <= scores.max()
    # a frame moves by an eighth of a window: no score may change by more than a third of the span there
    assert np.abs(np.diff(frames, axis=0)).max() < 0.34
    flat, _ = windows.blend(np.full_like(scores, 0.4), 9.7)
    np.testing.assert_allclose(flat, 0.4, atol=1e-6)


@pytest.mark.parametrize("start_s", [3.0, 3.13, 4.9, 0.0, 17.0])
def test_a_tone_is_found_where_it_is_wherever_windows_begin(start_s):
    spans = ToneListener().listen(tone(start_s, start_s + 3, 20.0), ["tone", "dog"])
    assert spans.labels == ("tone", "dog")
    np.testing.assert_allclose(spans.times[0], [start_s, start_s + 3], atol=0.5)
    assert spans.scores[0] > 0.9
    assert spans.times[1].tolist() == [0, 0] and spans.scores[1] < 0.1


def test_two_tones_are_two_stretches_and_silence_is_none():
    sound = Sound(np.maximum(tone(2, 6, 20).samples, tone(12, 16, 20).samples), RATE)
    spans = ToneListener().listen(sound, ["tone"])
    assert spans.labels == ("tone", "tone")
    np.testing.assert_allclose(spans.times, [[2, 6], [12, 16]], atol=0.5)
    silent = ToneListener().listen(tone(0, 0, 5), ["tone"])
    assert silent.times.tolist() == [[0, 0]] and silent.scores[0] < 0.1


def test_windows_are_batched_and_a_sound_is_read_once():
    listener = ToneListener()
    sound = tone(1, 3, 5.5)
    first = listener.listen(sound, ["tone"])
    assert listener.batches == [3, 3, 2]
    assert same(listener.listen(Sound(sound.samples.copy(), RATE), ["tone"]), first)
    assert len(listener.batches) == 3
    assert len(listener.listen(sound, [])) == 0


def test_phrases_share_a_window():
    listener = ToneListener()
    sound = tone(0, 4, 4)
    alone = listener.scores(sound, ["tone"])
    twice = listener.scores(sound, ["tone", "tone"])
    assert alone.min() > 0.99 and np.array_equal(twice, np.repeat(alone, 2, axis=1))
    assert ToneListener(temperature=10.0).scores(sound, ["tone"]).max() < 0.7


def test_impossible_settings_are_refused():
    for settings in ({"template": "a sound"}, {"temperature": 0}):
        with pytest.raises(ModelError, match="template with"):
            ToneListener(**settings)


def test_faint_stretches_are_given_and_fainter_ones_not():
    scores = np.array([[0.15, 0.05]], np.float32)
    spans = spans_of(scores, ["a", "b"], noise(1.0), Windows(2.0, 0.5), 0.3)
    np.testing.assert_allclose(spans.scores, [0.25, 0.05 / 0.6], atol=1e-6)
    assert spans.times.tolist() == [[0, 1], [0, 0]]


def imagebind(folder):
    return ImageBindListener(*tiny_grounding.imagebind(folder), hop_s=0.25, temperature=20.0)


def clap(_):
    return ClapListener(*tiny_grounding.clap(), window_s=2.0, hop_s=1.0)


def frames(_):
    return FrameListener(*tiny_grounding.pe_audio(), window_s=20.0, hop_s=15.0)


@pytest.mark.parametrize("make", [imagebind, clap, frames])
@pytest.mark.parametrize("duration_s", [0.1, 3.0, 60.0])
def test_models_hear_sounds_of_any_length(make, duration_s, tmp_path):
    listener, phrases = make(tmp_path), ["dog", "rain", "music"]
    sound = noise(duration_s)
    spans = listener.listen(sound, phrases)
    assert dict.fromkeys(spans.labels) == dict.fromkeys(phrases)
    assert ((spans.scores >= 0) & (spans.scores <= 1)).all()
    assert (spans.times[:, 1] <= np.float32(duration_s)).all()
    if duration_s < 60:
        again = make(tmp_path)
        again.listen(noise(1.0, seed=1), phrases)
        assert same(again.listen(sound, phrases), spans)  # whatever was heard before


@pytest.mark.parametrize("make", [imagebind, clap])
def test_windows_of_a_batch_are_what_they_are_alone(make, tmp_path):
    listener, phrases = make(tmp_path), ["dog", "rain"]
    scores = listener.scores(noise(4.0), phrases)
    listener.windows = Windows(listener.windows.window_s, listener.windows.hop_s, 1)
    listener._kept.clear()
    np.testing.assert_allclose(listener.scores(noise(4.0), phrases), scores, atol=1e-5)
    assert np.ptp(scores, axis=0).max() > 1e-4  # windows differ


def test_windows_of_imagebind_are_its_own_embeddings(tmp_path):
    model, extractor, tokenizer = tiny_grounding.imagebind(tmp_path)
    listener = ImageBindListener(model, extractor, tokenizer, template="{}", backgrounds=["silence"])
    sound = noise(1.0)
    inputs = extractor([sound.samples], sampling_rate=RATE, return_tensors="pt")
    ids = tokenizer(["rain", "silence"], return_tensors="pt")["input_ids"]
    with torch.no_grad():
        out = model(input_ids=ids, input_features=inputs["input_features"][:, :1])
    expected = (out.audio_embeds @ out.text_embeds.T).softmax(1)[:, :1]
    np.testing.assert_allclose(listener.scores(sound, ["rain"]), expected.numpy(), atol=1e-5)
    assert extractor.clip_sampling == "upstream"  # the given one is not changed


def test_scores_of_clap_are_its_own(tmp_path):
    model, processor = tiny_grounding.clap()
    listener = ClapListener(model, processor, window_s=2.0, template="{}", backgrounds=["silence"])
    sound = noise(1.0, rate=8000)
    inputs = processor.feature_extractor([sound.samples], sampling_rate=8000, return_tensors="pt")
    inputs["is_longer"] = torch.tensor([[False]])
    texts = processor.tokenizer(["rain", "silence"], padding=True, return_tensors="pt")
    with torch.no_grad():
        out = model(input_features=inputs["input_features"], is_longer=inputs["is_longer"], **texts)
    expected = out.logits_per_audio.softmax(1)[:, :1]
    np.testing.assert_allclose(listener.scores(sound, ["rain"]), expected.numpy(), atol=1e-5)


def test_frames_are_those_of_the_model(tmp_path):
    model, extractor, tokenizer = tiny_grounding.pe_audio()
    listener = FrameListener(model, extractor, tokenizer)
    sound = noise(1.0, rate=8000)
    inputs = extractor([sound.samples], sampling_rate=8000, return_tensors="pt")
    texts = tokenizer(["rain", "dog"], padding=True, return_tensors="pt")
    with torch.no_grad():
        out = model(input_values=inputs["input_values"], **texts)
    expected = out.logits_audio_text[0].T.sigmoid()  # (frames, texts)
    np.testing.assert_allclose(listener.scores(sound, ["rain", "dog"]), expected.numpy(), atol=1e-5)


def test_a_window_longer_than_a_model_hears_is_refused(tmp_path):
    with pytest.raises(ModelError, match=r"hears 1.0 s at a time"):
        ImageBindListener(*tiny_grounding.imagebind(tmp_path), window_s=2.0)
    with pytest.raises(ModelError, match=r"hears 2.0 s at a time"):
        ClapListener(*tiny_grounding.clap(), window_s=3.0)
    model, extractor, tokenizer = tiny_grounding.imagebind(tmp_path)
    model.config.text_config = None
    with pytest.raises(ModelError, match="no text tower"):
        ImageBindListener(model, extractor, tokenizer)
