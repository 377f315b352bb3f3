"""Grounders over released models: loading by kind, what is refused, one whole pipeline on toy weights."""

import json
import shutil

import numpy as np
import pytest
import tiny_grounding
from fakes import FakeListener
from tiny_ram import TAGS, tiny_ram

from bubo.errors import ModelError
from bubo.grounding.grounding_dino import GroundingDinoDetector
from bubo.grounding.lexicon import Lexicon
from bubo.grounding.released import EVERYDAY, KINDS, released_grounder, settings_of
from bubo.grounding.sam import SamSegmenter
from bubo.models.ram import RamImageProcessor
from bubo.types import Regions, Sound, same


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """One folder per toy model, as a release would be."""
    root = tmp_path_factory.mktemp("models")

    def save(name, model, *others):
        for part in (model, *others):
            part.save_pretrained(root / name)

    for name, mm in (("dino", False), ("mm-dino", True)):
        processor = tiny_grounding.dino_processor()
        save(name, tiny_grounding.dino(mm), processor.image_processor, processor.tokenizer)
    for name in ("sam", "sam2", "sam3", "pe_audio"):
        save(name.replace("_", "-"), *getattr(tiny_grounding, name)())
    model, processor = tiny_grounding.clap()
    save("clap", model, processor.feature_extractor, processor.tokenizer)
    save("imagebind", *tiny_grounding.imagebind(root))
    save("ram", tiny_ram(), RamImageProcessor(size={"height": 32, "width": 32}))
    return root


PARTS = {
    "tagger": {"kind": "ram", "model": "ram", "thresholds": 1e-4},
    "detector": {"kind": "grounding-dino", "model": "dino", "box_threshold": 0.06, "text_threshold": 0.01},
    "segmenter": {"kind": "sam", "model": "sam", "hole_pixels": 20},
    "listener": {"kind": "imagebind", "model": "imagebind", "hop_s": 0.25, "temperature": 30.0},
}


def test_picture_sound_and_text_give_the_same_entities_each_time(folders, picture):
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, 40_000).astype(np.float32)
    sound, text = Sound(samples, 16_000), "I see a dog and a tree. I hear barking, and I hear a tractor."

    def ground():
        grounder = released_grounder(PARTS, lambda name: folders / name)
        assert set(TAGS) <= grounder.lexicon.object_names
        return grounder.ground(text, [picture], [sound])

    entities, links, verdict = ground()
    assert {"dog", "tree"} <= {entity.label for entity in entities}
    assert [text[link.start : link.end] for link in links][:2] == ["a dog", "a tree"]
    dog = next(entity for entity in entities if entity.label == "dog")
    assert dog.status in ("seen", "both")
    assert all(region.mask.shape == picture.size_hw for region in dog.regions)
    again = ground()
    assert same(list(again[0]), list(entities)) and same(list(again[1]), list(links))
    assert same(again[2], verdict)


@pytest.mark.parametrize(
    ("role", "part"),
    [
        ("detector", {"kind": "grounding-dino", "model": "mm-dino", "max_boxes": 3}),
        ("segmenter", {"kind": "sam2", "model": "sam2", "capacity": 2}),
        ("listener", {"kind": "clap", "model": "clap", "window_s": 1.0, "hop_s": 0.5, "template": "{}"}),
        ("listener", {"kind": "pe-audio-frame", "model": "pe-audio", "threshold": 0.4}),
    ],
)
def test_other_kinds_load_and_answer(folders, role, part, picture, sound):
    grounder = released_grounder({role: part}, lambda name: folders / name)
    tool = getattr(grounder, role)
    for name, value in part.items():
        if name in ("max_boxes", "threshold", "template"):
            assert getattr(tool, name) == value
    if role == "detector":
        assert set(tool.detect(picture, ["dog", "cat"]).labels) == {"dog", "cat"}
    elif role == "segmenter":
        where = Regions(("x",), np.array([[10, 10, 30, 30]], np.float32), np.ones(1, np.float32))
        assert tool.segment(picture, where).masks.shape == (1, *picture.size_hw)
    else:
        assert set(tool.listen(sound, ["dog", "rain"]).labels) == {"dog", "rain"}


