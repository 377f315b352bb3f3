"""Files from the hub or a web server into a folder: resumed, verified, and under their name only when whole.

A file that is on its way is called NAME.part; beside a finished one lies NAME.lock.json with its size, its
hash and what the hash was held against: the one of the preset, the one that the hub tells, or nothing, where
none is known.
"""

import contextlib
import hashlib
import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any, BinaryIO, Literal
from urllib.parse import urlsplit

from bubo.errors import ModelError, StorageError
from bubo.files import write_atomic
from bubo.hub import TIMEOUT_S, Busy, NotReachable, NotThere, Redirects, Remote, locate, refused
from bubo.presets import SourceFile

__all__ = ["Locked", "NotReachable", "NotThere", "fetch", "fits", "locked", "models_home", "verify"]

HOME_VARIABLE = "BUBO_HOME"
CHUNK_BYTES = 1 << 20
#: Tries after a broken connection that brought nothing; one that brought something does not count.
TRIES = 4
#: Seconds to wait before the first of them; doubled each time.
PAUSE_S = 1.0

#: Called with the bytes that are there and those expected, if known.
OnBytes = Callable[[int, int | None], None]
Verified = Literal["preset", "hub", "size only"]


@dataclass(frozen=True)
class Locked:
    """What is known of a finished file.

    Attributes:
        bytes: Its size.
        sha256: Its hash.
        verified: What the hash was held against; "size only" if nobody has published one.
        address: Where it came from.
    """

    bytes: int
    sha256: str
    verified: Verified
    address: str


def models_home() -> Path:
    """The folder of all models: BUBO_HOME, or ~/.cache/bubo/models."""
    given = os.environ.get(HOME_VARIABLE)
    return Path(given).expanduser() if given else Path.home() / ".cache" / "bubo" / "models"


def locked(path: Path) -> Locked | None:
    """What is known of a finished file, or None if it is not there or not finished."""
    try:
        values = json.loads(_lock_path(path).read_text(encoding="utf-8"))
        lock = Locked(**values)
        return lock if path.stat().st_size == lock.bytes else None
    except (OSError, ValueError, TypeError):
        return None


def fits(file: SourceFile, lock: Locked) -> bool:
    """Whether a finished file is the one that is meant: by its hash, or by where it came from."""
    if file.bytes is not None and file.bytes != lock.bytes:
        return False
    return lock.sha256.startswith(file.sha256) if file.sha256 else lock.address == file.address


def fetch(file: SourceFile, target: Path, on_bytes: OnBytes = lambda have, total: None) -> Locked:
    """Brings one file; goes on where an earlier call was cut off.

    Args:
        file: Which.
        target: Its place; folders are made.
        on_bytes: Told how much is there.

    Raises:
        NotReachable: If its server cannot be reached.
        ModelError: If the server has no such file, wants terms accepted first, or sends something else than
            was published.
        StorageError: If it cannot be written.
    """
    lock = locked(target)
    if lock is not None and fits(file, lock):
        on_bytes(lock.bytes, lock.bytes)
        return lock
    if not file.repo and not file.url:
        raise ModelError(f"{file.path} is published nowhere: {file.note or 'give it with --from FOLDER'}.")
    if lock is not None:
        target.unlink()  # an older edition
    transfer = _Transfer(file, _located(file), target.with_name(target.name + ".part"), on_bytes)
    part = transfer.part
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if not part.exists() and target.exists():
            os.replace(target, part)  # whole perhaps, but nobody has verified it
        sha256 = transfer.run()
        verified: Verified = "preset" if file.sha256 else "hub" if transfer.remote.sha256 else "size only"
        lock = Locked(part.stat().st_size, sha256, verified, file.address)
        write_atomic(_lock_path(target), json.dumps(lock.__dict__, indent=1).encode())
        os.replace(part, target)
        transfer.tag.unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(
            f"Cannot write {str(part)!r}: {error.strerror or error}. Make room there, or set "
            f"{HOME_VARIABLE} to a folder elsewhere; what has come so far is kept."
        ) from error
    return lock


def verify(file: SourceFile, path: Path, on_bytes: OnBytes = lambda have, total: None) -> Locked:
    """Reads a file that somebody else has brought, and holds it against what was published.

    Raises:
        ModelError: If its size or hash is another, or it cannot be read.
    """
    try:
        with open(path, "rb") as stream:
            total = os.fstat(stream.fileno()).st_size
            _check_known(file, total, None, str(path))
            digest = _digest(stream, lambda have: on_bytes(have, total)).hexdigest()
    except OSError as error:
        raise ModelError(f"Cannot read {str(path)!r}: {error.strerror or error}.") from error
    _check_known(file, total, digest, str(path))
    return Locked(total, digest, "preset" if file.sha256 else "size only", str(path))


