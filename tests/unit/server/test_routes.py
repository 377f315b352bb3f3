"""Media, conversations and examples over HTTP: one visitor, then two who must not meet."""

import io

import pytest
import serving
from PIL import Image
from sqlalchemy.exc import OperationalError

from bubo.server.cleaning import Cleaner


@pytest.fixture
def two(app):
    """Two visitors of one server."""
    with serving.visitor(app) as ana:
        yield ana, serving.visitor(app)


def test_a_file_of_a_program_comes_back_as_no_page(visitor):
    file = visitor.post("/v1/files", files={"file": ("../my dog.gif", serving.png())}).json()
    content = visitor.get(f"/v1/files/{file['id']}/content").headers
    assert content["content-disposition"] == "inline; filename*=utf-8''my%20dog.png"
    assert content["cache-control"].startswith("private")
    assert content["content-security-policy"] == "default-src 'none'; sandbox"


def test_an_upload_and_what_comes_back(visitor):
    answer = serving.upload(visitor, serving.png(400, 300), "../my dog.gif")
    assert answer.status_code == 201
    media = answer.json()
    assert (media["kind"], media["name"], media["width"], media["height"]) == (
        "picture",
        "my dog.gif",
        400,
        300,
    )
    content = visitor.get(media["url"])
    assert content.headers["content-type"] == "image/png"
    assert content.headers["content-disposition"] == "inline; filename*=utf-8''my%20dog.png"
    assert content.headers["cache-control"].startswith("private")
    assert content.headers["x-content-type-options"] == "nosniff"
    assert content.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert Image.open(io.BytesIO(content.content)).size == (400, 300)
    assert Image.open(io.BytesIO(visitor.get(media["thumbnail"]).content)).size == (320, 240)
    small = visitor.get(media["thumbnail"]).headers
    assert small["content-disposition"] == "inline; filename*=utf-8''my%20dog.jpg"
    assert visitor.get(f"/api/media/{media['id']}").json() == media
    assert visitor.delete(f"/api/media/{media['id']}").status_code == 204
    assert visitor.get(media["url"]).status_code == 404


def test_hostile_names_are_only_text(visitor):
    media = serving.upload(visitor, name='x"\u202e;\u00fc<script>.html').json()
    headers = visitor.get(media["url"]).headers
    assert "\u202e" not in media["name"]
    assert headers["content-disposition"].isascii()
    assert '"' not in headers["content-disposition"].replace('filename="', "")
    assert headers["content-type"] == "image/png"


def test_ranges_of_a_sound(visitor):
    media = serving.upload(visitor, serving.wav(1.0), "tone.wav").json()
    assert len(media["peaks"]) == 1000
    whole = visitor.get(media["url"])
    assert whole.headers["accept-ranges"] == "bytes"
    part = visitor.get(media["url"], headers={"Range": "bytes=100-199"})
    assert (part.status_code, part.content) == (206, whole.content[100:200])
    assert part.headers["content-range"] == f"bytes 100-199/{len(whole.content)}"
    assert visitor.get(media["url"], headers={"Range": "bytes=-10"}).content == whole.content[-10:]
    assert visitor.get(media["url"], headers={"Range": "bytes=99999999-"}).status_code == 416
    assert visitor.get(f"/api/media/{media['id']}/thumbnail").status_code == 404


@pytest.mark.parametrize(
    ("data", "status"),
    [(b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415), (b"", 415), (serving.png()[:50], 422)],
)
def test_bad_uploads_are_refused(visitor, data, status):
    answer = serving.upload(visitor, data, "x.png")
    assert answer.status_code == status
    assert answer.json()["error"]["param"] == "file"


def test_an_upload_without_a_file(visitor):
    assert visitor.post("/api/media", data={"file": "text"}).status_code == 422
    assert visitor.post("/api/media").status_code == 422


def test_the_life_of_a_conversation(visitor, app):
    picture = serving.upload(visitor).json()
    whole, said = serving.asked(visitor, "Where is the dog?", [picture["id"]])
    assert whole["title"] == "Where is the dog?"
    assert whole["leaf"] == said["answer"]["id"]
    question, answer = whole["messages"]
    assert question["media"] == [picture]
    assert question["blocks"] == [["p", {}, ["Where is the dog?"]]]
    assert (answer["status"], answer["parent"]) == ("complete", question["id"])
    assert answer["text"]
    assert answer["blocks"]
    assert "answer" not in (answer["grounding"] or {})
    address = f"/api/conversations/{whole['id']}"
    assert visitor.patch(address, json={"title": "Dogs"}).json()["title"] == "Dogs"
    assert visitor.patch(address, json={"leaf": question["id"]}).json()["leaf"] == question["id"]
    assert visitor.patch(address, json={"leaf": "nothing"}).status_code == 404
    listed = visitor.get("/api/conversations?q=dogs").json()
    assert [one["id"] for one in listed["conversations"]] == [whole["id"]]
    assert listed["next"] is None
    exported = visitor.get(f"{address}/export")
    assert exported.headers["content-disposition"].startswith("attachment")
    assert [m["text"] for m in exported.json()["messages"]] == [question["text"], answer["text"]]
    rating = f"/api/messages/{answer['id']}/rating"
    assert visitor.post(rating, json={"rating": 1, "comment": "good"}).status_code == 204
    assert visitor.post(rating, json={"rating": 2}).status_code == 422
    assert visitor.get(address).json()["messages"][1]["rating"] == 1
    assert visitor.delete(f"/api/media/{picture['id']}").status_code == 409


