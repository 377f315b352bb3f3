"""Nano's eye: the contract of a transformers model, and how pixels become objects."""

import numpy as np
import pytest
import torch
from huggingface_hub.errors import StrictDataclassError
from PIL import Image
from same_model import assert_same_tensors
from transformers import AutoConfig, AutoImageProcessor, AutoModel

import bubo.models  # noqa: F401  (registers the Auto classes)
from bubo.models.bubo_vision import BuboVisionConfig, BuboVisionImageProcessor, BuboVisionModel
from bubo.models.bubo_vision.modeling_bubo_vision import find_objects, soft_boxes
from bubo.train.arrays import squash

SMALL = {
    "object_names": ["dog", "cat", "car"],
    "place_names": ["beach", "street"],
    "image_size": 64,
    "stem_channels": [8, 12, 16],
    "hidden_size": 72,
    "num_hidden_layers": 1,
    "num_attention_heads": 3,
    "intermediate_size": 64,
    "pyramid_size": 16,
    "pixel_size": 16,
    "num_slots": 5,
}
SLOTS, GRID, SIDE = 5, 16, 16


def small_model(seed: int = 0) -> BuboVisionModel:
    """A model with random weights that opens slots: the biases of centre and outline are raised."""
    torch.manual_seed(seed)
    model = BuboVisionModel(BuboVisionConfig(**SMALL)).eval()
    with torch.no_grad():
        model.centre_head[-1].bias[0] = 1.0
        model.centre_head[-1].weight.mul_(20)
        model.figure_head.bias.fill_(5.0)
        model.class_vectors.mul_(4)
    return model


@pytest.fixture(scope="module")
def model():
    return small_model()


def pixels(batch: int = 3) -> torch.Tensor:
    return torch.rand(batch, 3, 64, 64, generator=torch.Generator().manual_seed(1)) * 2 - 1


@torch.no_grad()
def test_every_output_has_the_shape_it_promises(model):
    output = model(pixels())
    shapes = {
        "last_hidden_state": (3, SLOTS + 2 + GRID, 72),
        "class_logits": (3, 4, SIDE, SIDE),
        "tag_logits": (3, 3),
        "place_logits": (3, 2),
        "centre_logits": (3, 1, SIDE, SIDE),
        "offsets": (3, 2, SIDE, SIDE),
        "figure_logits": (3, 1, 2 * SIDE, 2 * SIDE),
        "slot_masks": (3, SLOTS, 2 * SIDE, 2 * SIDE),
        "slot_scores": (3, SLOTS),
        "slot_boxes": (3, SLOTS, 4),
        "slot_class_probs": (3, SLOTS, 4),
    }
    assert {name: tuple(value.shape) for name, value in output.items()} == shapes
    torch.testing.assert_close(output.class_logits.exp().sum(1), torch.ones(3, SIDE, SIDE))
    full = output.slot_scores > 0
    assert full.any(), "the toy model should see something"
    assert output.last_hidden_state[:, :SLOTS][~full].abs().sum() == 0
    assert output.last_hidden_state[:, :SLOTS][full].abs().sum(-1).min() > 1
    assert model.config.num_anchors == SLOTS + 2

    dense = model(pixels(), with_slots=False)
    assert dense.last_hidden_state.shape == (3, 1 + GRID, 72)
    assert dense.slot_masks is None
    torch.testing.assert_close(dense.class_logits, output.class_logits)


@torch.no_grad()
def test_save_and_load_give_the_same_model(model, tmp_path):
    model.save_pretrained(tmp_path)
    BuboVisionImageProcessor(size={"height": 64, "width": 64}).save_pretrained(tmp_path)
    wanted = model(pixels())
    for loaded in (BuboVisionModel.from_pretrained(tmp_path), AutoModel.from_pretrained(tmp_path)):
        assert type(loaded) is BuboVisionModel and not loaded.training
        assert_same_tensors(loaded, model)
        for name, value in loaded(pixels()).items():
            torch.testing.assert_close(value, wanted[name], msg=name)
    config = AutoConfig.from_pretrained(tmp_path)
    assert type(config) is BuboVisionConfig and config.object_names == ["dog", "cat", "car"]
    processor = AutoImageProcessor.from_pretrained(tmp_path)
    assert type(processor) is BuboVisionImageProcessor
    assert dict(processor.size) == {"height": 64, "width": 64}
    assert processor(Image.new("RGB", (50, 90)), return_tensors="pt")["pixel_values"].shape == (1, 3, 64, 64)


