"""Signed cookies: a list of words that only this server can have written."""

import base64
import binascii
import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from bubo.errors import StorageError

__all__ = ["Signer"]

_KEY_BYTES = 32
_MAX_COOKIE = 2_000


class Signer:
    """Writes and reads signed texts.

    Args:
        key: The secret.
    """

    def __init__(self, key: bytes):
        self._key = key

    @classmethod
    def of_file(cls, path: Path) -> Self:
        """The signer whose key lies in a file; the file is made, readable for its owner only, if need be.

        Raises:
            StorageError: If the key can be neither read nor made.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            try:
                handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            except FileExistsError:
                path.chmod(0o600)
            else:
                with os.fdopen(handle, "wb") as file:
                    file.write(secrets.token_bytes(_KEY_BYTES))
            key = path.read_bytes()
        except OSError as error:
            raise StorageError(
                f"The signing key {str(path)!r} cannot be made or read: {error.strerror}. Give a data folder "
                "that can be written, with --data."
            ) from None
        if len(key) < _KEY_BYTES:
            raise StorageError(
                f"The signing key {str(path)!r} is damaged ({len(key)} bytes, expected {_KEY_BYTES}): remove "
                "it, and everyone signs in anew."
            )
        return cls(key)

    @property
    def fingerprint(self) -> str:
        """A few letters that differ from key to key."""
        return self._sign("fingerprint")[:8]

    def write(self, words: Sequence[str]) -> str:
        """The words with their signature, of letters that a cookie may hold."""
        text = base64.urlsafe_b64encode(json.dumps(list(words)).encode()).decode().rstrip("=")
        return f"{text}.{self._sign(text)}"

    def read(self, value: str) -> list[str] | None:
        """The words, or None if they are not signed by this key."""
        text, _, signature = value.partition(".")
        if len(value) > _MAX_COOKIE or not value.isascii():
            return None
        if not hmac.compare_digest(signature, self._sign(text)):
            return None
        try:
            words = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        except (ValueError, binascii.Error):
            return None
        return words if isinstance(words, list) and all(isinstance(word, str) for word in words) else None

    def _sign(self, text: str) -> str:
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()
