"""SAM and SAM 2 as segmenters: prompts, kept embeddings, the best of several masks, holes."""

import numpy as np
import pytest
import tiny_grounding
import torch
from transformers import SamProcessor

from bubo.errors import InputError
from bubo.grounding.sam import SamSegmenter, fill_holes
from bubo.types import Picture, Place, Point, Regions, same

BOXES = np.array([[5, 5, 40, 40], [20, 10, 70, 55]], np.float32)


@pytest.fixture(params=["sam", "sam2"])
def segmenter(request):
    """With masks of a few pixels whatever the random logits are."""
    model, processor = getattr(tiny_grounding, request.param)()
    return SamSegmenter(model, processor, hole_pixels=0)


def regions(boxes=BOXES):
    return Regions(
        tuple(f"thing {n}" for n in range(len(boxes))), boxes, np.full(len(boxes), 0.7, np.float32)
    )


def count_encodings(segmenter):
    calls = []
    segmenter.model.vision_encoder.register_forward_hook(lambda *_: calls.append(1))
    return calls


def test_boxes_keep_their_labels_and_get_masks(segmenter, picture):
    found = segmenter.segment(picture, regions())
    assert found.labels == ("thing 0", "thing 1")
    np.testing.assert_array_equal(found.boxes, BOXES)
    np.testing.assert_array_equal(found.scores, [np.float32(0.7)] * 2)
    assert found.masks.shape == (2, *picture.size_hw)
    alone = [segmenter.segment(picture, regions()[number]) for number in range(2)]
    assert same(found, Regions.merge(alone))
    assert len(segmenter.segment(picture, Regions.empty())) == 0


def test_a_picture_is_encoded_once_whatever_is_asked(segmenter, picture):
    calls = count_encodings(segmenter)
    segmenter.segment(picture, regions())
    segmenter.segment(Picture(picture.pixels.copy()), np.array([[10.0, 20.0]]))  # same pixels, same id
    segmenter.segment_scribbles(picture, [[[10, 20], [12, 22]]])
    assert len(calls) == 1
    capacity = segmenter._kept._recent.capacity
    for shade in range(capacity):
        segmenter.segment(Picture(np.full((20, 20, 3), shade, np.uint8)), np.array([[1.0, 1.0]]))
    assert len(calls) == 1 + capacity
    segmenter.segment(picture, regions())
    assert len(calls) == 2 + capacity  # it had to make room


def test_points_become_regions_with_the_box_of_their_mask(segmenter, picture):
    segmenter.mask_threshold = -1.0
    found = segmenter.segment(picture, np.array([[10.0, 20.0], [70.0, 50.0]]))
    assert found.labels == ("", "") and ((found.scores >= 0) & (found.scores <= 1)).all()
    for box, mask in zip(found.boxes, found.masks, strict=True):
        rows, columns = np.nonzero(mask)
        expected = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1] if len(rows) else [0] * 4
        assert box.tolist() == expected
    assert len(segmenter.segment(picture, np.zeros((0, 2)))) == 0


def test_of_several_masks_the_surest_is_taken(segmenter, picture):
    asked = []
    segmenter.model.register_forward_hook(lambda *call: asked.append(call[-1]))
    found = segmenter.segment(picture, np.array([[30.0, 30.0]]))
    estimates = asked[0].iou_scores[0, 0]
    assert len(estimates) == 3
    assert found.scores[0] == pytest.approx(min(max(float(estimates.max()), 0), 1), abs=1e-6)
    segmenter.segment(picture, regions())
    assert asked[1].iou_scores.shape[-1] == 1


def test_scribbles_of_several_points_and_labels(segmenter, picture):
    segmenter.mask_threshold = -2.0
    scribble, other = [[10, 20], [20, 30], [60, 10]], [[40, 40]]
    together = segmenter.segment_scribbles(picture, [scribble, other])
    assert same(together[0], segmenter.segment_scribbles(picture, [scribble]))
    assert same(together[1], segmenter.segment(picture, np.array(other)))
    asked = []
    segmenter.model.register_forward_hook(lambda *call: asked.append(call[-1].pred_masks))
    segmenter.segment_scribbles(picture, [scribble])
    segmenter.segment_scribbles(picture, [scribble], [[1, 1, 0]])
    assert not torch.allclose(*asked)
    assert len(segmenter.segment_scribbles(picture, [])) == 0
    with pytest.raises(InputError, match=r"points \(P, 2\).*got \[\(3, 2\)\] with labels \[\(2,\)\]"):
        segmenter.segment_scribbles(picture, [scribble], [[1, 0]])
    with pytest.raises(InputError, match="points"):
        segmenter.segment_scribbles(picture, [[[1, 2, 3]]])


def test_masks_of_sam_are_those_of_its_own_processor(picture):
    model, processor = tiny_grounding.sam()
    inputs = SamProcessor(processor)(images=picture.pixels, input_boxes=[BOXES.tolist()], return_tensors="pt")
    with torch.no_grad():
        out = model(
            pixel_values=inputs["pixel_values"],
            input_boxes=inputs["input_boxes"].float(),
            multimask_output=False,
        )
    expected = processor.post_process_masks(
        out.pred_masks,
        inputs["original_sizes"],
        inputs["reshaped_input_sizes"],
        pad_size={"height": 64, "width": 64},
    )[0][:, 0]
    got = SamSegmenter(model, processor, hole_pixels=0).segment(picture, regions()).masks
    assert 0 < expected.float().mean() < 1
    np.testing.assert_array_equal(got, expected.numpy())


def test_small_holes_are_filled_and_large_ones_stay():
    mask = np.zeros((40, 40), bool)
    mask[2:38, 2:38] = True
    mask[5:7, 5:7] = False
    mask[7, 7] = False  # touches the first hole at a corner: five pixels together
    mask[20:30, 20:30] = False
    filled = fill_holes(mask, 6)
    assert filled[5:8, 5:8].all() and not filled[20:30, 20:30].any() and not filled[0].any()
    np.testing.assert_array_equal(fill_holes(mask, 5), mask)
    assert fill_holes(mask, 101)[25, 25]
    assert fill_holes(np.ones((3, 3), bool), 9).all() and not fill_holes(np.zeros((3, 3), bool), 9).any()


@pytest.mark.parametrize(
    "place",
    [
        Place.at(30, 30),
        Place((Point(30, 30), Point(60, 50, False))),
        Place(box=(5, 5, 40, 40)),
        Place((Point(30, 30), Point(39, 39, False)), (5, 5, 40, 40)),
    ],
)
def test_a_place_is_one_prompt(segmenter, picture, place):
    segmenter.mask_threshold = -1e9  # all pixels
    asked = []
    segmenter.model.register_forward_hook(lambda *call: asked.append(call[2]), with_kwargs=True)
    calls = count_encodings(segmenter)
    found = segmenter.segment_place(picture, place)
    assert found.labels == ("",) and found.masks.all() and found.boxes.tolist() == [[0, 0, 80, 60]]
    assert len(asked) == len(calls) == 1
    assert ("input_boxes" in asked[0]) == (place.box is not None)
    marks = asked[0].get("input_labels")
    assert (0 if marks is None else marks.shape[-1]) == len(place.points)
    segmenter.mask_threshold = 1e9
    assert len(segmenter.segment_place(picture, place)) == 0
