"""Bubo: an open assistant that sees, hears and shows evidence.

    import bubo
    chat = bubo.load("nano").conversation()
    answer = chat.ask("What do you see and hear?", picture="scene.png", sound="scene.wav")

Public names are resolved on first use, so that `import bubo` costs nothing and needs no torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bubo.assistant import Assistant, load
    from bubo.conversation import Conversation
    from bubo.endpoint import EndpointSpeaker
    from bubo.errors import BuboError
    from bubo.media import load_picture, load_sound
    from bubo.transformers_speaker import TransformersSpeaker
    from bubo.types import Answer, Entity, Link, Picture, Place, Point, Region, Sound, Span, Turn, Verdict

__version__ = "0.1.0"

__all__ = [
    "Answer",
    "Assistant",
    "BuboError",
    "Conversation",
    "EndpointSpeaker",
    "Entity",
    "Link",
    "Picture",
    "Place",
    "Point",
    "Region",
    "Sound",
    "Span",
    "TransformersSpeaker",
    "Turn",
    "Verdict",
    "__version__",
    "load",
    "load_picture",
    "load_sound",
]

_MODULES = {
    "assistant": ("Assistant", "load"),
    "conversation": ("Conversation",),
    "endpoint": ("EndpointSpeaker",),
    "errors": ("BuboError",),
    "media": ("load_picture", "load_sound"),
    "transformers_speaker": ("TransformersSpeaker",),
    "types": ("Answer", "Entity", "Link", "Picture", "Place", "Point", "Region", "Sound")
    + ("Span", "Turn", "Verdict"),
}
_HOMES = {name: f"bubo.{module}" for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(
            f"module 'bubo' has no attribute {name!r}; its public names are {', '.join(__all__)}"
        )
    return globals().setdefault(name, getattr(import_module(_HOMES[name]), name))


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
