"""An answer as a picture file."""

import io
from typing import TYPE_CHECKING

from bubo.cli.arguments import drawing_format

if TYPE_CHECKING:
    from bubo.types import Answer


def write_drawing(answer: "Answer", path: str) -> None:
    """Draw the linked phrases into the pictures and write the file whole or not at all.

    Args:
        answer: What to draw.
        path: PNG, JPEG or WebP, by its ending.

    Raises:
        InputError: If the ending is another one, or the folder is not there.
        StorageError: If the file cannot be written.
    """
    from bubo.media import write_atomic

    form = drawing_format(path)
    buffer = io.BytesIO()
    answer.draw().convert("RGB").save(buffer, form)
    write_atomic(path, buffer.getvalue())
