"""Shards become arrays: the same content, in the order of the records, whatever the shards were."""

from __future__ import annotations

import errno
import json
import multiprocessing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from unit.train.small_world import BOXES, HEIGHT, OBJECTS, SOUNDS, WIDTH, small_records, write_small_world

from bubo.errors import RecordError, StorageError, TrainError
from bubo.train import arrays as module
from bubo.train.arrays import MEL_HIGH, MEL_LOW, disk_array, mel_extractor, mel_values, open_arrays, squash


def test_pictures_keep_their_things_and_places(small_arrays: Any) -> None:
    world = small_arrays
    assert world.object_names == list(OBJECTS) and world.place_names == ["beach"]
    assert world.images.shape == (11, 128, 128, 3) and world.instances.shape == (11, 64, 64)
    assert world.place.tolist() == [0] * 11
    for i, record in enumerate(small_records(12)):
        if record.picture is None:
            continue
        assert np.array_equal(world.images[i], squash(record.picture.pixels, 128))
        things = record.truth["objects"]
        assert world.thing_class[i].tolist() == [OBJECTS.index(t["name"]) for t in things] + [-1] * 10
        for number, (x0, y0, x1, y1) in enumerate(BOXES):
            wanted = np.array([x0 / WIDTH, y0 / HEIGHT, x1 / WIDTH, y1 / HEIGHT])
            np.testing.assert_allclose(world.thing_boxes[i, number], wanted, atol=1e-6)
            rows, columns = np.nonzero(world.instances[i] == number + 1)
            seen = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
            np.testing.assert_allclose(np.array(seen) / 64, wanted, atol=1 / 64)
        assert world.thing_boxes[i, 2:].sum() == 0


def test_sounds_keep_their_windows_and_events(small_arrays: Any) -> None:
    world, extractor = small_arrays, mel_extractor()
    assert world.sound_names == list(SOUNDS)
    assert world.event_class.shape == (12, 4) and world.window_start[-1] == len(world.windows)
    for i, record in enumerate(small_records(12)):
        assert record.sound is not None
        windows = mel_values(world.windows[world.window_start[i] : world.window_start[i + 1]])
        wanted = extractor(record.sound.samples, sampling_rate=16_000)["input_features"][0, :, 0]
        assert windows.shape == wanted.shape == (2 if record.sound.duration_s > 2 else 1, 64, 204)
        # eight bits a value, and the FLAC file holds 16 bits a sample
        assert np.abs(windows - np.clip(wanted, MEL_LOW, MEL_HIGH)).mean() < 0.01
        events = record.truth["events"]
        classes = [SOUNDS.index(event["name"]) for event in events]
        assert world.event_class[i].tolist() == classes + [-1] * (4 - len(events))
        for number, event in enumerate(events):
            np.testing.assert_allclose(
                world.event_times[i, number], [event["start_s"], event["end_s"]], atol=1e-5
            )
        assert world.duration[i] == pytest.approx(record.sound.duration_s, abs=1e-4)


def test_records_name_their_rows_across_shards(small_arrays: Any) -> None:
    wanted = list(small_records(12))
    assert [record["key"] for record in small_arrays.records] == [record.key for record in wanted]
    assert [record["picture"] for record in small_arrays.records] == [*range(11), -1]
    assert [record["sound"] for record in small_arrays.records] == list(range(12))
    for made, record in zip(small_arrays.records, wanted, strict=True):
        assert [[turn["text"] for turn in dialogue] for dialogue in made["dialogues"]] == [
            [turn.text for turn in dialogue] for dialogue in record.dialogues
        ]
        assert all("mask" not in thing for thing in made["truth"]["objects"])
        assert [thing["id"] for thing in made["truth"]["objects"]] == [
            t["id"] for t in record.truth["objects"]
        ]


def test_a_world_without_pictures_or_sounds(tmp_path: Path) -> None:
    from bubo.records import Record, write_shards

    said = next(small_records(2)).dialogues[3:]
    truth: dict[str, Any] = {"objects": [], "events": [], "place": ""}
    vocabulary = {"objects": [], "sounds": [], "places": [], "colours": []}
    write_shards([Record("a", None, None, truth, said)], tmp_path, vocabulary=vocabulary)
    world = open_arrays(tmp_path)
    assert world.images.shape == (0, 128, 128, 3) and world.windows.shape == (0, 64, 204)
    assert world.window_start.tolist() == [0]
    assert (world.records[0]["picture"], world.records[0]["sound"]) == (-1, -1)


def test_arrays_are_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_small_world(tmp_path, 2)
    open_arrays(tmp_path)
    monkeypatch.setattr(module, "_build", lambda *args: pytest.fail("made again"))
    assert len(open_arrays(tmp_path).records) == 2
    with pytest.raises(TrainError, match=r"'image_size': 128.*this stage needs .*'image_size': 64"):
        open_arrays(tmp_path, image_size=64)


def test_a_kill_while_making_them_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_small_world(tmp_path, 4, per_shard=2)
    with monkeypatch.context() as patch:
        patch.setattr(module, "_join", lambda *args: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            open_arrays(tmp_path, workers=1)
    assert not (tmp_path / "arrays").exists()
    assert len(open_arrays(tmp_path, workers=1).records) == 4
    left = {path.name for path in (tmp_path / "arrays").iterdir()}
    assert left == {f"{name}.npy" for name in (*module.PARTS, "window_start")} | {
        "records.jsonl",
        "sizes.json",
    }
    assert not (tmp_path / "arrays.tmp").exists()


def test_a_folder_without_shards_says_how_to_make_them(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="bubo data world"):
        open_arrays(tmp_path)


def hold(folder: Path, ready: Any, release: Any) -> None:
    """Holds the folder's lock until told to let it go."""
    with module.exclusive(folder):
        ready.set()
        release.wait(60)
        (folder / "held.json").write_text(json.dumps(True))


def test_two_processes_do_not_make_them_at_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    ready, release = context.Event(), context.Event()
    other = context.Process(target=hold, args=(tmp_path, ready, release))
    other.start()
    assert ready.wait(60)
    release.set()
    with module.exclusive(tmp_path):
        assert (tmp_path / "held.json").exists()
    other.join(60)
    assert other.exitcode == 0


def test_an_array_for_which_there_is_no_room_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    array = disk_array(tmp_path / "a.npy", np.float16, (3, 4))
    array[:] = 2
    array.flush()
    assert np.load(tmp_path / "a.npy").tolist() == [[2.0] * 4] * 3

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.posix_fallocate", full)
    with pytest.raises(StorageError, match=r"b\.npy \(2 MB\): No space left on device"):
        disk_array(tmp_path / "b.npy", np.float16, (1000, 1000))
