"""The database: SQLite in the data folder, or PostgreSQL; brought up to date when it is opened."""

import contextlib
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.orm import Session

from bubo.errors import InputError, StorageError
from bubo.folder_lock import file_lock

__all__ = ["Database", "alone_on"]

#: PostgreSQL's name for the lock that one migrating server holds against others.
_MIGRATION_LOCK = 0x6275626F
#: And for the one that a running server holds.
_SERVER_LOCK = 0x6275626E
#: A server that was killed a moment ago may still hold it.
_TAKEN_S = 3.0
_BUSY_S = 15
#: How often a server looks whether it still holds it.
_LOOK_S = 2.0
_log = logging.getLogger(__name__)


class Database:
    """One open database with the newest tables.

    Args:
        url: SQLAlchemy's address: "sqlite:///path" or "postgresql://user:password@host/name".

    Raises:
        InputError: If the address is none, or of another kind of database.
        StorageError: If the database cannot be reached or brought up to date.
    """

    def __init__(self, url: str):
        self.engine = _open(url)
        self._reader = self.engine.execution_options(read_only=True)
        try:
            self._migrate()
        except SQLAlchemyError as error:
            self.engine.dispose()
            raise _unusable(self.engine, error) from None
        except StorageError:
            self.engine.dispose()
            raise

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A transaction that may change things: committed at the end, undone when anything is raised."""
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A transaction that only reads, and waits for no writer."""
        with Session(self._reader, expire_on_commit=False) as session, session.begin():
            yield session

    def answers(self) -> bool:
        """Whether the database can be reached now."""
        try:
            with self.engine.connect() as connection:
                connection.execute(text("SELECT 1"))
        except SQLAlchemyError:
            return False
        return True

    def close(self) -> None:
        """Closes all connections."""
        self.engine.dispose()

    def _migrate(self) -> None:
        from alembic import command
        from alembic.config import Config
        from alembic.util import CommandError

        config = Config()
        config.set_main_option("script_location", "bubo.server:migrations")
        config.set_main_option("path_separator", "os")
        with self.engine.begin() as connection:
            if self.engine.dialect.name == "postgresql":  # two servers may start at once
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
            config.attributes["connection"] = connection
            try:
                command.upgrade(config, "head")
            except CommandError as error:  # its tables are of a version that this one does not know
                raise StorageError(
                    f"The database {_shown(self.engine)!r} was written by a newer Bubo ({error}): use that "
                    "version, or another database."
                ) from None


@contextmanager
def alone_on(url: str, taken: Callable[[], None] | None = None) -> Iterator[None]:
    """Keeps other servers off a database: one that starts marks unfinished answers as cut off.

    Args:
        url: Its address.
        taken: Called if another server took it while the database was away; otherwise this process is ended.

    Raises:
        InputError: If another server uses it.
        StorageError: If it cannot be reached, or of SQLite its folder cannot be written.
    """
    engine = _open(url)
    other = InputError(
        f"Another server uses the database {_shown(engine)!r}: use that one, end it first, or give this "
        "one a database of its own."
    )
    try:
        if engine.dialect.name != "postgresql":
            path = Path(str(engine.url.database)).resolve()  # by whatever name it is called
            with file_lock(path.with_name(f".{path.name}.lock"), "folder of the database", other):
                yield
            return
        with contextlib.ExitStack() as kept:
            connection = kept.enter_context(_reached(engine))
            until = time.monotonic() + _TAKEN_S
            while not _lock(connection):
                if time.monotonic() > until:
                    raise other
                time.sleep(0.1)
            kept.enter_context(_kept(engine, connection, taken or _end_process))
            yield
    finally:
        engine.dispose()


@contextmanager
def _kept(engine: Engine, connection: Connection, taken: Callable[[], None]) -> Iterator[None]:
    """Takes the lock again after the database was away, which had then forgotten it.

    Args:
        engine: The database.
        connection: The one that holds the lock.
        taken: Called when another server has it by then.
    """
    over = threading.Event()

    def watch(connection: Connection) -> None:
        while not over.wait(_LOOK_S):
            try:
                connection.execute(text("SELECT 1"))
                continue
            except SQLAlchemyError:
                connection.invalidate()
            with contextlib.suppress(SQLAlchemyError):  # it is still away
                connection.rollback()
                if not _lock(connection):
                    _log.critical("Another server uses the database by now: this one ends.")
                    taken()
                    return

    watching = threading.Thread(target=watch, args=(connection,), name="database lock", daemon=True)
    watching.start()
    try:
        yield
    finally:
        over.set()
        watching.join(2 * _LOOK_S)


def _lock(connection: Connection) -> bool:
    found = connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": _SERVER_LOCK})
    return bool(found)


def _end_process() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


@contextmanager
def _reached(engine: Engine) -> Iterator[Connection]:
    try:
        connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    except SQLAlchemyError as error:
        raise _unusable(engine, error) from None
    with connection:
        yield connection


def _shown(engine: Engine) -> str:
    """The address without its password."""
    return engine.url.render_as_string(hide_password=True)


def _unusable(engine: Engine, error: SQLAlchemyError) -> StorageError:
    return StorageError(
        f"The database {_shown(engine)!r} cannot be used: {_reason(error)}. Check its address, "
        "that it runs, and that its user may make tables."
    )


def _open(url: str) -> Engine:
    try:
        address = make_url(url)
    except ArgumentError:
        raise InputError(
            "The database's address cannot be read; expected one such as sqlite:////folder/bubo.sqlite3 or "
            "postgresql://user:password@host/name."
        ) from None
    kind = address.get_backend_name()
    if kind == "postgresql":
        _require_psycopg()
        return create_engine(
            address.set(drivername="postgresql+psycopg"), pool_size=10, max_overflow=20, pool_pre_ping=True
        )
    if kind != "sqlite":
        raise InputError(f"The database must be SQLite or PostgreSQL, but the address names {kind!r}.")
    if not address.database or address.database == ":memory:":
        raise InputError("A SQLite database needs a file: sqlite:////folder/bubo.sqlite3.")
    try:
        Path(address.database).parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"The folder of the database cannot be made: {error.strerror}.") from None
    engine = create_engine(address, connect_args={"timeout": _BUSY_S, "check_same_thread": False})
    _prepare_sqlite(engine)
    return engine


def _prepare_sqlite(engine: Engine) -> None:
    """Readers beside a writer, foreign keys, text in any case, and transactions that begin when they should.

    Python's sqlite3 begins a transaction only before the first change; here every one begins at once, and one
    that may write takes the writer's place at once, so that none fails halfway for being second.
    """

    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, _: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for line in ("journal_mode=WAL", "foreign_keys=ON", "synchronous=FULL"):
            cursor.execute(f"PRAGMA {line}")
        cursor.close()
        connection.create_function("lower", 1, _lower, deterministic=True)  # SQLite's own knows only A to Z

    @event.listens_for(engine, "begin")
    def on_begin(connection: Any) -> None:
        reads = connection.get_execution_options().get("read_only", False)
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def _require_psycopg() -> None:
    from importlib.util import find_spec

    from bubo.errors import MissingPackageError

    if find_spec("psycopg") is None:
        raise MissingPackageError("psycopg", "postgres", "a PostgreSQL database")


def _reason(error: SQLAlchemyError) -> str:
    return " ".join(str(getattr(error, "orig", None) or error).split())[:300]
