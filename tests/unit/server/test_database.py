"""Opening databases: fresh ones, older ones, none at all."""

import threading
import time
from contextlib import contextmanager

import pytest
import serving
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text
from sqlalchemy.engine import make_url

from bubo.errors import InputError, StorageError
from bubo.server.alone import alone_on
from bubo.server.conversations import ConversationStore
from bubo.server.database import Database, open_engine
from bubo.server.settings import Limits
from bubo.server.tables import Table

TABLES = {"conversations", "database", "messages", "media", "message_media", "alembic_version"}


def test_a_fresh_database_has_the_tables_that_the_code_has(database):
    assert set(inspect(database.engine).get_table_names()) == TABLES
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Table.metadata) == []


def test_an_older_database_is_brought_up_to_date_and_keeps_its_rows(database_url):
    engine = open_engine(database_url)
    config = Config()
    config.set_main_option("script_location", "bubo.server:migrations")
    config.set_main_option("path_separator", "os")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    assert "kept" not in {column["name"] for column in inspect(engine).get_columns("media")}
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO media (id, owner, kind, name, content_type, bytes, created) "
                "VALUES ('m1', 'o', 'picture', 'old', 'image/png', 7, 1.5)"
            )
        )
        connection.execute(
            text(
                "INSERT INTO conversations (id, owner, title, renamed, created, updated) "
                "VALUES ('c1', 'o', 'Ünïcode', :no, 1.0, 2.0)"
            ),
            {"no": False},
        )
    engine.dispose()
    newer = Database(database_url)
    with newer.engine.connect() as connection:
        assert connection.execute(text("SELECT name, kept FROM media")).all() == [("old", True)]
    assert [one.title for one in ConversationStore(newer, Limits()).list("o")] == ["Ünïcode"]
    newer.close()


def test_one_server_at_a_time_uses_a_postgresql_database(postgres, monkeypatch):
    monkeypatch.setattr("bubo.server.alone._TAKEN_S", 0.3)
    with serving.empty_database(postgres) as url, serving.empty_database(postgres) as other:
        with alone_on(url), alone_on(other):
            with pytest.raises(InputError, match="Another server uses the database"), alone_on(url):
                pass
            Database(url).close()  # what is no server may open it
        with alone_on(url):  # the first one has ended
            pass


@contextmanager
def _away(postgres, url):
    """Nobody is connected to the database, and nobody can connect, as while PostgreSQL starts anew."""
    name = make_url(url).database
    admin = open_engine(postgres).execution_options(isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false"))
        end = text("SELECT pg_terminate_backend(pid, 30000) FROM pg_stat_activity WHERE datname = :name")
        connection.execute(end, {"name": name})
        yield
        connection.execute(text(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true"))
    admin.dispose()


def _wait_until_held(postgres, url):
    held = text(
        "SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database "
        "WHERE locktype = 'advisory' AND datname = :name"
    )
    admin, until = open_engine(postgres), time.monotonic() + 30
    with admin.connect() as connection:
        while not connection.scalar(held, {"name": make_url(url).database}):
            assert time.monotonic() < until, "it is not held again"
            time.sleep(0.02)
    admin.dispose()


def test_a_database_that_was_away_is_held_again(postgres, monkeypatch):
    monkeypatch.setattr("bubo.server.alone._TAKEN_S", 0.0)
    monkeypatch.setattr("bubo.server.alone._LOOK_S", 0.02)
    with serving.empty_database(postgres) as url, alone_on(url, taken=lambda: pytest.fail("nobody has it")):
        for away_s in (0.0, 0.5):  # for less and for more than a look
            with _away(postgres, url):
                time.sleep(away_s)
            _wait_until_held(postgres, url)
            with pytest.raises(InputError, match="Another server uses the database"), alone_on(url):
                pass


def test_who_lost_the_database_to_another_is_told(postgres, monkeypatch):
    monkeypatch.setattr("bubo.server.alone._LOOK_S", 4.0)  # it does not look before the other has come
    monkeypatch.setattr("bubo.server.alone._DEAD_S", 0.0)
    lost, kept = threading.Event(), threading.Event()
    with serving.empty_database(postgres) as url, alone_on(url, taken=lost.set):
        with _away(postgres, url):
            pass
        with alone_on(url, taken=kept.set):
            monkeypatch.setattr("bubo.server.alone._LOOK_S", 0.05)
            assert lost.wait(30)
            assert not kept.is_set()


def test_a_database_of_a_newer_version_is_refused(database_url):
    Database(database_url).close()
    engine = open_engine(database_url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0099'"))
    engine.dispose()
    with pytest.raises(StorageError, match="was written by a newer Bubo .*0099.*: use that version"):
        Database(database_url)


def test_one_server_at_a_time_uses_a_sqlite_file(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "files")
    urls = [
        f"sqlite:///{tmp_path / name}" for name in ("files/a.sqlite3", "link/a.sqlite3", "files/b.sqlite3")
    ]
    with alone_on(urls[0]), alone_on(urls[2]):
        for url in urls[:2]:
            with pytest.raises(InputError, match="Another server uses the database"), alone_on(url):
                pass
        Database(urls[0]).close()  # what is no server may open it
    with alone_on(urls[1]):  # the first one has ended
        pass


def test_who_would_be_alone_on_a_database_that_is_away_is_told():
    with pytest.raises(StorageError, match="cannot be used"), alone_on("postgresql://x:y@127.0.0.1:9/none"):
        pass


def test_opening_again_changes_nothing(database_url):
    first = Database(database_url)
    made = ConversationStore(first, Limits()).create("o", "kept")
    first.close()
    second = Database(database_url)
    assert ConversationStore(second, Limits()).get("o", made.id) == made
    assert second.answers()
    second.close()


def test_many_writers_at_once_lose_nothing(database):
    store = ConversationStore(database, Limits(turns=1000))
    talk = store.create("o")
    failures = []

    def write():
        try:
            for _ in range(8):
                question = store.add_question("o", talk.id, parent=None, text="?")
                answer = store.add_answer("o", talk.id, parent=question.id, run_id="r", model="m")
                store.update_answer(answer.id, text="x", status="complete")
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=write) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    messages = store.messages("o", talk.id)
    assert len(messages) == 2 * 6 * 8
    assert {m.status for m in messages} == {"complete"}


@pytest.mark.parametrize(
    ("url", "error", "words"),
    [
        ("nonsense", InputError, "cannot be read"),
        ("mysql://u:p@h/d", InputError, "SQLite or PostgreSQL"),
        ("sqlite://", InputError, "needs a file"),
        ("postgresql://bubo:secret@127.0.0.1:1/none", StorageError, "cannot be used"),
    ],
)
def test_addresses_that_cannot_be_opened(url, error, words):
    with pytest.raises(error, match=words) as caught:
        Database(url)
    assert "secret" not in str(caught.value)


def test_a_damaged_file_is_no_database(tmp_path):
    (tmp_path / "x.db").write_bytes(b"this is no database" * 100)
    with pytest.raises(StorageError, match="cannot be used"):
        Database(f"sqlite:///{tmp_path / 'x.db'}")
