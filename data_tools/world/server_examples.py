"""The media of the server's four examples: `python -m bubo.data_tools.world.server_examples FOLDER`.

Drawn from the world by rules of their own, as `samples` is: a beach, a concert to be heard, and a stage with
a sound that does not belong to it. The first example's media are nano's samples, which are made again here.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from bubo.errors import BuboError, StorageError
from bubo.media import encode_flac, encode_jpeg, write_atomic
from bubo.types import Picture, Sound

from .pictures import render_scene
from .samples import SPLIT, sample_clip, sample_scene
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


def main(argv: Sequence[str] | None = None) -> int:
    """Write the files into the folder given, and say where they are."""
    words = list(sys.argv[1:] if argv is None else argv)
    if len(words) != 1 or words[0].startswith("-"):
        sys.stderr.write("usage: python -m bubo.data_tools.world.server_examples FOLDER\n")
        return 2
    root = Path(words[0])
    try:
        if not root.is_dir():
            raise StorageError(f"There is no folder {str(root)!r}; make it first.")
        for name, data in files().items():
            write_atomic(root / name, data)
            sys.stdout.write(f"{root / name} ({len(data)} bytes)\n")
    except BuboError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
