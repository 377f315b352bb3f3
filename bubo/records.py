"""Training records: a picture, a sound, the truth about both, and dialogues. Shared by data_tools and train.

A data set is a folder of webdataset shards (tar files) and `vocabulary.json`. A record of key K is stored as
`K.jpg` or `K.png`, `K.flac` and `K.json`; either medium may be absent. The JSON holds

    {"truth": {...},
     "dialogues": [[{"role", "text", "links", "kind", "answer", "about", "compare", "media"}, ...], ...]}

Shards are written whole or not at all, the same records give the same bytes, and reading keeps the order of
writing.
"""

import io
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bubo import checks
from bubo.checks import set_fields
from bubo.errors import BuboError, InputError, RecordError, StorageError
from bubo.media import encode_flac, encode_jpeg, encode_png, load_picture, load_sound, write_atomic
from bubo.types import ROLES, Picture, Sound

VOCABULARY = "vocabulary.json"
LINK_STATUSES = ("seen", "heard", "both", "absent")
_KEY = re.compile(r"[A-Za-z0-9_-]{1,100}")


@dataclass(frozen=True)
class RecordTurn:
    """One turn of a dialogue about a record.

    Args:
        role: system, user or assistant.
        text: What is said.
        links: Phrases of an assistant's text, each {"start", "end", "things", "events", "status"}: half-open
            code points, ids of truth objects ("t3") and events ("e1"), and seen, heard, both or absent.
        kind: What an assistant turn answers ("count", "describe_picture", ...); "" for other turns.
        answer: Its truth in a form that a program can check.
        about: Ids of the objects and events it is about.
        compare: Ids of the other side of a comparison.
        media: Which of "picture" and "sound" a user turn carries.
    """

    role: str
    text: str
    links: tuple[dict[str, Any], ...] = ()
    kind: str = ""
    answer: dict[str, Any] = field(default_factory=dict)
    about: tuple[str, ...] = ()
    compare: tuple[str, ...] = ()
    media: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        try:
            checks.check_choice("RecordTurn.role", self.role, ROLES)
            checks.check_text("RecordTurn.text", self.text)
            checks.check_text("RecordTurn.kind", self.kind)
            media = checks.check_tuple("RecordTurn.media", self.media, str)
            for medium in media:
                checks.check_choice("A member of RecordTurn.media", medium, ("picture", "sound"))
            links = checks.check_tuple("RecordTurn.links", self.links, dict)
            for link in links:
                self._check_link(link)
            set_fields(
                self,
                links=links,
                media=media,
                answer=dict(checks.check_keys("RecordTurn.answer", self.answer, ())),
                about=checks.check_tuple("RecordTurn.about", self.about, str),
                compare=checks.check_tuple("RecordTurn.compare", self.compare, str),
            )
        except InputError as error:
            raise RecordError(str(error)) from None

    def _check_link(self, link: dict[str, Any]) -> None:
        checks.check_keys("A link of a RecordTurn", link, ("start", "end", "things", "events", "status"))
        checks.check_choice("The status of a RecordTurn's link", link["status"], LINK_STATUSES)
        start = checks.check_index("The start of a RecordTurn's link", link["start"])
        end = checks.check_index("The end of a RecordTurn's link", link["end"])
        if not start < end <= len(self.text):
            raise RecordError(f"The link {start}..{end} does not lie in its turn's text {self.text!r}.")

    def to_dict(self) -> dict[str, Any]:
        """JSON form; fields at their default are left out."""
        full = {
            "role": self.role,
            "text": self.text,
            "links": list(self.links),
            "kind": self.kind,
            "answer": self.answer,
            "about": list(self.about),
            "compare": list(self.compare),
            "media": list(self.media),
        }
        return {name: value for name, value in full.items() if value or name in ("role", "text")}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "RecordTurn":
        """The inverse of `to_dict`.

        Raises:
            RecordError: If keys are unknown or missing, or values are wrong.
        """
        try:
            return cls(**data)
        except TypeError:
            raise RecordError(
                f"A turn must hold role and text and perhaps {', '.join(cls.__match_args__[2:])}, "
                f"but holds {', '.join(map(str, data)) or 'nothing'}."
            ) from None


