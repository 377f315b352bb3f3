"""A scripted engine for the server: known masks and seconds, at a known pace; and the media that fit it.

    python -m tests.scripted --port 8123 [--delay 0.03] [--masks 60] [--data FOLDER] [--loading 5]

serves the real app with it. What it does can be set on the engine (`script`) or asked for within a question:
"/late 2" masks come two seconds after the text, "/error" breaks off in the middle, "/refuse" refuses at once,
"/hostile" says hostile strings, "/masks 60" links so many things, "/long 200" says so many words, "/delay 1"
slows it down, "/say TEXT" says what follows, "/deaf" does not react to being stopped.
"""

import argparse
import re
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bubo.assistant import Event
from bubo.errors import QuestionError
from bubo.geometry import mask_to_box
from bubo.server.engine import There
from bubo.settings import Settings
from bubo.types import Answer, Entity, Link, Picture, Place, Region, Sound, Span, Turn, Verdict

Mask = NDArray[np.bool_]

WIDTH, HEIGHT = 640, 480
RATE, DURATION_S = 16_000, 4.0
#: When the dog barks, and when the waves roll.
BARKS, WAVES = (0.5, 1.5), (2.5, 3.5)
COLOURS = {"dog": (140, 90, 40), "ball": (210, 40, 40), "tent": (40, 150, 70)}
SEEN = (
    "A **brown dog** sits on the left. A red ball lies in front of it, and a green tent stands on the right."
)
HEARD = "You can hear the dog bark, and later waves."
NOTHING = "There is nothing to look at or to listen to yet: add a picture or a sound."
HOSTILE = (
    "<script>window.hacked = 1</script> <img src=x onerror=alert(1)> ![picture](https://evil.example/p.png) "
    "[click](javascript:alert(1)) [data](data:text/html,x) <https://evil.example/> "
    "[fine](https://example.org/a?b=c) `<b>` &lt;i&gt; **brown dog**\n\n"
    "<iframe src=//evil.example></iframe>\n\n"
    '<form action="https://evil.example"><button>send</button></form>\n\n[x]: https://evil.example "t"\n'
)
HOSTILE_LABEL = '"><img src=x onerror=alert(1)>'


