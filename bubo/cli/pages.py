"""docs/cli.md, made from what the verbs print for --help: `python -m bubo.cli.pages > docs/cli.md`."""

import contextlib
import io
import os
import sys

from bubo.cli import VERBS
from bubo.cli.entry import overview, resolve

WIDTH = "100"
_HEAD = """\
# The command line

Made from the help texts by `make docs`; a test compares them. More about `data` stands in
[data_tools/README.md](../data_tools/README.md), about `train` in [train/README.md](../train/README.md).
"""
#: Verbs whose first word chooses among pages of their own.
_PARTS = {"data": ("world",), "eval": ("world", "places")}


def page() -> str:
    """The whole document: the overview, then one section per verb."""
    parts = [_HEAD, _block(overview(VERBS))]
    for verb in VERBS:
        parts += [f"## bubo {verb}\n", _block(help_text(verb))]
        for part in _PARTS.get(verb, ()):
            text = help_text(verb, part)
            if text != help_text(verb):
                parts += [f"### bubo {verb} {part}\n", _block(text)]
    return "\n".join(parts)


def help_text(verb: str, *words: str) -> str:
    """What `bubo VERB WORDS --help` prints, at a fixed width and without colours."""
    output = io.StringIO()
    plain = {"COLUMNS": WIDTH, "NO_COLOR": "1", "PYTHON_COLORS": "0"}
    before = dict(os.environ)
    os.environ.update(plain)
    try:
        with contextlib.redirect_stdout(output), contextlib.suppress(SystemExit):
            resolve(VERBS[verb][0])([*words, "--help"])
    finally:
        os.environ.clear()
        os.environ.update(before)
    return output.getvalue().rstrip()


def _block(text: str) -> str:
    return f"```\n{text}\n```\n"


if __name__ == "__main__":
    sys.stdout.write(page())
