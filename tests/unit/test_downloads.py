"""Downloads against a server on this machine that breaks off, lies and refuses."""

import errno
import hashlib
import os

import pytest
from scripted_server import ScriptedServer

from bubo import downloads
from bubo.downloads import NotReachable, NotThere, fetch, locked, models_home, verify
from bubo.errors import ModelError, StorageError
from bubo.presets import SourceFile

BODY = bytes(range(256)) * 40
HASH = hashlib.sha256(BODY).hexdigest()
LICENCE = {"licence": "free", "licence_url": "https://example.org"}


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(downloads, "PAUSE_S", 0.0)
    monkeypatch.setattr(downloads, "CHUNK_BYTES", 1000)


@pytest.fixture
def server():
    scripted = ScriptedServer()
    yield scripted
    scripted.close()


@pytest.fixture
def hub(server, monkeypatch):
    """The server as the hub; the tests' environment switches the real one off."""
    monkeypatch.setenv("HF_ENDPOINT", server.url)
    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setenv("HF_TOKEN", "secret")
    return server


def at(server, **known):
    return SourceFile(path="model.pth", url=f"{server.url}/model.pth", **LICENCE, **known)


def on_hub(**known):
    return SourceFile(path="model.pth", repo="owner/name", **LICENCE, **known)


HUB_PATH = "/owner/name/resolve/main/model.pth"


def test_a_file_comes_whole_and_is_locked(server, tmp_path):
    server.put("/model.pth", BODY)
    told = []
    lock = fetch(
        at(server, bytes=len(BODY), sha256=HASH), tmp_path / "a" / "model.pth", lambda *x: told.append(x)
    )
    assert (tmp_path / "a" / "model.pth").read_bytes() == BODY
    assert (lock.bytes, lock.sha256, lock.verified) == (len(BODY), HASH, "preset")
    assert told[-1] == (len(BODY), len(BODY)) and len(told) > 5
    assert sorted(os.listdir(tmp_path / "a")) == ["model.pth", "model.pth.lock.json"]
    again = fetch(at(server, bytes=len(BODY), sha256=HASH), tmp_path / "a" / "model.pth")
    assert again == lock
    assert len(server.gets()) == 1  # the second time nothing is asked


def test_without_a_published_hash_the_one_that_came_is_recorded(server, tmp_path):
    server.put("/model.pth", BODY)
    lock = fetch(at(server), tmp_path / "model.pth")
    assert (lock.sha256, lock.verified) == (HASH, "size only")
    assert locked(tmp_path / "model.pth") == lock


def test_a_broken_connection_is_resumed_within_one_call(server, tmp_path):
    server.put("/model.pth", BODY, cuts=[3000, 2500])
    fetch(at(server, sha256=HASH), tmp_path / "model.pth")
    assert (tmp_path / "model.pth").read_bytes() == BODY
    assert server.gets() == [None, "bytes=3000-", "bytes=5500-"]


def test_a_connection_that_never_holds_ends_with_what_has_come(server, tmp_path):
    server.put("/model.pth", BODY, cuts=[4000] + [0] * 20)
    with pytest.raises(NotReachable, match="127.0.0.1.* cannot be reached"):
        fetch(at(server, sha256=HASH), tmp_path / "model.pth")
    assert not (tmp_path / "model.pth").exists()
    assert (tmp_path / "model.pth.part").stat().st_size == 4000
    server.files["/model.pth"].cuts.clear()
    fetch(at(server, sha256=HASH), tmp_path / "model.pth")
    assert (tmp_path / "model.pth").read_bytes() == BODY
    assert server.gets()[-1] == "bytes=4000-"
    assert sorted(os.listdir(tmp_path)) == ["model.pth", "model.pth.lock.json"]


def test_a_killed_download_leaves_nothing_that_looks_finished(server, tmp_path):
    server.put("/model.pth", BODY)

    def die(have, total):
        if have > 5000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(at(server, sha256=HASH), tmp_path / "model.pth", die)
    assert not (tmp_path / "model.pth").exists()
    assert locked(tmp_path / "model.pth") is None
    fetch(at(server, sha256=HASH), tmp_path / "model.pth")
    assert (tmp_path / "model.pth").read_bytes() == BODY
    assert server.gets()[1].startswith("bytes=")


def test_a_server_that_cannot_go_on_starts_anew(server, tmp_path):
    server.put("/model.pth", BODY, cuts=[3000], ranges=False)
    fetch(at(server, sha256=HASH), tmp_path / "model.pth")
    assert (tmp_path / "model.pth").read_bytes() == BODY


