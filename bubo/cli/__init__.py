"""The command line `bubo VERB ...`: a table of verbs, each imported only when it is called."""

from collections.abc import Sequence

from bubo.cli import entry

__all__ = ["VERBS", "main"]

#: Verb -> where its `main(argv) -> exit code` is, and what it does.
VERBS: dict[str, tuple[str, str]] = {
    "ask": ("bubo.cli.ask:main", "answer one question about pictures and sounds"),
    "chat": ("bubo.cli.chat:main", "talk about pictures and sounds in the terminal"),
    "serve": ("bubo.cli.serve:main", "open the page in the browser; answer programs, too"),
    "ground": ("bubo.cli.ground:main", "find in a picture what a text speaks of"),
    "eval": ("bubo.train.evaluate:main", "measure a model against the held-out world"),
    "data": ("bubo.data_tools.command:main", "make data sets for training and evaluation"),
    "train": ("bubo.train.command:main", "train one stage of a model"),
    "convert": ("bubo.cli.convert:main", "turn a released checkpoint into a folder that loads"),
    "bench": ("bubo.cli.bench:main", "measure speed and memory on this machine"),
    "pull": ("bubo.cli.pull:main", "fetch, convert and verify the files of a preset"),
    "models": ("bubo.cli.models:main", "list presets: which are ready, their size, what is missing"),
    "doctor": ("bubo.cli.doctor:main", "tell what is installed, which device, which models are ready"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: What stands after `bubo`; that of this process by default.

    Returns:
        The exit code: 0, 2 for bad input, 130 when interrupted, 141 when the reader of the output went away.
    """
    return entry.run(VERBS, argv)
