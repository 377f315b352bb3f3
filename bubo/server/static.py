"""The browser client's files, the page of every address of its own, and a list of the API's addresses."""

import gzip
import hashlib
import html
import json
import re
from collections.abc import Mapping
from functools import lru_cache
from importlib import resources
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from bubo.server.problems import NotFoundError, Problem
from bubo.server.services import Services, services

__all__ = ["router", "web_folder"]

router = APIRouter(include_in_schema=False)

# Said here, since a system's own table may hold anything for .js.
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".webmanifest": "application/manifest+json",
    ".txt": "text/plain; charset=utf-8",
}
_READ = ["GET", "HEAD"]
_HEADERS = {"Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
# JSDoc, lines of comments, indentation, and spaces beside the signs of a style sheet are for who reads the
# source. No text of the page spans lines or holds "/**", none of a style sheet such spaces; tests see to
# that.
_BLOCK = r"/\*\*(?:[^*]|\*(?!/))*\*/"
_UNREAD = {
    ".js": re.compile(rf"^\s*(?:(?://.*\n|{_BLOCK})\s*)*|{_BLOCK} ?", re.MULTILINE),
    # no text within a sheet holds white space beside these signs, none of the words holds a line's end
    ".css": re.compile(r"/\*(?:[^*]|\*(?!/))*\*/|^\s+|\s+(?=[{};,])|(?<=[{};,])\s+", re.MULTILINE),
    ".json": re.compile(r"\n\s*"),
}
DOCS_STYLE = """
main { max-width: 70rem; margin: 0 auto; padding: 1.5rem 1.25rem 4rem; overflow-wrap: break-word; }
h2 { margin-top: 2.5rem; }
h3 { margin: 1.75rem 0 .5rem; }
table { width: 100%; margin-top: 1rem; border-collapse: collapse; }
th, td { padding: .45rem .75rem .45rem 0; text-align: start; vertical-align: top; }
td { border-top: 1px solid var(--line); }
th { color: var(--muted); font-weight: 600; }
td:nth-child(-n + 2) { font-family: var(--mono); font-size: .85rem; line-height: 1.9; }
main > table > tbody > tr > td:nth-child(-n + 2), th { white-space: nowrap; }
summary { width: max-content; color: var(--accent); cursor: pointer; }
details table, h3 + table { margin: 0 0 1rem; font-size: .9rem; }
@media (max-width: 760px) {
  thead { display: none; }
  table, tbody, tr, td { display: block; }
  tr { padding: .5rem 0; border-top: 1px solid var(--line); }
  td, main > table > tbody > tr > td:nth-child(n) { padding: 0; border: 0; white-space: normal; }
}
"""
Parts = Annotated[Services, Depends(services)]


def web_folder(given: Path | None) -> Path:
    """Where the browser client lies: as set, in the package, or in the repository.

    Raises:
        NotFoundError: If it is nowhere.
    """
    packaged = resources.files("bubo.web")
    places = [given] if given is not None else [Path(str(packaged)), Path(__file__).parents[2] / "web"]
    for place in places:
        if (place / "index.html").is_file():
            return place
    raise NotFoundError("browser client")


@router.api_route("/", methods=_READ)
async def home(request: Request, parts: Parts) -> Response:
    """The page."""
    return _file(request, web_folder(parts.settings.web_folder), "index.html")


@router.api_route("/c/{conversation_id}", methods=_READ)
def conversation_page(request: Request, conversation_id: str, parts: Parts) -> Response:
    """The page of one conversation; with status 404 if it is not there for who asks."""
    status = 404
    owner = parts.owners.find(request)
    if owner is not None:
        try:
            parts.conversations.get(owner.id, conversation_id)
            status = 200
        except NotFoundError:
            pass
    return _file(request, web_folder(parts.settings.web_folder), "index.html", status)


@router.api_route("/assets/{path:path}", methods=_READ)
async def asset(request: Request, path: str, parts: Parts) -> Response:
    """One of the client's files."""
    return _file(request, web_folder(parts.settings.web_folder), path)


@router.get("/favicon.ico")
async def favicon(request: Request, parts: Parts) -> Response:
    """The icon that browsers ask for by themselves."""
    folder = web_folder(parts.settings.web_folder)
    for name in ("favicon.ico", "icon.svg", "icons/icon.svg"):
        if (folder / name).is_file():
            return _file(request, folder, name)
    return Response(status_code=204)


@router.get("/docs")
def docs(request: Request) -> HTMLResponse:
    """A page that lists the API, made from its schema; nothing is loaded from elsewhere."""
    return HTMLResponse(docs_page(request.app.openapi()))


@router.get("/docs.css")
def docs_style() -> Response:
    """How that page looks; the browser client does not load it."""
    return Response(DOCS_STYLE, headers={"Cache-Control": "no-cache"}, media_type=TYPES[".css"])


def _file(request: Request, folder: Path, name: str, status: int = 200) -> Response:
    parts = PurePosixPath(name).parts
    kind = TYPES.get(PurePosixPath(name).suffix.lower())
    if kind is None or "\\" in name or "\0" in name or any(part.startswith((".", "/")) for part in parts):
        raise _missing()
    path = folder.joinpath(*parts)
    try:
        if not path.resolve().is_relative_to(folder.resolve()) or not path.is_file():
            raise _missing()
        stamp = path.stat()
        plain, zipped, tag = _content(path, stamp.st_mtime_ns, stamp.st_size)
    except OSError:  # a name that no file system takes
        raise _missing() from None
    headers = {**_HEADERS, "ETag": f'W/"{tag}"'}
    known = [one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")]
    if status == 200 and f'"{tag}"' in known:
        return Response(status_code=304, headers=headers)
    if _takes_gzip(request.headers.get("accept-encoding", "")):
        return Response(zipped, status, {**headers, "Content-Encoding": "gzip"}, media_type=kind)
    return Response(plain, status, headers, media_type=kind)


def _takes_gzip(accepted: str) -> bool:
    """Whether an Accept-Encoding header names gzip, and not with the weight 0."""
    return re.search(r"\bgzip\b(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))", accepted) is not None


@lru_cache(maxsize=256)
def _content(path: Path, _changed: int, _size: int) -> tuple[bytes, bytes, str]:
    """A file without what only its readers need, the same packed, and a tag of what it holds."""
    data = path.read_bytes()
    unread = _UNREAD.get(path.suffix.lower())
    if unread is not None:
        data = unread.sub("", data.decode()).encode()
    return data, gzip.compress(data, 9, mtime=0), hashlib.sha256(data).hexdigest()[:32]


def _missing() -> Problem:
    return Problem(404, "There is no such file.", "not_found")


def docs_page(schema: Mapping[str, Any]) -> str:
    """The API's schema as HTML without scripts: first what other programs use, then what the page does."""
    objects = schema.get("components", {}).get("schemas", {})
    rows = []
    for path, methods in sorted(
        schema.get("paths", {}).items(), key=lambda one: not one[0].startswith("/v1/")
    ):
        for method, about in methods.items():
            words = [method.upper(), path, about.get("description") or about.get("summary", "")]
            cells = "</td><td>".join(html.escape(str(word)) for word in words)
            fields = _fields_of(about, objects)
            more = f"<details><summary>Fields</summary>{_table(fields)}</details>" if fields else ""
            rows.append(f"<tr><td>{cells}{more}</td></tr>")
    title = html.escape(f"{schema['info']['title']} {schema['info']['version']}")
    sections = "".join(
        f'<h3 id="{html.escape(name)}">{html.escape(name)}</h3>{_table(_properties(one))}'
        for name, one in objects.items()
        if one.get("properties")
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{title}</title><link rel="stylesheet" href="/assets/css/base.css">'
        '<link rel="stylesheet" href="/docs.css"></head><body><main>'
        f'<h1>{title}</h1><p>The schema as JSON: <a href="/openapi.json">/openapi.json</a>.</p>'
        "<table><thead><tr><th>Method</th><th>Address</th><th>What it does</th></tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table><h2>Objects</h2>{sections}</main></body></html>"
    )


def _fields_of(about: Mapping[str, Any], objects: Mapping[str, Any]) -> list[tuple[str, Any, bool]]:
    """Names, schemas and whether they are required: of a route's parameters and of its body."""
    fields = [
        (f"{one['name']} ({one['in']})", one.get("schema", {}), one.get("required", False))
        for one in about.get("parameters", [])
    ]
    for kind in about.get("requestBody", {}).get("content", {}).values():
        body = kind.get("schema", {})
        fields += _properties(objects.get(_name_of(body), body))
    return fields


def _properties(schema: Mapping[str, Any]) -> list[tuple[str, Any, bool]]:
    required = schema.get("required", [])
    return [(name, one, name in required) for name, one in schema.get("properties", {}).items()]


def _name_of(schema: Mapping[str, Any]) -> str:
    """What a reference within the schema refers to; empty if it is none."""
    return str(schema.get("$ref", "")).rpartition("/")[2]


def _table(fields: list[tuple[str, Any, bool]]) -> str:
    rows = []
    for name, schema, required in fields:
        default = (
            html.escape(json.dumps(schema["default"], ensure_ascii=False)) if "default" in schema else ""
        )
        cells = (
            html.escape(name),
            _type(schema),
            "required" if required else default,
            html.escape(schema.get("description", "")),
        )
        rows.append(f"<tr><td>{'</td><td>'.join(cells)}</td></tr>")
    head = "<tr><th>Field</th><th>Type</th><th>Default</th><th>Meaning</th></tr>"
    return f"<table><thead>{head}</thead><tbody>{''.join(rows)}</tbody></table>"


def _type(schema: Mapping[str, Any]) -> str:
    """What may stand in a field, in words; objects are links to where they are described."""
    if name := html.escape(_name_of(schema)):
        return f'<a href="#{name}">{name}</a>'
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return " or ".join(dict.fromkeys(_type(one) for one in schema[key]))
    if "enum" in schema or "const" in schema:
        return html.escape(" or ".join(json.dumps(one) for one in schema.get("enum", [schema.get("const")])))
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    return html.escape(str(schema.get("type", "anything")))