def test_a_file_that_changed_meanwhile_is_not_pieced_together(server, tmp_path):
    server.put("/model.pth", b"old" * 2000, cuts=[3000] + [0] * 20)
    with pytest.raises(NotReachable):
        fetch(at(server), tmp_path / "model.pth")
    server.put("/model.pth", BODY, etag='"two"')
    fetch(at(server), tmp_path / "model.pth")
    assert (tmp_path / "model.pth").read_bytes() == BODY


def test_a_part_longer_than_the_file_is_thrown_away(server, tmp_path):
    server.put("/model.pth", BODY)
    (tmp_path / "model.pth.part").write_bytes(BODY + b"more")
    fetch(at(server), tmp_path / "model.pth")
    assert (tmp_path / "model.pth").read_bytes() == BODY


@pytest.mark.parametrize(
    ("known", "message"),
    [
        ({"sha256": "0" * 64}, "has the hash .*, expected 0000"),
        ({"sha256": "0" * 16}, "has the hash .*, expected 0000"),
        ({"bytes": len(BODY) + 5}, f"has {len(BODY)} bytes, expected {len(BODY) + 5}"),
        ({"bytes": len(BODY) - 5}, "bytes, expected"),
    ],
)
def test_what_was_not_published_is_not_kept(server, tmp_path, known, message):
    server.put("/model.pth", BODY)
    with pytest.raises(ModelError, match=message):
        fetch(at(server, **known), tmp_path / "model.pth")
    assert not (tmp_path / "model.pth").exists()
    assert not (tmp_path / "model.pth.part").exists()


def test_the_beginning_of_a_hash_is_held_against_it(server, tmp_path):
    server.put("/model.pth", BODY)
    assert fetch(at(server, sha256=HASH[:16]), tmp_path / "model.pth").verified == "preset"


def test_a_busy_server_is_asked_again(server, tmp_path):
    server.put("/model.pth", BODY, status=503, times=2)
    fetch(at(server), tmp_path / "model.pth")
    assert len(server.gets()) == 3


def test_no_such_file_and_no_such_server(server, tmp_path):
    with pytest.raises(NotThere, match="no file at http.*--from FOLDER"):
        fetch(at(server), tmp_path / "model.pth")
    server.put("/model.pth", BODY, status=418)
    with pytest.raises(ModelError, match="refuses .*HTTP 418"):
        fetch(at(server), tmp_path / "model.pth")
    file = SourceFile(path="model.pth", url="http://127.0.0.1:9/model.pth", **LICENCE)
    with pytest.raises(NotReachable, match="127.0.0.1:9 cannot be reached"):
        fetch(file, tmp_path / "model.pth")
    with pytest.raises(ModelError, match="published nowhere"):
        fetch(SourceFile(path="model.pth", **LICENCE), tmp_path / "model.pth")
    assert os.listdir(tmp_path) == []


def test_the_hub_tells_size_and_hash(hub, tmp_path):
    hub.put(HUB_PATH, BODY)
    lock = fetch(on_hub(), tmp_path / "model.pth")
    assert (lock.sha256, lock.verified) == (HASH, "hub")
    assert {key for _, _, _, key in hub.asked} == {"Bearer secret"}


def test_the_hub_may_send_elsewhere_and_only_the_hub_sees_the_token(hub, tmp_path):
    other = ScriptedServer()
    other.put("/storage", BODY, cuts=[3000])
    hub.put(HUB_PATH, BODY, location=f"{other.url}/storage")
    try:
        lock = fetch(on_hub(), tmp_path / "model.pth")
    finally:
        other.close()
    assert (lock.sha256, lock.verified) == (HASH, "hub")
    assert {key for _, _, _, key in hub.asked} == {"Bearer secret"}
    assert [(part, key) for _, _, part, key in other.asked] == [(None, None), ("bytes=3000-", None)]
    assert len(hub.asked) == 2  # asked again where the file is after the connection broke


def test_a_hash_other_than_the_hubs_is_an_error(hub, tmp_path):
    hub.put(HUB_PATH, BODY, claimed="1" * 64)
    with pytest.raises(ModelError, match="the hub says 1111"):
        fetch(on_hub(), tmp_path / "model.pth")
    assert not (tmp_path / "model.pth.part").exists()


def test_a_file_replaced_on_the_hub_is_not_fetched(hub, tmp_path):
    hub.put(HUB_PATH, BODY)
    with pytest.raises(ModelError, match="it was replaced there"):
        fetch(on_hub(bytes=3), tmp_path / "model.pth")
    assert hub.gets() == []


@pytest.mark.parametrize(
    ("status", "error", "message"),
    [
        (403, "GatedRepo", r"does not let you have model.pth .*accept its terms on .*owner/name.*HF_TOKEN"),
        (401, "RepoNotFound", "does not let you have"),
        (403, "", "does not let you have"),
        (404, "EntryNotFound", "There is no file at"),
        (404, "RevisionNotFound", "has no revision 'main'"),
        (503, "", "HTTP 503"),
    ],
)
def test_refusals_of_the_hub(hub, tmp_path, status, error, message):
    hub.put(HUB_PATH, BODY, status=status, error=error)
    with pytest.raises(ModelError, match=message):
        fetch(on_hub(gated=True), tmp_path / "model.pth")