@dataclass(frozen=True, eq=False)
class Record:
    """One training example.

    Args:
        key: Its name in the data set: letters, digits, "-" and "_".
        picture: The picture, if there is one.
        sound: The sound, if there is one.
        truth: What is in them; ids there are those of the turns' links.
        dialogues: Conversations about them, each a tuple of turns.
    """

    key: str
    picture: Picture | None
    sound: Sound | None
    truth: dict[str, Any]
    dialogues: tuple[tuple[RecordTurn, ...], ...]

    def __post_init__(self) -> None:
        if not isinstance(self.key, str) or not _KEY.fullmatch(self.key):
            raise RecordError(
                f"Record.key must be up to 100 letters, digits, - and _, but got {checks.describe(self.key)}."
            )
        if not isinstance(self.picture, Picture | None) or not isinstance(self.sound, Sound | None):
            raise RecordError(
                f"The picture and sound of record {self.key} must be a Picture and a Sound, or None."
            )
        try:
            truth = dict(checks.check_keys("Record.truth", self.truth, ()))
            dialogues = tuple(
                checks.check_tuple("A member of Record.dialogues", dialogue, RecordTurn)
                for dialogue in self.dialogues
            )
        except (InputError, TypeError) as error:
            raise RecordError(f"Record {self.key}: {error}") from None
        set_fields(self, truth=truth, dialogues=dialogues)


def _to_members(record: Record, picture_format: str) -> dict[str, Any]:
    """The record as webdataset wants it: suffix -> bytes."""
    dialogues = [[turn.to_dict() for turn in dialogue] for dialogue in record.dialogues]
    try:
        text = json.dumps(
            {"truth": record.truth, "dialogues": dialogues}, ensure_ascii=False, allow_nan=False
        )
    except (TypeError, ValueError) as error:
        raise RecordError(f"Record {record.key} holds values that JSON cannot: {error}.") from None
    members: dict[str, Any] = {"__key__": record.key, "json": text.encode()}
    if record.picture is not None:
        encode = encode_png if picture_format == "png" else encode_jpeg
        members[picture_format] = encode(record.picture)
    if record.sound is not None:
        members["flac"] = encode_flac(record.sound)
    return members


def write_shards(
    records: Iterable[Record],
    folder: str | Path,
    *,
    per_shard: int = 1000,
    vocabulary: Mapping[str, Any],
    prefix: str = "shard",
    picture_format: str = "jpg",
) -> tuple[Path, ...]:
    """Writes records as shards `{prefix}-000000.tar`, ... and the vocabulary into a folder.

    Existing shards of the same prefix are replaced, those beyond the last new one removed. Several workers
    may write into one folder under different prefixes.

    Args:
        records: What to write; consumed one by one, so memory holds one shard.
        folder: Made if it is not there.
        per_shard: Records in one shard.
        vocabulary: Content of `vocabulary.json`.
        prefix: Start of the shards' names; reading sorts by name.
        picture_format: "jpg" (quality 95, full colour resolution) or "png" (exact).

    Returns:
        The shards written, in order.

    Raises:
        RecordError: If a key comes twice in one shard, or a record holds what JSON cannot.
        StorageError: If a file cannot be written; shards that were complete stay.
    """
    if per_shard < 1 or picture_format not in ("jpg", "png") or not _KEY.fullmatch(prefix):
        raise RecordError(
            "write_shards needs per_shard from 1 up, picture_format jpg or png and a prefix of letters, "
            f"digits, - and _, but got {per_shard}, {picture_format!r} and {prefix!r}."
        )
    root = Path(folder)
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"Cannot make the folder {root}: {error.strerror}. Choose another one.") from None
    text = json.dumps(vocabulary, ensure_ascii=False, indent=1, sort_keys=True)
    write_atomic(root / VOCABULARY, text.encode() + b"\n")
    written: list[Path] = []
    batch: list[dict[str, Any]] = []
    for record in records:
        batch.append(_to_members(record, picture_format))
        if len(batch) == per_shard:
            written.append(_write_shard(root / f"{prefix}-{len(written):06d}.tar", batch))
            batch = []
    if batch:
        written.append(_write_shard(root / f"{prefix}-{len(written):06d}.tar", batch))
    for stale in root.glob(f"{prefix}-[0-9][0-9][0-9][0-9][0-9][0-9].tar"):
        if stale not in written:
            os.unlink(stale)
    return tuple(written)


