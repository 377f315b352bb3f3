"""What of a body was not read when its answer was sent: it is read and dropped, so that the answer is seen.

A connection that is closed while data wait in it is reset, and many clients then throw away what they were
answered; browsers look at an answer only once they have sent everything.
"""

import asyncio

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["DropUnread"]


class DropUnread:
    """Answers at once, and goes on reading for a while before the connection may be closed.

    Args:
        app: What answers.
        most: Bytes that are dropped; who sends more has the connection closed.
        seconds: How long.
    """

    def __init__(self, app: ASGIApp, most: int, seconds: float = 30.0):
        self._app, self._most, self._seconds = app, most, seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        unread = headers.get("content-length", "0") != "0" or "transfer-encoding" in headers

        async def reading() -> Message:
            nonlocal unread
            message = await receive()
            unread = message["type"] == "http.request" and message.get("more_body", False)
            return message

        async def sending(message: Message) -> None:
            if not unread or message["type"] != "http.response.body" or message.get("more_body", False):
                await send(message)
                return
            await send({**message, "more_body": True})
            await self._drop(receive)
            await send({"type": "http.response.body", "body": b"", "more_body": False})

        await self._app(scope, reading, sending)

    async def _drop(self, receive: Receive) -> None:
        count = 0
        try:
            async with asyncio.timeout(self._seconds):
                while count <= self._most:
                    message = await receive()
                    count += len(message.get("body", b""))
                    if message["type"] == "http.disconnect" or not message.get("more_body", False):
                        return
        except TimeoutError:
            return
