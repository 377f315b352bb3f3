"""A command line parser whose complaints are one line."""

import argparse
from typing import Any, NoReturn


class Parser(argparse.ArgumentParser):
    """argparse with `error: ...` in one line, exit code 2, and no abbreviated options; so its subparsers."""

    def __init__(self, **options: Any):
        super().__init__(**{"allow_abbrev": False, **options})

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the command line and leave."""
        self.exit(2, f"error: {message}; see '{self.prog} --help'\n")
