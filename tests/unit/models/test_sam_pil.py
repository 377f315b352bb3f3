"""Image processors for SAM 2 and 3 on PIL, and roi_align against an independent computation."""

from importlib import import_module

import numpy as np
import pytest
import torch
from PIL import Image

from bubo.models.sam_pil import (
    Sam2ImageProcessorPil,
    Sam3ImageProcessorPil,
    provide_roi_align,
    roi_align,
)


@pytest.mark.parametrize(
    ("kind", "side", "mean", "std"),
    [
        (Sam2ImageProcessorPil, 1024, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
        (Sam3ImageProcessorPil, 1008, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
    ],
)
def test_pictures_are_stretched_and_normalised(kind, side, mean, std, rng):
    pixels = rng.integers(0, 256, (30, 50, 3), dtype=np.uint8)
    batch = kind()(images=[Image.fromarray(pixels)] * 2, return_tensors="pt")
    assert batch["pixel_values"].shape == (2, 3, side, side)
    assert batch["original_sizes"].tolist() == [[30, 50]] * 2
    resized = np.asarray(Image.fromarray(pixels).resize((side, side), Image.Resampling.BILINEAR), np.float32)
    expected = (resized / 255 - np.array(mean)) / np.array(std)
    got = batch["pixel_values"][0].permute(1, 2, 0).numpy()
    np.testing.assert_allclose(got, expected, atol=1e-4)


def test_processors_are_saved_and_loaded(tmp_path, rng):
    Sam3ImageProcessorPil(size={"height": 28, "width": 28}).save_pretrained(tmp_path)
    again = Sam3ImageProcessorPil.from_pretrained(tmp_path)
    image = Image.fromarray(rng.integers(0, 256, (30, 50, 3), dtype=np.uint8))
    assert again(images=[image], return_tensors="pt")["pixel_values"].shape[-1] == 28


def numpy_roi_align(features, box, size, scale, ratio, aligned):
    """One box, sample by sample: the mean of bilinear values in each of size x size cells."""
    channels, height, width = features.shape
    x0, y0, x1, y1 = (side * scale - (0.5 if aligned else 0.0) for side in box)
    box_w, box_h = x1 - x0, y1 - y0
    if not aligned:
        box_w, box_h = max(box_w, 1.0), max(box_h, 1.0)
    across = ratio if ratio > 0 else int(np.ceil(box_w / size))
    down = ratio if ratio > 0 else int(np.ceil(box_h / size))
    out = np.zeros((channels, size, size))
    for row in range(size):
        for column in range(size):
            values = []
            for i in range(down):
                for j in range(across):
                    y = y0 + box_h / size * (row + (i + 0.5) / down)
                    x = x0 + box_w / size * (column + (j + 0.5) / across)
                    if y < -1 or y > height or x < -1 or x > width:
                        values.append(np.zeros(channels))
                        continue
                    y, x = min(max(y, 0.0), height - 1.0), min(max(x, 0.0), width - 1.0)
                    top, left = int(y), int(x)
                    bottom, right = min(top + 1, height - 1), min(left + 1, width - 1)
                    dy, dx = y - top, x - left
                    values.append(
                        features[:, top, left] * (1 - dy) * (1 - dx)
                        + features[:, top, right] * (1 - dy) * dx
                        + features[:, bottom, left] * dy * (1 - dx)
                        + features[:, bottom, right] * dy * dx
                    )
            out[:, row, column] = np.mean(values, axis=0)
    return out


@pytest.mark.parametrize("aligned", [False, True])
@pytest.mark.parametrize(("scale", "ratio"), [(1.0, -1), (0.5, 2)])
def test_roi_align(aligned, scale, ratio, rng):
    features = rng.normal(size=(2, 3, 9, 11)).astype(np.float32)
    boxes = [
        np.array([[1.3, 2.1, 9.7, 8.2], [-4.0, -3.0, 30.0, 25.0]], np.float32),
        np.array([[5.0, 5.0, 5.4, 5.2]], np.float32),
    ]
    got = roi_align(
        torch.from_numpy(features), [torch.from_numpy(box) for box in boxes], 4, scale, ratio, aligned
    )
    expected = [
        numpy_roi_align(features[number], box, 4, scale, ratio, aligned)
        for number, group in enumerate(boxes)
        for box in group
    ]
    np.testing.assert_allclose(got.numpy(), np.stack(expected), atol=1e-4)
    numbered = np.concatenate([np.insert(group, 0, number, axis=1) for number, group in enumerate(boxes)])
    same = roi_align(torch.from_numpy(features), torch.from_numpy(numbered), (4, 4), scale, ratio, aligned)
    torch.testing.assert_close(got, same)


def test_roi_align_of_a_constant_is_the_constant_and_of_nothing_nothing():
    features = torch.full((1, 2, 8, 8), 3.0)
    assert torch.equal(
        roi_align(features, [torch.tensor([[1.0, 1.0, 6.0, 5.0]])], 7), torch.full((1, 2, 7, 7), 3.0)
    )
    assert roi_align(features, [torch.zeros((0, 4))], 7).shape == (0, 2, 7, 7)
    with pytest.raises(ValueError, match=r"must have shape \(K, 5\), got \(3, 4\)"):
        roi_align(features, torch.zeros((3, 4)), 7)
    with pytest.raises(ValueError, match="got 2 for 1"):
        roi_align(features, [torch.zeros((0, 4))] * 2, 7)


def test_it_stands_in_only_where_torchvision_is_absent(monkeypatch):
    modeling_sam3 = import_module("transformers.models.sam3.modeling_sam3")
    theirs = object()
    monkeypatch.setattr(modeling_sam3, "torchvision", theirs, raising=False)
    provide_roi_align()
    assert modeling_sam3.torchvision is theirs
    monkeypatch.delattr(modeling_sam3, "torchvision")
    provide_roi_align()
    assert modeling_sam3.torchvision.ops.roi_align is roi_align
