"""Runs as responses: server-sent events that a client may follow from any number on."""

from collections.abc import AsyncIterator
from typing import Any

from starlette.responses import StreamingResponse

from bubo.server.run import Run

__all__ = ["EVENT_STREAM", "PING", "event_response", "event_stream"]

#: How OpenAPI describes such a response.
EVENT_STREAM: dict[str, Any] = {
    "content": {"text/event-stream": {}},
    "description": "Chunks as server-sent events, then [DONE].",
}
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
#: Sent when there is nothing else to say, so that nobody on the way takes the connection for dead.
PING = ": ping\n\n"


def event_stream(run: Run, after: int = 0, *, ping_s: float = 15.0) -> StreamingResponse:
    """What a run says from event number `after` + 1 on, and then as it comes."""
    return event_response(_lines(run, after, ping_s))


def event_response(lines: AsyncIterator[str]) -> StreamingResponse:
    """Lines of server-sent events as a response that nobody on the way keeps or holds back."""
    return StreamingResponse(lines, headers=_HEADERS, media_type="text/event-stream")


async def _lines(run: Run, after: int, ping_s: float) -> AsyncIterator[str]:
    if after > run.num_events:
        yield f": there is no event {after} yet; the last one is number {run.num_events}\n\n"
    async for batch in run.follow(after, ping_s):
        yield "".join(f"id: {number}\ndata: {text}\n\n" for number, text in batch) or PING
