"""A folder that one process at a time may use."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from bubo.errors import BuboError, StorageError

__all__ = ["folder_lock"]

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
        file = (folder / _FILE).open("w")
    except OSError as error:
        raise StorageError(f"cannot write in the {name} {folder}: {error.strerror or error}") from error
    with file:
        if fcntl is not None:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise taken from None
        yield