class _Transfer:
    """One file on its way into its .part; beside it lies the tag of the edition that it is of."""

    def __init__(self, file: SourceFile, remote: Remote, part: Path, on_bytes: OnBytes):
        self.file = file
        self.remote = remote
        self.part = part
        self.tag = part.with_name(part.name + ".tag")
        self.on_bytes = on_bytes
        self.total = remote.bytes or file.bytes
        if remote.bytes is not None and file.bytes is not None and remote.bytes != file.bytes:
            raise ModelError(
                f"{file.path} has {remote.bytes} bytes at {file.address}, expected {file.bytes}: it was "
                "replaced there, and this version does not know the new one."
            )

    def run(self) -> str:
        """Bring it all and return its hash."""
        have, digest = self._resumed()
        tries = 0
        while self.total is None or have < self.total or not self.part.exists():
            before = have
            try:
                if tries and self.file.repo:
                    self.remote = locate(self.file)  # addresses of the hub are good for a while only
                have, digest = self._read(have, digest)
                break
            except (ConnectionError, NotReachable) as error:
                have, digest = self._resumed()
                tries = 1 if have > before else tries + 1
                if tries >= TRIES:
                    if isinstance(error, NotReachable):
                        raise
                    server = urlsplit(self.remote.url).netloc
                    raise NotReachable(f"{server} cannot be reached ({error})") from error
                time.sleep(PAUSE_S * 2 ** (tries - 1))
        self._check(have, digest.hexdigest())
        return str(digest.hexdigest())

    def _resumed(self) -> tuple[int, Any]:
        """The bytes that are there, and their hash so far."""
        if not self.part.exists():
            return 0, hashlib.sha256()
        with open(self.part, "rb") as stream:
            digest = _digest(stream, lambda have: self.on_bytes(have, self.total))
            return stream.tell(), digest

    def _read(self, have: int, digest: Any) -> tuple[int, Any]:
        """Read to the end, beginning behind the `have` bytes that are there."""
        answer = self._open(have)
        with answer:
            if answer.headers.get_content_type() == "text/html":  # a page to log in, or to say sorry
                raise ModelError(
                    f"{urlsplit(answer.url).netloc} sends a web page instead of {self.file.path}. Open "
                    f"{self.file.address} in a browser to see why, then pull again."
                )
            if have and answer.status != 206:  # cannot go on in the middle, or it is another edition now
                have, digest = 0, hashlib.sha256()
            tag = answer.headers.get("ETag") or answer.headers.get("Last-Modified") or ""
            self.tag.write_text(tag if not tag.startswith("W/") else "", encoding="utf-8")
            length = answer.headers.get("Content-Length")
            expected = have + int(length) if length and length.isdigit() else self.total
            self.total = self.total or expected
            if not have:  # not written over: it may be a model's file, too, under another name
                self.part.unlink(missing_ok=True)
            with open(self.part, "ab") as stream:
                for chunk in _chunks(answer):
                    stream.write(chunk)
                    digest.update(chunk)
                    have += len(chunk)
                    self.on_bytes(have, self.total)
                stream.flush()
                os.fsync(stream.fileno())
        if expected is not None and have < expected:
            raise ConnectionError(f"the connection ended after {have} of {expected} bytes")
        return have, digest

    def _open(self, have: int) -> Any:
        headers = {"User-Agent": "bubo", "Accept-Encoding": "identity", **dict(self.remote.headers)}
        if have:
            headers["Range"] = f"bytes={have}-"
            tag = self.tag.read_text(encoding="utf-8") if self.tag.exists() else ""
            if tag:
                headers["If-Range"] = tag
        opener = urllib.request.build_opener(Redirects)
        try:
            return opener.open(urllib.request.Request(self.remote.url, headers=headers), timeout=TIMEOUT_S)
        except urllib.error.HTTPError as error:
            with error:
                if error.code == 416:  # what is there is longer than the file, so something else
                    self.part.unlink()
                    raise ConnectionError("the part that was there did not fit") from error
                if error.code in (408, 425, 429) or error.code >= 500:
                    raise ConnectionError(f"HTTP {error.code} {error.reason}") from error
                raise refused(self.file, error.code) from error
        except (OSError, HTTPException) as error:
            raise ConnectionError(str(getattr(error, "reason", None) or error)) from error

    def _check(self, have: int, sha256: str) -> None:
        """Hold what came against what was expected; what is wrong is not kept."""
        try:
            _check_known(self.file, have, sha256, self.file.address)
            if self.total is not None and have != self.total:
                raise ModelError(
                    f"{self.file.path} came with {have} bytes from {self.file.address}, "
                    f"expected {self.total}."
                )
            if self.remote.sha256 and sha256 != self.remote.sha256:
                raise ModelError(
                    f"{self.file.path} came with the hash {sha256}, and the hub says {self.remote.sha256}: "
                    "it was damaged on the way. Pull again."
                )
        except ModelError:
            self.part.unlink()
            raise


def _located(file: SourceFile) -> Remote:
    """`locate`, asked again while the hub is busy; a preset has dozens of files."""
    for number in range(TRIES - 1):
        with contextlib.suppress(Busy):
            return locate(file)
        time.sleep(PAUSE_S * 2**number)
    return locate(file)


def _chunks(answer: Any) -> Iterator[bytes]:
    """What an answer brings; its errors are those of the connection, not of the disk."""
    while True:
        try:
            chunk = answer.read(CHUNK_BYTES)
        except (OSError, HTTPException) as error:
            raise ConnectionError(str(error) or type(error).__name__) from error
        if not chunk:
            return
        yield chunk


def _check_known(file: SourceFile, have: int, sha256: str | None, origin: str) -> None:
    if file.bytes is not None and have != file.bytes:
        raise ModelError(
            f"{file.path} from {origin} has {have} bytes, expected {file.bytes}: it is cut short, or "
            "another file."
        )
    if sha256 is not None and file.sha256 is not None and not sha256.startswith(file.sha256):
        raise ModelError(
            f"{file.path} from {origin} has the hash {sha256}, expected {file.sha256}: it is damaged, or "
            "not the file that was published. It is not used."
        )


def _digest(stream: BinaryIO, on_bytes: Callable[[int], None]) -> Any:
    digest, have = hashlib.sha256(), 0
    while chunk := stream.read(CHUNK_BYTES):
        digest.update(chunk)
        have += len(chunk)
        on_bytes(have)
    return digest


def _lock_path(path: Path) -> Path:
    return path.with_name(path.name + ".lock.json")
