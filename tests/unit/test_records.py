"""Training records: through shards and back, the same bytes every time, and clear errors."""

import dataclasses
import json
import os
import sys
import tarfile

import numpy as np
import pytest

from bubo.errors import RecordError, StorageError
from bubo.records import (
    Record,
    RecordTurn,
    read_shard,
    read_shards,
    read_vocabulary,
    shard_paths,
    write_shards,
)
from bubo.types import Picture, Sound, same

TURNS = (
    RecordTurn("user", "How many dogs?", media=("picture",)),
    RecordTurn(
        "assistant",
        "Two dogs 🐕.",
        ({"start": 4, "end": 8, "things": ["t0", "t1"], "events": [], "status": "seen"},),
        kind="count",
        answer={"name": "dog", "value": 2},
        about=("t0", "t1"),
        compare=("t2",),
    ),
)


def make_record(index, rng, picture=True, sound=True):
    pixels = rng.integers(0, 256, (24, 32, 3), dtype=np.uint8)
    samples = rng.uniform(-1, 1, 3200).astype(np.float32)
    return Record(
        f"train-{index:06d}",
        Picture(pixels) if picture else None,
        Sound(samples, 16_000) if sound else None,
        {"objects": [{"id": "t0", "name": "dog"}], "place": "beach", "pair": "match"},
        (TURNS, TURNS[:1]),
    )


@pytest.fixture
def records(rng):
    kinds = [(True, True), (True, False), (False, True), (True, True), (True, True)]
    return [make_record(index, rng, *kind) for index, kind in enumerate(kinds)]


def test_records_come_back_in_order(records, tmp_path):
    paths = write_shards(
        iter(records), tmp_path / "set", per_shard=2, vocabulary={"objects": []}, picture_format="png"
    )
    assert [path.name for path in paths] == ["shard-000000.tar", "shard-000001.tar", "shard-000002.tar"]
    assert shard_paths(tmp_path / "set") == paths
    assert read_vocabulary(tmp_path / "set") == {"objects": []}
    for record, again in zip(records, read_shards(tmp_path / "set"), strict=True):
        assert (again.key, again.truth, again.dialogues) == (record.key, record.truth, record.dialogues)
        assert same(again.picture, record.picture)
        assert (again.sound is None) == (record.sound is None)
        if again.sound is not None:
            assert np.abs(again.sound.samples - record.sound.samples).max() <= 2**-15
    without = list(read_shards(str(tmp_path / "set"), decode=False))
    assert [r.key for r in without] == [r.key for r in records]
    assert all(r.picture is None and r.sound is None for r in without)
    assert [r.key for r in read_shard(paths[1])] == [r.key for r in records[2:4]]


def test_jpeg_is_the_default_and_close(records, tmp_path):
    smooth = Picture(np.repeat(np.arange(0, 256, 4, dtype=np.uint8), 96).reshape(64, 32, 3).copy())
    record = dataclasses.replace(records[0], picture=smooth)
    (path,) = write_shards([record], tmp_path, vocabulary={})
    with tarfile.open(path) as tar:
        assert tar.getnames() == [f"{record.key}.{suffix}" for suffix in ("flac", "jpg", "json")]
    (again,) = read_shards(tmp_path)
    assert np.abs(again.picture.pixels.astype(int) - smooth.pixels).max() < 12


def test_equal_records_give_equal_bytes(records, tmp_path):
    (first,) = write_shards(records, tmp_path / "a", vocabulary={"b": 1, "a": 2})
    (second,) = write_shards(records, tmp_path / "b", vocabulary={"a": 2, "b": 1})
    assert first.read_bytes() == second.read_bytes()
    assert (tmp_path / "a/vocabulary.json").read_bytes() == (tmp_path / "b/vocabulary.json").read_bytes()


