"""Record shards -> memory-mapped arrays, so that a training step reads what it needs and nothing else.

The arrays lie in ``<data folder>/arrays/``; worker processes make them once, on first use (a shard each):

    images.npy       (P, S, S, 3) uint8      pictures, squashed as nano's image processor does
    instances.npy    (P, S/2, S/2) uint8     0 nothing, i + 1 the picture's i-th thing
    thing_class.npy  (P, 12) int16           index into the vocabulary's objects, -1 beyond the last thing
    thing_boxes.npy  (P, 12, 4) float32      x0, y0, x1, y1 in picture sides
    place.npy        (P,) int16              index into the vocabulary's places, -1 unknown
    windows.npy      (W, M, F) uint8         log-mel windows of all sounds, one after the other
    window_start.npy (N + 1,) int64          a sound's first window
    event_class.npy  (N, 4) int16            index into the vocabulary's sounds, -1 beyond the last event
    event_times.npy  (N, 4, 2) float32       start and end in seconds
    duration.npy     (N,) float32            seconds
    records.jsonl    a line per record: key, picture and sound row (or -1), truth, dialogues
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from PIL import Image

from bubo.errors import StorageError, TrainError
from bubo.geometry import rle_decode
from bubo.records import Record, read_shard, shard_paths

fcntl: ModuleType | None
try:
    import fcntl
except ImportError:  # Windows: two trainings must not make the same arrays at the same time
    fcntl = None

MAX_THINGS = 12
MAX_EVENTS = 4
MEL_LOW, MEL_HIGH = -1.5, 2.5  # normalised log-mel values kept by the uint8 windows
PARTS = (
    "images",
    "instances",
    "thing_class",
    "thing_boxes",
    "place",
    "windows",
    "window_count",
    "event_class",
    "event_times",
    "duration",
)


@dataclass
class WorldArrays:
    """One data folder, opened. Arrays as in the module's table."""

    folder: Path
    vocabulary: dict[str, Any]
    images: np.ndarray
    instances: np.ndarray
    thing_class: np.ndarray
    thing_boxes: np.ndarray
    place: np.ndarray
    windows: np.ndarray
    window_start: np.ndarray
    event_class: np.ndarray
    event_times: np.ndarray
    duration: np.ndarray
    records: list[dict[str, Any]] = field(default_factory=list)

    @property
    def object_names(self) -> list[str]:
        """Names of the object classes, in index order."""
        return [entry["name"] for entry in self.vocabulary["objects"]]

    @property
    def sound_names(self) -> list[str]:
        """Names of the sound classes, in index order."""
        return [entry["name"] for entry in self.vocabulary["sounds"]]

    @property
    def place_names(self) -> list[str]:
        """Names of the places, in index order."""
        return [entry["name"] for entry in self.vocabulary["places"]]


def open_arrays(
    folder: str | Path, image_size: int = 128, num_mel_bins: int = 64, workers: int = 2
) -> WorldArrays:
    """Opens a data folder's arrays and makes them first where they are missing.

    Raises:
        RecordError: the folder holds no shards, or a damaged one.
        TrainError: its arrays were made with other sizes.
    """
    folder = Path(folder)
    target = folder / "arrays"
    sizes = {"image_size": image_size, "num_mel_bins": num_mel_bins}
    if not (target / "sizes.json").exists():
        with exclusive(folder):
            if not (target / "sizes.json").exists():  # another process may have made them meanwhile
                _build(folder, target, sizes, workers)
    made = json.loads((target / "sizes.json").read_text())
    if made != sizes:
        raise TrainError(
            f"{target} was made with {made}, this stage needs {sizes}: delete that folder and run again"
        )
    values = {name: np.load(target / f"{name}.npy", mmap_mode="r") for name in (*PARTS, "window_start")
              if name != "window_count"}  # fmt: skip
    vocabulary = json.loads((folder / "vocabulary.json").read_text())
    with open(target / "records.jsonl", encoding="utf-8") as lines:
        records = [json.loads(line) for line in lines]
    return WorldArrays(folder=folder, vocabulary=vocabulary, records=records, **values)


