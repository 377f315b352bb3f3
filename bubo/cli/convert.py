"""`bubo convert`: one released checkpoint becomes a folder that loads."""

import argparse
import inspect
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bubo.arguments import Parser
from bubo.cli.arguments import verb_parser
from bubo.errors import InputError, ModelError, StorageError

DTYPES = ("float32", "float16", "bfloat16")
#: Arguments of a conversion that are given otherwise than by --with.
_OTHERWISE = ("source", "target", "config", "dtype")


def build_parser() -> Parser:
    """The options of `bubo convert`."""
    parser = verb_parser(
        "convert",
        "Turn a released checkpoint into a folder of safetensors that loads. Pickles are read without "
        "running what is in them.",
        "example: bubo convert imagebind imagebind_huge.pth models/imagebind",
        "bubo convert KIND SOURCE TARGET [--config FILE] [--with NAME=PATH ...] [--dtype TYPE] | --list",
    )
    parser.add_argument("kind", metavar="KIND", nargs="?", help="what the source is; --list names the kinds")
    parser.add_argument("source", metavar="SOURCE", nargs="?", help="the file, or the folder of files")
    parser.add_argument("target", metavar="TARGET", nargs="?", help="a folder that does not exist yet")
    parser.add_argument("--list", action="store_true", help="list the kinds and what they read")
    parser.add_argument(
        "--config", metavar="FILE", help="JSON with fields of the configuration that shapes cannot tell"
    )
    parser.add_argument(
        "--with",
        dest="extras",
        metavar="NAME=PATH",
        action="append",
        default=[],
        help="another file that the kind takes, such as vocabulary=bpe_simple_vocab_16e6.txt.gz",
    )
    parser.add_argument("--dtype", choices=DTYPES, help="type of the weights; theirs by default")
    return parser


def main(argv: Sequence[str]) -> int:
    """Run `bubo convert` and return the exit code."""
    arguments = build_parser().parse_args(argv)
    if arguments.list:
        from bubo.kinds import KINDS

        width = max(map(len, KINDS))
        print("\n".join(f"{kind:<{width}}  {summary}" for kind, (_, summary) in KINDS.items()))
        return 0
    if arguments.target is None:
        raise InputError("Give KIND, SOURCE and TARGET; `bubo convert --list` names the kinds.")
    from bubo.models.checkpoints import ConversionError
    from bubo.models.conversion import convert, function_of

    try:
        options = _options(arguments, inspect.signature(function_of(arguments.kind)).parameters)
        report = convert(arguments.kind, arguments.source, arguments.target, **options)
    except ConversionError as error:
        raise ModelError(str(error)) from error
    except FileNotFoundError as error:  # all sorts of files are read, and only they can be missing
        raise InputError(f"Something to be read is not there: {error}") from error
    except OSError as error:
        raise StorageError(
            f"Cannot write {arguments.target!r}: {error.strerror or error}. Nothing was left there."
        ) from error
    for reason, keys in _by_reason(report.dropped).items():
        print(f"left out {len(keys)} tensors ({keys[0]} ...): {reason}", file=sys.stderr)
    if report.unexpected:
        print(
            f"left out {len(report.unexpected)} tensors that nothing has a place for: "
            f"{', '.join(report.unexpected[:5])}",
            file=sys.stderr,
        )
    print(f"{report.target}: {report.num_tensors} tensors, {report.num_bytes / 1e6:.1f} MB")
    return 0


def _options(arguments: argparse.Namespace, known: Any) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if arguments.dtype is not None:
        import torch

        options["dtype"] = getattr(torch, arguments.dtype)
    if arguments.config is not None:
        options["config"] = _read_config(Path(arguments.config))
    for extra in arguments.extras:
        name, sign, path = extra.partition("=")
        if not sign or not path:
            raise InputError(f"--with was given {extra!r}; expected NAME=PATH, such as vocabulary=FILE.")
        if name in _OTHERWISE:
            raise InputError(f"--with does not give the {name}: it has a place of its own, see --help.")
        options[name] = Path(path)
    unknown = sorted(set(options) - set(known))
    if unknown:
        takes = sorted(set(known) - {"source", "target"})
        raise InputError(
            f"The kind {arguments.kind!r} does not take {', '.join(unknown)}; it takes {', '.join(takes)}."
        )
    return options


def _read_config(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise InputError(f"Cannot read the configuration {str(path)!r}: {error}.") from None
    if not isinstance(content, dict):
        raise InputError(f"The configuration {str(path)!r} is no JSON object: write {{...}}.")
    flat = [key for key, part in content.items() if key.endswith("_config") and not isinstance(part, dict)]
    if flat:
        raise InputError(f"{flat[0]!r} in the configuration {str(path)!r} is no JSON object: write {{...}}.")
    return content


def _by_reason(dropped: dict[str, str]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for key, reason in dropped.items():
        groups.setdefault(reason, []).append(key)
    return groups
