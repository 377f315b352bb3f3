"""`bubo eval world`: what a model reaches on generated records whose truth is known.

Each figure comes with what a trivial answer would reach on the same items and with its 95 % interval; all
are explained in docs/evaluation.md. This module alone of the trainer knows the assistant and how answers are
read; its siblings `evaluate_*` get both handed in.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from bubo.answers import Names, parse_answer
from bubo.arguments import Parser
from bubo.errors import InputError, RecordError
from bubo.media import write_atomic
from bubo.records import read_shards, read_vocabulary

from .evaluate_plan import plan_questions
from .evaluate_report import Evaluation, Report, table
from .evaluate_truth import Reading

SPLITS = ("heldout", "validation", "train")
PER_KIND = 300
MARGIN = 1.3
"""Records generated per wanted scene and sound: some have no sound, no picture, or a held-out glyph."""
PER_SHARD = 200


def reading_of(vocabulary: Mapping[str, Any]) -> Reading:
    """How answers in the words of a vocabulary are read."""
    names = Names.from_vocabulary(vocabulary)

    def classes(text: str, sounds_first: bool) -> list[tuple[str, bool]]:
        return [(one.name, one.is_sound) for one in names.mentions(text, sounds_first=sounds_first)]

    return Reading(lambda kind, text: parse_answer(kind, text, names), classes)


def evaluate(
    assistant: Any,
    folder: str | Path,
    *,
    count: int | None = None,
    per_kind: int = PER_KIND,
    progress: bool = False,
) -> Report:
    """Measures an assistant on a data set.

    Args:
        assistant: See `Evaluation`.
        folder: Shards and vocabulary.json.
        count: Pictures without a held-out glyph, and sounds, to measure; None takes all records.
        per_kind: Questions asked of a main kind; others get a share of it. 0 asks nothing.
        progress: Show a bar on stderr.

    Raises:
        RecordError: If the folder holds no data set, or a broken one.
    """
    from tqdm import tqdm

    plan = plan_questions(read_shards(folder, decode=False), per_kind, count)
    vocabulary = read_vocabulary(folder)
    work = Evaluation(assistant, vocabulary, reading_of(vocabulary))
    number = len(plan.asked)
    records = islice(read_shards(folder), number)
    for record in tqdm(records, total=number, unit=" records", file=sys.stderr, disable=not progress):
        work.add(record, plan.asked[record.key])
    return Report(plan, work.figures(), work.answers, work.seconds)


def generate(folder: Path, split: str, seed: int, count: int) -> None:
    """Writes a data set of at least `count` scenes and sounds: `bubo data world` in a process of its own.

    Raises:
        RecordError: If that fails; its own message is on stderr.
    """
    number = math.ceil(MARGIN * count) + 8
    options = {
        "--count": number, "--seed": seed, "--split": split, "--per-shard": PER_SHARD,
        "--workers": min(2, os.cpu_count() or 1),
    }  # fmt: skip
    command = [sys.executable, "-m", "bubo", "data", "world", str(folder)]
    command += [str(word) for option in options.items() for word in option]
    code = subprocess.run(command, stdout=subprocess.DEVNULL).returncode
    if code:
        raise RecordError(
            f"`bubo data world` ended with exit code {code} instead of making {number} records; "
            "its message stands above."
        )


def main(argv: Sequence[str] | None = None) -> int:
    """Run `bubo eval` and return the exit code 0.

    Args:
        argv: words after `bubo eval`; those of the command line by default.

    Raises:
        BuboError: What `bubo` turns into one line and exit code 2.
    """
    _run(build_parser().parse_args(argv))
    return 0


def build_parser() -> Parser:
    """Return the parser of `bubo eval`; it imports nothing heavy."""
    parser = Parser(prog="bubo eval", description="Measure a model where the truth is known.")
    sources = parser.add_subparsers(dest="source", required=True, metavar="SOURCE")
    world = sources.add_parser(
        "world",
        help="the generated world",
        description="Generate records (or read those of --data) and report figures with baselines and 95 % "
        "intervals. docs/evaluation.md explains them.",
    )
    world.add_argument("--split", choices=SPLITS, help="default heldout, or what --data holds")
    world.add_argument(
        "--count", type=int, metavar="N", help="scenes and sounds to measure (default 1000; with --data all)"
    )
    world.add_argument("--seed", type=int, metavar="S", help="number of the data set (default 0)")
    world.add_argument("--model", default="nano", help="name or folder of the model (default %(default)s)")
    world.add_argument("--data", metavar="FOLDER", help="use this data set of `bubo data world`")
    world.add_argument(
        "--per-kind", type=int, default=PER_KIND, metavar="N",
        help="questions of each main kind, others get fewer; 0 asks nothing (default %(default)s)",
    )  # fmt: skip
    world.add_argument("--answers", metavar="FILE", help="write all answers to a JSON Lines file")
    world.add_argument("--json", action="store_true", help="print JSON instead of a table")
    return parser


def _run(arguments: argparse.Namespace) -> None:
    count, per_kind = arguments.count, arguments.per_kind
    if (count is not None and count < 1) or per_kind < 0 or (arguments.seed or 0) < 0:
        raise InputError(
            f"--count is {count}, --per-kind {per_kind} and --seed {arguments.seed}; "
            "expected a count from 1 up, the others from 0 up"
        )
    if arguments.answers and not Path(arguments.answers).expanduser().absolute().parent.is_dir():
        raise InputError(f"--answers is {arguments.answers}, but there is no such folder; make it first")
    from bubo.assistant import load

    started = time.perf_counter()
    assistant = load(arguments.model)
    with tempfile.TemporaryDirectory(prefix="bubo-eval-") as scratch:
        folder = Path(arguments.data or scratch)
        if arguments.data is None:
            split, seed, count = arguments.split or SPLITS[0], arguments.seed or 0, count or 1000
            generate(folder, split, seed, count)
        else:
            split, seed = _origin(folder, arguments.split, arguments.seed)
        report = evaluate(assistant, folder, count=count, per_kind=per_kind, progress=True)
    if count is not None and min(report.plan.scenes, report.plan.sounds) < count:
        sys.stderr.write(f"the data set holds fewer than {count} scenes and sounds\n")
    if arguments.answers:
        rows = [json.dumps(row, ensure_ascii=False) + "\n" for row in report.answers]
        write_atomic(Path(arguments.answers).expanduser(), "".join(rows).encode())
    head = {
        "split": split, "seed": seed, "count": len(report.plan.asked) if count is None else count,
        "model": str(arguments.model),
    }  # fmt: skip
    if arguments.json:
        figures = {name: figure.to_dict() for name, figure in report.figures.items()}
        sys.stdout.write(json.dumps({**head, "figures": figures}, indent=1) + "\n")
    else:
        sys.stdout.write(table(head, report))
    spent = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in report.seconds.items())
    sys.stderr.write(f"{time.perf_counter() - started:.0f} s in all: {spent}\n")


def _origin(folder: Path, split: str | None, seed: int | None) -> tuple[str, int]:
    """Split and seed of a data set, from the settings that lie beside its shards, else as they were given."""
    try:
        settings = json.loads((folder / "world.json").read_bytes())
        found = str(settings["split"]), int(settings["seed"])
    except FileNotFoundError:
        return split or SPLITS[0], seed or 0
    except (OSError, ValueError, KeyError, TypeError) as error:
        path = folder / "world.json"
        raise RecordError(f"Cannot read {path}: {error!r}. Write the data set again.") from None
    for name, given, there in (("--split", split, found[0]), ("--seed", seed, found[1])):
        if given is not None and given != there:
            raise InputError(f"{name} is {given}, but {folder} holds {there}; leave the option out")
    return found
