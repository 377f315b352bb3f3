"""Options that several verbs share."""

import argparse
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bubo.arguments import Parser
from bubo.errors import InputError

if TYPE_CHECKING:
    from bubo.settings import Settings
    from bubo.types import Picture, Place, Sound

#: With --seed, answers are drawn at this temperature.
SAMPLING_TEMPERATURE = 0.7
#: Answers of other speakers than ours may be longer than those of nano, and some think first.
SPEAKER_MAX_NEW_TOKENS = 1024
_NUMBER = r"\d{1,9}(?:\.\d{1,6})?"
DRAWING_FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}


def verb_parser(verb: str, description: str, epilog: str = "", usage: str | None = None) -> Parser:
    """The parser of `bubo VERB`, without options yet."""
    return Parser(prog=f"bubo {verb}", description=description, epilog=epilog or None, usage=usage)


def add_model(parser: argparse.ArgumentParser) -> None:
    """--model."""
    parser.add_argument(
        "--model",
        default="nano",
        metavar="NAME",
        help="a known model, or the path of a model folder (default nano)",
    )


def add_loading(parser: argparse.ArgumentParser) -> None:
    """--grounder, --dtype, --quantization and --device."""
    group = parser.add_argument_group("loading", "What of a preset is loaded otherwise than it says.")
    group.add_argument("--grounder", metavar="NAME", help="take the tools of this grounder's preset")
    group.add_argument("--dtype", choices=("fp32", "fp16", "bf16"), help="type of the weights")
    group.add_argument(
        "--quantization", choices=("8bit", "4bit", "none"), help="of the language model, by bitsandbytes"
    )
    group.add_argument("--device", metavar="NAME", help="cpu, cuda, cuda:1, ...; a GPU if there is one")


def add_media(parser: argparse.ArgumentParser) -> None:
    """--picture and --sound, both repeatable and with several values."""
    parser.add_argument(
        "--picture",
        nargs="+",
        action="extend",
        default=[],
        metavar="P",
        help="picture files (PNG, JPEG, WebP, ...)",
    )
    parser.add_argument(
        "--sound",
        nargs="+",
        action="extend",
        default=[],
        metavar="S",
        help="sound files (WAV, FLAC, MP3, M4A, ...)",
    )


def add_places(parser: argparse.ArgumentParser) -> None:
    """--at, repeatable."""
    parser.add_argument(
        "--at",
        action="append",
        default=[],
        metavar="PLACE",
        help="what the question points at: x,y or x0,y0,x1,y1 in pixels of the last picture, or 3s-5s in the "
        "last sound; up to five times",
    )


def join_places(argv: Sequence[str]) -> list[str]:
    """The command line with --at and a place such as -5,3 as one word: alone it is taken for an option."""
    words: list[str] = []
    for word in argv:
        if words and words[-1] == "--at" and re.match(r"-[\d.]", word):
            words[-1] = f"--at={word}"
        else:
            words.append(word)
    return words


def place_of(text: str) -> "Place":
    """The place that a text names: "120,80", "100,60,180,140", "3s-5s" or an entity such as "e2".

    Raises:
        InputError: If it is none of these.
    """
    from bubo.types import Place

    plain = text.replace(" ", "")
    if re.fullmatch(r"e\d+", plain):
        return Place(entity=plain)
    seconds = re.fullmatch(rf"({_NUMBER})s?-({_NUMBER})s", plain)
    if seconds:
        return Place(seconds=(float(seconds[1]), float(seconds[2])))
    numbers = [float(part) for part in plain.split(",") if re.fullmatch(f"-?{_NUMBER}", part)]
    if len(numbers) == plain.count(",") + 1:
        if len(numbers) == 2:
            return Place.at(*numbers)
        if len(numbers) == 4:
            return Place(box=(numbers[0], numbers[1], numbers[2], numbers[3]))
    raise InputError(
        f"{text!r} is no place; give x,y or x0,y0,x1,y1 in pixels of a picture, or seconds such as 3s-5s."
    )


def add_decoding(parser: argparse.ArgumentParser) -> None:
    """--greedy and --seed."""
    parser.add_argument(
        "--greedy", action="store_true", help="always take the likeliest word: the default; overrules --seed"
    )
    parser.add_argument(
        "--seed",
        type=_seed,
        metavar="N",
        help=f"draw words by chance (temperature {SAMPLING_TEMPERATURE}); the same N gives the same answer",
    )


def _seed(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) >= 2**63:
        raise argparse.ArgumentTypeError(f"{text!r} was given; a seed is a whole number from 0 to 2**63 - 1")
    return int(text)


def settings_of(arguments: argparse.Namespace) -> "Settings":
    """How to answer, from --greedy, --seed and who speaks."""
    from bubo.settings import Settings

    ours = arguments.speaker is None and not _speaks_elsewhere(arguments.model)
    longest = Settings.max_new_tokens if ours else SPEAKER_MAX_NEW_TOKENS
    if arguments.greedy or arguments.seed is None:
        return Settings(max_new_tokens=longest)
    return Settings(max_new_tokens=longest, temperature=SAMPLING_TEMPERATURE, seed=arguments.seed)


def _speaks_elsewhere(model: str) -> bool:
    """Whether a preset's speaker is a server or a model of transformers, as --speaker would name it."""
    from bubo.loading import BUILT_IN
    from bubo.pulling import known_presets

    preset = None if model in BUILT_IN or Path(model).expanduser().is_dir() else known_presets().get(model)
    return preset is not None and preset.speaker is not None and preset.speaker["kind"] != "bubo"


def media_of(arguments: argparse.Namespace) -> "tuple[list[Picture], list[Sound]]":
    """The pictures and sounds of --picture and --sound, decoded.

    Raises:
        MediaError: If a file is missing or no such medium.
    """
    from bubo.media import load_picture, load_sound

    return [load_picture(path) for path in arguments.picture], [load_sound(path) for path in arguments.sound]


def drawing_format(path: str) -> str:
    """The picture format that a file name stands for.

    Raises:
        InputError: If it is none that can be written, or its folder is not there.
    """
    target = Path(path)
    if target.suffix.lower() not in DRAWING_FORMATS:
        raise InputError(
            f"Cannot tell the format of the drawing {path!r}; end its name in {', '.join(DRAWING_FORMATS)}."
        )
    if not target.parent.is_dir():
        raise InputError(
            f"There is no folder {str(target.parent)!r} for the drawing {path!r}; make it first."
        )
    return DRAWING_FORMATS[target.suffix.lower()]
