"""The database: SQLite in the data folder, or PostgreSQL; brought up to date when it is opened."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.orm import Session

from bubo.errors import InputError, StorageError

__all__ = ["Database", "open_engine", "shown_address", "unusable"]

#: PostgreSQL's name for the lock that one migrating server holds against others.
_MIGRATION_LOCK = 0x6275626F
_BUSY_S = 15


class Database:
    """One open database with the newest tables.

    Args:
        url: SQLAlchemy's address: "sqlite:///path" or "postgresql://user:password@host/name".

    Raises:
        InputError: If the address is none, or of another kind of database.
        StorageError: If the database cannot be reached or brought up to date.
    """

    def __init__(self, url: str):
        self.engine = open_engine(url)
        self._reader = self.engine.execution_options(read_only=True)
        try:
            self._migrate()
        except SQLAlchemyError as error:
            self.engine.dispose()
            raise unusable(self.engine, error) from None
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
                    f"The database {shown_address(self.engine)!r} was written by a newer Bubo "
                    f"({error}): use that version, or another database."
                ) from None


def shown_address(engine: Engine) -> str:
    """The address without its password."""
    return engine.url.render_as_string(hide_password=True)


def unusable(engine: Engine, error: SQLAlchemyError) -> StorageError:
    """What is told of a database that cannot be used."""
    return StorageError(
        f"The database {shown_address(engine)!r} cannot be used: {_reason(error)}. Check its address, "
        "that it runs, and that its user may make tables."
    )


def open_engine(url: str, **options: object) -> Engine:
    """SQLAlchemy's engine of an address.

    Args:
        url: See `Database`.
        options: More for PostgreSQL's driver.

    Raises:
        InputError: If the address is none, or of another kind of database.
        StorageError: If the folder of a SQLite file cannot be made.
    """
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
            address.set(drivername="postgresql+psycopg"),
            pool_size=10,
            max_overflow=20,
            pool_pre_ping=True,
            connect_args=options,
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