def test_writing_again_leaves_no_older_shards(records, tmp_path):
    write_shards(records, tmp_path, per_shard=1, vocabulary={})
    write_shards(records[:2], tmp_path, per_shard=1, vocabulary={}, prefix="other")
    write_shards(records[:2], tmp_path, per_shard=1, vocabulary={})
    names = [path.name for path in shard_paths(tmp_path)]
    assert names == ["other-000000.tar", "other-000001.tar", "shard-000000.tar", "shard-000001.tar"]


def test_a_failing_source_leaves_whole_shards_only(records, tmp_path):
    def failing():
        yield from records[:3]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_shards(failing(), tmp_path, per_shard=2, vocabulary={})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["shard-000000.tar", "vocabulary.json"]


def test_a_full_disk_leaves_nothing_half_written(records, tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="No space left"):
        write_shards(records, tmp_path, vocabulary={})
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="Cannot make the folder"):
        write_shards(records, tmp_path / "file" / "set", vocabulary={})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"role": "robot"}, "role"),
        ({"text": None}, "text"),
        ({"media": ("video",)}, "media"),
        ({"links": [{"start": 0}]}, "missing"),
        ({"links": [{**TURNS[1].links[0], "end": 99}]}, "0|99"),
        ({"links": [{**TURNS[1].links[0], "status": "smelt"}]}, "status"),
        ({"about": "t0"}, "about"),
        ({"answer": [1]}, "answer"),
    ],
)
def test_turns_refuse(changes, message):
    with pytest.raises(RecordError, match=message):
        dataclasses.replace(TURNS[1], **changes)


def test_turns_travel_through_json():
    for turn in TURNS:
        assert RecordTurn.from_dict(json.loads(json.dumps(turn.to_dict()))) == turn
    assert TURNS[0].to_dict() == {"role": "user", "text": "How many dogs?", "media": ["picture"]}
    for data in ({}, {"role": "user"}, {"role": "user", "text": "a", "extra": 1}):
        with pytest.raises(RecordError, match="A turn must hold role and text"):
            RecordTurn.from_dict(data)


@pytest.mark.parametrize(
    "changes",
    [
        {"key": "a.b"},
        {"key": ""},
        {"key": "a/b"},
        {"key": 3},
        {"picture": "a.png"},
        {"sound": 1},
        {"truth": None},
        {"dialogues": None},
        {"dialogues": (TURNS[0],)},
    ],
)
def test_records_refuse(changes, records):
    with pytest.raises(RecordError):
        dataclasses.replace(records[0], **changes)


def test_writing_refuses(records, tmp_path):
    twice = [records[0], records[0]]
    for kwargs in ({"per_shard": 0}, {"prefix": "a/b"}, {"picture_format": "gif"}):
        with pytest.raises(RecordError, match="write_shards needs"):
            write_shards(records, tmp_path, vocabulary={}, **kwargs)
    with pytest.raises(RecordError, match="comes twice"):
        write_shards(twice, tmp_path, vocabulary={})
    for value in (float("nan"), {1, 2}):
        with pytest.raises(RecordError, match="JSON cannot"):
            write_shards([dataclasses.replace(records[0], truth={"a": value})], tmp_path, vocabulary={})
    assert not list(tmp_path.glob("*.tar"))


def test_reading_refuses(records, tmp_path):
    with pytest.raises(RecordError, match="holds no shards"):
        list(read_shards(tmp_path / "missing"))
    with pytest.raises(RecordError, match="Cannot read the vocabulary"):
        read_vocabulary(tmp_path)
    (tmp_path / "vocabulary.json").write_text("[]")
    with pytest.raises(RecordError, match="JSON object"):
        read_vocabulary(tmp_path)
    (path,) = write_shards(records, tmp_path, vocabulary={})
    whole = path.read_bytes()
    for damaged in (
        b"hello",
        whole[: len(whole) // 2],
        whole.replace(b'"truth"', b'"trash"'),
        whole[:700] + b"x" * 900,
    ):
        path.write_bytes(damaged)
        with pytest.raises(RecordError, match="shard-000000.tar"):
            list(read_shards(tmp_path))


def test_importing_records_needs_no_torch():
    import subprocess

    code = "import sys, bubo.records; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
