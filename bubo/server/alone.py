"""One server at a time on a database: one that starts marks unfinished answers as cut off."""

import contextlib
import logging
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from bubo.errors import InputError
from bubo.folder_lock import file_lock
from bubo.server.database import open_engine, shown_address, unusable

__all__ = ["alone_on"]

#: PostgreSQL's name for the lock that a running server holds.
_LOCK = 0x6275626E
#: A server that was killed a moment ago may still hold it.
_TAKEN_S = 3.0
#: How often a server looks whether it still holds it.
_LOOK_S = 2.0
#: After the network was cut, PostgreSQL takes some time to see that a connection is dead, and its lock free.
_DEAD_S = 40.0
_END_S = 3.0
_OPTIONS = {"connect_timeout": 5, "tcp_user_timeout": 10_000}
#: Asked for by the connection that holds the lock; as options of a connection, poolers refuse it.
_ALIVE = "SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3"
_log = logging.getLogger(__name__)


@contextmanager
def alone_on(url: str, taken: Callable[[], None] | None = None) -> Iterator[None]:
    """Keeps other servers off a database for the time of the block.

    Args:
        url: Its address.
        taken: Called if another server took it while the database was away; otherwise this process is ended.

    Raises:
        InputError: If another server uses it.
        StorageError: If it cannot be reached, or of SQLite its folder cannot be written.
    """
    engine = open_engine(url, **_OPTIONS)
    other = InputError(
        f"Another server uses the database {shown_address(engine)!r}: use that one, end it first, or give "
        "this one a database of its own."
    )
    try:
        if engine.dialect.name != "postgresql":
            path = Path(str(engine.url.database)).resolve()  # by whatever name it is called
            with file_lock(path.with_name(f".{path.name}.lock"), "folder of the database", other):
                yield
            return
        lock = _ServerLock(lambda: engine.connect().execution_options(isolation_level="AUTOCOMMIT"))
        until = time.monotonic() + _TAKEN_S
        try:
            while not lock.take():
                if time.monotonic() > until:
                    raise other
                time.sleep(0.1)
        except SQLAlchemyError as error:
            raise unusable(engine, error) from None
        with lock.kept(taken or _end_server):
            yield
    finally:
        engine.dispose()


class _ServerLock:
    """An advisory lock of PostgreSQL, which is forgotten with the connection that took it.

    Args:
        connect: Opens a connection.
    """

    def __init__(self, connect: Callable[[], Connection]):
        self._connect = connect
        self._connection: Connection | None = None

    def take(self) -> bool:
        """Takes the lock; False if somebody else has it.

        Raises:
            SQLAlchemyError: If the database cannot be reached.
        """
        self.drop()
        self._connection = self._connect()
        taken = False
        try:
            self._connection.execute(text(_ALIVE))
            taken = bool(self._connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": _LOCK}))
        finally:
            if not taken:
                self.drop()
        return taken

    def drop(self) -> None:
        """Closes the connection."""
        if self._connection is not None:
            with contextlib.suppress(SQLAlchemyError):
                self._connection.invalidate()  # not one for others: the lock goes with it
                self._connection.close()
        self._connection = None

    @contextmanager
    def kept(self, taken: Callable[[], None]) -> Iterator[None]:
        """Takes it again after the database was away, for the time of the block.

        Args:
            taken: Called when somebody else has it by then.
        """
        over = threading.Event()
        watching = threading.Thread(target=self._watch, args=(over, taken), name="server lock", daemon=True)
        watching.start()
        try:
            yield
        finally:
            over.set()
            watching.join(_END_S)
            if not watching.is_alive():  # else it waits for a database that hangs
                self.drop()

    def _watch(self, over: threading.Event, taken: Callable[[], None]) -> None:
        refused_at: float | None = None
        while not over.wait(_LOOK_S):
            try:
                if self._connection is not None:
                    self._connection.execute(text("SELECT 1"))
                elif self.take():
                    refused_at = None
                    _log.warning("The database was away; this server holds it again.")
                else:
                    refused_at = refused_at or time.monotonic()
            except SQLAlchemyError:
                self.drop()
            if refused_at is not None and time.monotonic() - refused_at > _DEAD_S:
                _log.critical("Another server uses the database by now: this one ends.")
                taken()
                return


def _end_server() -> None:
    signal.raise_signal(signal.SIGTERM)
