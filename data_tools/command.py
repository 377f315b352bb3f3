"""`bubo data`: makes data sets. So far there is one source, the generated world."""

import argparse
import sys
from collections.abc import Sequence

from bubo.arguments import Parser
from bubo.errors import InputError

SPLITS = ("train", "validation", "heldout")


def main(argv: Sequence[str] | None = None) -> int:
    """Run `bubo data` and return the exit code 0.

    Args:
        argv: words after `bubo data`; those of the command line by default.

    Raises:
        BuboError: What `bubo` turns into one line and exit code 2.
    """
    _run(build_parser().parse_args(argv))
    return 0


def build_parser() -> Parser:
    """Return the parser of `bubo data`; it imports nothing heavy."""
    parser = Parser(prog="bubo data", description="Make data sets for training and evaluation.")
    sources = parser.add_subparsers(dest="source", required=True, metavar="SOURCE")
    world = sources.add_parser(
        "world",
        help="the generated world of drawn pictures, made sounds and dialogues",
        description="Generate pictures, sounds and dialogues with exact truth, the same for the same seed. "
        "Give OUT to write a data set, or --show and --out to draw a contact sheet.",
    )
    world.add_argument(
        "folder", nargs="?", metavar="OUT", help="folder of the data set; an unfinished one is completed"
    )
    world.add_argument("--count", type=int, default=1000, help="number of records (default %(default)s)")
    world.add_argument("--seed", type=int, default=0, help="number of the data set (default %(default)s)")
    world.add_argument("--split", choices=SPLITS, default="train", help="default %(default)s")
    world.add_argument(
        "--parts",
        default="picture,sound,dialogue",
        help="what records hold, a list of picture, sound and dialogue with commas (default %(default)s)",
    )
    world.add_argument("--workers", type=int, default=1, help="processes (default %(default)s)")
    world.add_argument(
        "--per-shard", type=int, default=500, help="records in one shard (default %(default)s)"
    )
    world.add_argument(
        "--questions",
        type=int,
        default=8,
        help="dialogues of one question in a record, besides one of several turns (default %(default)s)",
    )
    world.add_argument("--show", type=int, metavar="N", help="draw a contact sheet of N samples instead")
    world.add_argument("--out", metavar="PNG", help="file of the contact sheet (default sheet.png)")
    return parser


def _run(arguments: argparse.Namespace) -> None:
    from .world.build import WorldSettings, build_world, write_sheet

    parts = tuple(part.strip() for part in arguments.parts.split(",") if part.strip())
    if arguments.show is not None:
        out = arguments.out or "sheet.png"
        write_sheet(out, arguments.show, arguments.split, arguments.seed, parts)
        sys.stdout.write(f"{arguments.show} samples: {out}\n")
        return
    if arguments.folder is None:
        raise InputError("no folder was given for the data set; give one, or --show N --out sheet.png")
    settings = WorldSettings(
        split=arguments.split,
        seed=arguments.seed,
        count=arguments.count,
        parts=parts,
        per_shard=arguments.per_shard,
        questions=arguments.questions,
    )
    paths = build_world(arguments.folder, settings, workers=arguments.workers)
    sys.stdout.write(f"{settings.count} records in {len(paths)} shards: {arguments.folder}\n")
