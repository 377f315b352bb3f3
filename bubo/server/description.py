"""The app with an exact description: all that routes may answer, nothing else, and where its ids lead."""

from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

from bubo.server.links import add_links
from bubo.server.schema_stores import WHEN, ProblemBody

__all__ = ["DescribedApp", "name_of"]

#: What the framework adds to each route that does not describe its status 422; the errors are ours.
_THEIRS = ("HTTPValidationError", "ValidationError")


def _ours(status: str) -> dict[str, Any]:
    """A failure that any request may meet before it comes to its route, or any with a body."""
    schema = {"$ref": f"#/components/schemas/{ProblemBody.__name__}"}
    return {"description": WHEN[int(status)], "content": {"application/json": {"schema": schema}}}


def name_of(route: APIRoute) -> str:
    """The operation's id: its function's name, which is short to read and good to generate clients from."""
    return route.name


class DescribedApp(FastAPI):
    """FastAPI without the answers that it adds on its own, with those of all routes, and with links."""

    def openapi(self) -> dict[str, Any]:
        """The description, made once."""
        if self.openapi_schema is None:
            schema = super().openapi()
            for operations in schema["paths"].values():
                for operation in operations.values():
                    for status in ("421", "413") if "requestBody" in operation else ("421",):
                        operation["responses"].setdefault(status, _ours(status))
                    if _THEIRS[0] in str(operation["responses"].get("422")):
                        del operation["responses"]["422"]
            for name in _THEIRS:
                schema["components"]["schemas"].pop(name, None)
            add_links(schema)
        return self.openapi_schema or {}
