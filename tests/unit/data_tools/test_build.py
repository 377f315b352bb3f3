"""Building data sets: shards, their independence of the workers, resuming, the command line."""

from pathlib import Path

import pytest

from bubo import cli
from bubo.answers import Names, parse_answer
from bubo.data_tools.check import check_record
from bubo.data_tools.world.build import WorldSettings, build_world, make_record
from bubo.data_tools.world.vocabulary import to_dict
from bubo.errors import InputError
from bubo.records import read_shards, read_vocabulary

SMALL = WorldSettings(split="train", seed=11, count=10, per_shard=4)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("world")
    build_world(root, SMALL)
    return root


def test_records_come_back(folder: Path) -> None:
    records = list(read_shards(folder))
    assert [record.key for record in records] == [f"train-11-{index:08d}" for index in range(10)]
    assert sorted(path.name for path in folder.glob("*.tar")) == [
        f"shard-0000{n}-000000.tar" for n in range(3)
    ]
    vocabulary = read_vocabulary(folder)
    names = Names.from_vocabulary(vocabulary)
    for index, record in enumerate(records):
        made = make_record(SMALL, index)
        assert record.truth == made.truth
        assert record.dialogues == made.dialogues
        assert check_record(record, vocabulary, names=names) == []
        assert (record.picture is None) == (made.picture is None)


def test_an_unfinished_set_is_completed(folder: Path, tmp_path: Path) -> None:
    first, *others = build_world(tmp_path, SMALL)
    kept = first.stat().st_mtime_ns
    content = others[0].read_bytes()
    others[0].unlink()
    build_world(tmp_path, SMALL)
    assert others[0].read_bytes() == content
    assert first.stat().st_mtime_ns == kept
    assert content == (folder / others[0].name).read_bytes()


def test_other_settings_are_refused(folder: Path) -> None:
    with pytest.raises(InputError, match="other settings"):
        build_world(folder, WorldSettings(seed=12, count=10, per_shard=4))
    with pytest.raises(InputError, match="workers is 0"):
        build_world(folder, SMALL, workers=0)
    with pytest.raises(InputError, match="at least 1 record"):
        WorldSettings(count=0)


@pytest.mark.slow
def test_workers_change_nothing(folder: Path, tmp_path: Path) -> None:
    for path in build_world(tmp_path, SMALL, workers=2):
        assert path.read_bytes() == (folder / path.name).read_bytes()


def test_parts_leave_out_the_rest(tmp_path: Path) -> None:
    settings = WorldSettings(count=3, parts=("sound",))
    build_world(tmp_path, settings)
    for record in read_shards(tmp_path):
        assert record.picture is None and record.sound is not None and record.dialogues == ()


def test_the_command_builds_and_shows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "set"
    assert (
        cli.main(["data", "world", str(out), "--count", "2", "--split", "validation", "--parts", "picture"])
        == 0
    )
    assert "2 records in 1 shards" in capsys.readouterr().out
    sheet = tmp_path / "sheet.png"
    assert cli.main(["data", "world", "--show", "2", "--out", str(sheet)]) == 0
    assert sheet.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["world"], "no folder"),
        (["world", "OUT", "--count", "0"], "at least 1 record"),
        (["world", "OUT", "--parts", "smell"], "expected picture"),
        (["world", "--show", "0"], "expected 1 or more"),
    ],
)
def test_bad_input_gives_exit_code_2(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["data", *words]) == 2
    assert said in capsys.readouterr().err


def test_the_check_finds_wrong_records() -> None:
    record = next(
        record for record in (make_record(SMALL, index) for index in range(10)) if record.truth["objects"]
    )
    turn = next(turn for dialogue in record.dialogues for turn in dialogue if turn.links)
    turn.links[0]["end"] -= 1
    assert any("cuts a word" in wrong for wrong in check_record(record, to_dict()))


def test_unknown_kinds_are_not_parsed() -> None:
    assert parse_answer("talk", "I am Bubo.", Names.from_vocabulary(to_dict())) is None
