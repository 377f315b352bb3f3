"""Pictures and sounds on disk, each under a random id that only its owner may use.

What comes in is decoded, whatever its name says, and written anew: an upright picture without metadata, or a
mono sound of 16 bits. So what the model sees is what the browser shows, and no file is served as it came.
"""

import logging
import shutil
import threading
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, BinaryIO
from weakref import WeakValueDictionary

from sqlalchemy import delete, exists, func, select
from sqlalchemy.orm import Session

from bubo.errors import MediaError, StorageError
from bubo.files import write_atomic
from bubo.media import encode_jpeg, encode_png, load_picture, load_sound
from bubo.recent import Shared
from bubo.server.database import Database
from bubo.server.ids import is_id, new_id
from bubo.server.media_forms import (
    check_picture_size,
    clean_name,
    kind_of,
    pcm_wav,
    peaks_of,
    thumbnail_of,
    what_is_wrong,
)
from bubo.server.problems import NotFoundError, Problem
from bubo.server.records import MediaRecord
from bubo.server.settings import Limits
from bubo.server.tables import DatabaseRow, MediaRow, MessageMediaRow
from bubo.types import Picture, Sound

__all__ = ["THUMBNAIL_TYPE", "MediaStore"]

THUMBNAIL_TYPE = "image/jpeg"
#: Pictures up to this many pixels are kept exactly.
EXACT_PIXELS = 1_000_000
JPEG_QUALITY = 92
_CONTENT, _THUMBNAIL = "content", "thumbnail"
#: In the folder of all media: the number of the database that knows them.
_MARK = ".database"
#: How long an upload may wait for the message that uses it.
UNUSED_S = 86_400.0
#: Files that are decoded at once; a large picture takes hundreds of megabytes meanwhile.
_DECODING = threading.BoundedSemaphore(4)
#: Pictures that stay decoded: who points at things asks about one picture several times a second.
_KEPT_PICTURES, _KEPT_BYTES = 16, 64_000_000
_log = logging.getLogger(__name__)

Records = list[MediaRecord]  # within the class, `list` is its method


