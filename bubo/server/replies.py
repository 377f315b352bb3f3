"""From errors to responses: JSON that tells nothing of the inside; for a mistyped address the page."""

import contextlib
import logging

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import OperationalError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bubo.errors import BuboError, InputError
from bubo.server.addresses import allowed_methods
from bubo.server.problems import NotFoundError, Problem
from bubo.server.static import missing_page
from bubo.server.validation import validation_problem

__all__ = ["Crashes", "add_problem_handlers", "problem_response"]

_log = logging.getLogger(__name__)
_MESSAGES = {
    404: ("There is nothing at this address; /docs lists what there is.", "not_found"),
    405: ("This address takes other methods; /docs lists them.", "method_not_allowed"),
    413: ("The request is too large; send less at once.", "too_large"),
}


def problem_response(problem: Problem) -> JSONResponse:
    """The response of a problem."""
    return JSONResponse(problem.body(), problem.status, problem.headers)


def add_problem_handlers(app: FastAPI) -> None:
    """Gives every error that is foreseen its response; `Crashes` gives it to the others."""
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(BuboError, _on_bubo_error)
    app.add_exception_handler(OperationalError, _on_database_error)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)


async def _on_problem(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Problem)
    return problem_response(error)


async def _on_bubo_error(_: Request, error: Exception) -> JSONResponse:
    status, code = (400, "invalid_input") if isinstance(error, InputError) else (500, "server_error")
    if status == 500:
        _log.error("A request failed: %s", error)
    return problem_response(Problem(status, str(error), code))


async def _on_database_error(_: Request, error: Exception) -> JSONResponse:
    """The database is away, or too busy."""
    _log.error("The database cannot be used: %s", " ".join(str(getattr(error, "orig", error)).split())[:300])
    message = "The database cannot be used at the moment; try again soon."
    return problem_response(
        Problem(503, message, "database_away", retryable=True, headers={"Retry-After": "5"})
    )


async def _on_invalid(request: Request, error: Exception) -> JSONResponse:
    """What does not fit the schema; OpenAI's status for that is 400."""
    assert isinstance(error, RequestValidationError)
    status = 400 if request.url.path.startswith("/v1/") else 422
    return problem_response(validation_problem(error.errors(), error.body, status))


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    message, code = _MESSAGES.get(error.status_code, (str(error.detail), "http_error"))
    if error.status_code == 400:  # the framework's own word for bodies that it cannot read
        message = f"The body cannot be read ({error.detail}): send what its header Content-Type says."
        code = "invalid_request"
    headers = dict(error.headers or {})
    if error.status_code == 404 and _is_person(request):
        with contextlib.suppress(NotFoundError):  # of a server without a page
            return missing_page(request)
    if error.status_code == 405 and (methods := allowed_methods(request.app, request.url.path)):
        headers["Allow"] = methods  # the framework names those of the first route only
    return problem_response(Problem(error.status_code, message, code, headers=headers))


def _is_person(request: Request) -> bool:
    """Whether somebody typed an address into a browser."""
    reads = request.method == "GET" and "text/html" in request.headers.get("accept", "")
    return reads and not request.url.path.startswith(("/api/", "/v1/"))


class Crashes:
    """Answers where the app raises what nobody foresaw.

    The framework's own place for that is outside of all middleware, where the response would get no headers,
    and nothing would count it or write its line.

    Args:
        app: What answers.
    """

    def __init__(self, app: ASGIApp):
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on."""
        started = False

        async def noted(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except Exception as error:
            if started or scope["type"] != "http":
                raise
            number = scope.get("state", {}).get("request_id", "")
            ours = isinstance(error, BuboError)  # other texts may hold anything
            what = str(error) if ours else type(error).__name__
            _log.error("Request %s failed: %s", number, what, exc_info=error)
            problem = Problem(
                500,
                f"The server failed at this request ({number}); try again, or tell who runs it.",
                "server_error",
                retryable=True,
            )
            await problem_response(problem)(scope, receive, send)
