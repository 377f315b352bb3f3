"""/v1/files: pictures and sounds that programs upload, to name them in questions."""

from typing import Annotated, Any, Literal, get_args

from fastapi import APIRouter, Depends, Form, Query
from fastapi.exceptions import RequestValidationError
from starlette.requests import Request
from starlette.responses import FileResponse

from bubo.server.chat_media import FILE_PREFIX, file_id
from bubo.server.problems import NotFoundError
from bubo.server.records import MediaRecord
from bubo.server.routes_media import FILE_ANSWERS, file_response
from bubo.server.schema import FileDeleted, FileList, FileObject, FileUpload, Purpose
from bubo.server.schema_stores import openai_problems
from bubo.server.services import Owner, Services, key_owner, services

__all__ = ["router"]

router = APIRouter(prefix="/v1/files", tags=["OpenAI"])
Parts = Annotated[Services, Depends(services)]
Me = Annotated[Owner, Depends(key_owner)]
_PURPOSES = {"picture": "vision", "sound": "user_data"}
_MAX_PAGE = 10_000


async def _refuse_empty_purpose(request: Request, me: Me) -> None:
    """The framework takes an empty field of a form for one that was left out; here it is a wrong one.

    `me` is asked for first: without a key the answer is 401, whatever the form holds.
    """
    if (await request.form()).get("purpose") == "":
        expected = " or ".join(repr(one) for one in get_args(Purpose))
        wrong = {
            "type": "literal_error",
            "loc": ("body", "purpose"),
            "input": "",
            "ctx": {"expected": expected},
        }
        raise RequestValidationError([wrong], body={"purpose": ""})


@router.post(
    "",
    response_model=FileObject,
    responses=openai_problems(413, 415, 422, 507),
    dependencies=[Depends(_refuse_empty_purpose)],
)
def upload_file(
    me: Me, parts: Parts, form: Annotated[FileUpload, Form(media_type="multipart/form-data")]
) -> dict[str, Any]:
    """Stores a picture or sound."""
    return _file(parts.media.add(me.id, form.file.file, form.file.filename or ""))


@router.get("", response_model=FileList, responses=openai_problems(404))
def list_files(
    me: Me,
    parts: Parts,
    after: Annotated[str, Query(max_length=100, description="`last_id` of the page before.")] = "",
    limit: Annotated[int, Query(ge=1, le=_MAX_PAGE)] = _MAX_PAGE,
    order: Literal["asc", "desc"] = "desc",
    purpose: Annotated[str, Query(max_length=100)] = "",
) -> dict[str, Any]:
    """The files of one's own, the newest first."""
    files = [_file(record) for record in parts.media.list(me.id)]
    if order == "asc":
        files.reverse()
    ids = [file["id"] for file in files]
    if after and after not in ids:
        raise NotFoundError("file", "after")
    files = files[ids.index(after) + 1 :] if after else files
    files = [file for file in files if purpose in ("", file["purpose"])]
    page = files[:limit]
    return {
        "object": "list",
        "data": page,
        "first_id": page[0]["id"] if page else None,
        "last_id": page[-1]["id"] if page else None,
        "has_more": len(files) > len(page),
    }


@router.get("/{id}", response_model=FileObject, responses=openai_problems(404))
def get_file(id: str, me: Me, parts: Parts) -> dict[str, Any]:
    """What is known of a file."""
    return _file(parts.media.get(me.id, _media_id(id)))


@router.get("/{id}/content", response_class=FileResponse, responses=FILE_ANSWERS | openai_problems(404, 416))
def get_file_content(id: str, me: Me, parts: Parts) -> FileResponse:
    """The file as it is stored: upright, without what cameras write into it."""
    record = parts.media.get(me.id, _media_id(id))
    return file_response(parts.media.open(me.id, record.id), record)


@router.delete("/{id}", response_model=FileDeleted, responses=openai_problems(404, 409))
def delete_file(id: str, me: Me, parts: Parts) -> dict[str, Any]:
    """Removes a file."""
    parts.media.delete(me.id, _media_id(id))
    return {"id": id, "object": "file", "deleted": True}


def _media_id(id: str) -> str:
    if not id.startswith(FILE_PREFIX):
        raise NotFoundError("file")
    return id.removeprefix(FILE_PREFIX)


def _file(record: MediaRecord) -> dict[str, Any]:
    return {
        "id": file_id(record.id),
        "object": "file",
        "bytes": record.bytes,
        "created_at": int(record.created),
        "filename": record.name,
        "purpose": _PURPOSES[record.kind],
        "status": "processed",
    }
