"""A limit for the size of requests, counted while they come in, whatever their header promises.

What is too large is refused at once; `bubo.server.unread` then reads the rest, so that the refusal is seen.
"""

from collections.abc import Awaitable, Callable

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bubo.server.problems import Problem
from bubo.server.replies import problem_response

__all__ = ["BodyLimit"]

Refuse = Callable[[int, Scope, Receive, Send], Awaitable[None]]


class BodyLimit:
    """Refuses requests with too large a body.

    Args:
        app: What answers.
        limit: Bytes of one body.
    """

    def __init__(self, app: ASGIApp, limit: int):
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, or refuses it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        promised = Headers(scope=scope).get("content-length", "")
        if promised.isascii() and promised.isdigit() and int(promised) > self._limit:
            await self._refuse(int(promised), scope, receive, send)
            return
        await _Counted(self._app, self._limit, self._refuse).run(scope, receive, send)

    async def _refuse(self, size: int, scope: Scope, receive: Receive, send: Send) -> None:
        problem = Problem(
            413,
            f"The request has {size / 1e6:.1f} MB or more; at most {self._limit / 1e6:g} MB are taken. Make "
            "the picture or sound smaller, or send several one by one.",
            "too_large",
            headers={"Connection": "close"},
        )
        await problem_response(problem)(scope, receive, send)


class _Counted:
    """One request whose body is counted.

    The app may word an interrupted body in its own way; so its response is replaced once the limit is passed.
    """

    def __init__(self, app: ASGIApp, limit: int, refuse: Refuse):
        self._app, self._limit, self._refuse = app, limit, refuse
        self._count = 0
        self._started = False

    @property
    def _exceeded(self) -> bool:
        return self._count > self._limit

    async def run(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def counted() -> Message:
            message = await receive()
            self._count += len(message.get("body", b""))
            if self._exceeded:
                raise HTTPException(413)
            return message

        async def watched(message: Message) -> None:
            if self._exceeded and not self._started:
                return
            self._started = True
            await send(message)

        try:
            await self._app(scope, counted, watched)
        except HTTPException:
            if not self._exceeded or self._started:
                raise
        if self._exceeded and not self._started:
            await self._refuse(self._count, scope, receive, send)
