"""Builds a data set of the world: samples become records, workers write shards, progress goes to stderr."""

import json
import multiprocessing
import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bubo.errors import InputError, StorageError
from bubo.geometry import rle_encode
from bubo.media import encode_png, write_atomic
from bubo.records import Record, write_shards
from bubo.types import Picture, Sound

from .dialogues import NUM_SINGLE, Dialogue, make_dialogues
from .pairs import check_parts, sample_world, world_words
from .sheet import draw_sheet
from .truth import Sample, split_code, thing_to_dict
from .vocabulary import to_dict

PER_SHARD = 500
SETTINGS_FILE = "world.json"
COMPLETE_FILE = "complete.json"
VERSION = 4  # of what is drawn, played and said: a new one when equal settings give other records
DIALOGUE_STREAM = 7


@dataclass(frozen=True)
class WorldSettings:
    """What a data set holds; equal settings give equal files.

    Attributes:
        split: train, validation or heldout.
        seed: number of the data set.
        count: number of records.
        parts: which of picture, sound and dialogue the records hold.
        per_shard: records in one shard.
        questions: dialogues of a single question per record; one of several turns comes on top.
        version: of the generator.
    """

    split: str = "train"
    seed: int = 0
    count: int = 1000
    parts: tuple[str, ...] = ("picture", "sound", "dialogue")
    per_shard: int = PER_SHARD
    questions: int = NUM_SINGLE
    version: int = VERSION

    def __post_init__(self) -> None:
        split_code(self.split)
        check_parts(self.parts)
        if self.seed < 0 or self.count < 1 or self.per_shard < 1 or self.questions < 0:
            raise InputError(
                f"seed is {self.seed}, count {self.count}, per_shard {self.per_shard} and questions "
                f"{self.questions}; expected a seed and questions from 0 up, and at least 1 record in all "
                "and in a shard"
            )

    @property
    def num_shards(self) -> int:
        """Number of shards, the last one perhaps not full."""
        return -(-self.count // self.per_shard)


def make_record(settings: WorldSettings, index: int) -> Record:
    """Make record `index` of a data set; it depends on nothing but the arguments.

    `settings.count` and `settings.per_shard` do not matter to it.
    """
    sample = sample_world(settings.split, settings.seed, index, settings.parts)
    dialogues: tuple[Dialogue, ...] = ()
    if "dialogue" in settings.parts:
        rng = dialogue_rng(settings.split, settings.seed, index)
        dialogues = make_dialogues(sample, world_words(), rng, settings.split, num_single=settings.questions)
    scene, clip = sample.scene, sample.clip
    return Record(
        key=sample.key,
        picture=None if scene is None else Picture(scene.pixels),
        sound=None if clip is None else Sound(clip.samples, clip.sampling_rate),
        truth=truth_dict(sample),
        dialogues=dialogues,
    )


def dialogue_rng(split: str, seed: int, index: int) -> np.random.Generator:
    """Return the generator of a sample's dialogues, apart from that of its media."""
    return np.random.default_rng(np.random.SeedSequence([split_code(split), seed, index, DIALOGUE_STREAM]))


def truth_dict(sample: Sample) -> dict[str, Any]:
    """Return the truth of a sample as it stands in a record: masks as RLE, ids "t0" and "e0", seconds."""
    scene, clip = sample.scene, sample.clip
    things = scene.things if scene is not None else ()
    events = clip.events if clip is not None else ()
    return {
        "objects": [thing_to_dict(thing, rle_encode(thing.mask)) for thing in things],
        "place": scene.place if scene is not None else "",
        "events": [
            {"id": f"e{e.id}", "name": e.name, "start_s": round(e.start_s, 4), "end_s": round(e.end_s, 4)}
            for e in events
        ],
        "duration_s": round(clip.duration_s, 4) if clip is not None else 0.0,
        "pair": sample.pair,
        "sources": {
            f"e{event}": [f"t{thing}" for thing in things_] for event, things_ in sample.sources.items()
        },
        "noise": (clip.noise or "") if clip is not None else "",
    }


def build_world(folder: str | Path, settings: WorldSettings, *, workers: int = 1) -> tuple[Path, ...]:
    """Write a data set as shards; the files do not depend on the number of workers.

    A folder that holds part of the same data set is completed: shards that are there are kept. The file
    complete.json comes last.

    Args:
        folder: made if it is not there.
        settings: what to write.
        workers: processes; 1 does the work in this one.

    Returns:
        The shards in order.

    Raises:
        InputError: If the folder holds a data set of other settings, or workers is below 1.
        StorageError: If a file cannot be written.
    """
    if workers < 1:
        raise InputError(f"workers is {workers}, expected 1 or more")
    root = Path(folder)
    _claim(root, settings)
    paths = [_shard_path(root, number) for number in range(settings.num_shards)]
    missing = [number for number, path in enumerate(paths) if not path.is_file()]
    _show_progress(settings, missing, _write_all(root, settings, missing, workers))
    write_atomic(root / COMPLETE_FILE, json.dumps({"records": settings.count}).encode() + b"\n")
    return tuple(paths)


def write_sheet(path: str | Path, count: int, split: str, seed: int, parts: Collection[str]) -> None:
    """Draw the first samples of a data set with masks, names, waveforms and spans into a PNG file.

    Raises:
        InputError: If count is below 1, or a setting is wrong.
        StorageError: If the file cannot be written.
    """
    if count < 1:
        raise InputError(f"got {count} samples to show, expected 1 or more")
    sheet = draw_sheet([sample_world(split, seed, index, parts) for index in range(count)])
    write_atomic(path, encode_png(Picture(np.asarray(sheet))))


def _claim(root: Path, settings: WorldSettings) -> None:
    """Write the settings into the folder, or compare them with those that are there."""
    path = root / SETTINGS_FILE
    wanted = json.dumps(asdict(settings), indent=1).encode() + b"\n"
    try:
        root.mkdir(parents=True, exist_ok=True)
        found = path.read_bytes() if path.is_file() else None
    except OSError as error:
        raise StorageError(f"Cannot use the folder {root}: {error.strerror}. Choose another one.") from error
    if found is not None:
        if found != wanted:
            raise InputError(
                f"{root} holds a data set of other settings or of another version, see {path}; "
                "choose another folder"
            )
        return
    if any(root.glob("*.tar")):
        raise InputError(f"{root} holds shards but no {SETTINGS_FILE}; choose another folder")
    write_atomic(path, wanted)


def _shard_path(root: Path, number: int) -> Path:
    return root / f"shard-{number:05d}-000000.tar"


Task = tuple[str, WorldSettings, int]


def _write_shard(task: Task) -> int:
    """Write one shard and return its number of records; one plain argument, for a worker process."""
    root, settings, number = task
    first = number * settings.per_shard
    last = min(settings.count, first + settings.per_shard)
    records = (make_record(settings, index) for index in range(first, last))
    write_shards(
        records, root, per_shard=settings.per_shard, vocabulary=to_dict(), prefix=f"shard-{number:05d}"
    )
    return last - first


def _write_all(root: Path, settings: WorldSettings, missing: Sequence[int], workers: int) -> Iterator[int]:
    tasks: list[Task] = [(str(root), settings, number) for number in missing]
    if workers == 1 or len(tasks) <= 1:
        yield from map(_write_shard, tasks)
        return
    with multiprocessing.get_context("spawn").Pool(min(workers, len(tasks))) as pool:
        yield from pool.imap_unordered(_write_shard, tasks)


def _show_progress(settings: WorldSettings, missing: Sequence[int], written: Iterator[int]) -> None:
    from tqdm import tqdm

    there = settings.count - sum(
        min(settings.count - number * settings.per_shard, settings.per_shard) for number in missing
    )
    with tqdm(
        total=settings.count, initial=there, unit=" records", file=sys.stderr, desc=settings.split
    ) as bar:
        for number in written:
            bar.update(number)