class MediaStore:
    """The media of all owners.

    Args:
        database: Where their records are.
        folder: Where their files are.
        limits: How large and how many they may be.

    Attributes:
        removed: How many media were removed since the start.
    """

    def __init__(self, database: Database, folder: Path, limits: Limits):
        self._database = database
        self._folder = folder
        self._limits = limits
        self._locks: WeakValueDictionary[str, threading.Lock] = WeakValueDictionary()
        self._lock = threading.Lock()
        self._decoded: Shared[Picture] = Shared(_KEPT_PICTURES, lambda one: one.pixels.nbytes, _KEPT_BYTES)
        self.removed = 0

    def add(self, owner_id: str, data: bytes | BinaryIO, name: str = "", *, kept: bool = True) -> MediaRecord:
        """Stores a picture or sound.

        Args:
            owner_id: Whose it is.
            data: The content of a file, or a file that is open for reading.
            name: What its owner calls it; shown only.
            kept: Whether it stays if no message uses it; otherwise `sweep` removes it some day.

        Raises:
            Problem: If it is no picture or sound, damaged, outside the limits, or more than the quota.
        """
        content = data if isinstance(data, bytes) else data.read()
        name = clean_name(name)
        try:
            with _DECODING:
                if kind_of(content, name) == "picture":
                    values, files = self._picture_files(content)
                else:
                    values, files = self._sound_files(content)
        except MediaError as error:
            text = what_is_wrong(error, content, name)
            raise Problem(422, text, "unusable_media", param="file") from None
        size = len(files[_CONTENT])
        row = MediaRow(id=new_id(), owner=owner_id, name=name, bytes=size, kept=kept, created=time.time())
        for key in ("kind", "content_type", "width", "height", "duration_s", "sampling_rate", "peaks"):
            setattr(row, key, values.get(key))
        with self._adding(owner_id):
            self._check_quota(owner_id, size)
            self._claim()
            self._write(row.id, files)
            try:
                with self._database.writing() as session:
                    session.add(row)
            except BaseException:
                self.remove_files([row.id])
                raise
        return _record(row)

    def get(self, owner_id: str, media_id: str) -> MediaRecord:
        """What is known of a medium.

        Raises:
            NotFoundError: If it is unknown or another owner's.
        """
        with self._database.reading() as session:
            return _record(_own(session, owner_id, media_id))

    def get_many(self, owner_id: str, ids: Sequence[str]) -> dict[str, MediaRecord]:
        """The records of those of the ids that are the owner's, by id."""
        wanted = [one for one in dict.fromkeys(ids) if is_id(one)]
        with self._database.reading() as session:
            rows = session.scalars(
                select(MediaRow).where(MediaRow.id.in_(wanted), MediaRow.owner == owner_id)
            )
            return {row.id: _record(row) for row in rows}

    def list(self, owner_id: str, *, kept_only: bool = True) -> Records:
        """An owner's media, the newest first."""
        wanted = select(MediaRow).where(MediaRow.owner == owner_id)
        if kept_only:
            wanted = wanted.where(MediaRow.kept)
        with self._database.reading() as session:
            rows = session.scalars(wanted.order_by(MediaRow.created.desc(), MediaRow.id))
            return [_record(row) for row in rows]

    def used_bytes(self, owner_id: str) -> int:
        """How much of the quota an owner has used."""
        with self._database.reading() as session:
            total = session.scalar(select(func.sum(MediaRow.bytes)).where(MediaRow.owner == owner_id))
            return int(total or 0)

    def open(self, owner_id: str, media_id: str, *, thumbnail: bool = False) -> Path:
        """Where the file lies.

        Raises:
            NotFoundError: If the medium is unknown or another owner's, or has no thumbnail.
        """
        record = self.get(owner_id, media_id)
        path = self._place(record.id) / (_THUMBNAIL if thumbnail else _CONTENT)
        if not path.is_file():
            raise NotFoundError("thumbnail" if thumbnail else "picture or sound")
        return path

    def picture(self, owner_id: str, media_id: str) -> Picture:
        """The pixels that are served.

        Raises:
            NotFoundError: If it is unknown, another owner's, or a sound.
        """
        if self.get(owner_id, media_id).kind != "picture":
            raise NotFoundError("picture")
        path = self.open(owner_id, media_id)
        return self._decoded.get(media_id, lambda: load_picture(path.read_bytes()))

    def sound(self, owner_id: str, media_id: str) -> Sound:
        """The samples that are served.

        Raises:
            NotFoundError: If it is unknown, another owner's, or a picture.
        """
        if self.get(owner_id, media_id).kind != "sound":
            raise NotFoundError("sound")
        return load_sound(self.open(owner_id, media_id).read_bytes())

    def delete(self, owner_id: str, media_id: str) -> None:
        """Removes a medium that no message uses.

        Raises:
            NotFoundError: If it is unknown or another owner's.
            Problem: If a message uses it.
        """
        with self._database.writing() as session:
            row = _own(session, owner_id, media_id)
            used = select(MessageMediaRow.message_id).where(MessageMediaRow.media_id == media_id)
            if session.scalar(used.limit(1)) is not None:
                raise Problem(
                    409, "A message uses this file; delete its conversation instead.", "media_in_use"
                )
            session.delete(row)
        self.remove_files([media_id])

    def remove_files(self, ids: Iterable[str]) -> None:
        """Removes files whose records are gone; those that are not there are no matter."""
        for one in ids:
            shutil.rmtree(self._place(one), ignore_errors=True)
            self._decoded.clear()
            self.removed += 1

    def sweep(self, unused_s: float = UNUSED_S) -> int:
        """Removes uploads that no message came to use, and files without a record; tells how many."""
        used = exists().where(MessageMediaRow.media_id == MediaRow.id)
        with self._database.writing() as session:
            old = MediaRow.created < time.time() - unused_s
            stale = list(session.scalars(select(MediaRow.id).where(~MediaRow.kept, old, ~used)))
            session.execute(delete(MediaRow).where(MediaRow.id.in_(stale)))
        young = time.time() - UNUSED_S  # its record may be about to be written
        ages = {path.name: path.stat().st_mtime for path in self._folder.glob("??/*")}
        with self._database.reading() as session:
            known = set(session.scalars(select(MediaRow.id)))
        unknown = {one for one, age in ages.items() if age < young} - known
        if not self._is_ours(mostly_known=2 * len(ages.keys() & known) >= max(1, len(ages))) and unknown:
            _log.error(
                "%d files in %s are of another database and stay: give this one a data folder of its own, or "
                "remove the file %s there if it is a copy of that one.",
                len(unknown),
                self._folder,
                _MARK,
            )
            unknown = set()
        self.remove_files({*stale, *unknown})
        return len({*stale, *unknown})

    def _claim(self) -> None:
        """Marks a folder that is empty yet as that of this database."""
        if not (self._folder / _MARK).exists() and next(self._folder.glob("??/*"), None) is None:
            self._mark()

    def _mark(self) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            write_atomic(self._folder / _MARK, self._number().encode())
        except (OSError, StorageError) as error:  # who writes the first file is told of it
            _log.error("The folder of media cannot be marked: %s", error)

    def _is_ours(self, *, mostly_known: bool) -> bool:
        """Whether the folder is that of this database: one started with another knows none of its files."""
        mark = self._folder / _MARK
        if not mark.exists() and mostly_known:  # filled by an earlier version
            self._mark()
        return mark.exists() and mark.read_text().strip() == self._number()

    def _number(self) -> str:
        with self._database.reading() as session:
            return session.scalars(select(DatabaseRow.id)).one()

    def _place(self, media_id: str) -> Path:
        return self._folder / media_id[:2] / media_id

    def _picture_files(self, content: bytes) -> tuple[dict[str, Any], dict[str, bytes]]:
        check_picture_size(content, self._limits.picture_pixels)
        picture = load_picture(content)
        exact = picture.width * picture.height <= EXACT_PIXELS
        data = encode_png(picture) if exact else encode_jpeg(picture, JPEG_QUALITY)
        values = {
            "kind": "picture",
            "content_type": "image/png" if exact else "image/jpeg",
            "width": picture.width,
            "height": picture.height,
        }
        return values, {_CONTENT: data, _THUMBNAIL: thumbnail_of(picture)}

    def _sound_files(self, content: bytes) -> tuple[dict[str, Any], dict[str, bytes]]:
        sound = load_sound(content)
        if sound.duration_s > self._limits.sound_s:
            raise Problem(
                413,
                f"The sound lasts {sound.duration_s:.0f} s; at most {self._limits.sound_s:g} s are heard. "
                "Cut it first.",
                "sound_too_long",
                param="file",
            )
        values = {
            "kind": "sound",
            "content_type": "audio/wav",
            "duration_s": sound.duration_s,
            "sampling_rate": sound.sampling_rate,
            "peaks": peaks_of(sound),
        }
        return values, {_CONTENT: pcm_wav(sound)}

    def _adding(self, owner_id: str) -> threading.Lock:
        """One upload of an owner at a time: two at once could both find room where there is room for one."""
        with self._lock:
            lock = self._locks.get(owner_id)
            if lock is None:
                lock = self._locks[owner_id] = threading.Lock()
            return lock

    def _check_quota(self, owner_id: str, size: int) -> None:
        used, quota = self.used_bytes(owner_id), self._limits.quota_bytes
        if used + size > quota:
            raise Problem(
                413,
                f"Your files take {used / 1e6:.1f} MB, and this one {size / 1e6:.1f} MB; at most "
                f"{quota / 1e6:.0f} MB are kept. Delete conversations with pictures or sounds first.",
                "quota_exceeded",
                param="file",
            )

    def _write(self, media_id: str, files: dict[str, bytes]) -> None:
        folder = self._place(media_id)
        try:
            folder.mkdir(parents=True, mode=0o700)
            for name, data in files.items():
                write_atomic(folder / name, data)
        except (OSError, StorageError) as error:
            shutil.rmtree(folder, ignore_errors=True)
            _log.error("A file of %d bytes cannot be stored: %s", sum(map(len, files.values())), error)
            raise Problem(
                507, "The server has no room for this file; ask who runs it.", "disk_full", retryable=True
            ) from None


def _own(session: Session, owner_id: str, media_id: str) -> MediaRow:
    row = session.get(MediaRow, media_id) if is_id(media_id) else None
    if row is None or row.owner != owner_id:
        raise NotFoundError("picture or sound")
    return row


def _record(row: MediaRow) -> MediaRecord:
    return MediaRecord(
        row.id,
        row.kind,
        row.name,
        row.content_type,
        row.bytes,
        row.created,
        row.width,
        row.height,
        row.duration_s,
        row.sampling_rate,
        row.peaks,
    )