def test_a_busy_hub_is_asked_again(hub, tmp_path):
    hub.put(HUB_PATH, BODY, status=429, times=2)
    fetch(on_hub(), tmp_path / "model.pth")
    assert [method for method, *_ in hub.asked] == ["HEAD", "HEAD", "HEAD", "GET"]


def test_the_hub_switched_off_or_away(hub, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(NotReachable, match="HF_HUB_OFFLINE is set"):
        fetch(on_hub(), tmp_path / "model.pth")
    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(NotReachable, match="127.0.0.1:9 cannot be reached"):
        fetch(on_hub(), tmp_path / "model.pth")


def test_another_edition_replaces_an_older_one(server, tmp_path):
    server.put("/model.pth", b"old")
    fetch(at(server), tmp_path / "model.pth")
    server.put("/model.pth", BODY)
    fetch(at(server, sha256=HASH), tmp_path / "model.pth")
    assert (tmp_path / "model.pth").read_bytes() == BODY


def test_a_web_page_is_not_taken_for_a_file(server, tmp_path):
    server.put("/model.pth", b"<html>Log in first</html>", kind="text/html; charset=utf-8")
    with pytest.raises(ModelError, match=r"127.0.0.1.* sends a web page instead of model.pth"):
        fetch(at(server), tmp_path / "model.pth")
    assert not list(tmp_path.iterdir())
    server.put("/model.pth", BODY)
    fetch(at(server), tmp_path / "model.pth")
    assert (tmp_path / "model.pth").read_bytes() == BODY


def test_a_file_from_elsewhere_is_not_taken_for_one_of_its_name(server, tmp_path):
    server.put("/model.pth", b"one")
    server.put("/other/model.pth", b"another")
    fetch(at(server), tmp_path / "model.pth")
    other = SourceFile(
        path="model.pth", url=f"{server.url}/other/model.pth", licence="free", licence_url="https://x"
    )
    fetch(other, tmp_path / "model.pth")
    assert (tmp_path / "model.pth").read_bytes() == b"another"


def test_a_model_that_shares_a_download_is_not_written_over(server, tmp_path):
    server.put("/model.pth", b"the first edition")
    fetch(at(server), tmp_path / "model.pth")
    os.link(tmp_path / "model.pth", tmp_path / "placed.pth")
    (tmp_path / "model.pth.lock.json").unlink()
    server.put("/model.pth", b"newer", ranges=False)
    fetch(at(server), tmp_path / "model.pth")
    assert (tmp_path / "placed.pth").read_bytes() == b"the first edition"


def test_a_file_without_a_lock_is_verified_before_it_counts(server, tmp_path):
    server.put("/model.pth", BODY)
    (tmp_path / "model.pth").write_bytes(BODY[:-1])
    assert locked(tmp_path / "model.pth") is None
    fetch(at(server, bytes=len(BODY), sha256=HASH), tmp_path / "model.pth")
    assert server.gets() == [f"bytes={len(BODY) - 1}-"]
    (tmp_path / "model.pth").write_bytes(BODY[:-1])  # cut short later
    assert locked(tmp_path / "model.pth") is None


def test_a_full_disk_keeps_what_came(server, tmp_path, monkeypatch):
    server.put("/model.pth", BODY)

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(downloads.os, "fsync", full)
    with pytest.raises(StorageError, match="No space left.*BUBO_HOME"):
        fetch(at(server), tmp_path / "model.pth")
    assert not (tmp_path / "model.pth").exists()
    assert (tmp_path / "model.pth.part").exists()


def test_files_that_the_user_brings_are_verified(tmp_path):
    path = tmp_path / "model.pth"
    path.write_bytes(BODY)
    file = SourceFile(path="model.pth", repo="owner/name", bytes=len(BODY), sha256=HASH, **LICENCE)
    assert verify(file, path).verified == "preset"
    path.write_bytes(BODY[:-1])
    with pytest.raises(ModelError, match="cut short, or another file"):
        verify(file, path)
    path.write_bytes(BODY[:-1] + b"?")
    with pytest.raises(ModelError, match="It is not used"):
        verify(file, path)
    with pytest.raises(ModelError, match="Cannot read"):
        verify(file, tmp_path / "missing")


def test_the_models_home(home, monkeypatch):
    monkeypatch.delenv("BUBO_HOME", raising=False)
    assert models_home() == home / ".cache" / "bubo" / "models"
    monkeypatch.setenv("BUBO_HOME", "~/elsewhere")
    assert models_home() == home / "elsewhere"
