"""Boxes and masks: worked examples, and properties against slow obvious code."""

import contextlib
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from bubo import geometry
from bubo.errors import InputError

MASKS = hnp.arrays(np.bool_, st.tuples(st.integers(1, 24), st.integers(1, 24)))


def coco_string(mask):
    """COCO's string, written pixel by pixel and digit by digit."""
    counts, value = [0], False
    for pixel in mask.T.ravel():
        if pixel != value:
            counts.append(0)
            value = pixel
        counts[-1] += 1
    text = ""
    for i, count in enumerate(counts):
        rest, more = count - (counts[i - 2] if i > 2 else 0), True
        while more:
            digit, rest = rest & 31, rest >> 5
            more = rest != (-1 if digit & 16 else 0)
            text += chr(digit + 48 + (32 if more else 0))
    return text


def test_box_iou_examples():
    a = [[0, 0, 2, 2], [5, 5, 5, 5]]
    b = [[1, 1, 3, 3], [0, 0, 2, 2], [9, 9, 12, 12], [5, 5, 5, 5]]
    iou = geometry.box_iou(a, b)
    np.testing.assert_allclose(iou, [[1 / 7, 1, 0, 0], [0, 0, 0, 0]], rtol=1e-6)
    assert iou.dtype == np.float32
    assert geometry.box_iou([], b).shape == (0, 4)


def test_mask_iou_counts_pixels(rng):
    a, b = rng.random((3, 9, 7)) < 0.5, rng.random((2, 9, 7)) < 0.5
    a[2] = False
    expected = [[(x & y).sum() / max((x | y).sum(), 1) for y in b] for x in a]
    np.testing.assert_allclose(geometry.mask_iou(a, b), expected, rtol=1e-6)
    assert geometry.mask_iou(a[:0], b).shape == (0, 2)
    with pytest.raises(InputError, match="one size"):
        geometry.mask_iou(a, b[:, :5])


def test_mask_to_box_has_far_edges():
    mask = np.zeros((10, 12), dtype=bool)
    assert geometry.mask_to_box(mask).tolist() == [0, 0, 0, 0]
    mask[3:5, 7:11] = True
    assert geometry.mask_to_box(mask).tolist() == [7, 3, 11, 5]


def test_conversions_and_clipping():
    boxes = [[1, 2, 4, 8]]
    assert geometry.xyxy_to_xywh(boxes).tolist() == [[1, 2, 3, 6]]
    assert geometry.xywh_to_xyxy(geometry.xyxy_to_xywh(boxes)).tolist() == boxes
    assert geometry.clip_boxes([[-3, 2, 40, 99]], (10, 20)).tolist() == [[0, 2, 20, 10]]
    assert geometry.box_area([[0, 0, 3, 2], [3, 3, 1, 9]]).tolist() == [6, 0]


def test_nms_keeps_the_best_of_each_heap():
    boxes = [[0, 0, 10, 10], [1, 0, 11, 10], [20, 0, 30, 10], [0, 1, 10, 11]]
    assert geometry.nms(boxes, [0.5, 0.9, 0.1, 0.9]).tolist() == [1, 2]
    assert geometry.nms(boxes, [0.5, 0.9, 0.1, 0.9], iou_threshold=1.0).tolist() == [1, 3, 0, 2]
    assert geometry.nms([], []).tolist() == []
    with pytest.raises(InputError, match="one per box"):
        geometry.nms(boxes, [1.0])


def test_resize_mask_repeats_and_picks():
    mask = np.array([[True, False], [False, True]])
    np.testing.assert_array_equal(geometry.resize_mask(mask, (4, 4)), mask.repeat(2, 0).repeat(2, 1))
    np.testing.assert_array_equal(geometry.resize_mask(mask.repeat(3, 0).repeat(3, 1), (2, 2)), mask)
    assert geometry.resize_mask(np.zeros((5, 8, 8), dtype=bool), (3, 2)).shape == (5, 3, 2)
    with pytest.raises(InputError, match="at least 1 pixel"):
        geometry.resize_mask(mask, (0, 4))


