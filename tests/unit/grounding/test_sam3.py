"""SAM 3 as detector and segmenter in one: presence, masks, example boxes, points."""

import numpy as np
import pytest
import tiny_grounding
import torch
from fakes import VOCABULARY

from bubo.grounding.lexicon import Lexicon
from bubo.grounding.pipeline import Grounder
from bubo.grounding.sam3 import Sam3Grounder
from bubo.types import Place, Point, Regions, same


class Presence:
    """Replaces what the model says of presence, and how well its queries fit."""

    def __init__(self, model):
        self.logit, self.fit = 0.0, None
        model.register_forward_hook(self)

    def __call__(self, _, __, out):
        out.presence_logits = torch.full_like(out.presence_logits, self.logit)
        if self.fit is not None:
            out.pred_logits = torch.full_like(out.pred_logits, self.fit)


@pytest.fixture
def tool():
    return Sam3Grounder(*tiny_grounding.sam3(), threshold=0.4)


def test_a_score_is_presence_times_fit(tool, picture):
    presence = Presence(tool.model)
    presence.logit, presence.fit = 2.0, 1.0
    product = float(torch.sigmoid(torch.tensor(2.0)) * torch.sigmoid(torch.tensor(1.0)))
    found = tool.detect(picture, ["dog", "red bird"])
    assert set(found.labels) == {"dog", "red bird"}
    np.testing.assert_allclose(found.scores, 0.5 + 0.5 * (product - 0.4) / 0.6, atol=1e-5)
    assert found.masks.shape == (len(found), *picture.size_hw)
    assert (found.boxes[:, 2:] > found.boxes[:, :2]).all() and (found.boxes[:, 2] <= picture.width).all()


def test_what_is_absent_scores_low_however_well_a_query_fits(tool, picture):
    presence = Presence(tool.model)
    presence.logit, presence.fit = -4.0, 5.0
    found = tool.detect(picture, ["dog"])
    assert found.labels == ("dog",) and not found.boxes.any() and not found.masks.any()
    assert found.scores[0] < 0.05


def test_presence_decides_between_seen_and_absent(tool, picture):
    presence = Presence(tool.model)
    grounder = Grounder(None, tool, tool, None, Lexicon.from_dict(VOCABULARY), open_vocabulary=True)
    presence.logit, presence.fit = 3.0, 3.0
    (dog,), links, _ = grounder.ground("I see a dog.", [picture])
    assert dog.status == "seen" and dog.regions[0].mask is not None and len(links) == 1
    presence.logit = -4.0
    (unicorn,), _, _ = grounder.ground("There is a unicorn.", [picture])
    assert (unicorn.label, unicorn.status, unicorn.regions) == ("unicorn", "absent", ())
    assert unicorn.score > 0.9


def test_a_picture_is_encoded_once(tool, picture):
    calls = []
    tool.model.vision_encoder.register_forward_hook(lambda *_: calls.append(1))
    together = tool.detect(picture, ["dog", "cat"])
    assert same(together, Regions.merge([tool.detect(picture, ["dog"]), tool.detect(picture, ["cat"])]))
    assert len(calls) == 1


def test_suppression_and_cap(picture):
    model, processor, tokenizer = tiny_grounding.sam3()
    Presence(model).fit = 3.0

    def count(**settings):
        return len(
            Sam3Grounder(model, processor, tokenizer, threshold=0.1, **settings).detect(picture, ["dog"])
        )

    assert count(nms_iou=1.0) == 8 and 1 <= count(nms_iou=0.1) < 8 and count(nms_iou=1.0, max_boxes=3) == 3


def test_boxes_get_the_mask_that_fits_them_best_inside_them(tool, picture):
    tool.mask_threshold = 0.1
    boxes = np.array([[10, 10, 40, 40], [0, 0, 80, 60]], np.float32)
    where = Regions(("a", "b"), boxes, np.array([0.9, 0.6], np.float32))
    prompts = []
    tool.model.register_forward_pre_hook(lambda *call: prompts.append(call[-1]), with_kwargs=True)
    found = tool.segment(picture, where)
    assert found.labels == ("a", "b") and found.scores.tolist() == where.scores.tolist()
    np.testing.assert_allclose(
        prompts[0]["input_boxes"][0, 0], [25 / 80, 25 / 60, 30 / 80, 30 / 60], atol=1e-6
    )
    assert found.masks[0].any() and not found.masks[0][:, 40:].any() and not found.masks[0][:10].any()
    assert same(tool.segment(picture, found), found)  # they have masks already
    assert len(tool.segment(picture, Regions.empty())) == 0


def test_a_point_gives_the_smallest_thing_that_holds_it(tool, picture):
    tool.mask_threshold = 0.01
    found = tool.segment(picture, np.array([[30.0, 20.0]]))
    assert found.labels == ("",) and found.masks[0][20, 30]
    tool.mask_threshold = 1.0
    assert len(tool.segment(picture, np.array([[30.0, 20.0]]))) == 0


def test_masks_of_a_large_picture_come_when_they_are_asked_for(tool, picture, monkeypatch):
    whole = tool.detect(picture, ["dog", "cat"])
    monkeypatch.setattr("bubo.grounding.sam3.MASK_BYTES", 1)
    fresh = Sam3Grounder(*tiny_grounding.sam3(), threshold=0.4)
    later = fresh.detect(picture, ["dog", "cat"])
    assert later.masks is None and later.labels == whole.labels
    np.testing.assert_array_equal(later.boxes, whole.boxes)
    there = np.flatnonzero((later.boxes[:, 2:] > later.boxes[:, :2]).all(axis=1))
    parts = [fresh.segment(picture, later[[number]]) for number in there]
    for number, part in zip(there, parts, strict=True):
        np.testing.assert_array_equal(part.masks[0], whole.masks[number])


def test_a_place_is_the_smallest_figure_that_holds_its_points(tool, picture):
    tool.mask_threshold = -1.0  # every mask is the whole picture
    for place in (Place.at(30, 30), Place(box=(5, 5, 40, 40)), Place((Point(30, 30), Point(31, 31)))):
        found = tool.segment_place(picture, place)
        assert found.labels == ("",) and found.masks.all() and found.boxes.tolist() == [[0, 0, 80, 60]]
    assert len(tool.segment_place(picture, Place((Point(30, 30), Point(5, 5, False))))) == 0
    tool.mask_threshold = 2.0  # no mask has a pixel
    assert len(tool.segment_place(picture, Place.at(30, 30))) == 0
