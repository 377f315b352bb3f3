"""The JSON of questions to /v1/chat/completions, as OpenAPI describes it."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from bubo.server.schema_stores import MAX_TEXT, Strict

__all__ = [
    "AudioData",
    "AudioPart",
    "ChatMessage",
    "ChatRequest",
    "FileId",
    "FilePart",
    "Id",
    "ImagePart",
    "TextPart",
]

Id = Annotated[str, Field(max_length=100)]
Unsupported = Annotated[Any, Field(description="Not supported: leave it out, or let it ask for nothing.")]
Ignored = Annotated[Any, Field(description="Taken, but of no effect.")]


class Open(BaseModel):
    """A part of what any OpenAI client sends: fields that we do not know are not looked at."""

    model_config = ConfigDict(extra="ignore", strict=True, allow_inf_nan=False)


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


class ChatRequest(Strict):
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

    # what would change the answer, and cannot be had: only values that ask for nothing are taken
    tools: Unsupported = None
    tool_choice: Unsupported = None
    functions: Unsupported = None
    function_call: Unsupported = None
    logprobs: Unsupported = None
    top_logprobs: Unsupported = None
    logit_bias: Unsupported = None
    presence_penalty: Unsupported = None
    frequency_penalty: Unsupported = None
    audio: Unsupported = None
    prediction: Unsupported = None
    moderation: Unsupported = None
    web_search_options: Unsupported = None
    response_format: Unsupported = None
    modalities: Unsupported = None

    # what clients send, and what changes nothing here
    user: Ignored = None
    metadata: Ignored = None
    store: Ignored = None
    service_tier: Ignored = None
    safety_identifier: Ignored = None
    prompt_cache_key: Ignored = None
    prompt_cache_options: Ignored = None
    prompt_cache_retention: Ignored = None
    parallel_tool_calls: Ignored = None
    reasoning_effort: Ignored = None
    verbosity: Ignored = None
