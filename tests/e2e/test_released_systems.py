"""The whole way of a released system at toy size: files of the original names, pulled, converted, asked."""

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import tiny_bubogpt
import tiny_grounding
from threads import together
from tiny_ram import tiny_ram, write_released

import bubo
from bubo.cli import main
from bubo.downloads import models_home
from bubo.media import encode_wav
from bubo.types import Picture, Sound, same

LICENCE = "licence: ours, licence_url: here"
NEEDED = {
    "dino": "{kind: grounding-dino, model: toy-dino, box_threshold: 0.06, text_threshold: 0.01}",
    "imagebind": "{kind: imagebind, model: toy-imagebind, hop_s: 0.5, temperature: 30.0}",
}
PRESETS = {
    "toy-bubogpt": f"""
summary: all parts of bubogpt-7b, tiny
mode: parity
speaker: {{kind: bubo, model: toy-bubogpt, dtype: fp32}}
grounder: toy-classic
sources:
  - {{{LICENCE}, files: [bubogpt_7b.pth, eva_vit_g.pth, blip2_pretrained_flant5xxl.pth, imagebind_huge.pth]}}
  - {{repo: toy/vicuna-7b-v0, {LICENCE}, files: [VICUNA]}}
steps:
  - kind: bubogpt
    source:
      - bubogpt_7b.pth
      - toy/vicuna-7b-v0/*
      - eva_vit_g.pth
      - blip2_pretrained_flant5xxl.pth
      - imagebind_huge.pth
    target: toy-bubogpt
    options: {{mode: parity, config: {json.dumps(tiny_bubogpt.CONFIG)}}}
""",
    "toy-bubogpt-4bit": """
like: toy-bubogpt
summary: the same in 4 bits, with SAM 3
speaker: {kind: bubo, model: toy-bubogpt, dtype: fp32, quantization: 4bit}
grounder: toy-sam3
""",
    "toy-classic": f"""
summary: tagger, detector, segmenter and listener
kind: grounder
grounder:
  tagger: {{kind: ram, model: toy-ram, thresholds: 0.0001}}
  detector: {NEEDED["dino"]}
  segmenter: {{kind: sam, model: toy-sam}}
  listener: {NEEDED["imagebind"]}
sources:
  - {{{LICENCE}, files: [ram_swin_large_14m.pth]}}
  - {{repo: toy/dino, {LICENCE}, files: [DINO]}}
  - {{repo: toy/sam, {LICENCE}, files: [SAM]}}
  - {{repo: toy/imagebind, {LICENCE}, files: [IMAGEBIND]}}
steps:
  - {{kind: ram, source: [ram_swin_large_14m.pth], target: toy-ram, options: {{config: CONFIG}}}}
  - {{kind: copy, source: [toy/dino/*], target: toy-dino}}
  - {{kind: copy, source: [toy/sam/*], target: toy-sam}}
  - {{kind: copy, source: [toy/imagebind/*], target: toy-imagebind}}
""",
    "toy-sam3": f"""
summary: one model finds and cuts out
kind: grounder
grounder:
  detector: {{kind: sam3, model: toy-sam3}}
  segmenter: {{kind: sam3, model: toy-sam3}}
sources:
  - {{repo: toy/sam3, {LICENCE}, files: [SAM3]}}
steps:
  - {{kind: copy, source: [toy/sam3/*], target: toy-sam3}}
""",
}


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All files as they would be published, in one folder."""
    root = tmp_path_factory.mktemp("published")
    tiny_bubogpt.write_release(root)
    (root / "toy").mkdir()
    (root / "vicuna-7b-v0").rename(root / "toy" / "vicuna-7b-v0")
    model = tiny_ram()
    write_released(model, root / "ram_swin_large_14m.pth")
    dino = tiny_grounding.dino_processor()
    parts = {
        "dino": (tiny_grounding.dino(), dino.image_processor, dino.tokenizer),
        "sam": tiny_grounding.sam(),
        "sam3": tiny_grounding.sam3(),
        "imagebind": tiny_grounding.imagebind(root),
    }
    for name, saved in parts.items():
        for part in saved:
            part.save_pretrained(root / "toy" / name)
    (root / "ram.json").write_text(json.dumps({"tag_names": list(model.config.tag_names)}))
    return root


@pytest.fixture
def pulled(published: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The presets of both compositions, made from the published files."""
    folder = models_home() / "presets"
    folder.mkdir(parents=True)
    for name, text in PRESETS.items():
        for place, part in (("VICUNA", "vicuna-7b-v0"), ("DINO", "dino"), ("SAM3", "sam3"), ("SAM", "sam"),
                            ("IMAGEBIND", "imagebind")):  # fmt: skip
            files = sorted(path.name for path in (published / "toy" / part).iterdir())
            text = text.replace(f"[{place}]", json.dumps(files))
        text = text.replace("config: CONFIG", f"config: {(published / 'ram.json').read_text()}")
        (folder / f"{name}.yaml").write_text(text)
    for name in ("toy-bubogpt", "toy-bubogpt-4bit"):
        assert main(["pull", name, "--from", str(published), "--yes"]) == 0, capsys.readouterr().err


