"""A dozen hand-made records: rectangles as objects, tones as sounds, a vocabulary of six names.

No emoji font and no generator of the world is needed.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from bubo.geometry import rle_encode
from bubo.records import Record, RecordTurn, write_shards
from bubo.types import Picture, Sound

OBJECTS, SOUNDS, COLOURS = ("dog", "cat", "alarm clock"), ("barking", "alarm ringing"), ("red", "blue")
VOCABULARY: dict[str, Any] = {
    "objects": [
        {"name": name, "plural": name + "s", "synonyms": [], "hypernyms": [], "sounds": [], "colours": []}
        for name in OBJECTS
    ],
    "sounds": [{"name": name, "phrase": name, "synonyms": [], "verb": "", "sources": []} for name in SOUNDS],
    "places": [{"name": "beach", "phrase": "on a beach", "synonyms": []}],
    "colours": list(COLOURS),
}
#: x0, y0, x1, y1 of the two things in a picture of 64 x 96; the first one lies to the right of the second
BOXES = ((52, 8, 84, 40), (8, 24, 40, 56))
HEIGHT, WIDTH, RATE = 64, 96, 16_000


def small_picture(rng: np.random.Generator, names: tuple[str, str]) -> Picture:
    """A noisy ground with one rectangle per thing, coloured by its class."""
    pixels = rng.integers(90, 130, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    for name, (x0, y0, x1, y1) in zip(names, BOXES, strict=True):
        pixels[y0:y1, x0:x1] = 40
        pixels[y0:y1, x0:x1, OBJECTS.index(name)] = 220
    return Picture(pixels)


def small_sound(names: tuple[str, ...], duration_s: float) -> tuple[Sound, list[dict[str, Any]]]:
    """Tones that share the time evenly, and the events they are."""
    steps = np.arange(int(duration_s * RATE)) / RATE
    samples, events = np.zeros(len(steps)), []
    for i, name in enumerate(names):
        start, end = i * duration_s / len(names), (i + 1) * duration_s / len(names)
        tone = 0.4 * np.sin(2 * np.pi * (500 + 1500 * SOUNDS.index(name)) * steps)
        samples += tone * ((steps >= start) & (steps < end))
        events.append({"id": f"e{i}", "name": name, "start_s": start, "end_s": end})
    return Sound(samples.astype(np.float32), RATE), events


def thing(i: int, name: str) -> dict[str, Any]:
    """Truth of thing number `i`."""
    x0, y0, x1, y1 = BOXES[i]
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[y0:y1, x0:x1] = True
    return {"id": f"t{i}", "name": name, "glyph": "", "box": [x0, y0, x1, y1], "mask": rle_encode(mask),
            "size": "large", "position": "right" if i == 0 else "left", "colour": COLOURS[i], "depth": i,
            "visible": 1.0, "new_glyph": False}  # fmt: skip


def link(
    text: str, phrase: str, things: tuple[str, ...] = (), events: tuple[str, ...] = ()
) -> dict[str, Any]:
    """The link of a phrase in a text."""
    start = text.index(phrase)
    status = "seen" if things else "heard" if events else "absent"
    return {"start": start, "end": start + len(phrase), "things": list(things), "events": list(events),
            "status": status}  # fmt: skip


def dialogues(names: tuple[str, str], sounds: tuple[str, ...], events: list[dict[str, Any]]) -> Any:
    """Four dialogues about a picture and a sound, one of them with the sound in a later turn."""
    both = ("picture", "sound")
    see = f"I see a {names[1]} and a {names[0]} on a beach."
    hear = f"I hear {' and '.join(sounds)}."
    where = f"The {names[0]} is on the right."
    when = f"{sounds[0].capitalize()} is heard from {events[0]['start_s']:.1f} to {events[0]['end_s']:.1f} s."
    seen = RecordTurn("assistant", see, kind="describe_picture", about=("t1", "t0"),
                      answer={"objects": dict.fromkeys(names, 1), "place": "beach"},
                      links=(link(see, names[1], ("t1",)), link(see, names[0], ("t0",))))  # fmt: skip
    heard = RecordTurn(
        "assistant",
        hear,
        kind="describe_sound",
        answer={"sounds": list(sounds)},
        about=tuple(event["id"] for event in events),
        links=tuple(link(hear, event["name"], (), (event["id"],)) for event in events),
    )
    place = RecordTurn("assistant", where, kind="position", answer={"name": names[0], "value": "right"},
                       about=("t0",), links=(link(where, names[0], ("t0",)),))  # fmt: skip
    time = RecordTurn(
        "assistant",
        when,
        kind="when",
        about=("e0",),
        answer={"sound": sounds[0], "value": [events[0]["start_s"], events[0]["end_s"]]},
    )
    ask = [
        RecordTurn("user", "Where is it?", media=both),
        RecordTurn("user", "When is it heard?", media=both),
    ]
    talk = (
        RecordTurn("user", "What do you see?", media=("picture",)), seen,
        RecordTurn("user", "And what do you hear now?", media=("sound",)), heard,
    )  # fmt: skip
    hello = (RecordTurn("user", "Who are you?"), RecordTurn("assistant", "I am Bubo.", kind="talk"))
    return ((ask[0], place), (ask[1], time), talk, hello)


def small_records(count: int) -> Iterator[Record]:
    """Records with both media; the last one has a sound only."""
    rng = np.random.default_rng(0)
    for i in range(count):
        names = (OBJECTS[i % 3], OBJECTS[(i + 1) % 3])
        sounds = SOUNDS[:1] if i % 2 else SOUNDS
        sound, events = small_sound(sounds, 1.2 if i % 3 else 2.5)
        truth: dict[str, Any] = {
            "objects": [thing(0, names[0]), thing(1, names[1])],
            "place": "beach",
            "events": events,
            "duration_s": sound.duration_s,
            "pair": "match",
            "sources": {},
            "noise": "",
        }
        picture = small_picture(rng, names)
        said = dialogues(names, sounds, events)
        if i == count - 1:
            hear = (RecordTurn("user", "What do you hear?", media=("sound",)), said[2][3])
            yield Record(f"r-{i}", None, sound, {**truth, "objects": [], "place": ""}, (hear,))
        else:
            yield Record(f"r-{i}", picture, sound, truth, said)


def write_small_world(folder: Path, count: int = 12, per_shard: int = 1000) -> Path:
    """Writes the records as PNG and FLAC shards."""
    write_shards(
        small_records(count), folder, vocabulary=VOCABULARY, per_shard=per_shard, picture_format="png"
    )
    return folder
