"""What a server is told: where it listens, where its data lie, who may come in, and its limits.

Values come from configs/serve.yaml (or a file of the user's with the same keys), then from the command line.
"""

import dataclasses
import difflib
import ipaddress
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any, Self, get_type_hints

from bubo.errors import InputError

__all__ = ["AUTH_KINDS", "Limits", "ServerSettings", "default_data_folder"]

AUTH_KINDS = ("none", "token", "users")
#: Shortest shared token that is taken when others can reach the server.
MIN_TOKEN = 16


@dataclass(frozen=True)
class Limits:
    """How much anyone may ask of the server; every one is in configs/serve.yaml."""

    body_bytes: int = 25_000_000
    picture_pixels: int = 40_000_000
    sound_s: float = 120.0
    text_characters: int = 8_000
    media_per_turn: int = 5
    places_per_turn: int = 5
    turns: int = 200
    quota_bytes: int = 500_000_000
    conversations: int = 2_000
    max_tokens: int = 1_024
    max_running: int = 8
    running_per_owner: int = 2
    max_pointing: int = 2
    pointing_per_owner: int = 1
    queue: int = 64
    requests_per_minute: int = 600
    uploads_per_minute: int = 60
    logins_per_minute: int = 10
    undo_s: float = 30.0
    run_kept_s: float = 600.0
    ping_s: float = 15.0
    shutdown_s: float = 5.0

    def __post_init__(self) -> None:
        for item in dataclasses.fields(self):
            value = getattr(self, item.name)
            whole = get_type_hints(type(self))[item.name] is int
            fits = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
            odd = isinstance(value, float) and not math.isfinite(value)
            if not fits or odd or value < (1 if whole else 0):
                kind = "a whole number of at least 1" if whole else "a number of at least 0"
                raise InputError(f"The limit {item.name} must be {kind}, but is {value!r}.")


@dataclass(frozen=True)
class ServerSettings:
    """Everything `create_app` needs to know besides the engine.

    Args:
        data: Folder of the database, the media and the signing key.
        host: Address to listen on.
        port: Port to listen on; 0 takes a free one.
        database_url: SQLAlchemy's address of the database; "" is a SQLite file in `data`.
        auth: "none" (each browser is an owner of its own), "token" (one shared token lets in) or "users".
        token: The shared token of auth "token".
        users_file: Names, password hashes and key hashes of auth "users"; "" is users.json in `data`.
        frame_ancestors: Who may show the page in a frame, as the header says it.
        hosts: Names by which the server may be called, as the Host header has them; any if empty.
        proxies: Addresses of proxies whose X-Forwarded headers are believed, parted by commas.
        https: Whether browsers come by https: True, False, or None to go by each request.
        web_folder: Where the browser client lies; None looks in the package.
        force: Listen on any address without auth.
        fetch_urls: Whether `image_url` may name an address of the web; only data URLs otherwise.
        limits: See `Limits`.
    """

    data: Path
    host: str = "127.0.0.1"
    port: int = 8000
    database_url: str = ""
    auth: str = "none"
    token: str = field(default="", repr=False)
    users_file: str = ""
    frame_ancestors: str = "'none'"
    hosts: tuple[str, ...] = ()
    proxies: str = "127.0.0.1"
    https: bool | None = None
    web_folder: Path | None = None
    force: bool = False
    fetch_urls: bool = False
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        hints = get_type_hints(type(self))
        for item in dataclasses.fields(self):
            _check_kind(item.name, getattr(self, item.name), hints[item.name])
        if self.auth not in AUTH_KINDS:
            raise InputError(f"auth must be one of {', '.join(AUTH_KINDS)}, but is {self.auth!r}.")
        if not 0 <= self.port <= 65_535:
            raise InputError(f"port must be a whole number from 0 to 65535, but is {self.port!r}.")
        if self.auth == "token" and len(self.token) < MIN_TOKEN:
            raise InputError(
                f"auth token needs a token of at least {MIN_TOKEN} characters, but {len(self.token)} were "
                "given; put a random one into BUBO_TOKEN."
            )
        if any(sign in self.frame_ancestors for sign in ";,\r\n"):
            raise InputError("frame_ancestors must be one list of sources without ';' and ','.")

    @property
    def url(self) -> str:
        """The database's address."""
        return self.database_url or f"sqlite:///{(self.data / 'bubo.sqlite3').as_posix()}"

    @property
    def users_path(self) -> Path:
        """Where the users are listed."""
        return Path(self.users_file) if self.users_file else self.data / "users.json"

    def check_host(self) -> None:
        """Refuses to be reachable for others without any auth.

        Raises:
            InputError: If the host is not this machine's own and neither auth nor `force` is set.
        """
        if self.auth == "none" and not self.force and not is_loopback(self.host):
            raise InputError(
                f"The host {self.host!r} can be reached by others, and auth is none: give --auth token or "
                "--auth users, listen on 127.0.0.1, or say --force if something in front checks who comes."
            )

    @classmethod
    def load(cls, data: Path | None = None, config: str | Path | None = None, **options: Any) -> Self:
        """The settings of a file, with options that are not None instead of its values.

        Raises:
            InputError: If the file is missing, or a name or value in it is wrong.
        """
        values = read_config(config)
        values |= {name: value for name, value in options.items() if value is not None}
        limits = values.pop("limits", None) or {}
        if not isinstance(limits, Mapping):
            raise InputError(
                f"The server's file {str(config)!r} must hold limits as names and values, but has {limits!r}."
            )
        for given, kind, what in ((limits, Limits, "limit"), (values, cls, "key")):
            names = sorted(item.name for item in dataclasses.fields(kind))
            if unknown := sorted(set(given) - set(names), key=str):
                close = difflib.get_close_matches(str(unknown[0]), names, 1)
                raise InputError(
                    f"The server's file {str(config)!r} has an unknown {what}: {unknown[0]}. "
                    + (f"Did you mean {close[0]}?" if close else f"There are {', '.join(names)}.")
                )
        values = {name: value for name, value in values.items() if value is not None}
        values["data"] = data or values.get("data") or default_data_folder()
        if isinstance(values.get("hosts"), list):
            values["hosts"] = tuple(values["hosts"])
        return cls(limits=Limits(**limits), **values)


