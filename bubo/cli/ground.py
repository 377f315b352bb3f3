"""`bubo ground`: the grounder alone, without a language model's answer."""

import json
import sys
import time
from collections.abc import Sequence

from bubo.arguments import Parser
from bubo.cli.arguments import add_model, drawing_format, verb_parser
from bubo.cli.drawing import write_drawing
from bubo.cli.report import evidence_lines
from bubo.errors import InputError, ModelError


def build_parser() -> Parser:
    """The options of `bubo ground`."""
    parser = verb_parser(
        "ground",
        "Find in a picture what the phrases of a text name: boxes and masks, or that it is not there.",
        "example: bubo ground scene.png --text 'the dog, two cars and a piano'",
        "bubo ground PICTURE --text TEXT [--model NAME] [--json] [--draw OUT.png]",
    )
    parser.add_argument("picture", metavar="PICTURE", help="a picture file")
    parser.add_argument("--text", required=True, help="the text whose phrases are looked for")
    add_model(parser)
    parser.add_argument("--json", action="store_true", help="print JSON in the form of an answer")
    parser.add_argument("--draw", metavar="OUT.png", help="also draw what was found into this file")
    return parser


def main(argv: Sequence[str]) -> int:
    """Run `bubo ground` and return the exit code."""
    arguments = build_parser().parse_args(argv)
    if not arguments.text.strip():
        raise InputError("The text is empty; give one that names things, such as --text 'the dog'.")
    if arguments.draw is not None:
        drawing_format(arguments.draw)
    from bubo.media import load_picture

    picture = load_picture(arguments.picture)

    from bubo.loading import grounder_of
    from bubo.types import Answer

    grounder = grounder_of(arguments.model)
    if grounder is None or grounder.detector is None:
        raise ModelError(f"The model {arguments.model!r} has no grounding tools; choose another one.")
    started = time.perf_counter()
    entities, links, _ = grounder.ground(arguments.text, [picture])
    timings = {**grounder.last, "grounding_s": time.perf_counter() - started}
    timings = {name: round(seconds, 5) for name, seconds in timings.items()}
    answer = Answer(arguments.text, entities, links, timings=timings, pictures=(picture,))
    if arguments.json:
        print(json.dumps(answer.to_dict()))
    else:
        print("\n".join(evidence_lines(answer)) or "The text names nothing that could be looked for.")
    if arguments.draw is not None:
        write_drawing(answer, arguments.draw)
        print(f"drawn: {arguments.draw}", file=sys.stderr)
    return 0
