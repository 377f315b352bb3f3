"""Released tools: who waits at once shares a pass, gets what it would get alone, and its own error only."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pytest
import tiny_grounding
import torch
from threads import at_once, together
from tiny_ram import tiny_ram

from bubo.grounding.clap_listener import ClapListener
from bubo.grounding.features import joined, taken_out
from bubo.grounding.frame_listener import FrameListener
from bubo.grounding.grounding_dino import GroundingDinoDetector
from bubo.grounding.imagebind_listener import ImageBindListener
from bubo.grounding.ram_tagger import RamTagger
from bubo.grounding.sam import SamSegmenter
from bubo.grounding.sam3 import Sam3Grounder
from bubo.models.ram import RamImageProcessor
from bubo.types import Picture, Regions, Sound

COUNT = 5  # who asks at once: one is served while the others wait
ASKED = (("dog",), ("traffic light", "bird"), ("a small red bird",), ("car", "tree", "house"), ("man",))


def picture(number: int, height: int = 60, width: int = 80) -> Picture:
    rng = np.random.default_rng(number)
    return Picture(
        np.kron(rng.integers(0, 255, (height // 10, width // 10, 3)), np.ones((10, 10, 1))).astype("u1")
    )


def sound(number: int, duration_s: float = 1.0, rate: int = 16_000) -> Sound:
    rng = np.random.default_rng(number)
    return Sound(rng.uniform(-0.5, 0.5, round(duration_s * rate)).astype(np.float32), rate)


def boxes(number: int, count: int = 2) -> Regions:
    corners = np.random.default_rng(number).uniform(0, 25, (count, 4)).astype(np.float32) + [0, 0, 30, 30]
    return Regions(("x",) * count, corners.astype(np.float32), np.full(count, 0.5, np.float32))


def values(found: Any) -> list[np.ndarray]:
    """All numbers of a result; masks come with what they rest on."""
    if isinstance(found, Regions):
        return [found.boxes / 80, found.scores, *([] if found.masks is None else [found.masks])]
    return [np.asarray(found.scores)] if hasattr(found, "labels") else [np.asarray(found)]


@dataclass(frozen=True)
class Case:
    """A tool whose requests share passes.

    Attributes:
        make: (folder) -> a function that makes the tool anew over one model.
        line: Name of its passes.
        ask: (tool, number of who asks) -> a result.
        network: (tool) -> the part of the model that runs once per pass.
    """

    make: Callable[[Any], Callable[[], Any]]
    line: str
    ask: Callable[[Any, int], Any]
    network: Callable[[Any], Any]


def dino(mm: bool, _: Any) -> Callable[[], Any]:
    model, low = tiny_grounding.dino(mm), {"box_threshold": 0.05, "text_threshold": 0.01}
    return lambda: GroundingDinoDetector(model, tiny_grounding.dino_processor(), batch=4, **low)


def sam(kind: str, _: Any) -> Callable[[], Any]:
    parts = getattr(tiny_grounding, kind)()
    return lambda: SamSegmenter(*parts, hole_pixels=0, batch=4)


def sam3(_: Any) -> Callable[[], Any]:
    parts = tiny_grounding.sam3()
    return lambda: Sam3Grounder(*parts, threshold=0.4, batch=4)


def ram(_: Any) -> Callable[[], Any]:
    model = tiny_ram(3)
    return lambda: RamTagger(model, RamImageProcessor(size={"height": 32, "width": 32}))


def imagebind(folder: Any) -> Callable[[], Any]:
    parts = tiny_grounding.imagebind(folder)
    return lambda: ImageBindListener(*parts, hop_s=0.25, temperature=20.0)


def clap(_: Any) -> Callable[[], Any]:
    parts = tiny_grounding.clap()
    return lambda: ClapListener(*parts, window_s=2.0, hop_s=1.0)


def frames(_: Any) -> Callable[[], Any]:
    parts = tiny_grounding.pe_audio()
    parts[0].text_audio_logit_scale.data.fill_(0.2)  # logits of hundreds would be full of rounding
    return lambda: FrameListener(*parts, batch=4)


def detect(tool: Any, number: int) -> Any:
    return tool.detect(picture(number), ASKED[number])


def detect_one(tool: Any, number: int) -> Any:
    return tool.detect(picture(number), ASKED[number][:1])


def embed(tool: Any, number: int) -> Any:
    features = tool.embed(picture(number)).features
    parts = features if isinstance(features, list) else [features]
    return torch.cat([part.flatten() / part.abs().max() for part in parts]).numpy()


def segment(tool: Any, number: int) -> Any:
    return tool.segment(picture(number), boxes(number))


def segment_one(tool: Any, number: int) -> Any:
    return tool.segment(picture(number), boxes(number, 1))


def listen(tool: Any, number: int) -> Any:
    """Sounds of different lengths, with one to four windows."""
    return tool.scores(sound(number, 1 + 0.2 * number), ["dog", "rain"])


def listen_evenly(tool: Any, number: int) -> Any:
    """Sounds of as many frames, though not of as many samples."""
    return tool.scores(sound(number, 1 - 0.001 * number, 8000), ["dog", "rain"])


def listen_for(tool: Any, number: int) -> Any:
    return tool.scores(sound(0), ASKED[number])


CASES = {
    "dino": Case(partial(dino, False), "_passes", detect, lambda tool: tool.model),
    "mm-dino": Case(partial(dino, True), "_passes", detect, lambda tool: tool.model),
    "sam": Case(partial(sam, "sam"), "_encodings", embed, lambda tool: tool.model.vision_encoder),
    "sam2": Case(partial(sam, "sam2"), "_encodings", embed, lambda tool: tool.model.vision_encoder),
    "sam-masks": Case(partial(sam, "sam"), "_decodings", segment, lambda tool: tool.model.mask_decoder),
    "sam2-masks": Case(partial(sam, "sam2"), "_decodings", segment, lambda tool: tool.model.mask_decoder),
    "sam3": Case(sam3, "_passes", detect_one, lambda tool: tool.model.vision_encoder),
    "sam3-boxes": Case(sam3, "_passes", segment_one, lambda tool: tool.model.vision_encoder),
    "ram": Case(ram, "_passes", lambda tool, number: tool.tag(picture(number)), lambda tool: tool.model),
    "imagebind": Case(imagebind, "_readings", listen, lambda tool: tool.model.audio_model.embeddings),
    "imagebind-texts": Case(
        imagebind, "_wordings", listen_for, lambda tool: tool.model.text_model.embeddings
    ),
    "clap": Case(clap, "_readings", listen, lambda tool: tool.model.audio_model),
    "clap-texts": Case(clap, "_wordings", listen_for, lambda tool: tool.model.text_model),
    "frames": Case(frames, "_readings", listen_evenly, lambda tool: tool.model.audio_encoder),
    "frames-texts": Case(frames, "_wordings", listen_for, lambda tool: tool.model.text_model),
}


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


class Calls:
    """What a network gets, a batch per call; once it is told of a bad item, a pass over that fails."""

    def __init__(self, network: Any):
        self.given: list[torch.Tensor] = []
        self.bad: torch.Tensor | None = None
        network.register_forward_pre_hook(self, with_kwargs=True)

    def __call__(self, _: Any, args: Any, kwargs: Any) -> None:
        tensors = [one for one in (*args, *kwargs.values()) if isinstance(one, torch.Tensor)]
        batch = max(tensors, key=lambda one: (one.is_floating_point(), one.numel()))
        self.given.append(batch)
        if self.bad is not None:
            part = tuple(slice(size) for size in self.bad.shape)  # texts are filled up behind their end
            for row in batch:
                if row[part].shape == self.bad.shape and torch.allclose(row[part], self.bad, atol=1e-4):
                    raise RuntimeError("cannot be computed")


def check_same(found: Any, expected: Any) -> None:
    assert not isinstance(found, BaseException), found
    assert getattr(found, "labels", ()) == getattr(expected, "labels", ())
    for one, other in zip(values(found), values(expected), strict=True):
        if one.dtype == np.bool_:  # a logit at the threshold may fall to either side
            assert np.mean(one != other) < 1e-3
        else:
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)


def differ(found: Any, other: Any) -> bool:
    pairs = zip(values(found), values(other), strict=True)
    return any(one.shape != two.shape or np.abs(one * 1.0 - two).max() > 1e-3 for one, two in pairs)


def test_what_waits_at_once_shares_a_pass_and_is_what_it_is_alone(case: Case, tmp_path: Any) -> None:
    make = case.make(tmp_path)
    expected = [case.ask(make(), number) for number in range(COUNT)]
    for one, other in zip(expected[:-1], expected[1:], strict=True):
        assert differ(one, other), "each has a result of its own"
    tool = make()
    calls = Calls(case.network(tool))
    found, sizes = together(getattr(tool, case.line), *[partial(case.ask, tool, n) for n in range(COUNT)])
    assert sizes == [1, COUNT - 1]
    assert len(calls.given) == 2
    for one, other in zip(found, expected, strict=True):
        check_same(one, other)


def test_what_cannot_be_computed_fails_alone(case: Case, tmp_path: Any) -> None:
    make, bad = case.make(tmp_path), 3
    tool = make()
    calls = Calls(case.network(tool))
    case.ask(make(), bad)
    calls.bad = calls.given[0][0]
    calls.given.clear()
    works = [partial(case.ask, tool, number) for number in range(COUNT)]
    found, sizes = together(getattr(tool, case.line), *works)
    assert sizes == [1, COUNT - 1] and len(calls.given) == 2 + COUNT - 1  # the shared one, then each alone
    calls.bad = None
    for number, one in enumerate(found):
        if number == bad:
            assert isinstance(one, RuntimeError) and str(one) == "cannot be computed"
        else:
            check_same(one, case.ask(make(), number))
    check_same(works[bad](), case.ask(make(), bad))  # nothing of it was kept


def listen_of_lengths(tool: FrameListener, number: int) -> Any:
    return tool.scores(sound(number, 0.7 if number in (2, 3) else 1.0, 8000), ["dog", "rain"])


def segment_several(tool: SamSegmenter, number: int) -> Any:
    return tool.segment(picture(number), boxes(number, 3 if number in (2, 3) else 1))


def ask_either(tool: Sam3Grounder, number: int) -> Any:
    """With an example, or with words alone."""
    return (segment_one if number in (2, 3) else detect_one)(tool, number)


def detect_either_way_up(tool: GroundingDinoDetector, number: int) -> Any:
    return tool.detect(picture(number, *((80, 60) if number in (2, 3) else (60, 80))), ASKED[number])


@pytest.mark.parametrize(
    ("make", "ask"),
    [
        (partial(dino, False), detect_either_way_up),
        (frames, listen_of_lengths),
        (partial(sam, "sam"), segment_several),
        (sam3, ask_either),
    ],
)
def test_what_cannot_share_a_pass_goes_by_itself(make: Any, ask: Any) -> None:
    make = make(None)
    expected = [ask(make(), number) for number in range(COUNT)]
    tool = make()
    line = next(name for name in ("_decodings", "_readings", "_passes") if hasattr(tool, name))
    found, taken = together(getattr(tool, line), *[partial(ask, tool, number) for number in range(COUNT)])
    assert taken == [1, 2, 2]  # those of two and three are of another kind
    for one, other in zip(found, expected, strict=True):
        check_same(one, other)


def test_a_pass_takes_no_more_than_it_may(tmp_path: Any) -> None:
    listener = imagebind(tmp_path)()
    listener.windows = type(listener.windows)(1.0, 0.25, 8)
    sounds = [
        sound(number, seconds) for number, seconds in enumerate((1.0, 1.5, 2.0, 1.25, 4.0))
    ]  # 1 3 5 2 13
    calls = Calls(listener.model.audio_model.embeddings)
    together(listener._readings, *[partial(listener.scores, one, ["dog"]) for one in sounds])
    windows = [len(batch) for batch in calls.given]
    assert sum(windows) == 24 and max(windows) == 8 and len(windows) < 6  # by themselves they take six

    segmenter = SamSegmenter(*tiny_grounding.sam(), batch=2)
    _, sizes = together(segmenter._encodings, *[partial(embed, segmenter, n) for n in range(COUNT)])
    assert sizes == [1, 2, 2]


def test_what_several_ask_of_one_picture_is_looked_at_once(tmp_path: Any) -> None:
    segmenter = sam("sam", None)()
    calls = Calls(segmenter.model.vision_encoder)
    at_once(*[partial(segmenter.segment, picture(0), boxes(number)) for number in range(COUNT)])
    assert [len(batch) for batch in calls.given] == [1]

    grounder = sam3(None)()
    calls = Calls(grounder.model.vision_encoder)
    works = [partial(grounder.detect, picture(number % 2), ["dog"]) for number in range(COUNT)]
    found, sizes = together(grounder._passes, *works)
    assert sizes == [1, 4] and [len(batch) for batch in calls.given] == [1, 1]
    check_same(found[2], found[0])
    check_same(found[3], found[1])

    listener = imagebind(tmp_path)()
    sounds, texts = (
        Calls(part.embeddings) for part in (listener.model.audio_model, listener.model.text_model)
    )
    at_once(*[partial(listener.scores, sound(0), ["dog", "rain"]) for _ in range(COUNT)])
    assert len(sounds.given) == 1 and len(texts.given) == 1


def test_sam3_keeps_what_fits_while_it_looks_at_more(tmp_path: Any) -> None:
    parts = tiny_grounding.sam3()
    grounder = Sam3Grounder(*parts, threshold=0.4, batch=4, capacity=1)
    expected = [grounder.detect(picture(number), ["dog"]) for number in range(COUNT)]  # the last one is kept
    calls = Calls(grounder.model.vision_encoder)
    found, sizes = together(
        grounder._passes,
        *[partial(grounder.detect, picture(number), ["dog"]) for number in (4, 0, 4, 1)],
    )
    assert sizes == [1, 3] and [len(batch) for batch in calls.given] == [2]
    for number, one in zip((4, 0, 4, 1), found, strict=True):
        check_same(one, expected[number])
    assert len(grounder._kept._values) == 1


def test_features_are_joined_and_taken_out_of_any_structure() -> None:
    class Output(dict):
        """Made by keywords, as outputs of transformers are."""

    one, other = (
        Output(
            states=torch.full((1, 2), value), levels=(torch.full((1, 3), value), [torch.full((1, 1), value)])
        )
        for value in (1.0, 2.0)
    )
    both = joined([one, other])
    assert isinstance(both, Output) and both["states"].tolist() == [[1, 1], [2, 2]]
    assert both["levels"][0].shape == (2, 3) and both["levels"][1][0].tolist() == [[1], [2]]
    again = taken_out(both, 1)
    assert again["states"].tolist() == [[2, 2]] and again["levels"][1][0].tolist() == [[2]]
    assert again["states"].untyped_storage().nbytes() == 8  # not the whole batch
    assert joined([one]) is one and taken_out(one, 0)["states"].data_ptr() == one["states"].data_ptr()