@torch.no_grad()
def test_a_batch_gives_what_its_pictures_give_alone(model):
    batch = model(pixels())
    for i in range(3):
        for name, value in model(pixels()[i : i + 1]).items():
            torch.testing.assert_close(batch[name][i : i + 1], value, rtol=1e-3, atol=1e-4, msg=name)


@pytest.mark.parametrize("shape", [(3, 64, 64), (1, 3, 64, 48), (1, 3, 48, 64), (1, 1, 64, 64)])
def test_a_wrong_shape_is_named(model, shape):
    with pytest.raises(ValueError, match=r"expected \(B, 3, 64, 64\)") as error:
        model(torch.zeros(shape))
    assert str(shape) in str(error.value)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"image_size": 100}, "multiple of 16"),
        ({"hidden_size": 64}, "a slot needs 72 numbers"),
        ({"image_size": "large"}, "image_size"),
        ({"num_slots": 2.5}, "num_slots"),
    ],
)
def test_a_configuration_that_cannot_be_is_refused(change, says):
    with pytest.raises((ValueError, StrictDataclassError), match=says):
        BuboVisionConfig(**{**SMALL, **change})


def test_gradients_reach_every_weight_that_maps_pixels_to_maps():
    model = small_model().train()
    output = model(pixels(), with_slots=False)
    total = sum(
        output[name].float().square().sum()
        for name in (
            "class_logits",
            "tag_logits",
            "place_logits",
            "centre_logits",
            "offsets",
            "figure_logits",
        )
    )
    total.backward()
    # place_vectors name the place in a token: only the language model's use of it would need them
    without = {name for name, weight in model.named_parameters() if weight.grad is None}
    assert without == {"place_vectors"}


@pytest.mark.parametrize("size", [(128, 128), (190, 133), (40, 300), (64, 64)])
def test_the_image_processor_squashes_as_training_does(size, rng):
    image = Image.fromarray(rng.integers(0, 256, (*size, 3), dtype=np.uint8)).resize((size[1], size[0]))
    array = np.asarray(image)
    wanted = torch.from_numpy(squash(array, 128).copy()).permute(2, 0, 1).float() / 127.5 - 1
    processor = BuboVisionImageProcessor()
    for given in (image, array):
        made = processor(given, return_tensors="pt")["pixel_values"]
        assert made.dtype == torch.float32
        torch.testing.assert_close(made[0], wanted, rtol=0, atol=1e-5)


# Grouping, on maps of 16 x 16 made by hand: two classes, discs with the offsets that a perfect eye would give


def disc(x: float, y: float, radius: float, side: int) -> torch.Tensor:
    """Pixels of a grid of side x side whose centres lie in the disc, all in picture sides."""
    steps = (torch.arange(side) + 0.5) / side
    return (steps[None] - x) ** 2 + (steps[:, None] - y) ** 2 <= radius**2


def maps(*things: tuple[int, float, float, float, float]) -> tuple[torch.Tensor, ...]:
    """class_logits, centre_logits, offsets, figure_logits of things (class, x, y, radius, centre logit)."""
    classes = torch.zeros(SIDE, SIDE, dtype=torch.long)
    centre = torch.full((1, 1, SIDE, SIDE), -6.0)
    offsets = torch.zeros(1, 2, SIDE, SIDE)
    figure = torch.zeros(2 * SIDE, 2 * SIDE, dtype=torch.bool)
    steps = (torch.arange(SIDE) + 0.5) / SIDE
    for number, x, y, radius, logit in things:
        inside = disc(x, y, radius, SIDE)
        classes[inside] = number
        offsets[0, 0][inside] = (x - steps[None]).expand(SIDE, SIDE)[inside]
        offsets[0, 1][inside] = (y - steps[:, None]).expand(SIDE, SIDE)[inside]
        centre[0, 0, int(y * SIDE), int(x * SIDE)] = logit
        figure |= disc(x, y, radius, 2 * SIDE)
    logits = torch.nn.functional.one_hot(classes, 3).permute(2, 0, 1)[None] * 8.0
    return logits.log_softmax(1), centre, offsets, torch.where(figure, 6.0, -6.0)[None, None]


