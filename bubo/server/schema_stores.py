"""The JSON of sessions, media and conversations, as OpenAPI describes it."""

from typing import TYPE_CHECKING, Any, Literal, Self

from fastapi import UploadFile
from pydantic import BaseModel, ConfigDict, Field, field_validator

if TYPE_CHECKING:
    from bubo.server.engine import Engine

__all__ = [
    "WHEN",
    "Conversation",
    "ConversationChange",
    "ConversationList",
    "ConversationWithMessages",
    "Example",
    "ExampleCopy",
    "Given",
    "Media",
    "MediaUpload",
    "Message",
    "NewConversation",
    "ProblemBody",
    "Rating",
    "SessionInfo",
    "SignIn",
    "Strict",
    "openai_problems",
    "problems",
]

TITLE = 1_000
COMMENT = 2_000
MAX_TEXT = 100_000
#: When a request fails with which status.
WHEN = {
    400: "Something does not fit what is there, or cannot be read.",
    401: "Not signed in.",
    403: "Sent by another site's page.",
    404: "Unknown, or another owner's.",
    409: "Not possible as things are.",
    413: "Too large.",
    415: "Neither a picture nor a sound.",
    416: "The range lies outside the file.",
    421: "The server is not called by this name.",
    422: "A field is missing or wrong, or the file is damaged.",
    429: "Too many; the header Retry-After says when to try again.",
    502: "The model is asked elsewhere, and failed there.",
    503: "The model is not loaded, or the server is closing; Retry-After may say when to try again.",
    507: "The disk is full.",
}


class ProblemError(BaseModel):
    """What went wrong."""

    message: str
    type: str
    code: str
    param: str | None
    retryable: bool


class ProblemBody(BaseModel):
    """The answer to a request that failed."""

    error: ProblemError


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What a route documents as its failures, besides those that any route may have."""
    return _described({422, *statuses})


def openai_problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The same for the routes below /v1, where what does not fit the schema has OpenAI's status 400."""
    return _described({400, *statuses})


def _described(statuses: set[int]) -> dict[int | str, dict[str, Any]]:
    return {
        status: {"model": ProblemBody, "description": WHEN[status]}
        for status in sorted({401, 403, 421, 429} | statuses)
    }


class Strict(BaseModel):
    """What a client of ours sends: no other fields, no other types."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class Given(BaseModel):
    """What a client sends: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")


class ModelState(BaseModel):
    """The model that answers; `languages` are tags of those it understands, none if that is not known."""

    id: str
    state: Literal["loading", "ready", "failed"]
    message: str
    languages: list[str]

    @classmethod
    def of(cls, engine: "Engine") -> Self:
        """What is told of an engine."""
        return cls(
            id=engine.name, state=engine.state, message=engine.message, languages=list(engine.languages)
        )


class SessionInfo(BaseModel):
    """Who is asking whom, and what may be asked."""

    auth: Literal["none", "token", "users"]
    signed_in: bool
    name: str
    model: ModelState
    limits: dict[str, int | float]
    version: str


class SignIn(Given):
    """A token, or a name and a password."""

    token: str = Field("", max_length=1_000)
    name: str = Field("", max_length=100)
    password: str = Field("", max_length=1_000)


class MediaUpload(Given):
    """A file to be stored."""

    file: UploadFile = Field(description="A picture or a sound.")


class Media(BaseModel):
    """A picture or sound."""

    id: str
    kind: Literal["picture", "sound"]
    name: str
    bytes: int
    url: str
    width: int | None = None
    height: int | None = None
    thumbnail: str | None = None
    duration_s: float | None = None
    peaks: list[list[float]] | None = None


class Conversation(BaseModel):
    """A conversation without its messages; times are seconds since 1970."""

    id: str
    title: str
    created: float
    updated: float
    leaf: str | None
    running: bool


class Message(BaseModel):
    """A question or an answer; see docs/server-api.md for blocks, places and grounding."""

    id: str
    parent: str | None
    role: Literal["user", "assistant"]
    text: str
    blocks: list[Any]
    media: list[Media]
    places: list[dict[str, Any]]
    status: Literal["running", "complete", "stopped", "interrupted", "error"]
    run: str | None
    model: str
    settings: dict[str, Any]
    grounding: dict[str, Any] | None
    error: dict[str, Any] | None
    timings: dict[str, Any] | None
    turns_dropped: int = Field(description="Oldest turns that the model was not told, as they did not fit.")
    rating: int
    created: float


class ConversationWithMessages(Conversation):
    """A conversation with the messages of all its branches, by time."""

    messages: list[Message]


class ConversationList(BaseModel):
    """A page of conversations; `next` is what to send as `before` for the page behind it."""

    conversations: list[Conversation]
    next: str | None


class NewConversation(Given):
    """A conversation to begin; without a title its first question names it."""

    title: str = Field("", max_length=TITLE)


class ConversationChange(Given):
    """A new title, or the message at the end of the branch to show."""

    title: str | None = Field(None, max_length=TITLE)
    leaf: str | None = Field(None, max_length=100)


class Rating(Given):
    """What a reader thinks of an answer."""

    rating: Literal[-1, 0, 1]
    comment: str = Field("", max_length=COMMENT)

    @field_validator("rating", mode="before")
    @classmethod
    def _number(cls, rating: object) -> object:
        """Python takes false for 0 and true for 1."""
        if isinstance(rating, bool):
            raise ValueError("-1, 0 or 1")
        return rating


class Example(BaseModel):
    """A question with media to begin with."""

    id: str
    title: str
    text: str
    media: list[Media]


class ExampleCopy(BaseModel):
    """The example's question, and copies of its media that belong to who asked."""

    text: str
    media: list[Media]