def test_pages_go_on_where_the_last_one_ended(visitor):
    made = [visitor.post("/api/conversations", json={"title": str(n)}).json()["id"] for n in range(5)]
    seen, before = [], ""
    for _ in range(3):
        page = visitor.get("/api/conversations", params={"limit": 2, "before": before}).json()
        seen += [one["id"] for one in page["conversations"]]
        before = page["next"]
    assert before is None
    assert seen == made[::-1]


def test_deleting_can_be_undone_and_then_leaves_nothing(visitor, app, tmp_path):
    picture = serving.upload(visitor).json()
    whole, _ = serving.asked(visitor, media=[picture["id"]])
    address = f"/api/conversations/{whole['id']}"
    assert visitor.delete(address).status_code == 204
    assert visitor.get(address).status_code == 404
    assert visitor.post(f"{address}/restore").json()["id"] == whole["id"]
    assert visitor.get(address).json()["messages"] == whole["messages"]
    visitor.delete(address)
    parts = app.state.services
    Cleaner(parts).purge()
    assert visitor.post(f"{address}/restore").status_code == 200  # its time was not over
    visitor.delete(address)
    parts.media.remove_files(parts.conversations.purge(older_than_s=0).media)
    assert visitor.post(f"{address}/restore").status_code == 404
    assert visitor.get(picture["url"]).status_code == 404
    files = [path.name for path in (tmp_path / "data" / "media").rglob("*") if path.is_file()]
    assert files == [".database"]  # whose it is
    from sqlalchemy import text

    with parts.database.engine.connect() as connection:
        for table in ("conversations", "messages", "media", "message_media"):
            assert connection.execute(text(f"SELECT count(*) FROM {table}")).scalar() == 0, table


def test_the_examples_are_shown_to_anyone_and_copied_for_one(two):
    ana, ben = two
    examples = ana.get("/api/examples").json()
    assert len(examples) == 4
    spanish = ana.get("/api/examples?language=es-MX").json()
    assert [one["id"] for one in spanish] == [one["id"] for one in examples]
    assert all(a["title"] != b["title"] for a, b in zip(examples, spanish, strict=True))
    for example in examples:
        for medium in example["media"]:
            file = ana.get(medium["url"])
            assert (file.status_code, len(file.content)) == (200, medium["bytes"])
        copied = ana.post(f"/api/examples/{example['id']}").json()
        assert copied["text"] == example["text"]
        assert [one["kind"] for one in copied["media"]] == [one["kind"] for one in example["media"]]
        assert ana.get(copied["media"][0]["url"]).status_code == 200
        assert ben.get(copied["media"][0]["url"]).status_code == 404
    assert ana.post("/api/examples/nothing").status_code == 404
    assert ana.get("/api/examples/files/examples.json").status_code == 404
    assert ana.get("/api/examples/files/..%2F__init__.py").status_code == 404


def region_of(whole):
    """A region that the answer of a conversation stands on."""
    return whole["messages"][1]["grounding"]["regions"][0]["id"]


