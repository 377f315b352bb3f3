"""`bubo eval world` and `bubo eval places`: what a model reaches on generated records whose truth is known.

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

from .evaluate_places import PlaceTally
from .evaluate_plan import plan_questions
from .evaluate_report import Evaluation, Report, figure_lines, table
from .evaluate_truth import Reading

SPLITS = ("heldout", "validation", "train")
PER_KIND = 300
MARGIN = 1.3
"""Records generated per wanted scene and sound: some have no sound, no picture, or a held-out glyph."""
PER_SHARD = 200
PER_PICTURE = 2
"""Things of one picture that are pointed at."""


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


def evaluate_places(
    assistant: Any, folder: str | Path, *, count: int, seed: int = 0, progress: bool = False
) -> PlaceTally:
    """Points at things of a data set, at most two of a picture, and asks what they are.

    Args:
        assistant: See `PlaceTally`.
        folder: Shards and vocabulary.json.
        count: Things to point at.
        seed: Of the points.
        progress: Show a bar on stderr.

    Raises:
        RecordError: If the folder holds no data set, or a broken one.
    """
    from tqdm import tqdm

    tally = PlaceTally(assistant, seed)
    with tqdm(total=count, unit=" things", file=sys.stderr, disable=not progress) as bar:
        for record in read_shards(folder):
            bar.update(tally.add(record, min(PER_PICTURE, count - len(tally.rows))))
            if len(tally.rows) >= count:
                break
    return tally


def generate(folder: Path, split: str, seed: int, count: int, parts: str = "") -> None:
    """Writes a data set of at least `count` scenes and sounds: `bubo data world` in a process of its own.

    Raises:
        RecordError: If that fails; its own message is on stderr.
    """
    number = math.ceil(MARGIN * count) + 8
    options: dict[str, int | str] = {
        "--count": number, "--seed": seed, "--split": split, "--per-shard": PER_SHARD,
        "--workers": min(2, os.cpu_count() or 1),
    }  # fmt: skip
    if parts:
        options["--parts"] = parts
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
    arguments = build_parser().parse_args(argv)
    (_run_places if arguments.source == "places" else _run)(arguments)
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
    _add_places(sources)
    return parser


def _add_places(sources: Any) -> None:
    places = sources.add_parser(
        "places",
        help="pointing at things of the generated world",
        description="Point at a random pixel of things and ask about them: whether the region, its name and "
        "the answer's link are right, and whether nothing is found beside them. docs/evaluation.md explains "
        "the figures.",
    )
    places.add_argument("--split", choices=SPLITS[1:], default=SPLITS[1], help="default %(default)s")
    places.add_argument(
        "--count", type=int, default=200, metavar="N", help="things to point at (default %(default)s)"
    )
    places.add_argument("--seed", type=int, default=0, metavar="S", help="number of the data set (default 0)")
    places.add_argument("--model", default="nano", help="name or folder of the model (default %(default)s)")
    places.add_argument("--data", metavar="FOLDER", help="use this data set of `bubo data world`")
    places.add_argument("--answers", metavar="FILE", help="write all answers to a JSON Lines file")
    places.add_argument("--json", action="store_true", help="print JSON instead of a table")


def _run_places(arguments: argparse.Namespace) -> None:
    if arguments.count < 1 or arguments.seed < 0:
        raise InputError(
            f"--count is {arguments.count} and --seed {arguments.seed}; expected a count from 1 up, a seed "
            "from 0 up"
        )
    _check_answers(arguments.answers)
    from bubo.assistant import load

    assistant = load(arguments.model)
    with tempfile.TemporaryDirectory(prefix="bubo-eval-") as scratch:
        folder = Path(arguments.data or scratch)
        split, seed = arguments.split, arguments.seed
        if arguments.data is None:
            generate(folder, split, seed, math.ceil(arguments.count / PER_PICTURE), "picture")
        else:
            split, seed = _origin(folder, None, None)
        tally = evaluate_places(assistant, folder, count=arguments.count, seed=seed, progress=True)
    _write_answers(arguments.answers, tally.rows)
    head = {"split": split, "seed": seed, "count": len(tally.rows), "model": str(arguments.model)}
    figures = tally.figures()
    if arguments.json:
        said = {name: figure.to_dict() for name, figure in figures.items()}
        sys.stdout.write(json.dumps({**head, "figures": said}, indent=1) + "\n")
    else:
        title = f"{head['model']} on the {split} split, seed {seed}: {len(tally.rows)} things pointed at"
        sys.stdout.write("\n".join([title, *figure_lines(figures)]) + "\n")


def _run(arguments: argparse.Namespace) -> None:
    count, per_kind = arguments.count, arguments.per_kind
    if (count is not None and count < 1) or per_kind < 0 or (arguments.seed or 0) < 0:
        raise InputError(
            f"--count is {count}, --per-kind {per_kind} and --seed {arguments.seed}; "
            "expected a count from 1 up, the others from 0 up"
        )
    _check_answers(arguments.answers)
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
    _write_answers(arguments.answers, report.answers)
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


def _check_answers(path: str | None) -> None:
    if path and not Path(path).expanduser().absolute().parent.is_dir():
        raise InputError(f"--answers is {path}, but there is no such folder; make it first")


def _write_answers(path: str | None, rows: Sequence[Mapping[str, Any]]) -> None:
    if path:
        lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]
        write_atomic(Path(path).expanduser(), "".join(lines).encode())


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
