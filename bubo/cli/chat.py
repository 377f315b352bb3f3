"""`bubo chat`: a conversation in the terminal, or one read from a pipe."""

import contextlib
import select
import sys
from collections.abc import Iterator, Sequence
from importlib import resources

from bubo.arguments import Parser
from bubo.cli.arguments import (
    add_decoding,
    add_loading,
    add_media,
    add_model,
    media_of,
    settings_of,
    verb_parser,
)
from bubo.cli.speaking import add_speaker, loader_of
from bubo.cli.talk import COMMANDS, Talk
from bubo.errors import ModelError

#: How long to wait for the first line of a pipe before asking a sample question instead.
FIRST_LINE_S = 3.0
SAMPLES = ("scene.png", "scene.wav")
_QUESTIONS = {
    (True, True): "What do you see and hear?",
    (True, False): "What do you see?",
    (False, True): "What do you hear?",
    (False, False): "What can you do?",
}


def build_parser() -> Parser:
    """The options of `bubo chat`."""
    commands = ", ".join(f"{name} {argument}".strip() for name, (argument, _) in COMMANDS.items())
    parser = verb_parser(
        "chat",
        "Talk about pictures and sounds in the terminal. Media that are given go with the first question. "
        "Without a terminal, the lines of stdin are the questions; if none come, a sample question is asked.",
        f"Lines that begin with a slash are commands: {commands}. Ctrl-C stops an answer; at the prompt it "
        "leaves.",
    )
    parser.add_argument(
        "--samples", action="store_true", help="begin with the sample picture and sound of nano"
    )
    add_media(parser)
    add_model(parser)
    add_decoding(parser)
    add_loading(parser)
    add_speaker(parser)
    return parser


def main(argv: Sequence[str]) -> int:
    """Run `bubo chat` and return the exit code."""
    arguments = build_parser().parse_args(argv)
    if arguments.samples:
        picture, sound = (sample_path(name) for name in SAMPLES)
        arguments.picture, arguments.sound = [picture, *arguments.picture], [sound, *arguments.sound]
    loader = loader_of(arguments)
    pictures, sounds = media_of(arguments)

    from bubo.conversation import Conversation

    talk = Talk(Conversation(model=arguments.model, loader=loader), settings_of(arguments), pictures, sounds)
    if sys.stdin.isatty() and sys.stdout.isatty():
        talk.load_model()
        return _converse(talk)
    _answer_lines(talk)
    return 0


def sample_path(name: str) -> str:
    """Where a file of the sample media lies.

    Raises:
        ModelError: If it is not there.
    """
    path = resources.files("bubo.nano") / "samples" / name
    if not path.is_file():
        raise ModelError(f"The sample {name} is missing from this installation; install the package again.")
    return str(path)


def _converse(talk: Talk) -> int:
    """Ask for questions until the end of the input; what goes wrong is said, and the talk goes on."""
    with contextlib.suppress(ImportError):  # Windows
        import readline  # noqa: F401  (gives input() history and editing)
    print(f"Bubo, model {talk.model}. /help lists the commands, /quit leaves.")
    print(*talk.attachments(), sep="\n")
    while True:
        try:
            line = input("\nyou> ")
        except EOFError:
            print()
            return 0
        if not talk.take(line, forgiving=True):
            return 0


def _answer_lines(talk: Talk) -> None:
    asked = False
    for line in _piped_lines():
        if line.strip():
            asked = True
            print(f"you> {line.strip()}", flush=True)
            if not talk.take(line):
                return
            print()
    if not asked:
        print(*talk.attachments(), sep="\n")
        question = _QUESTIONS[bool(talk.pictures), bool(talk.sounds)]
        print(f"you> {question}", flush=True)
        talk.take(question)


def _piped_lines() -> Iterator[str]:
    """The lines of stdin; none if it is a terminal, or a pipe into which nobody writes."""
    if sys.stdin.isatty():
        return
    try:
        ready = bool(select.select([sys.stdin], [], [], FIRST_LINE_S)[0])
    except (OSError, ValueError):  # Windows can wait for sockets only; a stand-in for stdin has no file
        ready = True
    if ready:
        yield from sys.stdin