def read_config(path: str | Path | None) -> dict[str, Any]:
    """The values of a YAML file; None is the one that comes with the library."""
    import yaml

    try:
        if path is None:
            text = (resources.files("bubo.configs") / "serve.yaml").read_text(encoding="utf-8")
        else:
            text = Path(path).expanduser().read_text(encoding="utf-8")
        values = yaml.safe_load(text) or {}
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"The server's file {str(path)!r} cannot be read: {error}.") from None
    except yaml.YAMLError as error:
        raise InputError(
            f"The server's file {str(path)!r} is no YAML: {' '.join(str(error).split())}."
        ) from None
    if not isinstance(values, dict) or not all(isinstance(name, str) for name in values):
        raise InputError(
            f"The server's file {str(path)!r} must hold names and values; see configs/serve.yaml."
        )
    for name in ("data", "web_folder"):
        if values.get(name) is not None:
            _check_kind(name, values[name], str)
            values[name] = Path(values[name]).expanduser()
    return values


_SECRET = ("token", "database_url")
_KINDS: dict[Any, str] = {
    str: "text",
    int: "a whole number",
    bool: "true or false",
    bool | None: "true, false or null",
    tuple[str, ...]: "a list of names",
}


def _check_kind(name: str, value: Any, kind: Any) -> None:
    """Refuses a value of the wrong type.

    Raises:
        InputError: If it is.
    """
    if kind not in _KINDS:
        return
    if kind == tuple[str, ...]:
        fits = isinstance(value, tuple) and all(isinstance(one, str) for one in value)
    else:
        fits = isinstance(value, kind) and not (kind is int and isinstance(value, bool))
    if not fits:
        given = f"of type {type(value).__name__}" if name in _SECRET else repr(value)
        raise InputError(f"{name} in the server's settings must be {_KINDS[kind]}, but is {given}.")


def default_data_folder() -> Path:
    """$BUBO_HOME/server where that is set, otherwise bubo in the user's folder for programs' data."""
    if home := os.environ.get("BUBO_HOME"):
        return Path(home).expanduser() / "server"
    if os.name == "nt" and (local := os.environ.get("LOCALAPPDATA")):
        return Path(local) / "bubo"
    base = os.environ.get("XDG_DATA_HOME")
    return (Path(base) if base else Path.home() / ".local" / "share") / "bubo"


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