@contextlib.contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Keeps out other processes that would make the same files in `folder`: they wait, and then find them."""
    if fcntl is None or not folder.is_dir():
        yield
        return
    with (folder / ".making").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build(folder: Path, target: Path, sizes: dict[str, int], workers: int) -> None:
    shards = shard_paths(folder)
    scratch = folder / "arrays.tmp"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    jobs = [(str(shard), str(folder / "vocabulary.json"), str(scratch / f"part{i:05d}"), sizes)
            for i, shard in enumerate(shards)]  # fmt: skip
    if workers > 1 and len(jobs) > 1:
        with ProcessPoolExecutor(min(workers, len(jobs))) as pool:
            list(pool.map(_build_part, jobs))
    else:
        for job in jobs:
            _build_part(job)
    _join([Path(job[2]) for job in jobs], scratch)
    (scratch / "sizes.json").write_text(json.dumps(sizes))
    for job in jobs:
        for name in PARTS:
            os.remove(f"{job[2]}.{name}.npy")
        os.remove(job[2] + ".jsonl")
    shutil.rmtree(target, ignore_errors=True)
    os.replace(scratch, target)


def disk_array(path: Path, dtype: Any, shape: tuple[int, ...]) -> np.memmap[Any, Any]:
    """A new array in a .npy file, to be filled. Its room is taken now: a full disk would kill a later writer.

    Raises:
        StorageError: the disk has no room for it.
    """
    try:
        array = np.lib.format.open_memmap(path, "w+", dtype, shape)
        if hasattr(os, "posix_fallocate"):
            with open(path, "r+b") as file:
                os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
    except OSError as error:
        need = np.dtype(dtype).itemsize * np.prod(shape) / 1e6
        raise StorageError(f"Cannot write {path} ({need:.0f} MB): {error.strerror}. Make room.") from error
    return array


def _join(parts: list[Path], target: Path) -> None:
    """Concatenates the parts' arrays on disk and renumbers the rows that their records name."""
    for name in PARTS:
        pieces = [np.load(f"{part}.{name}.npy", mmap_mode="r") for part in parts]
        shape = (sum(len(piece) for piece in pieces), *pieces[0].shape[1:])
        if shape[0] == 0:
            np.save(target / f"{name}.npy", np.zeros(shape, pieces[0].dtype))
            continue
        joined = disk_array(target / f"{name}.npy", pieces[0].dtype, shape)
        row = 0
        for piece in pieces:
            joined[row : row + len(piece)] = piece
            row += len(piece)
        joined.flush()
    counts = np.load(target / "window_count.npy")
    np.save(target / "window_start.npy", np.concatenate([[0], np.cumsum(counts)]).astype(np.int64))
    pictures = sounds = 0
    with open(target / "records.jsonl", "w", encoding="utf-8") as out:
        for part in parts:
            with open(f"{part}.jsonl", encoding="utf-8") as lines:
                for line in lines:
                    record = json.loads(line)
                    record["picture"] += pictures if record["picture"] >= 0 else 0
                    record["sound"] += sounds if record["sound"] >= 0 else 0
                    out.write(json.dumps(record) + "\n")
            pictures += len(np.load(f"{part}.place.npy", mmap_mode="r"))
            sounds += len(np.load(f"{part}.duration.npy", mmap_mode="r"))