def crossed(mine, theirs, said):
    """Every way to another's things: method, address, body; `mine` is the visitor's own conversation."""
    talk, (question, answer), picture = theirs["id"], theirs["messages"], theirs["messages"][0]["media"][0]
    own = mine["messages"][1]["id"]
    ask = {"text": "?", "media": [], "places": [], "parent": None, "settings": {}}
    runs, here = f"/api/conversations/{talk}/runs", f"/api/conversations/{mine['id']}/runs"
    point = {"kind": "point", "media": picture["id"], "x": 1, "y": 1, "positive": True}
    yield "GET", f"/c/{talk}", None
    for method, body in (
        ("GET", None),
        ("PATCH", {"title": "x"}),
        ("PATCH", {"leaf": answer["id"]}),
        ("DELETE", None),
    ):
        yield method, f"/api/conversations/{talk}", body
    yield "POST", f"/api/conversations/{talk}/restore", None
    yield "GET", f"/api/conversations/{talk}/export", None
    yield "PATCH", f"/api/conversations/{mine['id']}", {"leaf": answer["id"]}
    yield "PATCH", f"/api/conversations/{mine['id']}", {"leaf": question["id"]}
    for change in (
        {}, {"parent": answer["id"]}, {"edit": question["id"]}, {"regenerate": answer["id"]},
        {"media": [picture["id"]]}, {"parent": own},
    ):  # fmt: skip
        yield "POST", runs, ask | change
    for change in (
        {"parent": answer["id"]}, {"edit": question["id"]}, {"regenerate": answer["id"]},
        {"media": [picture["id"]]}, {"media": [picture["id"]], "parent": own}, {"places": [point]},
    ):  # fmt: skip
        yield "POST", here, ask | change
    for rating in (-1, 0, 1):
        yield "POST", f"/api/messages/{answer['id']}/rating", {"rating": rating}
    yield "POST", f"/api/messages/{question['id']}/rating", {"rating": 1}
    spot = {"points": [{"x": 1, "y": 1, "positive": True}]}
    for message in (question, answer):
        yield "PUT", f"/api/messages/{message['id']}/regions/{region_of(theirs)}", spot
        yield "DELETE", f"/api/messages/{message['id']}/regions/{region_of(theirs)}/correction", None
    for run in (said["run"], said["run"].removeprefix("run_"), f"run_{answer['id']}"):
        yield "GET", f"/api/runs/{run}/events", None
        yield "GET", f"/api/runs/{run}/events?after=1", None
        yield "POST", f"/api/runs/{run}/stop", None
    yield "GET", f"/api/media/{picture['id']}", None
    for part in ("content", "thumbnail"):
        yield "GET", f"/api/media/{picture['id']}/{part}", None
    yield "DELETE", f"/api/media/{picture['id']}", None
    yield "POST", f"/api/media/{picture['id']}/segment", spot
    for part in ("", "/content"):
        yield "GET", f"/v1/files/file-{picture['id']}{part}", None
        yield "GET", f"/v1/files/{picture['id']}{part}", None
    yield "DELETE", f"/v1/files/file-{picture['id']}", None


def test_a_database_that_is_away_is_said(app, visitor, monkeypatch):
    def away(*given, **named):
        raise OperationalError("SELECT secret", {}, Exception("connection refused"))

    monkeypatch.setattr(app.state.services.conversations, "list", away)
    answer = visitor.get("/api/conversations")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "database_away")
    assert answer.json()["error"]["retryable"] and answer.headers["Retry-After"]
    assert "secret" not in answer.text and "refused" not in answer.text


def test_nothing_of_one_owner_can_be_reached_by_another(two):
    ana, ben = two
    picture = serving.upload(ana).json()
    theirs, said = serving.asked(ana, "mine alone", [picture["id"]])
    mine, _ = serving.asked(ben)
    ways = list(crossed(mine, theirs, said))
    assert len(ways) >= 42
    wrong = []
    for method, address, body in ways:
        answer = ben.request(method, address, json=body)
        if answer.status_code != 404 or "mine alone" in answer.text:
            wrong.append((method, address, body, answer.status_code))
    assert wrong == []
    assert ana.get(f"/api/conversations/{theirs['id']}").json() == theirs
    assert ben.get(f"/api/conversations/{mine['id']}").json() == mine
    assert [one["id"] for one in ben.get("/api/conversations").json()["conversations"]] == [mine["id"]]
    assert ben.get("/api/conversations?q=alone").json()["conversations"] == []


def test_what_does_not_belong_to_a_thing_is_no_thing(visitor):
    picture = serving.upload(visitor).json()["id"]
    for points in ([{"x": 5, "y": 5, "positive": False}], [{"x": 5, "y": 5, "positive": False}] * 3):
        answer = visitor.post(f"/api/media/{picture}/segment", json={"points": points})
        error = answer.json()["error"]
        assert (answer.status_code, error["code"], error["param"]) == (400, "no_place", "points")
        assert "positive" in error["message"]
    both = {"points": points, "box": [0, 0, 40, 30]}
    assert visitor.post(f"/api/media/{picture}/segment", json=both).status_code == 200
    conversation = visitor.post("/api/conversations", json={}).json()["id"]
    place = {"kind": "point", "media": picture, "x": 5, "y": 5, "positive": False}
    asked = {"text": "What?", "media": [picture], "places": [place]}
    refused = visitor.post(f"/api/conversations/{conversation}/runs", json=asked)
    assert refused.status_code == 400 and "negative point" in refused.json()["error"]["message"]


def test_what_is_not_there_is_named_by_its_field(visitor):
    conversation, _ = serving.asked(visitor)
    address = f"/api/conversations/{conversation['id']}"
    nothing = "0" * 32
    for field in ("parent", "edit", "regenerate"):
        answer = visitor.post(f"{address}/runs", json={"text": "x", field: nothing})
        assert (answer.status_code, answer.json()["error"]["param"]) == (404, field)
    place = {"kind": "point", "media": nothing, "x": 1, "y": 1}
    for field, given in (("media", [nothing]), ("places", [place])):
        answer = visitor.post(f"{address}/runs", json={"text": "x", field: given})
        assert (answer.status_code, answer.json()["error"]["param"]) == (404, field)
    answer = visitor.patch(address, json={"leaf": nothing})
    assert (answer.status_code, answer.json()["error"]["param"]) == (404, "leaf")
    assert visitor.get(f"/api/conversations/{nothing}").json()["error"]["param"] is None
