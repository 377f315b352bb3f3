"""RAM behind the tagger protocol: scores, thresholds, lists of one's own, folders."""

import numpy as np
import pytest
import torch
from fakes import FakeDetector
from safetensors.torch import load_file, save_file
from tiny_ram import TAGS, tiny_ram, write_released

from bubo.errors import InputError, ModelError
from bubo.grounding.lexicon import Lexicon
from bubo.grounding.pipeline import Grounder
from bubo.grounding.ram_tagger import RamTagger, read_label_embeds, tag_scores, things_left_out
from bubo.models.conversion import convert
from bubo.models.ram import RamImageProcessor
from bubo.types import Picture


def processor(side: int = 32) -> RamImageProcessor:
    return RamImageProcessor(size={"height": side, "width": side})


def probabilities(model, picture: Picture, **options) -> np.ndarray:
    values = processor()(images=[picture.pixels], return_tensors="pt")["pixel_values"]
    with torch.no_grad():
        return model(values, **options).logits[0].sigmoid().numpy()


def embeds(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, 12, generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize("descriptions", [1, 3])
def test_every_tag_gets_its_score(picture, descriptions):
    model = tiny_ram(descriptions)
    limits = probabilities(model, picture) + np.array([0.1, -0.1, 0.1, -0.1, 0.1], np.float32)
    tagger = RamTagger(model, processor(), thresholds=limits)
    tags = tagger.tag(picture)
    assert set(tags.labels) == set(TAGS) and len(tags) == 5
    assert [tags.scores_by_label[tag] >= 0.5 for tag in TAGS] == [False, True, False, True, False]
    again = tagger.tag(picture)
    assert again.labels == tags.labels and np.array_equal(again.scores, tags.scores)


def test_thresholds_come_from_the_config_or_are_one_half(picture):
    model = tiny_ram()
    wanted = probabilities(model, picture)
    scores = RamTagger(model, processor()).tag(picture).scores_by_label
    np.testing.assert_allclose([scores[tag] for tag in TAGS], wanted, atol=1e-6)
    strict = tiny_ram(tag_thresholds=[1, 1, 1, 1, 0], deleted_tags=[0])
    scores = RamTagger(strict, processor()).tag(picture).scores_by_label
    assert scores["dog"] == 0 and scores["zoo"] >= 0.5
    assert max(score for tag, score in scores.items() if tag != "zoo") < 0.5
    loose = RamTagger(strict, processor(), thresholds=0.0).tag(picture).scores_by_label
    assert all(score >= 0.5 for tag, score in loose.items() if tag != "dog")


def test_scores_rise_with_probabilities_and_pass_one_half_above_the_threshold():
    steps = np.linspace(0, 1, 1001, dtype=np.float32)
    for threshold in (0.0, 0.45, 0.65, 0.8, 1.0):
        limit = np.full_like(steps, threshold)
        scores = tag_scores(steps, limit)
        assert (np.diff(scores) >= 0).all() and scores.min() >= 0 and scores.max() <= 1
        assert np.array_equal(scores >= 0.5, steps > limit)
        assert scores[0] == 0
    half = tag_scores(np.float32([0.4, 0.65, 0.825, 1]), np.full(4, 0.65, np.float32))
    np.testing.assert_allclose(half, [0.4 / 1.3, 0.5, 0.75, 1], atol=1e-6)


@pytest.mark.parametrize("descriptions", [1, 3])
def test_an_open_set_has_its_own_tags(picture, descriptions):
    model = tiny_ram(descriptions, tag_thresholds=[1] * 5, deleted_tags=[0])
    given = embeds(3) if descriptions == 1 else embeds(3, 2)
    tagger = RamTagger(model, processor(), ["fern", "moss", "lichen"], label_embeds=given)
    scores = tagger.tag(picture).scores_by_label
    wanted = probabilities(model, picture, label_embeds=given)
    np.testing.assert_allclose([scores[tag] for tag in ("fern", "moss", "lichen")], wanted, atol=1e-6)


def test_what_does_not_fit_is_one_clear_error(picture):
    model = tiny_ram()

    def check(kind, message, *args, side=32, model=model, **options):
        with pytest.raises(kind, match=message):
            RamTagger(model, processor(side), *args, **options)

    check(ModelError, "has 5 tags, but 2 names were given", ["dog", "cat"])
    check(ModelError, "does not name its 5 tags", model=tiny_ram(tag_names=None))
    check(ModelError, "makes 64 x 64 pixels, the model wants 32 x 32", side=64)
    check(InputError, "'dog' twice", ["dog", "cat", "dog", "a", "b"])
    check(InputError, "one threshold for each of 5 tags, but there are 2", None, [0.5, 0.5])
    check(InputError, "between 0 and 1, but one is 1.5", None, 1.5)
    check(InputError, "between 0 and 1, but one is nan", None, float("nan"))
    check(InputError, "must be numbers", None, ["high"] * 5)
    check(InputError, "without tags", label_embeds=embeds(3))
    check(ModelError, r"shape \(3, 12\), expected \(2, 12\)", ["a", "b"], label_embeds=embeds(3))
    check(ModelError, r"expected \(2, 12\)", ["a", "b"], label_embeds=torch.zeros(2, 11))
    check(ModelError, "3 descriptions per tag, but this is RAM", ["a", "b"], label_embeds=embeds(2, 3))
    check(ModelError, "NaN", ["a", "b"], label_embeds=torch.full((2, 12), torch.nan))

    broken = tiny_ram()
    torch.nn.init.constant_(broken.classifier.weight, torch.inf)
    with pytest.raises(ModelError, match="not numbers"):
        RamTagger(broken, processor()).tag(picture)


def test_a_released_pickle_becomes_a_tagger(picture, tmp_path):
    model = tiny_ram()
    write_released(model, tmp_path / "ram.pth")
    fields = {"tag_names": TAGS, "tag_thresholds": [0.65] * 5}
    convert("ram", tmp_path / "ram.pth", tmp_path / "ram", config=fields)
    tags = RamTagger.load(tmp_path / "ram").tag(picture)
    wanted = RamTagger(model, processor(), thresholds=0.65).tag(picture)
    assert tags.labels == wanted.labels and np.array_equal(tags.scores, wanted.scores)

    (tmp_path / "tags.txt").write_text("fern\nmoss\n")
    save_file({"text_embeds": embeds(2)}, tmp_path / "embeds.safetensors")
    own = RamTagger.load(
        tmp_path / "ram", tag_list=tmp_path / "tags.txt", label_embeds=tmp_path / "embeds.safetensors"
    )
    assert set(own.tag(picture).labels) == {"fern", "moss"}


def test_a_folder_that_is_no_tagger_is_one_clear_error(tmp_path):
    with pytest.raises(ModelError, match="There is no model in"):
        RamTagger.load(tmp_path / "nothing")
    folder = tmp_path / "ram"
    tiny_ram().save_pretrained(folder)
    with pytest.raises(ModelError, match="Cannot load the RAM tagger"):  # no image processor
        RamTagger.load(folder)
    processor().save_pretrained(folder)
    weights = load_file(folder / "model.safetensors")
    del weights["classifier.bias"]
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(ModelError, match="lack 1 tensors, such as classifier.bias"):
        RamTagger.load(folder)
    (folder / "model.safetensors").write_bytes(b"no")
    with pytest.raises(ModelError, match="Cannot load the RAM tagger"):
        RamTagger.load(folder)
    (folder / "config.json").write_text('{"model_type": "swin"}')
    with pytest.raises(ModelError, match="of type 'swin', expected 'ram'"):
        RamTagger.load(folder)


def test_label_embeddings_are_one_tensor(tmp_path):
    path = tmp_path / "embeds.safetensors"
    with pytest.raises(InputError, match="Cannot read the label embeddings"):
        read_label_embeds(path)
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(InputError, match="Cannot read the label embeddings"):
        read_label_embeds(path)
    save_file({"a": torch.ones(1), "b": torch.ones(1)}, path)
    with pytest.raises(InputError, match="must be one tensor, but are 2: a, b"):
        read_label_embeds(path)


def test_the_grounder_links_what_the_tagger_names(picture):
    model = tiny_ram()
    tagger = RamTagger(
        model, processor(), ["hound", "fern", "moss", "kelp", "reed"], [0.0, 1.0, 1.0, 1.0, 1.0]
    )
    lexicon = Lexicon().with_synonyms({"hound": ("wolfhound",)})
    detector = FakeDetector({"hound": [((10, 20, 30, 50), 0.9)]})
    grounder = Grounder(tagger, detector, None, None, lexicon)
    text = "A wolfhound is here."
    entities, links, _ = grounder.ground(text, [picture])
    assert detector.asked == [("hound",)]
    assert [text[link.start : link.end] for link in links] == ["A wolfhound"]
    assert [entity.label for entity in entities] == ["hound"]


def test_tags_that_name_no_thing_are_left_out_of_the_models_own(picture):
    from bubo.models.ram.tags_ram import released_tags

    listed = things_left_out()
    assert {"picture", "see", "red", "dark"} <= listed <= set(released_tags())
    assert not {"dog", "light", "orange", "swing", "car"} & listed
    names = ["dog", "picture", "see", "beach", "zoo"]
    own = RamTagger(tiny_ram(tag_names=names), processor(), thresholds=0.0)
    assert own.tags == ("dog", "beach", "zoo") and set(own.tag(picture).labels) == set(own.tags)
    given = RamTagger(tiny_ram(tag_names=names), processor(), names, thresholds=0.0)
    assert given.tags == tuple(names) and set(given.tag(picture).labels) == set(names)
