"""/api/examples: four questions with media of our own making, for a page that is still empty."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from starlette.responses import FileResponse

from bubo.server import examples
from bubo.server.messages import media_dict
from bubo.server.schema_stores import Example, ExampleCopy, problems
from bubo.server.services import Owner, Services, owner, services

__all__ = ["router"]

router = APIRouter(prefix="/api/examples", tags=["examples"])
Parts = Annotated[Services, Depends(services)]
Me = Annotated[Owner, Depends(owner)]
_PUBLIC = {"Cache-Control": "public, max-age=3600"}
_BYTES: dict[int | str, dict[str, Any]] = {
    200: {"content": {kind: {} for kind in examples.TYPES.values()}, "description": "The whole file."},
    206: {
        "content": {kind: {} for kind in examples.TYPES.values()},
        "description": "The range that was asked for.",
    },
}


@router.get("", response_model=list[Example], response_model_exclude_none=True, responses=problems())
def list_examples(
    language: Annotated[str, Query(max_length=20, description="Of the titles: en or es.")] = "en",
) -> list[dict[str, Any]]:
    """The examples, with media that anyone may see."""
    return examples.listed(language)


@router.post(
    "/{example_id}",
    status_code=201,
    response_model=ExampleCopy,
    response_model_exclude_none=True,
    responses=problems(404, 413, 507),
)
def copy_example(example_id: str, me: Me, parts: Parts) -> dict[str, Any]:
    """Copies the media of an example to the one who asks, who can then send them with the question."""
    example = examples.find(example_id)
    media = [
        parts.media.add(me.id, examples.path_of(name).read_bytes(), name, kept=False)
        for name in example["media"]
    ]
    return {"text": example["text"], "media": [media_dict(one) for one in media]}


@router.get("/files/{name}", response_class=FileResponse, responses=_BYTES | problems(404, 416))
def get_example_file(name: str) -> FileResponse:
    """A picture or sound of an example."""
    return FileResponse(
        examples.path_of(name), media_type=examples.TYPES[name.rpartition(".")[2]], headers=_PUBLIC
    )
