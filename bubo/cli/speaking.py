"""Options that let somebody else speak: a server, or a multimodal model of transformers."""

import argparse
import math
import os
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from bubo.cli.arguments import SPEAKER_MAX_NEW_TOKENS
from bubo.errors import InputError

if TYPE_CHECKING:
    from bubo.assistant import Assistant
    from bubo.speaker import Speaker

#: --speaker-sound -> what `takes_sound` of a speaker gets.
_TAKES_SOUND = {"auto": None, "yes": True, "no": False}
_LOADING = ("grounder", "dtype", "quantization", "device")


def add_speaker(parser: argparse.ArgumentParser) -> None:
    """--speaker and what belongs to it."""
    group = parser.add_argument_group(
        "another speaker",
        "Somebody else answers, and the tools of --model ground what is said. Pictures and sounds go to the "
        "address given, nowhere else; a key is taken from the environment variable BUBO_API_KEY.",
    )
    group.add_argument(
        "--speaker",
        metavar="URL",
        help="an OpenAI-compatible endpoint such as http://127.0.0.1:8000/v1; vllm, ollama or lmstudio on "
        "this machine; or the folder of a multimodal model of transformers",
    )
    group.add_argument("--speaker-model", metavar="NAME", help="the endpoint's name of the model")
    group.add_argument(
        "--speaker-timeout",
        type=_seconds,
        metavar="S",
        help="longest silence of an endpoint in seconds (default 120)",
    )
    group.add_argument(
        "--speaker-sound",
        choices=tuple(_TAKES_SOUND),
        default="auto",
        help="whether it takes sounds; if not, it is told in words what is heard (default auto: find out)",
    )
    group.add_argument(
        "--speaker-matches",
        action="store_true",
        help="it is also asked which phrases of its answer stand for what was found",
    )


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds <= 86_400:
        raise argparse.ArgumentTypeError(f"{text!r} was given; expected seconds above 0, at most a day")
    return seconds


def loader_of(arguments: argparse.Namespace) -> "Callable[[str], Assistant] | None":
    """How models are loaded with the chosen speaker and options; None without any.

    Raises:
        InputError: If the options do not fit together.
        ModelError: If the model in a folder cannot be loaded.
    """
    options = {name: value for name in _LOADING if (value := getattr(arguments, name)) is not None}
    if arguments.speaker is None:
        for name in ("model", "timeout"):
            if getattr(arguments, f"speaker_{name}") is not None:
                raise InputError(f"--speaker-{name} was given, but no --speaker to which it belongs.")
        if arguments.speaker_matches or arguments.speaker_sound != "auto":
            raise InputError("--speaker-sound and --speaker-matches belong to a --speaker; give one.")
        return partial(_load, options) if options else None
    speaker = _speaker_of(arguments)

    def load_with(name: str) -> "Assistant":
        from bubo.assistant import load
        from bubo.grounding.reasoning import ReasoningMatcher
        from bubo.speaker import Settings, ask_with

        assistant = load(name, speaker=speaker, **options)
        if arguments.speaker_matches and assistant.grounder is not None:
            settings = Settings(max_new_tokens=SPEAKER_MAX_NEW_TOKENS)  # it may think first
            assistant.grounder.matcher = ReasoningMatcher(ask_with(speaker, settings))
        return assistant

    return load_with


def _load(options: dict[str, Any], name: str) -> "Assistant":
    from bubo.assistant import load

    return load(name, **options)


def _speaker_of(arguments: argparse.Namespace) -> "Speaker":
    from bubo.endpoint import KNOWN_ENDPOINTS, TIMEOUT_S, EndpointSpeaker

    place: str = arguments.speaker
    takes_sound = _TAKES_SOUND[arguments.speaker_sound]
    if "://" not in place and place not in KNOWN_ENDPOINTS:
        if not os.path.isdir(place):
            raise InputError(
                f"--speaker {place!r} is no address like http://127.0.0.1:8000/v1, none of "
                f"{', '.join(KNOWN_ENDPOINTS)}, and no folder."
            )
        if arguments.speaker_model is not None or arguments.speaker_timeout is not None:
            raise InputError("--speaker-model and --speaker-timeout are for endpoints, not for a folder.")
        from bubo.transformers_speaker import TransformersSpeaker

        return TransformersSpeaker.load(place, takes_sound=takes_sound)
    if arguments.speaker_model is None:
        raise InputError(f"--speaker {place} needs --speaker-model NAME, its name of the model.")
    return EndpointSpeaker(
        place,
        arguments.speaker_model,
        timeout_s=arguments.speaker_timeout or TIMEOUT_S,
        takes_sound=takes_sound,
    )
