"""RAM and RAM++: the contract of a transformers model, other tags, losses, and conversion."""

import hashlib

import numpy as np
import pytest
import torch
from huggingface_hub.errors import StrictDataclassError
from PIL import Image
from same_model import assert_same_tensors
from tiny_ram import TAGS, tiny_ram, tiny_ram_config, write_released
from transformers import AutoConfig, AutoImageProcessor, AutoModel

import bubo.models  # noqa: F401  (registers the Auto classes)
from bubo.models.checkpoints import ConversionError
from bubo.models.conversion import convert
from bubo.models.ram import (
    RamConfig,
    RamImageProcessor,
    RamModel,
    asymmetric_loss,
    find_tags,
    released_tags,
    released_thresholds,
)
from bubo.models.ram.swin_ram import from_windows, relative_positions, shift_mask, to_windows
from bubo.models.ram.tags_ram import HERE

KINDS = pytest.mark.parametrize("descriptions", [1, 3], ids=["ram", "ram_plus"])


def pixels(batch: int = 3) -> torch.Tensor:
    return torch.randn(batch, 3, 32, 32, generator=torch.Generator().manual_seed(1))


def labels(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, 12, generator=torch.Generator().manual_seed(2))


# --- the model


def test_released_sizes_are_the_defaults():
    config = RamConfig()
    assert config.stage_widths == (192, 384, 768, 1536)
    assert config.grid_sizes == (96, 48, 24, 12) and config.num_image_tokens == 145


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"num_heads": [1]}, "one entry per stage"),
        ({"num_heads": [3, 2]}, "cannot have 3 heads"),
        ({"num_attention_heads": 5}, "multiple of num_attention_heads"),
        ({"image_size": 36}, "multiple of 8"),
        ({"image_size": 40}, "do not tile"),
        ({"num_tags": 0, "tag_names": None}, "must be positive"),
        ({"descriptions_per_tag": 2}, "needs reweight_descriptions"),
        ({"tag_names": ["dog"]}, "must have num_tags = 5 entries, got 1"),
        ({"tag_names": ["dog", "cat", "dog", "bus", "zoo"]}, "'dog' stands there twice"),
        ({"tag_thresholds": [0.5, 0.5, 0.5, 0.5, 1.5]}, "between 0 and 1"),
        ({"deleted_tags": [5]}, "columns from 0 to 4"),
        ({"window_size": "large"}, "window_size"),
    ],
)
def test_a_configuration_that_cannot_be_is_refused(fields, message):
    with pytest.raises((ValueError, StrictDataclassError), match=message):
        tiny_ram_config(**fields)


@KINDS
@torch.no_grad()
def test_every_output_has_the_shape_it_promises(descriptions):
    output = tiny_ram(descriptions)(pixels())
    assert output.logits.shape == (3, 5) and output.image_embeds.shape == (3, 17, 12)
    assert output.logits.std(0).min() > 1e-3, "the toy model should tell pictures apart"
    assert output.loss is None
    if descriptions == 1:
        assert output.description_weights is None
    else:
        torch.testing.assert_close(output.description_weights.sum(-1), torch.ones(3, 5))


@KINDS
@torch.no_grad()
def test_save_and_load_give_the_same_model(descriptions, tmp_path):
    model = tiny_ram(descriptions, tag_thresholds=[0.5, 0.6, 0.7, 1, 0.25], deleted_tags=[1])
    model.save_pretrained(tmp_path)
    RamImageProcessor(size={"height": 32, "width": 32}).save_pretrained(tmp_path)
    wanted = model(pixels())
    for loaded in (RamModel.from_pretrained(tmp_path), AutoModel.from_pretrained(tmp_path)):
        assert type(loaded) is RamModel and not loaded.training
        assert_same_tensors(loaded, model)
        torch.testing.assert_close(loaded(pixels()).logits, wanted.logits)
    config = AutoConfig.from_pretrained(tmp_path)
    assert type(config) is RamConfig and config.tag_names == TAGS
    assert config.tag_thresholds == [0.5, 0.6, 0.7, 1, 0.25] and list(config.deleted_tags) == [1]
    processor = AutoImageProcessor.from_pretrained(tmp_path)
    assert type(processor) is RamImageProcessor
    assert processor(Image.new("RGB", (50, 90)), return_tensors="pt")["pixel_values"].shape == (1, 3, 32, 32)


@KINDS
@torch.no_grad()
def test_a_batch_gives_what_its_pictures_give_alone(descriptions):
    model = tiny_ram(descriptions)
    batch = model(pixels()).logits
    for i in range(3):
        torch.testing.assert_close(model(pixels()[i : i + 1]).logits, batch[i : i + 1], rtol=1e-4, atol=1e-5)