def test_sam3_is_detector_and_segmenter_at_once(folders, picture):
    part = {"kind": "sam3", "model": "sam3", "threshold": 0.01}
    for parts in ({"detector": part}, {"detector": part, "segmenter": dict(part)}):
        grounder = released_grounder(parts, lambda name: folders / name)
        assert grounder.detector is grounder.segmenter
    other = {"kind": "sam3", "model": "sam3", "threshold": 0.02}
    grounder = released_grounder({"detector": part, "segmenter": other}, lambda name: folders / name)
    assert grounder.detector is not grounder.segmenter
    (dog,), _, _ = grounder.ground("There is a dog.", [picture])
    assert dog.status == "seen" and dog.regions[0].mask is not None


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"taster": {}}, "no part taster of grounding; the parts are tagger, detector, segmenter, listener"),
        ({"detector": "sam3"}, r"must be given as \{\"kind\""),
        ({"detector": {"kind": "sam3"}}, r"must be given as \{\"kind\""),
        (
            {"detector": {"kind": "yolo", "model": "m"}},
            "cannot be 'yolo'; the kinds are grounding-dino, sam3",
        ),
        (
            {"detector": {"kind": "sam", "model": "sam"}},
            "cannot be 'sam'; the kinds are grounding-dino, sam3",
        ),
        (
            {"segmenter": {"kind": "sam", "model": "sam", "holes": 3}},
            "no setting 'holes'; it has batch, capacity, hole",
        ),
        (
            {"segmenter": {"kind": "sam", "model": "sam", "capacity": "3"}},
            "must be a whole number, but is '3'",
        ),
        ({"segmenter": {"kind": "sam", "model": "sam", "batch": 0}}, "takes 0 items; give a number of at le"),
        ({"listener": {"kind": "clap", "model": "clap", "hop_s": True}}, "must be a number, but is True"),
        ({"listener": {"kind": "clap", "model": "clap", "template": 3}}, "must be a text, but is 3"),
        ({"listener": {"kind": "clap", "model": "clap", "backgrounds": "x"}}, "must be a list of texts"),
        ({"listener": {"kind": "clap", "model": "clap", "window_s": 5}}, "hears 2.0 s at a time"),
        ({"detector": {"kind": "grounding-dino", "model": "sam"}}, "holds a model of type 'sam', not"),
        (
            {"segmenter": {"kind": "sam", "model": "nowhere"}},
            "Cannot load the segmenter 'nowhere' as sam from",
        ),
    ],
)
def test_what_cannot_be_is_refused(folders, parts, message):
    with pytest.raises(ModelError, match=message):
        released_grounder(parts, lambda name: folders / name)


def test_a_folder_without_all_weights_is_refused(folders, tmp_path):
    model, processor = tiny_grounding.sam()
    processor.save_pretrained(tmp_path)
    state = {name: value for name, value in model.state_dict().items() if "iou_token" not in name}
    model.save_pretrained(tmp_path, state_dict=state)
    with pytest.raises(ModelError, match="it lacks 1 of the model's tensors, such as mask_decoder.iou_token"):
        released_grounder({"segmenter": {"kind": "sam", "model": "x"}}, lambda _: tmp_path)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_broken_file_is_one_clear_error(folders, tmp_path, name):
    shutil.copytree(folders / "dino", tmp_path / "dino")
    config = json.loads((tmp_path / "dino" / "config.json").read_text()) | {"num_queries": "many"}
    (tmp_path / "dino" / name).write_text(json.dumps(config))
    with pytest.raises(ModelError, match="Cannot load the detector 'dino' as grounding-dino from"):
        released_grounder(
            {"detector": {"kind": "grounding-dino", "model": "dino"}}, lambda _: tmp_path / "dino"
        )


def test_settings_are_what_constructors_take():
    assert set(settings_of(GroundingDinoDetector)) == {
        "box_threshold",
        "text_threshold",
        "nms_iou",
        "max_boxes",
        "batch",
    }
    assert settings_of(SamSegmenter)["hole_pixels"] == 400
    assert set(settings_of(KINDS["ram"].tool())) == {"tag_list", "label_embeds", "thresholds", "batch"}
    tool = KINDS["imagebind"].tool()
    assert {"window_s", "hop_s", "batch", "threshold", "template", "backgrounds"} <= set(settings_of(tool))


def test_everyday_sounds_have_names_of_their_own_and_sources_that_are_words():
    data = json.loads(EVERYDAY.read_text())
    lexicon = Lexicon.load(EVERYDAY)
    names = [sound.name for sound in lexicon.sounds]
    assert len(names) >= 60 and len(set(names)) == len(names)
    assert {source for sound in lexicon.sounds for source in sound.sources} == lexicon.object_names
    forms = [form for sound in data["sounds"] for form in (sound["name"], *sound.get("synonyms", ()))]
    assert len(set(forms)) == len(forms)
    for sound in lexicon.sounds:
        assert any(sense.kind == "sound" for sense in lexicon.senses_of(sound.name)), sound.name


def test_a_verdict_works_without_a_vocabulary_of_the_models_own(folders, picture, sound):
    part = {"kind": "sam3", "model": "sam3", "threshold": 0.01}
    grounder = released_grounder({"detector": part}, lambda name: folders / name)
    grounder.listener = FakeListener({"barking": [(0.1, 0.6, 0.9)]})
    _, _, verdict = grounder.ground("I hear barking.", [picture], [sound])
    assert verdict.value == "match"  # a dog or puppy was looked for and, by this toy, found
    grounder.detector.threshold = 1.0
    grounder.clear()
    _, _, verdict = grounder.ground("I hear barking.", [picture], [sound])
    assert verdict.value == "mismatch"
