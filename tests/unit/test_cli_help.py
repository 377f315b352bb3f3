"""Help pages: one per verb, quick, the same as in docs/cli.md."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bubo import cli
from bubo.cli import pages

ROOT = Path(__file__).parents[2]
HEAVY = ("torch", "transformers")


def words_of(text):
    """The text without line breaks and padding, which differ between versions of Python."""
    return " ".join(text.split())


@pytest.mark.parametrize("verb", cli.VERBS)
def test_every_verb_has_a_page(verb, capsys):
    assert cli.main([verb, "--help"]) == 0
    out = capsys.readouterr().out
    assert out.startswith(f"usage: bubo {verb}")
    assert len(out.splitlines()) > 4


def test_the_document_is_what_help_prints():
    written = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    assert words_of(written) == words_of(pages.page()), "run: python -m bubo.cli.pages > docs/cli.md"


def test_the_readme_names_every_verb():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for verb in cli.VERBS:
        assert re.search(rf"`?bubo {verb}\b", readme), f"README.md does not show bubo {verb}"


def measure(*words):
    """CPU seconds of a process that prints a page, and which heavy modules it imported."""
    code = (
        "import sys, time\n"
        "from bubo.cli import main\n"
        f"main({list(words)!r})\n"
        f"heavy = [name for name in {HEAVY + ('numpy',)!r} if name in sys.modules]\n"
        "print(time.process_time(), *heavy, file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        text=True,
        capture_output=True,
        check=True,
        env={**os.environ, "COLUMNS": "80"},
    )
    seconds, *imported = done.stderr.split()
    return float(seconds), imported


def test_the_overview_is_quick():
    seconds, imported = measure("--help")
    assert imported == []
    assert seconds < 0.5


@pytest.mark.parametrize("verb", cli.VERBS)
def test_pages_import_nothing_heavy(verb):
    _, imported = measure(verb, "--help")
    ours = cli.VERBS[verb][0].startswith("bubo.cli.")
    assert [name for name in imported if ours or name in HEAVY] == []


def test_the_error_page_has_the_tree():
    from bubo import errors

    tree = errors.__doc__.split("\n\n")[1]
    assert tree in (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