@KINDS
@torch.no_grad()
def test_fused_attention_gives_the_same(descriptions):
    model = tiny_ram(descriptions)
    wanted = model(pixels()).logits
    model.set_attn_implementation("eager" if model.config._attn_implementation == "sdpa" else "sdpa")
    torch.testing.assert_close(model(pixels()).logits, wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("shape", [(3, 32, 32), (1, 3, 32, 64), (1, 1, 32, 32)])
def test_a_wrong_shape_is_named(shape):
    with pytest.raises(ValueError, match=r"expected \(B, 3, 32, 32\)") as error:
        tiny_ram()(torch.zeros(shape))
    assert str(shape) in str(error.value)


@KINDS
def test_gradients_reach_every_weight(descriptions):
    model = tiny_ram(descriptions).train()
    model.gradient_checkpointing_enable()
    targets = torch.tensor([[1, 0, 0, 1, 0]] * 3)
    model(pixels(), labels=targets).loss.backward()
    assert {name for name, weight in model.named_parameters() if weight.grad is None} == set()


# --- windows


def test_windows_cut_and_joined_are_the_grid():
    grid = torch.arange(2 * 8 * 8 * 3).reshape(2, 8, 8, 3)
    windows = to_windows(grid, 4)
    assert windows.shape == (8, 16, 3)
    assert windows[1, 0].equal(grid[0, 0, 4]) and windows[2, 5].equal(grid[0, 5, 1])
    assert torch.equal(from_windows(windows, 4, 8), grid)


def test_relative_positions_name_the_step_from_one_token_to_another():
    positions = relative_positions(3, torch.device("cpu"))
    assert positions[4, 4] == 2 * 5 + 2  # no step is the middle row of 25
    assert positions[0, 8] == 0 and positions[8, 0] == 24
    assert positions[1, 0] - positions[0, 0] == 1 and positions[3, 0] - positions[0, 0] == 5


def test_shifted_windows_keep_the_edges_apart():
    mask = shift_mask(4, 2, 1, torch.device("cpu"), torch.float32)
    assert mask[0].eq(0).all()  # the first window lies inside the grid
    assert mask[1].tolist() == [[0, -100, 0, -100], [-100, 0, -100, 0]] * 2
    assert mask[3].eq(-100).sum() == 12  # each token of the last comes from another corner


# --- other tags


@KINDS
@torch.no_grad()
def test_other_tags_are_scored_one_by_one(descriptions):
    model = tiny_ram(descriptions)
    stored = model.label_embeds.unflatten(0, (5, descriptions))
    wanted = model(pixels()).logits
    torch.testing.assert_close(
        model(pixels(), label_embeds=stored[[3, 0]]).logits, wanted[:, [3, 0]], rtol=1e-4, atol=1e-5
    )
    assert model(pixels(), label_embeds=labels(7)).logits.shape == (3, 7)
    if descriptions > 1:
        assert model(pixels(), label_embeds=labels(7, 2)).logits.shape == (3, 7)


@torch.no_grad()
def test_descriptions_count_by_their_likeness():
    model = tiny_ram(3)
    embeds = torch.nn.functional.normalize(model.get_image_features(pixels())[:, 0], dim=-1)
    given = torch.stack((embeds[0], -embeds[0]))[None]  # one tag, described rightly and wrongly
    with torch.no_grad():
        model.reweight_scale.fill_(np.log(50.0))
    assert model(pixels()[:1], label_embeds=given).description_weights[0, 0, 0] > 0.999


@pytest.mark.parametrize(
    ("shape", "message"),
    [((5, 11), "one CLIP text embedding per row"), ((0, 12), "expected"), ((5, 2, 12), "2 descriptions")],
)
def test_embeddings_that_do_not_fit_are_refused(shape, message):
    with pytest.raises(ValueError, match=message):
        tiny_ram()(pixels(), label_embeds=torch.zeros(shape))


# --- tags and losses


def test_a_tag_must_pass_its_threshold():
    logits = torch.tensor([[0.0, 0.1, 9.0, 9.0, 99.0]])
    thresholds = torch.tensor([0.5, 0.5, 0.5, 0.5, 1.0])
    assert find_tags(logits, thresholds, (3,)).tolist() == [[False, True, True, False, False]]


def test_the_asymmetric_loss_forgives_what_is_surely_absent():
    logits = torch.tensor([[-4.0, 0.5, 2.0]])
    p = logits.sigmoid()[0]
    loss = asymmetric_loss(logits, torch.tensor([[0, 0, 1]]), gamma_negative=2, gamma_positive=1)
    wanted = -((p[1] - 0.05) ** 2 * (1.05 - p[1]).log() + (1 - p[2]) * p[2].log())
    torch.testing.assert_close(loss, wanted)


def test_losses_add_up():
    torch.manual_seed(0)
    targets = {"labels": torch.tensor([[1, 0, 0, 1, 0]] * 3), "clip_embeds": labels(3)}
    output = tiny_ram(3)(pixels(), **targets, caption_embeds=labels(3))
    parts = (output.tag_loss, output.distillation_loss, output.alignment_loss)
    assert all(part > 0 for part in parts)
    torch.testing.assert_close(output.loss, sum(parts))


# --- pictures


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P"])
def test_pictures_of_any_mode_are_squashed(mode, rng):
    image = Image.fromarray(rng.integers(0, 256, (40, 300, 3), dtype=np.uint8)).convert(mode)
    made = RamImageProcessor()(image, return_tensors="pt")["pixel_values"][0]
    small = np.asarray(image.convert("RGB").resize((384, 384), Image.Resampling.BILINEAR))
    wanted = (small / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    np.testing.assert_allclose(made.permute(1, 2, 0).numpy(), wanted, atol=1e-5)


# --- conversion


@pytest.mark.parametrize("head", ["tagging_head", "vision_multi"])
@KINDS
@torch.no_grad()
def test_a_released_file_converts(descriptions, head, tmp_path):
    model = tiny_ram(descriptions)
    released = write_released(model, tmp_path / "ram.pth", head)
    (tmp_path / "tags.txt").write_text("\n".join(TAGS))
    (tmp_path / "thresholds.txt").write_text("0.65\n0.8\n1\n0.5\n0.65\n")
    report = convert(
        "ram",
        tmp_path / "ram.pth",
        tmp_path / "out",
        config={"descriptions_per_tag": descriptions},
        tags=tmp_path / "tags.txt",
        thresholds=tmp_path / "thresholds.txt",
    )
    assert report.num_tensors == len(model.state_dict()) and not report.unexpected
    assert len(report.dropped) == len(released) - report.num_tensors == (4 if descriptions == 1 else 2)
    loaded, info = AutoModel.from_pretrained(tmp_path / "out", output_loading_info=True)
    assert not any(info[kind] for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    assert_same_tensors(loaded, model)
    torch.testing.assert_close(loaded(pixels()).logits, model(pixels()).logits)
    assert loaded.config.tag_names == TAGS
    assert loaded.config.tag_thresholds == [0.65, 0.8, 1.0, 0.5, 0.65]
    assert AutoImageProcessor.from_pretrained(tmp_path / "out").size["height"] == 32


def test_the_shipped_lists_are_the_released_ones():
    for name, size, digest in (
        ("tags.txt", 41_904, "5d96d2f722552748"),
        ("thresholds.txt", 22_016, "b6f81d0de1bc7f9c"),
    ):
        data = (HERE / name).read_bytes()
        assert (len(data), hashlib.sha256(data).hexdigest()[:16]) == (size, digest)
    tags, thresholds = released_tags(), released_thresholds()
    assert len(tags) == len(set(tags)) == len(thresholds) == RamConfig().num_tags
    assert tags[:3] == ["3D CG rendering", "3D glasses", "abacus"] and tags[-1] == "zoo"
    never = {tag for tag, threshold in zip(tags, thresholds, strict=True) if threshold == 1}
    assert never == {"body", "cocktail table", "French", "group", "lie", "show", "see", "set", "stop", "use"}
    assert min(thresholds) == 0.45 and thresholds.count(0.65) == 3414


def test_a_file_with_as_many_columns_gets_the_released_names(tmp_path):
    write_released(tiny_ram(num_tags=4585, tag_names=None), tmp_path / "ram.pth")
    convert("ram", tmp_path / "ram.pth", tmp_path / "out")
    config = AutoConfig.from_pretrained(tmp_path / "out")
    assert config.tag_names == released_tags() and config.tag_thresholds == released_thresholds()


def test_files_that_are_not_rams_are_one_clear_error(tmp_path):
    write_released(tiny_ram(3), tmp_path / "ram.pth")
    tensors = torch.load(tmp_path / "ram.pth")["model"]

    def check(message: str, change: dict | None = None, without: str = "-", **options) -> None:
        kept = {key: value for key, value in (tensors | (change or {})).items() if without not in key}
        torch.save({"model": kept}, tmp_path / "changed.pth")
        with pytest.raises(ConversionError, match=message):
            convert("ram", tmp_path / "changed.pth", tmp_path / "out", **options)
        assert not (tmp_path / "out").exists()

    few = {"config": {"descriptions_per_tag": 3}}
    check("15 label embeddings are not 51 for every tag")
    check("has nothing that becomes 'vision_tower.patches.weight'", without="visual_encoder", **few)
    check("lacks 1 tensors, such as classifier.bias", without="fc.bias", **few)
    check("odd shape", {"label_embed": torch.zeros(15), "wordvec_proj.weight": torch.zeros(3)}, **few)
    check("do not make a RAM model", config={"descriptions_per_tag": 3, "num_attention_heads": 3})
    check("Cannot read the list", tags=tmp_path / "nothing.txt", **few)
    (tmp_path / "list.txt").write_text("dog\ncat\n")
    check("must have num_tags = 5 entries, got 2", tags=tmp_path / "list.txt", **few)
    check("one number a line", thresholds=tmp_path / "list.txt", **few)