def _write_shard(path: Path, batch: list[dict[str, Any]]) -> Path:
    import webdataset  # here, since importing it brings torch

    keys = [members["__key__"] for members in batch]
    if len(set(keys)) < len(keys):
        twice = next(key for key in keys if keys.count(key) > 1)
        raise RecordError(
            f"Keys must differ within a shard, but {twice!r} comes twice: give each record its own."
        )
    buffer = io.BytesIO()
    with webdataset.TarWriter(buffer, encoder=False, mtime=0, user="bubo", group="bubo") as writer:
        for members in batch:
            writer.write(members)
    write_atomic(path, buffer.getbuffer())
    return path


def shard_paths(folder: str | Path) -> tuple[Path, ...]:
    """The shards of a data set in reading order.

    Raises:
        RecordError: If the folder is missing or holds no shard.
    """
    root = Path(folder)
    paths = tuple(sorted(root.glob("*.tar"))) if root.is_dir() else ()
    if not paths:
        raise RecordError(
            f"{root} holds no shards (*.tar): give a data set folder, or make one with `bubo data world`."
        )
    return paths


def read_vocabulary(folder: str | Path) -> dict[str, Any]:
    """The content of a data set's `vocabulary.json`.

    Raises:
        RecordError: If it is missing or damaged.
    """
    path = Path(folder) / VOCABULARY
    try:
        vocabulary = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise RecordError(f"Cannot read the vocabulary {path}: {error}. Write the data set again.") from None
    if not isinstance(vocabulary, dict):
        raise RecordError(f"The vocabulary {path} must be a JSON object. Write the data set again.")
    return vocabulary


def read_shards(folder: str | Path, *, decode: bool = True) -> Iterator[Record]:
    """All records of a data set, shard by shard in the order of their names.

    Args:
        folder: The data set.
        decode: Without it pictures and sounds are left out (None), which is many times faster.

    Raises:
        RecordError: If the folder holds no shard, or a shard is damaged.
    """
    for path in shard_paths(folder):
        yield from read_shard(path, decode=decode)


def read_shard(path: str | Path, *, decode: bool = True) -> Iterator[Record]:
    """The records of one shard, see `read_shards`."""
    import tarfile

    from webdataset.tariterators import group_by_keys, tar_file_iterator

    try:
        with open(path, "rb") as stream:
            members = ({**member, "__url__": str(path)} for member in tar_file_iterator(stream))
            for sample in group_by_keys(members):
                yield _from_members(sample, decode)
    except BuboError as error:
        raise RecordError(f"The shard {path} is damaged: {error}") from None
    except (OSError, tarfile.TarError, ValueError, EOFError) as error:
        raise RecordError(f"The shard {path} cannot be read: {error}. Write the data set again.") from None


def _from_members(sample: dict[str, Any], decode: bool) -> Record:
    key = str(sample["__key__"])
    if "json" not in sample:
        raise RecordError(f"Record {key} has no JSON member.")
    data = checks.check_keys(f"Record {key}", json.loads(sample["json"]), ("truth", "dialogues"))
    dialogues = tuple(
        tuple(RecordTurn.from_dict(turn) for turn in checks.check_tuple("A dialogue", dialogue, dict))
        for dialogue in checks.check_tuple("The dialogues", data["dialogues"], list)
    )
    picture_bytes = sample.get("jpg", sample.get("png"))
    picture = load_picture(picture_bytes) if decode and picture_bytes is not None else None
    sound = load_sound(sample["flac"]) if decode and "flac" in sample else None
    return Record(key, picture, sound, data["truth"], dialogues)
