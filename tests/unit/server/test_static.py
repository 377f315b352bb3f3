"""The browser client's files, deep links, the list of the API."""

import gzip
import json
import re
from itertools import pairwise
from pathlib import Path

import pytest
import serving

from bubo.server.docs_page import docs_page

WEB = Path(__file__).parents[3] / "web"
SCRIPTS = sorted((WEB / "js").glob("*.js"))
# Strings first, so that signs of comments within them are theirs.
STRINGS = re.compile(r'"[^"\n]*"')
NOTES = re.compile(r"/\*[\s\S]*?\*/")
TOKENS = re.compile(r'("(?:[^"\\\n]|\\.)*"|`[^`]*`)|/\*[\s\S]*?\*/|//.*')


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html; charset=utf-8"),
        ("/assets/js/main.js", "text/javascript; charset=utf-8"),
        ("/assets/css/base.css", "text/css; charset=utf-8"),
        ("/assets/locales/en.json", "application/json"),
        ("/assets/icons.svg", "image/svg+xml"),
        ("/assets/manifest.webmanifest", "application/manifest+json"),
    ],
)
def test_files_have_their_types_and_are_asked_for_again(visitor, path, kind):
    answer = visitor.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == kind
    # icons that are drawn while there is no server are those that the browser has kept
    kept = "max-age=600, stale-while-revalidate=604800" if path.endswith("icons.svg") else "no-cache"
    assert answer.headers["cache-control"] == kept
    tag = answer.headers["etag"]
    again = visitor.get(path, headers={"If-None-Match": f'"other", {tag}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert visitor.get(path, headers={"If-None-Match": '"other"'}).status_code == 200


def test_a_changed_file_is_served_anew(tmp_path):
    web = tmp_path / "web"
    web.mkdir()
    (web / "index.html").write_text("<p>one</p>")
    client = serving.visitor(serving.make_app(tmp_path / "d", web_folder=web))
    tag = client.get("/").headers["etag"]
    (web / "index.html").write_text("<p>two!</p>")
    answer = client.get("/", headers={"If-None-Match": tag})
    assert (answer.status_code, answer.text) == (200, "<p>two!</p>")


@pytest.mark.parametrize(
    ("accepted", "packed"),
    [
        ("gzip, deflate, br", True),
        ("br;q=1, gzip;q=0.5", True),
        ("gzip;q=0", False),
        ("gzip; q=0.0, br", False),
    ]
    + [("identity", False), ("", False), ("x-gzipped", False)],
)
def test_files_are_packed_for_who_takes_it(visitor, accepted, packed):
    plain = visitor.get("/assets/css/base.css", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    answer = visitor.get("/assets/css/base.css", headers={"Accept-Encoding": accepted})
    assert (answer.headers.get("content-encoding") == "gzip") is packed
    assert answer.headers["vary"] == "Accept-Encoding"
    assert answer.text == plain.text and ".icon" in answer.text
    assert (int(answer.headers["content-length"]) < len(plain.content) / 2) is packed


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_scripts_lose_comments_and_white_space_only(visitor, path):
    source, served = path.read_text(), visitor.get(f"/assets/js/{path.name}").text
    check_script(source, served)


def test_a_comment_behind_code_swallows_no_line(tmp_path):
    source = """// @ts-check
/** What it does. */
export function f(a) { // takes (
  const b = [ // of {
    a, // first,
    "a//b(",
  ]; // done;
  g(() => {
    if (b) return;
    h(
      b,
    );
  })
  return b // what else?
} // end }
"""
    web = tmp_path / "web"
    web.mkdir()
    (web / "index.html").write_text("x")
    (web / "a.js").write_text(source)
    served = serving.visitor(serving.make_app(tmp_path / "d", web_folder=web)).get("/assets/a.js").text
    check_script(source, served)
    assert "if (b) return;h(b,);})\nreturn b // what else?\n}" in served


def check_script(source, served):
    assert [one for one in TOKENS.findall(served) if one] == [one for one in TOKENS.findall(source) if one]
    assert "".join(TOKENS.sub(r"\1", served).split()) == "".join(TOKENS.sub(r"\1", source).split())
    assert "/**" not in served and "\n " not in served
    # a line break that is gone stood beside a sign that ends or begins something
    lines = ["".join(one.split()) for one in TOKENS.sub(r"\1", source).splitlines() if one.strip()]
    left = "\n".join("".join(one.split()) for one in TOKENS.sub(r"\1", served).splitlines())
    for before, after in pairwise(lines):
        if not before.endswith(tuple("{};,(")) and not after.startswith(tuple("})")):
            assert f"{before}\n{after}" in left


@pytest.mark.parametrize("path", sorted(WEB.glob("css/*.css")), ids=lambda path: path.name)
def test_sheets_lose_comments_and_white_space_only(visitor, path):
    source, served = path.read_text(), visitor.get(f"/assets/css/{path.name}").text
    assert STRINGS.findall(served) == STRINGS.findall(NOTES.sub("", source))
    assert "".join(served.split()) == "".join(NOTES.sub("", source).split())
    # white space that means something, between parts of a selector or values, is still there
    assert [" ".join(one.split()) for one in re.split("[{};,]", served)] == [
        " ".join(one.split()) for one in re.split("[{};,]", NOTES.sub("", source))
    ]


@pytest.mark.parametrize("path", sorted(WEB.glob("locales/*.json")), ids=lambda path: path.name)
def test_words_are_served_as_they_are(visitor, path):
    assert visitor.get(f"/assets/locales/{path.name}").json() == json.loads(path.read_text())


@pytest.mark.parametrize("path", ["/", "/assets/icons.svg", "/assets/icon.svg"])
def test_marked_up_files_lose_white_space_between_tags_only(visitor, path):
    source, served = (WEB / (path.rpartition("/")[2] or "index.html")).read_text(), visitor.get(path).text
    assert re.sub(r">\s+<", "><", source) == served
    assert "".join(served.split()) == "".join(source.split())
    assert "><" in served and not re.search(r">\s+<", served)


def test_the_whole_page_is_small(visitor):
    """All that a browser can ever load, in the larger of the two languages, whose words come alone."""
    files = [path for path in WEB.rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")]
    size = {
        path: len(gzip.compress(visitor.get(f"/assets/{path.relative_to(WEB)}").content, 9)) for path in files
    }
    words = [size[path] for path in files if path.parent.name == "locales"]
    assert len(files) > 35 and len(words) == 2
    total = sum(size.values()) - min(words)
    assert total <= 80_000, f"{total} bytes"


@pytest.mark.parametrize(
    "path",
    [
        "__init__.py",
        "../pyproject.toml",
        "%2e%2e/pyproject.toml",
        "..%2fpyproject.toml",
        "js/../../README.md",
        "js/%2e%2e/%2e%2e/bubo/server/app.py",
        "/etc/passwd",
        "//etc/passwd.txt",
        ".hidden.js",
        "js/.secret.js",
        "js",
        "",
        "nothing.js",
        "..\\pyproject.txt",
        "a%00.js",
        "x" * 3000 + ".js",
    ],
)
def test_nothing_else_is_served(visitor, path):
    answer = visitor.get(f"/assets/{path}")
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "not_found"


def test_who_mistypes_an_address_gets_the_page_and_a_program_json(visitor, tmp_path):
    browser = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    page = visitor.get("/").text
    for path in ("/nothing", "/c/", "/c/a/b", "/docs/x"):
        mistyped = visitor.get(path, headers=browser)
        assert (mistyped.status_code, mistyped.text) == (404, page), path
        assert visitor.get(path).json()["error"]["code"] == "not_found"
    for path in ("/api/nothing", "/v1/nothing"):
        assert visitor.get(path, headers=browser).json()["error"]["code"] == "not_found"
    assert visitor.post("/nothing", headers=browser).json()["error"]["code"] == "not_found"
    without = serving.visitor(serving.make_app(tmp_path / "d", web_folder=tmp_path / "none"))
    assert without.get("/nothing", headers=browser).json()["error"]["code"] == "not_found"


def test_links_out_of_the_folder_are_not_followed(tmp_path):
    web = tmp_path / "web"
    web.mkdir()
    (web / "index.html").write_text("x")
    (tmp_path / "secret.txt").write_text("secret")
    (web / "link.txt").symlink_to(tmp_path / "secret.txt")
    client = serving.visitor(serving.make_app(tmp_path / "d", web_folder=web))
    assert client.get("/assets/link.txt").status_code == 404


def test_deep_links_show_the_page_and_tell_whether_the_conversation_is_there(app):
    with serving.visitor(app) as ana:
        made = ana.post("/api/conversations", json={}).json()
        page = ana.get("/").text
        there = ana.get(f"/c/{made['id']}")
        assert (there.status_code, there.text) == (200, page)
        for other in (serving.visitor(app), serving.TestClient(app)):
            foreign = other.get(f"/c/{made['id']}")
            assert (foreign.status_code, foreign.text) == (404, page)
        assert ana.get("/c/" + "0" * 32).status_code == 404
        ana.delete(f"/api/conversations/{made['id']}")
        assert ana.get(f"/c/{made['id']}").status_code == 404


def test_the_page_names_only_files_of_its_own(visitor):
    page = visitor.get("/").text
    addresses = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert addresses
    for address in addresses:
        if not address.startswith("#"):
            assert visitor.get(address).status_code == 200, address
    manifest = visitor.get("/assets/manifest.webmanifest").json()
    for icon in manifest["icons"]:
        assert visitor.get(icon["src"]).status_code == 200, icon


def test_a_missing_client_is_said(tmp_path):
    client = serving.visitor(serving.make_app(tmp_path / "d", web_folder=tmp_path / "nothing"))
    assert client.get("/").status_code == 404
    assert "browser client" in client.get("/").json()["error"]["message"]


def test_the_api_is_listed_without_scripts_and_with_local_files_only(visitor):
    page = visitor.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert "<script" not in page.text
    assert "://" not in page.text
    schema = visitor.get("/openapi.json").json()
    for path in schema["paths"]:
        assert f"<td>{path}</td>" in page.text
    assert "/api/media/{media_id}/content" in schema["paths"]
    assert page.text.index("<td>/v1/ground</td>") < page.text.index("<td>/api/session</td>")
    hostile = {"info": {"title": "<b>", "version": "1"}, "paths": {"/<x>": {"get": {"summary": "<script>"}}}}
    assert "<script>" not in docs_page(hostile)
    assert "<b>" not in docs_page(hostile)


def test_the_list_of_the_api_tells_fields(visitor):
    page = visitor.get("/docs").text
    route = page[page.index("<td>/v1/chat/completions</td>") :]
    route = route[: route.index("</details>")]
    assert (
        '<td>messages</td><td>list of <a href="#ChatMessage">ChatMessage</a></td><td>required</td>' in route
    )
    assert "<td>grounding</td><td>boolean</td><td>true</td><td>Whether phrases are tied" in route
    assert "<td>stop</td><td>string or list of string or null</td><td></td>" in route
    for name in set(re.findall(r'href="#([^"]+)"', page)):
        assert f'<h3 id="{name}">' in page
    assert visitor.get("/docs.css").headers["content-type"] == "text/css; charset=utf-8"
    field = {"type": "<i>", "description": "<i>", "default": "<i>"}
    body = {"content": {"application/json": {"schema": {"properties": {"<i>": field}}}}}
    hostile = {"info": {"title": "T", "version": "1"}, "paths": {"/": {"post": {"requestBody": body}}}}
    hostile["components"] = {"schemas": {"<i>": {"properties": {"a": {"$ref": "#/<i>"}}}}}
    assert "<i>" not in docs_page(hostile)