def test_rle_known_strings():
    # a 2 x 3 mask: columns 0 1 | 1 1 | 0 0 -> runs 1 3 2
    assert geometry.rle_encode(np.array([[0, 1, 0], [1, 1, 0]], dtype=bool)) == {
        "size": [2, 3],
        "counts": "132",
    }
    assert geometry.rle_encode(np.ones((1, 40), dtype=bool)) == {"size": [1, 40], "counts": "0X1"}


@given(MASKS)
@settings(max_examples=100, deadline=None)
def test_rle_is_cocos_and_comes_back(mask):
    rle = geometry.rle_encode(mask)
    assert rle["counts"] == coco_string(mask)
    np.testing.assert_array_equal(geometry.rle_decode(json.loads(json.dumps(rle))), mask)


def test_rle_of_a_large_mask(rng):
    mask = rng.random((1000, 1000)) < 0.5
    mask[200:800, 100:900] = True
    rle = geometry.rle_encode(mask)
    np.testing.assert_array_equal(geometry.rle_decode(rle), mask)
    np.testing.assert_array_equal(geometry.rle_decode({**rle, "counts": rle["counts"].encode()}), mask)


@pytest.mark.parametrize("block", [1, 2, 7])
def test_rle_is_the_same_in_blocks_of_any_size(block, rng, monkeypatch):
    mask = rng.random((30, 20)) < 0.5
    mask[5:25, 3:15] = True  # runs of one, two and three digits
    rle = geometry.rle_encode(mask)
    monkeypatch.setattr(geometry, "_RLE_BLOCK", block)
    assert geometry.rle_encode(mask) == rle
    np.testing.assert_array_equal(geometry.rle_decode(rle), mask)


@pytest.mark.parametrize(
    "rle",
    [
        {},
        {"size": [2, 3], "counts": None},
        {"size": [2], "counts": "6"},
        {"size": [2, 3.0], "counts": "6"},
        {"size": [True, 6], "counts": "6"},
        {"size": [-2, -3], "counts": "6"},
        {"size": [2, 3], "counts": ""},
        {"size": [2, 3], "counts": "7"},
        {"size": [2, 3], "counts": "é"},
        {"size": [2, 3], "counts": "3 3"},
        {"size": [2, 3], "counts": "V"},  # a digit that says another one follows
        {"size": [2, 3], "counts": "ooooooooooooooooooo0"},
        {"size": [2, 3], "counts": "1N7"},  # a negative run
        {"size": [2, 3], "counts": "6" + "0" * 100},  # more runs than pixels
        {"size": [10**9, 10**9], "counts": "6"},
    ],
)
def test_rle_refuses_what_is_no_mask(rle):
    with pytest.raises(InputError, match="run-length mask"):
        geometry.rle_decode(rle)


@given(st.text(alphabet=[chr(c) for c in range(40, 120)], max_size=40))
@settings(max_examples=150, deadline=None)
def test_rle_of_any_text_gives_a_mask_or_an_error(text):
    with contextlib.suppress(InputError):
        assert geometry.rle_decode({"size": [4, 6], "counts": text}).shape == (4, 6)


@pytest.mark.parametrize(
    "call",
    [
        lambda: geometry.box_iou(np.zeros((2, 3)), np.zeros((1, 4))),
        lambda: geometry.mask_iou(np.zeros((2, 3, 3)), np.zeros((2, 3, 3), dtype=bool)),
        lambda: geometry.rle_encode(np.zeros((3, 3))),
        lambda: geometry.mask_to_box(np.zeros((3, 3, 3), dtype=bool)),
    ],
)
def test_wrong_shapes_are_named(call):
    with pytest.raises(InputError, match="shape"):
        call()
