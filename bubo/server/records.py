"""What the stores give out: plain values, apart from the tables they come from."""

from dataclasses import dataclass, field
from typing import Any

__all__ = ["STATUSES", "ConversationRecord", "MediaRecord", "MessageRecord"]

#: What an answer's status may be; questions are "complete".
STATUSES = ("running", "complete", "stopped", "interrupted", "error")


@dataclass(frozen=True)
class ConversationRecord:
    """A conversation, without its messages; times are seconds since 1970.

    Args:
        id: Its id.
        title: The first question, until its owner renames it.
        created: When it began.
        updated: When something was last asked or answered in it.
        leaf: The message at the end of the branch that is shown; None while there is none.
        running: Whether an answer is being written.
    """

    id: str
    title: str
    created: float
    updated: float
    leaf: str | None
    running: bool = False


@dataclass(frozen=True)
class MessageRecord:
    """A question or an answer; messages with one parent are versions of each other."""

    id: str
    conversation_id: str
    parent: str | None
    role: str
    text: str
    media: tuple[str, ...] = ()
    places: list[dict[str, Any]] = field(default_factory=list)
    status: str = "complete"
    run: str | None = None
    model: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    grounding: dict[str, Any] | None = None
    error: dict[str, Any] | None = None
    timings: dict[str, Any] | None = None
    metadata: dict[str, Any] | None = None
    rating: int = 0
    comment: str = ""
    created: float = 0.0


@dataclass(frozen=True)
class MediaRecord:
    """A stored picture or sound; sizes in pixels of the upright picture, seconds, and bytes on disk."""

    id: str
    kind: str
    name: str
    content_type: str
    bytes: int
    created: float
    width: int | None = None
    height: int | None = None
    duration_s: float | None = None
    sampling_rate: int | None = None
    peaks: list[list[float]] | None = None