def _grid(size_hw: tuple[int, int]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where pixels' centres lie, in pixels of the sample picture whatever the size."""
    height, width = size_hw
    ys, xs = np.mgrid[:height, :width]
    return (ys + 0.5) * HEIGHT / height, (xs + 0.5) * WIDTH / width


def sample_masks(size_hw: tuple[int, int] = (HEIGHT, WIDTH)) -> dict[str, Mask]:
    """The three things: the dog (a disc), the ball (a disc that overlaps it), the tent (a triangle)."""
    ys, xs = _grid(size_hw)
    return {
        "dog": (xs - 180) ** 2 + (ys - 220) ** 2 < 110**2,
        "ball": (xs - 270) ** 2 + (ys - 330) ** 2 < 50**2,
        "tent": (ys > 120) & (ys < 360) & (np.abs(xs - 480) < (ys - 120) * 0.45),
    }


def many_masks(count: int, size_hw: tuple[int, int] = (HEIGHT, WIDTH)) -> list[Mask]:
    """So many wavy discs beside each other."""
    ys, xs = _grid(size_hw)
    columns = int(np.ceil(np.sqrt(count * WIDTH / HEIGHT)))
    step = WIDTH / columns
    masks = []
    for number in range(count):
        x, y = (number % columns + 0.5) * step, (number // columns + 0.5) * step
        turn = np.arctan2(ys - y, xs - x)
        masks.append(np.hypot(ys - y, xs - x) < step * (0.38 + 0.06 * np.sin(9 * turn)))
    return masks


def sample_picture() -> Picture:
    """Grey, with the three things in their colours."""
    pixels = np.full((HEIGHT, WIDTH, 3), 200, np.uint8)
    pixels[300:] = (225, 205, 160)
    for name, mask in sample_masks().items():
        pixels[mask] = COLOURS[name]
    return Picture(pixels, "sample.png")


def sample_sound() -> Sound:
    """Silence but for a tone while the dog barks and noise while the waves roll."""
    times = np.arange(int(RATE * DURATION_S)) / RATE
    rng = np.random.default_rng(3)
    samples = 0.6 * np.sin(2 * np.pi * 520 * times) * ((times >= BARKS[0]) & (times < BARKS[1]))
    samples += 0.4 * rng.uniform(-1, 1, len(times)) * ((times >= WAVES[0]) & (times < WAVES[1]))
    return Sound(samples.astype(np.float32), RATE, "sample.wav")


@dataclass
class Script:
    """What the engine does.

    Attributes:
        text: What it says; None is what fits the media.
        delay_s: Seconds before each word.
        masks: Instead of the three things so many, one phrase each.
        late_s: Masks come so long after the text.
        fail_after: Breaks off after so many words.
        refuse: Refuses the question with this text.
        deaf: Goes on although it was stopped.
        absent: Words of the text that stand for something that is not there.
        left_out: How many of the oldest turns it says that it does not know.
    """

    text: str | None = None
    delay_s: float = 0.0
    masks: int = 0
    late_s: float = 0.0
    fail_after: int | None = None
    refuse: str = ""
    deaf: bool = False
    absent: tuple[str, ...] = ()
    left_out: int = 0


@dataclass(frozen=True)
class Asked:
    """One question that came: its turns and settings, and when it began."""

    turns: tuple[Turn, ...]
    settings: Settings
    grounding: bool
    threshold: float | None
    began: float = field(default_factory=time.monotonic)


class ScriptedEngine:
    """Says what its script says.

    Attributes:
        script: What it does; may be replaced at any time.
        asked: The questions, in order.
        stopped: When it saw that an answer was stopped, `time.monotonic()` of each.
    """

    def __init__(self, script: Script | None = None, name: str = "scripted", state: Any = "ready"):
        self.name = name
        self.script = script or Script()
        self.asked: list[Asked] = []
        self.stopped: list[float] = []
        self.running = 0
        self.most_running = 0
        self.cleared = 0
        self.state: Any = state
        self.message = ""
        self.languages: Sequence[str] = ()
        self._lock = threading.Lock()

    def stream(
        self,
        turns: Sequence[Turn],
        settings: Settings,
        *,
        stop: threading.Event,
        grounding: bool = True,
        threshold: float | None = None,
    ) -> Iterator[Event]:
        script = _steered(self.script, turns[-1].text)
        with self._lock:
            self.asked.append(Asked(tuple(turns), settings, grounding, threshold))
            self.running += 1
            self.most_running = max(self.most_running, self.running)
        try:
            yield from self._answer(turns, settings, stop, script, grounding)
        finally:
            self.running -= 1

    def _answer(
        self,
        turns: Sequence[Turn],
        settings: Settings,
        stop: threading.Event,
        script: Script,
        grounding: bool,
    ) -> Iterator[Event]:
        if script.refuse:
            raise QuestionError(script.refuse)
        text = script.text if script.text is not None else _text_for(turns, script)
        text = text[: min((text.find(end) for end in settings.stop if end in text), default=len(text))]
        entities, links = self._evidence(turns, text, script) if grounding else ([], [])
        words = re.findall(r"\s*\S+\s*$|\s*\S+", text)
        finish = "stop" if len(words) <= settings.max_new_tokens else "length"
        said, given = "", 0
        for number, word in enumerate(words[: settings.max_new_tokens]):
            if number == script.fail_after:
                raise RuntimeError("the script says so")
            if script.delay_s and stop.wait(script.delay_s) and script.deaf:
                time.sleep(script.delay_s)
            if stop.is_set() and not script.deaf:
                self.stopped.append(time.monotonic())
                return
            said += word
            yield Event("text", text=word)
            while given < len(links) and links[given].end < len(said):
                yield from _events(entities, links[given], late=script.late_s > 0)
                given += 1
        links = [link for link in links if link.end <= len(said)]
        for link in links[given:]:
            yield from _events(entities, link, late=script.late_s > 0)
        if script.late_s and stop.wait(script.late_s):
            self.stopped.append(time.monotonic())
            return
        named = {link.entity for link in links}
        answer = _answer(turns, said, [e for e in entities if e.id in named], links, finish, len(words))
        for entity in answer.entities:
            yield Event("entity", entity=entity)
        if answer.verdict is not None:
            yield Event("verdict", verdict=answer.verdict)
        answer.metadata["turns_dropped"] = script.left_out
        yield Event("answer", answer=answer)

    def ground(self, pictures: Sequence[Picture], sounds: Sequence[Sound], text: str) -> Answer:
        turns = [Turn("user", "", tuple(pictures), tuple(sounds))]
        entities, links = self._evidence(turns, text, self.script)
        named = {link.entity for link in links}
        return _answer(turns, text, [e for e in entities if e.id in named], links, "stop", 0)

    def clear(self) -> None:
        self.cleared += 1

    def segment(self, picture: Picture, place: Place) -> There | None:
        found = []
        for name, mask in sample_masks(picture.size_hw).items():
            height, width = mask.shape
            hits = [
                bool(mask[min(int(point.y), height - 1), min(int(point.x), width - 1)]) == point.positive
                for point in place.points
            ]
            x0, y0, x1, y1 = mask_to_box(mask)
            box = place.box
            inside = box is None or (box[0] <= x0 and box[1] <= y0 and box[2] >= x1 and box[3] >= y1)
            if inside and all(hits) and not place.only_negative:
                found.append((int(mask.sum()), name, mask))
        if not found:
            return None
        _, name, mask = min(found, key=lambda one: one[:2])
        return There(_region(mask, 0), name)

    def _evidence(self, turns: Sequence[Turn], text: str, script: Script) -> tuple[list[Entity], list[Link]]:
        """The entities of the last picture and sound, and the phrases of the text that name them."""
        pictures = [picture for turn in turns for picture in turn.pictures]
        sounds = [sound for turn in turns for sound in turn.sounds]
        seen = sample_masks(pictures[-1].size_hw) if pictures else {}
        phrases = {"brown dog": "e1", "the dog": "e1", "red ball": "e2", "green tent": "e3", "waves": "e4"}
        entities = [
            _entity("e1", "dog", seen.get("dog"), len(pictures), BARKS if sounds else None, len(sounds)),
            _entity("e2", "ball", seen.get("ball"), len(pictures)),
            _entity("e3", "tent", seen.get("tent"), len(pictures)),
            _entity("e4", "waves", None, 0, WAVES if sounds else None, len(sounds)),
        ]
        if "onerror" in text:
            entities[0] = replace(entities[0], label=HOSTILE_LABEL)
        if script.masks and pictures:
            masks = many_masks(script.masks, pictures[-1].size_hw)
            entities = [
                _entity(f"e{n + 1}", f"thing {n + 1}", mask, len(pictures)) for n, mask in enumerate(masks)
            ]
            phrases = {f"thing {n + 1}": f"e{n + 1}" for n in range(script.masks)}
        for number, word in enumerate(script.absent):
            entities.append(_entity(f"e{5 + number}", word, None, 0))
            phrases[word] = f"e{5 + number}"
        links = [
            Link(found.start(), found.end(), entity)
            for phrase, entity in phrases.items()
            for found in re.finditer(rf"\b{re.escape(phrase)}\b", text)
        ]
        return entities, sorted(links, key=lambda link: link.end)


def _steered(script: Script, question: str) -> Script:
    """The script with what a question asks for."""
    asked = {name: value.strip() for name, value in re.findall(r"/([a-z]+)((?: [0-9.]+)?)", question)}
    changes: dict[str, Any] = {}
    if "late" in asked:
        changes["late_s"] = float(asked["late"] or 1)
    if "error" in asked:
        changes["fail_after"] = int(asked["error"] or 5)
    if "refuse" in asked:
        changes["refuse"] = "The question was refused, as it asked to be."
    if "hostile" in asked:
        changes["text"] = HOSTILE
    if "masks" in asked:
        changes["masks"] = int(asked["masks"] or 60)
    if "delay" in asked:
        changes["delay_s"] = float(asked["delay"] or 0.1)
    if "long" in asked:
        changes["text"] = " ".join(f"word{number}" for number in range(int(asked["long"] or 200)))
    if "deaf" in asked:
        changes["deaf"] = True
    if said := re.search(r"/say (.*)", question, re.DOTALL):
        changes["text"] = said[1]
    return replace(script, **changes)


def _text_for(turns: Sequence[Turn], script: Script) -> str:
    pictures = any(turn.pictures for turn in turns)
    sounds = any(turn.sounds for turn in turns)
    if script.masks and pictures:
        return "I see " + ", ".join(f"thing {number + 1}" for number in range(script.masks)) + "."
    return " ".join([SEEN] * pictures + [HEARD] * sounds) or NOTHING


def _region(mask: Mask, picture: int) -> Region:
    x0, y0, x1, y1 = (float(side) for side in mask_to_box(mask))
    return Region(picture, (x0, y0, x1, y1), mask, 0.9)


def _entity(
    id: str,
    label: str,
    mask: Mask | None,
    pictures: int,
    span: tuple[float, float] | None = None,
    sounds: int = 0,
) -> Entity:
    regions = () if mask is None else (_region(mask, pictures - 1),)
    spans = () if span is None else (Span(sounds - 1, *span, 0.8),)
    status = {(1, 1): "both", (1, 0): "seen", (0, 1): "heard", (0, 0): "absent"}[len(regions), len(spans)]
    return Entity(id, label, status, 0.9, regions, spans)


def _events(entities: Sequence[Entity], link: Link, *, late: bool) -> Iterator[Event]:
    entity = next(entity for entity in entities if entity.id == link.entity)
    yield Event("entity", entity=replace(entity, regions=(), spans=()) if late else entity)
    yield Event("link", link=link)


def _answer(
    turns: Sequence[Turn], text: str, entities: list[Entity], links: list[Link], finish: str, words: int
) -> Answer:
    pictures = tuple(picture for turn in turns for picture in turn.pictures)
    sounds = tuple(sound for turn in turns for sound in turn.sounds)
    both = tuple(entity.id for entity in entities if entity.status == "both")
    verdict = Verdict("match", 0.9, both, "The dog that is seen is heard.") if both else None
    metadata = {
        "finish": finish,
        "tokens_fed": sum(len(turn.text.split()) for turn in turns),
        "tokens_reused": 0,
        "tokens_generated": len(text.split()),
    }
    timings = {"first_token_s": 0.01, "text_s": 0.1, "grounding_s": 0.02, "total_s": 0.13}
    return Answer(text, tuple(entities), tuple(links), verdict, timings, metadata, pictures, sounds)


def main() -> None:
    """Serves the app with a scripted engine."""
    import uvicorn

    from bubo.server.app import create_app
    from bubo.server.settings import Limits, ServerSettings

    parser = argparse.ArgumentParser(description="The real server with a scripted engine.")
    parser.add_argument("--port", type=int, default=8123)
    parser.add_argument("--delay", type=float, default=0.03)
    parser.add_argument("--masks", type=int, default=0)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--auth", default="none")
    parser.add_argument("--token", default="")
    parser.add_argument("--loading", type=float, default=0.0)
    parser.add_argument("--per-owner", type=int, default=Limits.running_per_owner)
    args = parser.parse_args()
    import tempfile

    data = args.data or Path(tempfile.mkdtemp(prefix="bubo-scripted-"))
    engine = ScriptedEngine(Script(delay_s=args.delay, masks=args.masks))
    if args.loading:
        engine.state, engine.message = "loading", "The model is being loaded."
        threading.Timer(args.loading, lambda: setattr(engine, "state", "ready")).start()
    limits = Limits(running_per_owner=args.per_owner)
    settings = ServerSettings(data=data, port=args.port, auth=args.auth, token=args.token, limits=limits)
    config = uvicorn.Config(
        create_app(settings, engine), host=settings.host, port=args.port, timeout_graceful_shutdown=5
    )
    uvicorn.Server(config).run()


if __name__ == "__main__":
    main()