def find(*things, num_slots: int = 4, threshold: float = 0.2):
    return [value[0] for value in find_objects(*maps(*things), num_slots, threshold)]


def mask_iou(mask: torch.Tensor, wanted: torch.Tensor) -> float:
    return float(((mask > 0.5) & wanted).sum() / ((mask > 0.5) | wanted).sum())


def test_touching_things_of_one_class_come_apart():
    left, right = (0.28, 0.53), (0.65, 0.53)
    masks, scores, boxes, probs = find((1, *left, 0.19, 2.0), (1, *right, 0.19, 4.0))
    assert (scores > 0).tolist() == [True, True, False, False]
    assert scores[0] < scores[1]  # the order is that of the places, not of the scores
    for slot, (x, y) in enumerate((left, right)):
        assert mask_iou(masks[slot], disc(x, y, 0.19, 2 * SIDE)) > 0.85
        torch.testing.assert_close(
            boxes[slot], torch.tensor([x - 0.19, y - 0.19, x + 0.19, y + 0.19]), rtol=0, atol=0.04
        )
        assert probs[slot].argmax() == 1 and probs[slot, 1] > 0.95
    assert not ((masks[0] > 0.5) & (masks[1] > 0.5)).any()
    assert masks[2:].max() == 0 and boxes[2:].abs().max() == 0


def test_touching_things_of_two_classes_come_apart_by_class():
    masks, scores, _, probs = find((2, 0.65, 0.5, 0.18, 3.0), (1, 0.3, 0.5, 0.18, 3.0))
    assert int((scores > 0).sum()) == 2
    assert probs[:2].argmax(-1).tolist() == [1, 2]
    assert mask_iou(masks[1], disc(0.65, 0.5, 0.18, 2 * SIDE)) > 0.85


def test_things_come_from_left_to_right():
    places = (0.82, 0.18, 0.5)
    _, scores, boxes, _ = find(*((1, x, 0.2 + 0.3 * i, 0.12, 3.0) for i, x in enumerate(places)))
    middle = (boxes[:3, 0] + boxes[:3, 2]) / 2
    torch.testing.assert_close(middle, torch.tensor(sorted(places)), rtol=0, atol=0.04)
    assert (scores[:3] > 0).all() and scores[3] == 0


def test_an_empty_map_holds_nothing():
    masks, scores, boxes, _ = find()
    assert scores.tolist() == [0, 0, 0, 0]
    assert masks.abs().max() == 0 and boxes.abs().max() == 0


def test_a_weak_centre_opens_no_slot():
    assert int((find((1, 0.5, 0.5, 0.2, -2.0))[1] > 0).sum()) == 0  # sigmoid(-2) is 0.12
    assert int((find((1, 0.5, 0.5, 0.2, -2.0), threshold=0.1)[1] > 0).sum()) == 1


def test_the_best_centres_win_when_slots_are_few():
    things = [(1, x, y, 0.1, 1.0 + i) for i, (x, y) in enumerate([(0.15, 0.2), (0.5, 0.5), (0.85, 0.8)])]
    _, scores, boxes, _ = find(*things, num_slots=2)
    torch.testing.assert_close(scores, torch.tensor([2.0, 3.0]).sigmoid())
    assert boxes[0, 2] < 0.65 < boxes[1, 0]


def test_a_centre_without_pixels_opens_no_slot():
    class_logits, centre, offsets, figure = maps((1, 0.5, 0.5, 0.2, 4.0))
    found = find_objects(class_logits, centre, offsets, torch.full_like(figure, -6.0), 4, 0.2)
    assert found[1].abs().max() == 0


def test_soft_boxes_are_tight():
    masks = torch.zeros(1, 3, 8, 16)
    masks[0, 0, 2:5, 4:12] = 0.9
    masks[0, 1, 7, 15] = 0.6
    masks[0, 2, 0, 0] = 0.4  # not above one half
    boxes = soft_boxes(masks)[0]
    wanted = [[4 / 16, 2 / 8, 12 / 16, 5 / 8], [15 / 16, 7 / 8, 1, 1], [0, 0, 0, 0]]
    torch.testing.assert_close(boxes, torch.tensor(wanted))
