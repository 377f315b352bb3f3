"""The list of users of auth "users": a JSON file with password hashes and hashes of API keys.

`bubo serve --add-user NAME` writes it. It is read again whenever it changes.
"""

import hashlib
import hmac
import json
import re
import secrets
import threading
from pathlib import Path
from typing import Any

from bubo.errors import InputError
from bubo.files import write_atomic

__all__ = ["MIN_PASSWORD", "UserList"]

MIN_PASSWORD = 8
MAX_PASSWORD = 1_000
_NAME = re.compile(r"[A-Za-z0-9._@-]{1,64}")
# 32 MB and some 100 ms for each guess
_COST = {"n": 2**15, "r": 8, "p": 1}
_MEMORY = 2**26
#: Two hashes at once at most: each takes memory that guessing could exhaust.
_HASHING = threading.Semaphore(2)


class UserList:
    """Users and what lets them in.

    Args:
        path: The file; a missing one is an empty list.

    Raises:
        InputError: If it holds something else.
    """

    def __init__(self, path: Path):
        self._path = path
        self._lock = threading.Lock()
        self._seen: tuple[int, int] | None = None
        self._users: dict[str, dict[str, str]] = {}
        self._nobody = _hash(secrets.token_hex(8))
        self._read()

    def check(self, name: str, password: str) -> bool:
        """Whether this is the user's password; takes as long for a name that is not there."""
        user = self._read().get(name)
        known = user["password"] if user else self._nobody
        return _fits(password[:MAX_PASSWORD], known) and user is not None

    def of_key(self, key: str) -> str | None:
        """The user whose API key this is."""
        digest = _key_digest(key)
        found = None
        for name, user in self._read().items():
            if hmac.compare_digest(user["key"], digest):
                found = name
        return found

    def stamp(self, name: str) -> str | None:
        """A text that changes with the user's password; None if there is no such user."""
        user = self._read().get(name)
        return hashlib.sha256(user["password"].encode()).hexdigest()[:16] if user else None

    def names(self) -> list[str]:
        """All users."""
        return sorted(self._read())

    def add(self, name: str, password: str) -> str:
        """Adds a user, or gives one a new password and key.

        Returns:
            The API key, which is not kept and cannot be shown again.

        Raises:
            InputError: If name or password will not do.
        """
        if _NAME.fullmatch(name) is None:
            raise InputError(f"A user's name is up to 64 of A-Z a-z 0-9 . _ @ -, but is {name!r}.")
        if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
            raise InputError(
                f"A password has {MIN_PASSWORD} to {MAX_PASSWORD} characters, but {len(password)} were given."
            )
        key = f"bubo-{secrets.token_urlsafe(32)}"
        self._write({**self._read(), name: {"password": _hash(password), "key": _key_digest(key)}})
        return key

    def remove(self, name: str) -> None:
        """Removes a user; conversations and media stay in the database.

        Raises:
            InputError: If there is none of this name.
        """
        users = dict(self._read())
        if name not in users:
            raise InputError(f"There is no user {name!r}; there are {', '.join(sorted(users)) or 'none'}.")
        del users[name]
        self._write(users)

    def _read(self) -> dict[str, dict[str, str]]:
        with self._lock:
            try:
                status = self._path.stat()
            except FileNotFoundError:
                self._seen, self._users = None, {}
                return self._users
            now = status.st_mtime_ns, status.st_size
            if now != self._seen:
                self._users = _parse(self._path)
                self._seen = now
            return self._users

    def _write(self, users: dict[str, dict[str, str]]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_atomic(self._path, json.dumps({"users": users}, indent=1).encode(), private=True)


def _parse(path: Path) -> dict[str, dict[str, str]]:
    try:
        users: Any = json.loads(path.read_text(encoding="utf-8"))["users"]
        return {name: {"password": user["password"], "key": user["key"]} for name, user in users.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise InputError(
            f"The list of users {str(path)!r} is damaged: write it anew with bubo serve --add-user NAME."
        ) from None


def _scrypt(password: str, salt: bytes, **cost: int) -> bytes:
    with _HASHING:
        return hashlib.scrypt(
            password.encode("utf-8", "surrogatepass"), salt=salt, maxmem=_MEMORY, dklen=32, **cost
        )


def _hash(password: str) -> str:
    salt = secrets.token_bytes(16)
    cost = ":".join(str(_COST[name]) for name in "nrp")
    return f"scrypt${cost}${salt.hex()}${_scrypt(password, salt, **_COST).hex()}"


def _fits(password: str, known: str) -> bool:
    try:
        kind, cost, salt, digest = known.split("$")
        n, r, p = map(int, cost.split(":"))
        wanted, given = bytes.fromhex(digest), _scrypt(password, bytes.fromhex(salt), n=n, r=r, p=p)
    except ValueError:
        return False
    return kind == "scrypt" and hmac.compare_digest(wanted, given)


def _key_digest(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