def _build_part(job: tuple[str, str, str, dict[str, int]]) -> None:
    shard, vocabulary_path, out, sizes = job
    import torch

    torch.set_num_threads(1)
    vocabulary = json.loads(Path(vocabulary_path).read_text())
    index = {kind: {entry["name"]: i for i, entry in enumerate(vocabulary[kind])}
             for kind in ("objects", "sounds", "places")}  # fmt: skip
    rows: dict[str, list[Any]] = {name: [] for name in PARTS}
    lines = []
    extractor = mel_extractor(sizes["num_mel_bins"])
    for record in read_shard(shard):
        line = {
            "key": record.key,
            "picture": -1,
            "sound": -1,
            "truth": thin_truth(record.truth),
            "dialogues": [[turn_dict(turn) for turn in dialogue] for dialogue in record.dialogues],
        }
        if record.picture is not None:
            line["picture"] = len(rows["place"])
            _add_picture(rows, record, index, sizes["image_size"])
        if record.sound is not None:
            line["sound"] = len(rows["duration"])
            _add_sound(rows, record, index, extractor)
        lines.append(json.dumps(line))
    side, mels = sizes["image_size"], sizes["num_mel_bins"]
    empty = {
        "images": ((side, side, 3), np.uint8),
        "instances": ((side // 2, side // 2), np.uint8),
        "thing_class": ((MAX_THINGS,), np.int16),
        "thing_boxes": ((MAX_THINGS, 4), np.float32),
        "place": ((), np.int16),
        "windows": ((mels, 204), np.uint8),
        "window_count": ((), np.int64),
        "event_class": ((MAX_EVENTS,), np.int16),
        "event_times": ((MAX_EVENTS, 2), np.float32),
        "duration": ((), np.float32),
    }
    for name, (shape, dtype) in empty.items():
        values = np.stack(rows[name]).astype(dtype) if rows[name] else np.zeros((0, *shape), dtype)
        np.save(f"{out}.{name}.npy", values)
    Path(out + ".jsonl").write_text("".join(line + "\n" for line in lines), encoding="utf-8")


def thin_truth(truth: dict[str, Any]) -> dict[str, Any]:
    """The truth without its masks, which live in instances.npy."""
    objects = [
        {key: value for key, value in thing.items() if key != "mask"} for thing in truth.get("objects", [])
    ]
    return {**truth, "objects": objects}


def turn_dict(turn: Any) -> dict[str, Any]:
    """A RecordTurn as JSON data."""
    return {
        "role": turn.role,
        "text": turn.text,
        "links": list(turn.links),
        "kind": turn.kind,
        "answer": turn.answer,
        "about": list(turn.about),
        "compare": list(turn.compare),
        "media": list(turn.media),
    }


def squash(pixels: np.ndarray, side: int) -> np.ndarray:
    """(H, W, 3) uint8 -> (side, side, 3) uint8, as BuboVisionImageProcessor resizes."""
    return np.asarray(Image.fromarray(pixels).resize((side, side), Image.Resampling.BILINEAR))


def _add_picture(
    rows: dict[str, list[Any]], record: Record, index: dict[str, dict[str, int]], side: int
) -> None:
    assert record.picture is not None
    height, width = record.picture.pixels.shape[:2]
    instances = np.zeros((side // 2, side // 2), np.uint8)
    classes = np.full(MAX_THINGS, -1, np.int16)
    boxes = np.zeros((MAX_THINGS, 4), np.float32)
    for i, thing in enumerate(record.truth.get("objects", [])[:MAX_THINGS]):
        mask = Image.fromarray(rle_decode(thing["mask"]).astype(np.uint8) * 255)
        small = np.asarray(mask.resize((side // 2, side // 2), Image.Resampling.BOX)) > 127
        instances[small] = i + 1
        classes[i] = index["objects"][thing["name"]]
        boxes[i] = np.array(thing["box"]) / [width, height, width, height]
    rows["images"].append(squash(record.picture.pixels, side))
    rows["instances"].append(instances)
    rows["thing_class"].append(classes)
    rows["thing_boxes"].append(boxes)
    rows["place"].append(np.int16(index["places"].get(record.truth.get("place") or "", -1)))


def _add_sound(
    rows: dict[str, list[Any]], record: Record, index: dict[str, dict[str, int]], extractor: Any
) -> None:
    assert record.sound is not None
    features = extractor(record.sound.samples, sampling_rate=record.sound.sampling_rate)["input_features"]
    windows = np.asarray(features)[0, :, 0]  # (S, M, F)
    classes = np.full(MAX_EVENTS, -1, np.int16)
    times = np.zeros((MAX_EVENTS, 2), np.float32)
    for i, event in enumerate(record.truth.get("events", [])[:MAX_EVENTS]):
        classes[i] = index["sounds"][event["name"]]
        times[i] = event["start_s"], event["end_s"]
    scaled = (windows - MEL_LOW) / (MEL_HIGH - MEL_LOW) * 255
    rows["windows"].extend(np.clip(np.round(scaled), 0, 255).astype(np.uint8))
    rows["window_count"].append(np.int64(len(windows)))
    rows["event_class"].append(classes)
    rows["event_times"].append(times)
    rows["duration"].append(np.float32(record.sound.duration_s))


def mel_extractor(num_mel_bins: int = 64) -> Any:
    """Nano's feature extractor: consecutive two-second windows."""
    from bubo.models.imagebind import ImageBindFeatureExtractor

    return ImageBindFeatureExtractor(num_mel_bins=num_mel_bins, clip_sampling="windows", max_clips=6)


def mel_values(windows: np.ndarray) -> np.ndarray:
    """uint8 windows back to normalised log-mel values, float32."""
    return windows.astype(np.float32) * ((MEL_HIGH - MEL_LOW) / 255) + MEL_LOW