@pytest.fixture
def scene() -> tuple[Picture, Sound]:
    rng = np.random.default_rng(3)
    pixels = np.kron(rng.integers(0, 255, (6, 8, 3)), np.ones((12, 12, 1))).astype(np.uint8)
    return Picture(pixels), Sound(rng.uniform(-0.3, 0.3, 32_000).astype(np.float32), 16_000)


@pytest.mark.parametrize("name", ["toy-bubogpt", "toy-bubogpt-4bit"])
def test_picture_sound_and_question_give_a_linked_answer(
    pulled: None, name: str, scene, tmp_path, capsys
) -> None:
    picture, sound = scene
    assistant = bubo.load(name, device="cpu")
    answer = assistant.conversation().ask("What is this?", picture=picture, sound=sound)
    assert answer.text and answer.metadata["encoder_calls"] == 2
    again = bubo.load(name, device="cpu").conversation().ask("What is this?", picture=picture, sound=sound)
    assert again.text == answer.text and same(list(again.entities), list(answer.entities))
    # what a random model says names little, so its tools are asked about a text that does
    text = "I see a dog and a tree, and I hear barking."
    entities, links, _ = assistant.grounder.ground(text, [picture], [sound])
    assert [text[link.start : link.end] for link in links][:2] == ["a dog", "a tree"]
    assert {entity.status for entity in entities} <= {"seen", "heard", "both", "absent", "unsure"}
    seen = [entity for entity in entities if entity.status in ("seen", "both")]
    assert all(region.mask.shape == picture.size_hw for entity in seen for region in entity.regions)
    if name == "toy-bubogpt":
        assert seen
        (tmp_path / "sound.wav").write_bytes(encode_wav(sound))
        capsys.readouterr()
        assert (
            main(["ask", "What is this?", "--sound", str(tmp_path / "sound.wav"), "--model", name, "--json"])
            == 0
        )
        assert set(json.loads(capsys.readouterr().out)) >= {"text", "entities", "links", "verdict", "timings"}
    else:
        kinds = {type(module).__name__ for module in assistant.speaker.model.modules()}
        assert "Linear4bit" in kinds


def test_conversations_at_once_share_the_encoders_and_the_tools(pulled: None) -> None:
    rng = np.random.default_rng(5)
    pictures = [Picture(rng.integers(0, 255, (60, 80, 3), dtype=np.uint8)) for _ in range(3)]
    sounds = [Sound(rng.uniform(-0.3, 0.3, 32_000).astype(np.float32), 16_000) for _ in range(3)]
    text = "I see a dog and a tree, and I hear barking."

    def ask(assistant, number: int):
        media = {"picture": pictures[number], "sound": sounds[number]}
        return assistant.conversation().ask("What is this?", **media).text

    def ground(assistant, number: int):
        return assistant.grounder.ground(text, [pictures[number]], [sounds[number]])[0]

    alone, assistant = (bubo.load("toy-bubogpt", device="cpu") for _ in range(2))
    texts, sizes = together(assistant.speaker._encodings, *[partial(ask, assistant, n) for n in range(3)])
    assert sizes[:2] == [1, 2] and sum(sizes) == 6  # a picture, two pictures, three sounds
    assert texts == [ask(alone, number) for number in range(3)]
    for one in (alone, assistant):  # what was found for the answers would be known
        one.clear()
    found, sizes = together(
        assistant.grounder.tagger._passes, *[partial(ground, assistant, n) for n in range(3)]
    )
    assert sizes == [1, 2]
    for number, entities in enumerate(found):
        for one, other in zip(entities, ground(alone, number), strict=True):
            assert (one.label, one.status, len(one.regions)) == (
                other.label,
                other.status,
                len(other.regions),
            )
            assert one.score == pytest.approx(other.score, abs=1e-4)


def test_models_says_what_is_ready(pulled: None, capsys) -> None:
    capsys.readouterr()
    assert main(["models", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["toy-bubogpt"]["ready"] and rows["toy-sam3"]["ready"]
    assert not rows["bubogpt-7b"]["ready"] and "bubo pull bubogpt-7b" in json.dumps(rows["bubogpt-7b"])
