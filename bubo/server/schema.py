"""The JSON of questions and answers, as OpenAPI describes it: our page's and OpenAI's."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from bubo.server.schema_stores import Message

__all__ = [
    "Ask",
    "ChatRequest",
    "Completion",
    "CorrectedRegion",
    "FileDeleted",
    "FileList",
    "FileObject",
    "GroundRequest",
    "Grounding",
    "ModelList",
    "ModelObject",
    "Place",
    "SegmentAnswer",
    "SegmentRequest",
    "Started",
]

Id = Annotated[str, Field(max_length=100)]
Coordinate = Annotated[float, Field(ge=-100_000, le=100_000)]
Seconds = Annotated[float, Field(ge=0, le=100_000)]
Length = Annotated[float, Field(gt=0, le=100_000)]
MAX_TEXT = 100_000


class Strict(BaseModel):
    """What a client of ours sends: no other fields, no other types."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class Open(BaseModel):
    """What any OpenAI client sends: fields that we do not know are not looked at."""

    model_config = ConfigDict(extra="ignore", strict=True, allow_inf_nan=False)


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


class TextPart(Open):
    """Text."""

    type: Literal["text"]
    text: Annotated[str, Field(max_length=MAX_TEXT)]


class ImageUrl(Open):
    """A data URL, or the id of a file of one's own."""

    url: str
    detail: Literal["auto", "low", "high"] | None = None


class ImagePart(Open):
    """A picture."""

    type: Literal["image_url"]
    image_url: ImageUrl


class AudioData(Open):
    """A sound file in base 64."""

    data: str
    format: Literal["wav", "mp3"]


class AudioPart(Open):
    """A sound."""

    type: Literal["input_audio"]
    input_audio: AudioData


class FileId(Open):
    """A file that was uploaded before."""

    file_id: Id


class FilePart(Open):
    """A picture or sound by its file's id."""

    type: Literal["file"]
    file: FileId


Part = Annotated[TextPart | ImagePart | AudioPart | FilePart, Field(discriminator="type")]
Content = Annotated[str, Field(max_length=MAX_TEXT)] | Annotated[list[Part], Field(max_length=200)]


class ChatMessage(Open):
    """One turn of a conversation."""

    role: Literal["system", "developer", "user", "assistant"]
    content: Content


class StreamOptions(Open):
    """What a stream also holds."""

    include_usage: bool | None = None


class ChatRequest(Open):
    """A question to /v1/chat/completions."""

    model: Annotated[str, Field(max_length=200)]
    messages: Annotated[list[ChatMessage], Field(min_length=1)]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    seed: Annotated[int, Field(ge=-(2**63), lt=2**63)] | None = None
    stop: str | Annotated[list[str], Field(max_length=4)] | None = None
    n: int | None = None
    ui: bool = Field(False, description="Whether chunks also hold the text as blocks.")
    grounding: bool = Field(True, description="Whether phrases are tied to what is seen and heard.")
    threshold: Annotated[float, Field(ge=0, le=1)] | None = None


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
