"""The media of the server's four examples: `python -m bubo.data_tools.world.server_examples FOLDER`.

Drawn from the world by rules of their own, as `samples` is: a beach, a concert to be heard, and a stage with
a sound that does not belong to it. The first example's media are nano's samples, which are made again here.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from bubo.errors import StorageError
from bubo.media import encode_flac, encode_jpeg, write_atomic
from bubo.types import Picture, Sound

from .pictures import render_scene
from .samples import SPLIT, run_writer, sample_clip, sample_scene
from .sounds import render_clip
from .truth import sample_rng

SIZE_HW = (320, 400)
QUALITY = 90
# Chosen by eye among the first few: nothing is hidden, all is well within the picture.
SEED = 20260
SCENES = {
    "beach": (1, ("penguin", "umbrella", "turtle", "football"), "beach"),
    "stage": (105, ("guitar", "drum", "robot", "balloon"), "stage"),
}
CLIPS = {
    "concert": (0, ("guitar music", "drumming", "applause"), 8.0),
    "waves": (1, ("waves", "ship horn"), 6.0),
}


def files() -> dict[str, bytes]:
    """The content of each file, by its name."""
    made = {
        "meadow.jpg": encode_jpeg(Picture(sample_scene().pixels), QUALITY),
    }
    clip = sample_clip()
    made["meadow.flac"] = encode_flac(Sound(clip.samples, clip.sampling_rate))
    for name, (index, things, place) in SCENES.items():
        rng = sample_rng(SPLIT, SEED, index)
        scene = render_scene(rng, names=things, place=place, split=SPLIT, size_hw=SIZE_HW)
        made[f"{name}.jpg"] = encode_jpeg(Picture(scene.pixels), QUALITY)
    for name, (index, sounds, duration_s) in CLIPS.items():
        clip = render_clip(sample_rng(SPLIT, SEED, index), names=sounds, duration_s=duration_s, split=SPLIT)
        made[f"{name}.flac"] = encode_flac(Sound(clip.samples, clip.sampling_rate))
    return made


def write_examples(root: Path) -> list[Path]:
    """Writes the files into a folder that is there.

    Raises:
        StorageError: If there is no such folder, or it cannot be written.
    """
    if not root.is_dir():
        raise StorageError(f"There is no folder {str(root)!r}; make it first.")
    made = files()
    for name, data in made.items():
        write_atomic(root / name, data)
    return [root / name for name in made]


def main(argv: Sequence[str] | None = None) -> int:
    """Write the examples into the folder given, and say where they are."""
    return run_writer(argv, "bubo.data_tools.world.server_examples", write_examples)


if __name__ == "__main__":
    sys.exit(main())
