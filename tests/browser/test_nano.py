"""The page with nano itself: scenes and sounds it never saw, and their truth to the pixel and the second."""

import re
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import expect

import bubo
from bubo.data_tools.world.pairs import sample_world, world_words
from bubo.data_tools.world.truth import Clip, Sample, Scene
from bubo.media import encode_png, encode_wav
from bubo.server.engine import AssistantEngine
from bubo.types import Picture, Sound
from tests.browser.conftest import Visitor
from tests.browser.test_wave import play_to_the_end, watch

NANO = Path(bubo.__file__).parent / "nano"
pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(600),
    pytest.mark.skipif(
        not (NANO / "model" / "config.json").is_file(), reason="nano's weights are not there; make nano"
    ),
]

#: Neither training nor the evaluation's split or seed.
SPLIT, SEED = "validation", 40_401
SAMPLES = 4


@pytest.fixture(scope="module")
def visitor(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visitor]:
    """Somebody who has the page open before the model is loaded."""
    from tests.live_server import live_server

    engine: Any = AssistantEngine(lambda: bubo.load("nano"))
    with live_server(tmp_path_factory.mktemp("data"), engine) as server:
        guest = Visitor(browser, server.url, viewport={"width": 1360, "height": 850})
        guest.open()
        engine.start()
        yield guest
        guest.context.close()


def matching() -> Iterator[Sample]:
    """Samples whose picture and sound belong together."""
    for index in count():
        sample = sample_world(SPLIT, SEED, index, ("picture", "sound"))
        if sample.pair == "match":
            yield sample


def media_of(sample: Sample) -> tuple[Scene, Clip]:
    assert sample.scene is not None and sample.clip is not None
    return sample.scene, sample.clip


def ask(visitor: Visitor, sample: Sample, question: str) -> dict[str, str]:
    """Asks about a sample's picture and sound in a new conversation; gives the names of its things, by id."""
    scene, clip = media_of(sample)
    page = visitor.open()
    page.locator("input[type=file]").set_input_files(
        [
            {"name": "scene.png", "mimeType": "image/png", "buffer": encode_png(Picture(scene.pixels))},
            {"name": "scene.wav", "mimeType": "audio/wav", "buffer": encode_wav(sound_of(clip))},
        ]
    )
    expect(page.locator(".chip.file.ready")).to_have_count(2)
    page.locator("#question").fill(question)
    page.locator("#question").press("Enter")
    expect(page.locator("#polite")).to_contain_text("Answer finished", timeout=120_000)
    messages = visitor.get(f"/api/conversations/{page.url.rsplit('/', 1)[1]}")["messages"]
    assert messages[-1]["status"] == "complete"
    return {entity["id"]: entity["label"] for entity in messages[-1]["grounding"]["entities"]}


def sound_of(clip: Clip) -> Sound:
    return Sound(clip.samples, clip.sampling_rate)


def phrases(visitor: Visitor, names: dict[str, str]) -> Iterator[tuple[Any, str]]:
    """The answer's phrases that can be pointed at, and what each stands for."""
    found = visitor.page.locator(".message.answer .g[role=button]")
    for at in range(found.count()):
        yield found.nth(at), names[found.nth(at).get_attribute("data-entity")]


def lit_pixels(page: Any, size_hw: tuple[int, int]) -> Any:
    """What the lit masks on the stage hold: (H, W) bool."""
    lit = page.locator(".stage-light.is-lit .lit-region")
    whole = np.zeros(size_hw, bool)
    for path in lit.evaluate_all("(paths) => paths.map((path) => path.getAttribute('d'))"):
        mask = np.zeros(size_hw, bool)
        for ring in path.replace("Z", "").split("M")[1:]:
            numbers = [float(one) for one in ring.replace("L", " ").replace(",", " ").split()]
            image = Image.new("1", size_hw[::-1])
            ImageDraw.Draw(image).polygon(list(zip(numbers[::2], numbers[1::2], strict=True)), fill=1)
            mask ^= np.array(image)
        whole |= mask
    return whole


def iou(one: Any, other: Any) -> float:
    """Of two masks."""
    return float((one & other).sum() / max(1, (one | other).sum()))


def best_iou(found: Any, scene: Scene, name: str) -> float:
    """With the thing that a phrase may mean, or with all of its kind; of a sound, with what can make it."""
    kinds = {name, *world_words().sources.get(name, ())}
    masks = [thing.mask for thing in scene.things if thing.name in kinds]
    return max((iou(found, mask) for mask in [*masks, np.any(masks, axis=0)]), default=0.0) if masks else 0.0


def share_of_time(heard: tuple[float, float], clip: Clip, name: str) -> float:
    """Intersection over union of what was played with the event of that name; 0 where there is none."""
    shares = [0.0]
    for event in clip.events:
        if event.name == name:
            both = min(heard[1], event.end_s) - max(heard[0], event.start_s)
            either = max(heard[1], event.end_s) - min(heard[0], event.start_s)
            shares.append(max(0.0, both) / either)
    return max(shares)


def test_phrases_light_what_is_there_and_play_what_is_heard(visitor: Visitor) -> None:
    page = visitor.page
    masks: list[tuple[float, float]] = []
    spans: list[tuple[float, float]] = []
    for sample in islice(matching(), SAMPLES):
        scene, clip = media_of(sample)
        names = ask(visitor, sample, "What do you see and hear?")
        watch(page)
        for phrase, name in phrases(visitor, names):
            page.mouse.move(2, 2)
            expect(page.locator(".stage-light.is-lit")).to_have_count(0)
            phrase.hover()
            expect(phrase).to_have_class(re.compile(r"\blit\b"))
            if (found := lit_pixels(page, scene.size_hw)).any():
                masks.append((best_iou(found, scene, name), best_iou(np.ones_like(found), scene, name)))
            if "heard" in (phrase.get_attribute("class") or "").split():
                page.evaluate("heard.length = 0")
                phrase.click()
                whole = (0.0, clip.duration_s)
                events = [event.name for event in clip.events]
                word = (
                    name
                    if name in events
                    else next((e for e in events if name in world_words().sources[e]), "")
                )
                spans.append(
                    (share_of_time(play_to_the_end(page), clip, word), share_of_time(whole, clip, word))
                )
                phrase.click()  # lets go of it
    mean = {"mask": np.mean(masks, axis=0), "span": np.mean(spans, axis=0)}
    print(f"IoU with the truth, of {len(masks)} masks and {len(spans)} spans, and of the whole: {mean}")  # noqa: T201
    assert len(masks) >= SAMPLES and len(spans) >= SAMPLES
    for found, trivial in mean.values():
        assert found >= 0.6 and found > trivial + 0.2
    assert visitor.problems == []
