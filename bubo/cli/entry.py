"""From the words of a command line to an exit code: finds the verb, silences libraries, words errors."""

import difflib
import errno
import io
import logging
import os
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any

from bubo import __version__
from bubo.errors import BuboError

BAD_INPUT, INTERRUPTED, BROKEN_PIPE = 2, 130, 141

# What other libraries say while they work is nobody's answer; a value that the user has set stays.
_QUIET = {
    "TRANSFORMERS_VERBOSITY": "error",
    "TRANSFORMERS_NO_ADVISORY_WARNINGS": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "TOKENIZERS_PARALLELISM": "false",
}

Table = Mapping[str, tuple[str, str]]


def run(verbs: Table, argv: Sequence[str] | None = None) -> int:
    """Call the verb that the first word names with the rest, and word what goes wrong.

    Args:
        verbs: Verb -> ("module:function", what it does).
        argv: All words; those of this process by default.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        code = _dispatch(verbs, words)
        sys.stdout.flush()  # a reader that went away shows here, not while Python shuts down
        return code
    except BrokenPipeError:
        _drop_output()
        return BROKEN_PIPE
    except KeyboardInterrupt:
        return INTERRUPTED
    except BuboError as error:
        return _complain(str(error))
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
            raise
        _drop_output()
        place = "The output" if error.filename is None else f"{str(error.filename)!r}"
        return _complain(f"{place} cannot be written: {error.strerror}. Make room, or write elsewhere.")


def resolve(place: str) -> Callable[..., Any]:
    """The function at "module:function", imported now."""
    module, _, name = place.partition(":")
    function: Callable[..., Any] = getattr(import_module(module), name)
    return function


def overview(verbs: Table) -> str:
    """What `bubo --help` prints."""
    width = max(map(len, verbs))
    lines = [f"  {name:<{width}}  {summary}" for name, (_, summary) in verbs.items()]
    return "\n".join(
        [
            "usage: bubo VERB ...",
            "",
            "An assistant that sees, hears and shows evidence.",
            "",
            "verbs:",
            *lines,
            "",
            "options:",
            "  --help     this page; after a verb, the page of that verb",
            "  --version  the version",
            "",
            "Answers go to stdout, progress and warnings to stderr. Exit codes: 0 done, 2 bad input (one",
            'line "error: ..." on stderr), 130 interrupted.',
        ]
    )


def _dispatch(verbs: Table, words: list[str]) -> int:
    if words[:1] == ["help"]:
        words = [*words[1:2], "--help"]
    if not words or words[0] in ("-h", "--help"):
        print(overview(verbs))
        return 0
    if words[0] in ("-V", "--version"):
        print(f"bubo {__version__}")
        return 0
    verb = words[0]
    if verb not in verbs:
        close = difflib.get_close_matches(verb, verbs, 1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        return _complain(f"There is no verb {verb!r}; the verbs are {', '.join(verbs)}.{hint}")
    _prepare()
    try:
        return int(resolve(verbs[verb][0])(words[1:]) or 0)
    except SystemExit as end:  # argparse has said all there is to say
        return end.code if isinstance(end.code, int) else 0 if end.code is None else _complain(str(end.code))


def _prepare() -> None:
    """Silence other libraries, send our own warnings to stderr, and let any text be printed."""
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
    logging.basicConfig(stream=sys.stderr, level=logging.ERROR, format="%(message)s")
    logging.getLogger("bubo").setLevel(logging.WARNING)
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # what a terminal cannot show becomes a question mark
            stream.reconfigure(errors="replace")


def _complain(message: str) -> int:
    print("error:", " ".join(message.split()), file=sys.stderr)
    return BAD_INPUT


def _drop_output() -> None:
    """Send what is still buffered for stdout nowhere, so that the shutdown does not stumble over it."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
    except (OSError, ValueError):  # a stdout without a file
        pass
