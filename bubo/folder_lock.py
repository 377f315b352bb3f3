"""A folder, or a file, that one process at a time may use."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from bubo.errors import BuboError, StorageError

__all__ = ["file_lock", "folder_lock"]

fcntl: ModuleType | None
try:
    import fcntl
except ImportError:  # Windows: no lock
    fcntl = None

_FILE = ".lock"


@contextlib.contextmanager
def folder_lock(folder: Path, name: str, taken: BuboError, *, mode: int = 0o777) -> Iterator[None]:
    """Keeps other processes out of a folder for the time of the block; it is made where it is missing.

    Args:
        folder: The folder.
        name: What it is called in messages, such as "run folder".
        taken: What is raised if another process holds it.
        mode: Rights of a folder that is made.

    Raises:
        StorageError: If it cannot be made or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=mode)
    except OSError as error:
        raise _unwritable(folder, name, error) from error
    with file_lock(folder / _FILE, name, taken):
        yield


@contextlib.contextmanager
def file_lock(path: Path, name: str, taken: BuboError) -> Iterator[None]:
    """Holds a file that one process at a time can hold; it is made where it is missing, and stays.

    Args:
        path: The file, in a folder that is there.
        name: What that folder is called in messages.
        taken: What is raised if another process holds it.

    Raises:
        StorageError: If it cannot be written.
    """
    try:
        file = path.open("w")
    except OSError as error:
        raise _unwritable(path.parent, name, error) from error
    with file:
        if fcntl is not None:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise taken from None
        yield


def _unwritable(folder: Path, name: str, error: OSError) -> StorageError:
    return StorageError(f"cannot write in the {name} {folder}: {error.strerror or error}")
