"""The JSON of our page's questions and of all answers, as OpenAPI describes it."""

from typing import Annotated, Any, Literal

from fastapi import UploadFile
from pydantic import BaseModel, Field

from bubo.server.schema_chat import AudioData, FileId, Id
from bubo.server.schema_stores import MAX_TEXT, Given, Message, Strict

__all__ = [
    "Ask",
    "Completion",
    "CorrectedRegion",
    "FileDeleted",
    "FileList",
    "FileObject",
    "FileUpload",
    "GroundRequest",
    "Grounding",
    "ModelList",
    "ModelObject",
    "Place",
    "Purpose",
    "SegmentAnswer",
    "SegmentRequest",
    "Started",
]

Coordinate = Annotated[float, Field(ge=-100_000, le=100_000)]
Seconds = Annotated[float, Field(ge=0, le=100_000)]
Length = Annotated[float, Field(gt=0, le=100_000)]


class PointPlace(Strict):
    """A point of a picture, in pixels."""

    kind: Literal["point"]
    media: Id
    x: Coordinate
    y: Coordinate
    positive: bool = True


class BoxPlace(Strict):
    """A box in a picture: x, y, width, height in pixels."""

    kind: Literal["box"]
    media: Id
    box: Annotated[list[Coordinate], Field(min_length=4, max_length=4)]


class EntityPlace(Strict):
    """A thing that was spoken of."""

    kind: Literal["entity"]
    entity: Id


class TimePlace(Strict):
    """Seconds of a sound."""

    kind: Literal["time"]
    media: Id
    t0: Seconds
    t1: Seconds


Place = Annotated[PointPlace | BoxPlace | EntityPlace | TimePlace, Field(discriminator="kind")]


class AskSettings(Strict):
    """How to answer; what is missing is as the server has it."""

    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    max_tokens: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    grounding: bool | None = None
    threshold: Annotated[float, Field(ge=0, le=1)] | None = None


class Ask(Strict):
    """A question, a new version of one (`edit`), or a wish for another answer (`regenerate`)."""

    text: Annotated[str, Field(max_length=MAX_TEXT)] = ""
    media: Annotated[list[Id], Field(max_length=100)] = []
    places: Annotated[list[Place], Field(max_length=100)] = []
    parent: Id | None = None
    regenerate: Id | None = None
    edit: Id | None = None
    settings: AskSettings = AskSettings()


class Started(BaseModel):
    """A run that has begun, the question and the answer that it writes."""

    run: str
    question: Message
    answer: Message


class SegmentPoint(Strict):
    """A point on the thing, or beside it."""

    x: Coordinate
    y: Coordinate
    positive: bool = True


class SegmentRequest(Strict):
    """What is pointed at: points, or a box of x, y, width, height, in pixels."""

    points: Annotated[list[SegmentPoint], Field(max_length=32)] = []
    box: Annotated[list[Coordinate], Field(min_length=4, max_length=4)] | None = None


class Region(BaseModel):
    """Where in a picture something is; `path` is an SVG path, filled by the even-odd rule."""

    id: str
    media: str
    bbox: list[float]
    area: int
    path: str
    score: float


class CorrectedRegion(Region):
    """A region that a person has put right; `corrected` is the id that its new outline alone would have."""

    corrected: str


class Span(BaseModel):
    """When in a sound something is heard, in seconds."""

    id: str
    media: str
    t0: float
    t1: float
    score: float


class Entity(BaseModel):
    """A thing that is seen or heard; `slot` is its colour."""

    id: str
    label: str
    slot: int
    status: Literal["seen", "heard", "both", "absent", "unsure"]
    score: float
    regions: list[str]
    spans: list[str]


class TextLink(BaseModel):
    """A phrase: code points of the text, and the entity it stands for."""

    start: int
    end: int
    entity: str
    state: Literal["pending", "ready", "none"]


class Judgement(BaseModel):
    """Whether sound and picture belong together."""

    kind: Literal["match", "partly", "mismatch"]
    score: float
    entities: list[str]
    text: str


class Grounding(BaseModel):
    """What a text stands on."""

    entities: list[Entity]
    regions: list[Region]
    spans: list[Span]
    links: list[TextLink]
    verdict: Judgement | None = None


class SegmentAnswer(BaseModel):
    """The thing that was pointed at, or null where nothing is."""

    region: Region | None
    label: str


class CompletionMessage(BaseModel):
    """The answer."""

    role: Literal["assistant"]
    content: str
    refusal: None = None


class Choice(BaseModel):
    """The one choice there is."""

    index: int
    message: CompletionMessage
    logprobs: None = None
    finish_reason: Literal["stop", "length"]


class Usage(BaseModel):
    """Tokens of the question and all before it, and of the answer."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class Completion(BaseModel):
    """An answer as OpenAI's clients expect it, and what it stands on."""

    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    choices: list[Choice]
    usage: Usage
    grounding: Grounding
    ui: dict[str, Any] | None = None


class ModelObject(BaseModel):
    """A model that can be asked."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str


class ModelList(BaseModel):
    """The models that can be asked."""

    object: Literal["list"]
    data: list[ModelObject]


Purpose = Literal["vision", "user_data", "assistants"]


class FileUpload(Given):
    """A file to be stored; what it is for is of no effect, and can only be what files are for here."""

    file: UploadFile = Field(description="A picture or a sound.")
    purpose: Purpose = "user_data"


class FileObject(BaseModel):
    """A picture or sound that was uploaded."""

    id: str
    object: Literal["file"]
    bytes: int
    created_at: int
    filename: str
    purpose: str
    status: Literal["processed"]


class FileList(BaseModel):
    """A page of files."""

    object: Literal["list"]
    data: list[FileObject]
    first_id: str | None
    last_id: str | None
    has_more: bool


class FileDeleted(BaseModel):
    """A file that is gone."""

    id: str
    object: Literal["file"]
    deleted: bool


class GroundRequest(Strict):
    """A text to be tied to pictures (data URLs or file ids) and sounds."""

    text: Annotated[str, Field(min_length=1, max_length=MAX_TEXT)]
    pictures: Annotated[list[str], Field(max_length=100)] = []
    sounds: Annotated[list[AudioData | FileId], Field(max_length=100)] = []
    threshold: Annotated[float, Field(ge=0, le=1)] | None = None


class GroundAnswer(Grounding):
    """What a given text stands on."""

    object: Literal["grounding"]
    model: str
    text: str
