"""The sample picture and sound that come with nano: `python -m bubo.data_tools.world.samples FOLDER`.

They are drawn from the world by rules of their own, so no data set of any split holds them: a dog, a cat, a
red car and a tree in a meadow, and a clip in which first the dog barks and then the cat meows. Equal versions
of Pillow, the font and numpy give equal files.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from bubo.errors import BuboError, StorageError
from bubo.media import encode_png, encode_wav, write_atomic
from bubo.types import Picture, Sound

from .pictures import render_scene
from .sounds import render_clip
from .truth import Clip, Scene, sample_rng

PICTURE_FILE, SOUND_FILE = "scene.png", "scene.wav"
THINGS, PLACE, SIZE_HW = ("dog", "cat", "car", "tree"), "meadow", (320, 384)
SOUNDS, DURATION_S = ("barking", "meowing"), 6.0
SPLIT = "validation"
# Chosen by eye: nothing overlaps, all stand on the ground, each sound is heard for more than a second.
SCENE_SEED, SCENE_INDEX = 20250, 1355
CLIP_SEED, CLIP_INDEX = 20251, 202


def sample_scene() -> Scene:
    """The sample picture with its truth."""
    rng = sample_rng(SPLIT, SCENE_SEED, SCENE_INDEX)
    return render_scene(rng, names=THINGS, place=PLACE, split=SPLIT, size_hw=SIZE_HW)


def sample_clip() -> Clip:
    """The sample sound with its truth."""
    return render_clip(
        sample_rng(SPLIT, CLIP_SEED, CLIP_INDEX), names=SOUNDS, duration_s=DURATION_S, split=SPLIT
    )


def write_samples(folder: str | Path) -> tuple[Path, Path]:
    """Write both files into a folder, which is made if it is not there.

    Raises:
        StorageError: If a file cannot be written.
    """
    root = Path(folder)
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(
            f"Cannot make the folder {str(root)!r}: {error.strerror}; give another."
        ) from error
    clip = sample_clip()
    write_atomic(root / PICTURE_FILE, encode_png(Picture(sample_scene().pixels)))
    write_atomic(root / SOUND_FILE, encode_wav(Sound(clip.samples, clip.sampling_rate)))
    return root / PICTURE_FILE, root / SOUND_FILE


def run_writer(argv: Sequence[str] | None, module: str, write: Callable[[Path], Iterable[Path]]) -> int:
    """The command `python -m MODULE FOLDER`: writes into the folder, says where, returns the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    if len(words) != 1 or words[0].startswith("-"):
        sys.stderr.write(f"usage: python -m {module} FOLDER\n")
        return 2
    try:
        for path in write(Path(words[0])):
            sys.stdout.write(f"{path} ({path.stat().st_size} bytes)\n")
    except BuboError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Write the samples into the folder given, and say where they are."""
    return run_writer(argv, "bubo.data_tools.world.samples", write_samples)


if __name__ == "__main__":
    sys.exit(main())
