"""Depth, heat and motion as tensors."""

import numpy as np
import pytest
import torch

from bubo.models.imagebind import ImageBindConfig, ImageBindModel, depth_values, imu_values, thermal_values


def test_depth_is_normalised_disparity() -> None:
    depth = np.full((300, 500), 2.0)
    depth[:, :250] = 0  # nothing measured: as far as can be
    values = depth_values(depth, baseline_m=0.1, focal_px=500)
    assert values.shape == (1, 1, 224, 224) and values.dtype == torch.float32
    far, near = values[0, 0, 100, 5], values[0, 0, 100, -5]
    assert near.item() == pytest.approx((0.1 * 500 / 2.0 - 0.0418) / 0.0295, rel=1e-4)
    assert far.item() == pytest.approx((0.1 * 500 / 50.0 - 0.0418) / 0.0295, rel=1e-4)


def test_warmth_keeps_its_range_and_its_middle() -> None:
    warmth = np.tile(np.linspace(0, 1, 448), (224, 1))
    values = thermal_values(warmth)[0, 0]
    assert values.min() >= 0 and values.max() <= 1
    np.testing.assert_allclose(values[100], warmth[100, 112:336], atol=0.01)  # the middle half
    with pytest.raises(ValueError, match="expected values from 0 to 1"):
        thermal_values(warmth * 255)


def test_motion_is_five_seconds_from_the_middle() -> None:
    rate, seconds = 100, 20
    times = np.arange(rate * seconds) / rate
    values = imu_values(np.tile(times, (6, 1)), rate)[0]
    assert values.shape == (6, 2000)
    expected = 7.5 + np.arange(2000) * 5 / 2000
    np.testing.assert_allclose(values[3], expected, atol=1e-4)
    np.testing.assert_allclose(imu_values(np.tile(times, (6, 1)), rate, start_s=1)[0, 0, 0], 1, atol=1e-4)


def test_a_short_recording_has_zeros_around_it() -> None:
    values = imu_values(np.ones((6, 100)), 100)[0, 0]
    inside = values.nonzero()[:, 0]
    assert values.sum() == len(inside) and len(inside) == pytest.approx(400, abs=5)
    assert inside[0] == pytest.approx(800, abs=3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: depth_values(np.ones((2, 2, 3))), r"one plane \(H, W\)"),
        (lambda: depth_values(np.full((2, 2), np.nan)), "not finite"),
        (lambda: imu_values(np.ones((5, 9)), 50), r"\(6, T\), got \(5, 9\)"),
        (lambda: imu_values(np.ones((6, 9)), 0), "must be positive"),
    ],
)
def test_what_is_wrong_is_said(call, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_the_towers_take_them() -> None:
    tiny = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    names = ("depth", "thermal", "imu")
    model = ImageBindModel(
        ImageBindConfig(**{f"{name}_config": tiny for name in names}, projection_dim=8)
    ).eval()
    with torch.no_grad():
        output = model(
            depth_values=depth_values(np.random.default_rng(0).uniform(1, 5, (240, 320))),
            thermal_values=thermal_values(np.random.default_rng(0).uniform(0, 1, (240, 320))),
            imu_values=imu_values(np.random.default_rng(0).normal(size=(6, 500)), 100),
        )
    embeds = torch.cat([output.depth_embeds, output.thermal_embeds, output.imu_embeds])
    scores = model.similarity(embeds, embeds)
    assert scores.shape == (3, 3) and torch.isfinite(scores).all()
    torch.testing.assert_close(scores.softmax(-1).sum(-1), torch.ones(3))
    torch.testing.assert_close(scores, scores.T)
