"""Ids and texts as databases and other programs may meet them."""

import re
import secrets

__all__ = ["clean_text", "is_id", "new_id"]

_ID = re.compile(r"[0-9a-f]{32}")


def new_id() -> str:
    """An id that nobody can guess."""
    return secrets.token_hex(16)


def is_id(text: object) -> bool:
    """Whether a text can be an id at all; others must not reach the database."""
    return isinstance(text, str) and _ID.fullmatch(text) is not None


def clean_text(text: str) -> str:
    """The text without what no database takes: zero characters and halves of surrogate pairs."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()
