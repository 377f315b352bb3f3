"""/api/media: pictures and sounds of the one who asks."""

from pathlib import Path, PurePosixPath
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form
from starlette.responses import FileResponse

from bubo.server.media_files import THUMBNAIL_TYPE
from bubo.server.messages import media_dict
from bubo.server.records import MediaRecord
from bubo.server.schema_stores import Media, MediaUpload, problems
from bubo.server.services import Owner, Services, owner, services

__all__ = ["FILE_ANSWERS", "file_response", "router"]

router = APIRouter(prefix="/api/media", tags=["media"])
Parts = Annotated[Services, Depends(services)]
Me = Annotated[Owner, Depends(owner)]

_ENDINGS = {"image/png": ".png", "image/jpeg": ".jpg", "audio/wav": ".wav"}
_HEADERS = {
    "Cache-Control": "private, max-age=3600",
    "Vary": "Cookie, Authorization",
    "Content-Security-Policy": "default-src 'none'; sandbox",
}
#: What a route answers that gives a file.
FILE_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"content": {kind: {} for kind in _ENDINGS}, "description": "The whole file."},
    206: {"content": {kind: {} for kind in _ENDINGS}, "description": "The range that was asked for."},
}


@router.post("", status_code=201, response_model=Media, response_model_exclude_none=True,
             responses=problems(400, 413, 415, 507))  # fmt: skip
def add_media(
    me: Me, parts: Parts, form: Annotated[MediaUpload, Form(media_type="multipart/form-data")]
) -> dict[str, Any]:
    """Stores a picture or sound, written anew: upright, without metadata, sounds as mono at 16 kHz."""
    return media_dict(parts.media.add(me.id, form.file.file, form.file.filename or "", kept=False))


@router.get("/{media_id}", response_model=Media, response_model_exclude_none=True, responses=problems(404))
def get_media(media_id: str, me: Me, parts: Parts) -> dict[str, Any]:
    """What is known of a picture or sound, with the peaks of its wave."""
    return media_dict(parts.media.get(me.id, media_id))


@router.get("/{media_id}/content", response_class=FileResponse, responses=FILE_ANSWERS | problems(404, 416))
def get_media_content(media_id: str, me: Me, parts: Parts) -> FileResponse:
    """The file, or the range of it that the header asks for."""
    record = parts.media.get(me.id, media_id)
    return file_response(parts.media.open(me.id, media_id), record)


@router.get("/{media_id}/thumbnail", response_class=FileResponse, responses=FILE_ANSWERS | problems(404, 416))
def get_thumbnail(media_id: str, me: Me, parts: Parts) -> FileResponse:
    """A small JPEG of a picture; sounds have none."""
    record = parts.media.get(me.id, media_id)
    return file_response(parts.media.open(me.id, media_id, thumbnail=True), record, THUMBNAIL_TYPE)


@router.delete("/{media_id}", status_code=204, responses=problems(404, 409))
def delete_media(media_id: str, me: Me, parts: Parts) -> None:
    """Removes a picture or sound that no message uses."""
    parts.media.delete(me.id, media_id)


def file_response(path: Path, record: MediaRecord, content_type: str = "") -> FileResponse:
    """A file that came from somebody: for one reader only, and never a page.

    Args:
        path: Where it lies.
        record: What it belongs to.
        content_type: What it is, if not what the record says.
    """
    content_type = content_type or record.content_type
    stem = PurePosixPath(record.name).stem or record.kind
    return FileResponse(
        path,
        media_type=content_type,
        filename=stem + _ENDINGS[content_type],
        content_disposition_type="inline",
        headers=_HEADERS,
    )
