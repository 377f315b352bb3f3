"""The browser client's files, the page of every address of its own, and a list of the API's addresses."""

import gzip
import hashlib
import re
from functools import lru_cache
from importlib import resources
from pathlib import Path, PurePosixPath
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from bubo.server.docs_page import DOCS_STYLE, docs_page
from bubo.server.problems import NotFoundError, Problem
from bubo.server.services import Services, services

__all__ = ["missing_page", "router", "web_folder"]

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
# The icons are one file that is asked for again with each icon; without a server what is kept serves.
_KEPT = "max-age=600, stale-while-revalidate=604800"
# JSDoc, lines of comments, indentation, and spaces beside the signs of a style sheet are for who reads the
# source, and so is what stands between two tags. No text of the page spans lines or holds "/**", none of a
# style sheet such spaces; tests see to that.
_BLOCK = r"/\*\*(?:[^*]|\*(?!/))*\*/"
_UNREAD = {
    ".js": re.compile(rf"^\s*(?:(?://.*\n|{_BLOCK})\s*)*|{_BLOCK} ?", re.MULTILINE),
    # no text within a sheet holds white space beside these signs, none of the words holds a line's end
    ".css": re.compile(r"/\*(?:[^*]|\*(?!/))*\*/|^\s+|\s+(?=[{};,])|(?<=[{};,])\s+", re.MULTILINE),
    ".json": re.compile(r"\n\s*"),
    ".html": re.compile(r"(?<=>)\s+(?=<)"),
    ".svg": re.compile(r"(?<=>)\s+(?=<)"),
}
# Line breaks of a script beside these signs end no statement; but they may end a comment, which is kept
# with its own. Our statements end in signs, so that none ends by a line break behind a brace.
_JOINED = re.compile(r"(//.*\n)|(?<=[{};,(])\n|\n(?=[})])")
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


def missing_page(request: Request) -> Response:
    """The page, which says that there is nothing at this address."""
    parts: Services = request.app.state.services
    page = _file(request, web_folder(parts.settings.web_folder), "index.html", 404)
    page.headers["Vary"] = f"Accept, {page.headers['Vary']}"  # a program gets JSON
    return page


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
    if name == "icons.svg":
        headers["Cache-Control"] = _KEPT
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
    kind = path.suffix.lower()
    if kind in _UNREAD:
        text = _UNREAD[kind].sub("", data.decode())
        data = (_JOINED.sub(r"\1", text) if kind == ".js" else text).encode()
    return data, gzip.compress(data, 9, mtime=0), hashlib.sha256(data).hexdigest()[:32]


def _missing() -> Problem:
    return Problem(404, "There is no such file.", "not_found")
