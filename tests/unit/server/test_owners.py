"""Who asks: cookies that cannot be forged, keys, tokens, users, and switching between them."""

import json
import stat

import pytest
import serving

from bubo.errors import InputError, StorageError
from bubo.server.cookies import Signer
from bubo.server.users import UserList

TOKEN = "a-token-of-twenty-signs"


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch):
    """Hashes that take a millisecond."""
    monkeypatch.setattr("bubo.server.users._COST", {"n": 2**4, "r": 8, "p": 1})


@pytest.fixture
def token_app(tmp_path):
    return serving.make_app(tmp_path / "data", auth="token", token=TOKEN)


@pytest.fixture
def users_app(tmp_path):
    users = UserList(tmp_path / "data" / "users.json")
    keys = {name: users.add(name, f"password of {name}") for name in ("ana", "ben")}
    return serving.make_app(tmp_path / "data", auth="users"), keys


def test_the_signing_key_is_secret_and_stays(tmp_path):
    path = tmp_path / "data" / "session.key"
    words = Signer.of_file(path).write(["none", "x"])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o644)
    assert Signer.of_file(path).read(words) == ["none", "x"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.write_bytes(b"short")
    with pytest.raises(StorageError, match="damaged"):
        Signer.of_file(path)


def test_only_what_was_signed_is_read(tmp_path):
    signer = Signer(b"k" * 32)
    value = signer.write(["users", "ana", "stamp"])
    text, _, signature = value.partition(".")
    forged = [
        "", ".", "x", text, f"{text}.", f"{text}.{'0' * 64}", f"{text[:-1]}.{signature}", f"{value}0",
        Signer(b"j" * 32).write(["users", "ana", "stamp"]), "é.é", "a" * 5000, f".{signature}",
    ]  # fmt: skip
    assert signer.read(value) == ["users", "ana", "stamp"]
    assert [signer.read(one) for one in forged] == [None] * len(forged)


def test_a_newcomer_gets_a_cookie_that_scripts_cannot_read(app):
    client = serving.TestClient(app)
    assert client.get("/api/conversations").status_code == 401
    answer = client.get("/api/session")
    about = answer.headers["set-cookie"].lower()
    assert "httponly" in about
    assert "samesite=lax" in about
    assert "path=/" in about
    assert "secure" not in about
    said = answer.json()
    assert (said["auth"], said["signed_in"], said["name"]) == ("none", True, "")
    assert said["model"] == {"id": "scripted", "state": "ready", "message": "", "languages": []}
    assert client.get("/ready").json() == {"ready": True, "model": said["model"], "database": True}
    assert said["limits"]["body_bytes"] == 25_000_000
    assert client.get("/api/conversations").status_code == 200
    assert client.get("/api/session").headers["set-cookie"].lower() == about  # the same, for another year


def test_a_newcomer_is_told_which_languages_the_model_understands(app):
    app.state.services.engine.languages = ("en", "es")
    assert serving.TestClient(app).get("/api/session").json()["model"]["languages"] == ["en", "es"]


def test_over_https_the_cookie_is_secure(app, tmp_path):
    client = serving.TestClient(app, base_url="https://testserver")
    assert "secure" in client.get("/api/session").headers["set-cookie"].lower()
    behind = serving.make_app(tmp_path / "behind", https=True)
    assert "secure" in serving.TestClient(behind).get("/api/session").headers["set-cookie"].lower()


def test_a_session_survives_a_restart(app, tmp_path):
    with serving.visitor(app) as client:
        made = client.post("/api/conversations", json={"title": "kept"}).json()
        cookies = dict(client.cookies)
    again = serving.TestClient(serving.make_app(tmp_path / "data"), cookies=cookies)
    assert again.get(f"/api/conversations/{made['id']}").json()["title"] == "kept"


def test_servers_on_one_machine_leave_each_others_cookies_alone(app, tmp_path):
    here = serving.visitor(app)
    made = here.post("/api/conversations", json={}).json()
    there = serving.TestClient(serving.make_app(tmp_path / "other"), cookies=dict(here.cookies))
    assert there.get("/api/session").json()["signed_in"]
    both = {**here.cookies, **there.cookies}
    assert len(both) == 2
    again = serving.TestClient(app, cookies=both)
    assert again.get(f"/api/conversations/{made['id']}").status_code == 200
    (kept,) = again.get("/api/session").cookies.items()
    assert kept in both.items()


def test_the_shared_token_lets_in(token_app):
    client = serving.visitor(token_app)
    assert client.get("/api/session").json()["signed_in"] is False
    assert client.get("/api/conversations").status_code == 401
    for wrong in ({"token": "wrong"}, {"token": ""}, {}):
        refused = client.post(
            "/api/session", content=json.dumps(wrong), headers={"Content-Type": "application/json"}
        )
        assert refused.status_code == 401, wrong
        assert refused.json()["error"]["type"] == "authentication_error"
    assert client.post("/api/session", json={"token": TOKEN}).status_code == 204
    assert client.get("/api/session").json()["signed_in"] is True
    made = client.post("/api/conversations", json={}).json()
    other = serving.visitor(token_app)
    other.post("/api/session", json={"token": TOKEN})
    assert other.get(f"/api/conversations/{made['id']}").status_code == 404  # one token, but each its own
    assert client.delete("/api/session").status_code == 204
    assert client.get("/api/conversations").status_code == 401


def test_the_token_is_the_key_of_programs(token_app):
    client = serving.TestClient(token_app)
    assert client.get("/v1/models").status_code == 401
    assert client.get("/v1/models", headers={"Authorization": "Bearer wrong"}).status_code == 401
    assert client.get("/v1/models", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
    client.post("/api/session", json={"token": TOKEN})
    assert client.get("/v1/models").status_code == 401  # cookies are not looked at there


def test_another_token_makes_old_cookies_worthless(token_app, tmp_path):
    client = serving.visitor(token_app)
    client.post("/api/session", json={"token": TOKEN})
    changed = serving.make_app(tmp_path / "data", auth="token", token=TOKEN + "2")
    assert serving.TestClient(changed, cookies=client.cookies).get("/api/conversations").status_code == 401
    opened = serving.make_app(tmp_path / "data")
    assert serving.TestClient(opened, cookies=client.cookies).get("/api/conversations").status_code == 401


def test_users_sign_in_with_their_passwords(users_app, tmp_path):
    app, keys = users_app
    client = serving.visitor(app)
    for name, password in (("ana", "wrong"), ("zoe", "password of ana"), ("", ""), ("ana", "")):
        refused = client.post("/api/session", json={"name": name, "password": password})
        assert (refused.status_code, refused.json()["error"]["message"]) == (
            401, "Name or password is wrong.",
        )  # fmt: skip
    client.post("/api/session", json={"name": "ana", "password": "password of ana"})
    assert client.get("/api/session").json()["name"] == "ana"
    made = client.post("/api/conversations", json={}).json()
    elsewhere = serving.visitor(app)
    elsewhere.post("/api/session", json={"name": "ana", "password": "password of ana"})
    assert elsewhere.get(f"/api/conversations/{made['id']}").status_code == 200
    bearer = {"Authorization": f"Bearer {keys['ana']}"}
    assert client.get("/v1/models", headers=bearer).status_code == 200
    UserList(tmp_path / "data" / "users.json").add("ana", "another password")
    assert client.get("/api/conversations").status_code == 401
    assert client.get("/v1/models", headers=bearer).status_code == 401


def test_the_list_of_users_holds_no_secret(tmp_path):
    path = tmp_path / "users.json"
    users = UserList(path)
    key = users.add("ana", "a good password")
    text = path.read_text()
    assert key not in text
    assert "a good password" not in text
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert users.of_key(key) == "ana"
    assert users.of_key("") is None
    assert users.check("ana", "a good password")
    assert not users.check("ana", "a good passwore")
    users.remove("ana")
    assert users.names() == []
    assert users.of_key(key) is None
    with pytest.raises(InputError, match="no user 'ana'"):
        users.remove("ana")
    for name, password in (
        ("a b", "long enough"),
        ("", "long enough"),
        ("ana", "short"),
        ("a/b", "longish one"),
    ):
        with pytest.raises(InputError):
            users.add(name, password)
    path.write_text("[]")
    with pytest.raises(InputError, match="damaged"):
        UserList(path)


def test_with_auth_none_each_key_is_an_owner_of_its_own(app):
    client = serving.TestClient(app)
    owners = app.state.services.owners

    def owner(key):
        headers = {"Authorization": f"Bearer {key}"} if key is not None else {}
        request = client.build_request("GET", "http://testserver/v1/models", headers=headers)
        scope = {
            "type": "http",
            "headers": [(k.lower().encode(), v.encode()) for k, v in request.headers.items()],
        }
        return owners.of_key(serving.Request(scope)).id

    assert len({owner(None), owner("one"), owner("two")}) == 3
    assert owner("one") == owner("one")
    assert "one" not in owner("one")


def test_signing_in_where_nobody_needs_to(app):
    refused = serving.visitor(app).post("/api/session", json={"token": "x"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "no_sign_in")
