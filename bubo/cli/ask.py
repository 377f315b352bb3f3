"""`bubo ask`: one question, one linked answer."""

import json
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from bubo.arguments import Parser
from bubo.cli.arguments import (
    add_decoding,
    add_loading,
    add_media,
    add_model,
    add_places,
    drawing_format,
    join_places,
    media_of,
    place_of,
    settings_of,
    verb_parser,
)
from bubo.cli.drawing import write_drawing
from bubo.cli.report import evidence_lines, notes
from bubo.cli.speaking import add_speaker, loader_of

if TYPE_CHECKING:
    from bubo.assistant import Event
    from bubo.types import Answer


def build_parser() -> Parser:
    """The options of `bubo ask`."""
    parser = verb_parser(
        "ask",
        "Answer one question about pictures and sounds, and say what each phrase of the answer rests on.",
        "example: bubo ask 'What do you see?' --picture scene.png --sound scene.wav --draw linked.png",
        "bubo ask QUESTION [--picture P ...] [--sound S ...] [--at PLACE ...] [--model NAME]\n"
        "                [--json] [--draw OUT.png]\n"
        "                [--greedy] [--seed N] [--grounder NAME] [--dtype TYPE] [--quantization BITS]\n"
        "                [--device NAME] [--speaker URL --speaker-model NAME]",
    )
    parser.add_argument("question", nargs="?", metavar="QUESTION", help="what to ask, in quotes")
    add_media(parser)
    add_places(parser)
    add_model(parser)
    parser.add_argument(
        "--json", action="store_true", help="print the answer as JSON: text, entities, links, verdict"
    )
    parser.add_argument("--draw", metavar="OUT.png", help="also draw the linked answer into this file")
    add_decoding(parser)
    add_loading(parser)
    add_speaker(parser)
    return parser


def main(argv: Sequence[str]) -> int:
    """Run `bubo ask` and return the exit code."""
    parser = build_parser()
    arguments = parser.parse_args(join_places(argv))
    if arguments.question is None:
        parser.error("there is no QUESTION; put it first, before --picture and --sound")
    if arguments.draw is not None:
        drawing_format(arguments.draw)
    places = [place_of(text) for text in arguments.at]
    loader = loader_of(arguments)
    pictures, sounds = media_of(arguments)

    from bubo.conversation import Conversation

    chat = Conversation(model=arguments.model, loader=loader)
    settings = settings_of(arguments)
    if arguments.json:
        answer = chat.ask(arguments.question, pictures, sounds, at=places, settings=settings)
        print(json.dumps(answer.to_dict()))
    else:
        answer = print_stream(chat.stream(arguments.question, pictures, sounds, at=places, settings=settings))
    for note in notes(answer):
        print(f"note: {note}", file=sys.stderr)
    if arguments.draw is not None:
        write_drawing(answer, arguments.draw)
        print(f"drawn: {arguments.draw}", file=sys.stderr)
    return 0


def print_stream(events: "Iterator[Event]", before: "Answer | None" = None) -> "Answer":
    """Print a streamed answer as it comes, then what it rests on and `before` did not say; return it."""
    from bubo.errors import BuboError

    answer = None
    for event in events:
        if event.text:
            print(event.text, end="", flush=True)
        answer = event.answer or answer
    print()
    if answer is None:
        raise BuboError("The assistant ended without an answer; ask again.")
    lines = evidence_lines(answer, before)
    if lines:
        print("", *lines, sep="\n")
    return answer
