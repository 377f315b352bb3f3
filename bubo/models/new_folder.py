"""A folder that is there whole or not at all."""

import secrets
import shutil
from pathlib import Path

from .checkpoints import ConversionError


class new_folder:  # noqa: N801 (used like a function)
    """A folder that appears under its name when the block has ended well, and not at all otherwise.

    Raises:
        ConversionError: If the target is there already.
    """

    def __init__(self, target: Path):
        self.target = target
        self.part = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")

    def __enter__(self) -> Path:
        if self.target.exists():
            raise ConversionError(
                f"{str(self.target)!r} is there already: remove it, or name another folder."
            )
        self.part.mkdir(parents=True)
        return self.part

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.part.rename(self.target)
        else:
            shutil.rmtree(self.part, ignore_errors=True)
