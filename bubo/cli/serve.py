"""`bubo serve`: the page in the browser, and the same answers for programs, from one server."""

import argparse
import dataclasses
import getpass
import os
import secrets
import sys
import webbrowser
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bubo.arguments import Parser
from bubo.cli.arguments import add_loading, add_model, verb_parser
from bubo.cli.speaking import add_speaker, loader_of
from bubo.errors import InputError, MissingPackageError

if TYPE_CHECKING:
    from bubo.assistant import Assistant
    from bubo.server.engine import AssistantEngine
    from bubo.server.settings import ServerSettings

TOKEN_VARIABLE, DATABASE_VARIABLE, PASSWORD_VARIABLE = "BUBO_TOKEN", "BUBO_DATABASE_URL", "BUBO_PASSWORD"
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


def build_parser() -> Parser:
    """The options of `bubo serve`."""
    parser = verb_parser(
        "serve",
        "Serve the page in which people talk with Bubo, and the same answers to programs through OpenAI's "
        "API. The address is printed, and opened in a browser where there is one. Ctrl-C ends it.",
        f"The database's address may also stand in {DATABASE_VARIABLE}, the token of --auth token in "
        f"{TOKEN_VARIABLE}, the password of --add-user in {PASSWORD_VARIABLE}. Limits stand in a file for "
        "--config; docs/server.md has them all.",
    )
    add_model(parser)
    where = parser.add_argument_group("where")
    where.add_argument("--host", metavar="H", help="address to listen on (default 127.0.0.1)")
    where.add_argument("--port", type=int, metavar="P", help="port; 0 takes a free one (default 8000)")
    where.add_argument(
        "--data", type=Path, metavar="D", help="folder of conversations and media (default: the user's)"
    )
    where.add_argument("--database-url", metavar="URL", help="postgresql://... instead of SQLite in --data")
    where.add_argument("--config", metavar="FILE", help="YAML file with settings and limits")
    where.add_argument(
        "--open", action=argparse.BooleanOptionalAction, help="open the page in a browser, or do not"
    )
    where.add_argument("--log-level", choices=("debug", "info", "warning", "error"), help="lines on stderr")
    who = parser.add_argument_group("who may come in")
    who.add_argument("--auth", choices=("none", "token", "users"), help="default none, for this machine only")
    who.add_argument("--force", action="store_true", default=None, help="be reachable without any auth")
    who.add_argument("--users-file", metavar="FILE", help="list of --auth users (default in --data)")
    who.add_argument("--add-user", metavar="NAME", help="add a user or change the password, then end")
    who.add_argument("--remove-user", metavar="NAME", help="remove a user, then end")
    add_loading(parser)
    add_speaker(parser)
    return parser


def main(argv: Sequence[str]) -> int:
    """Run `bubo serve` and return the exit code."""
    arguments = build_parser().parse_args(argv)
    _require_packages()
    settings = _settings(arguments)
    if arguments.add_user or arguments.remove_user:
        return _change_users(arguments, settings)
    settings.check_host()
    _check_model(arguments.model)
    from bubo.server.alone import alone_on
    from bubo.server.running import alone_in

    with alone_in(settings.data), alone_on(settings.url):
        _serve(arguments, settings)
    return 0


def _require_packages() -> None:
    from importlib.util import find_spec

    for package in ("fastapi", "uvicorn", "sqlalchemy", "alembic", "multipart", "markdown_it"):
        if find_spec(package) is None:
            raise MissingPackageError(package, "web", "the server")


def _check_model(name: str) -> None:
    """Refuses a name that no model has, before anything is begun: loading would tell only later."""
    from bubo.presets import find_model
    from bubo.pulling import known_presets

    if not Path(name).expanduser().is_dir():
        find_model(name, known_presets())


def _settings(arguments: argparse.Namespace) -> "ServerSettings":
    """The settings from file, environment and command line."""
    from bubo.server.settings import ServerSettings, default_data_folder, is_loopback, read_config

    chosen: dict[str, Any] = {
        name: getattr(arguments, name) for name in ("host", "port", "auth", "force", "users_file")
    }
    chosen["database_url"] = arguments.database_url or os.environ.get(DATABASE_VARIABLE) or None
    file = read_config(arguments.config)
    data = Path(arguments.data or file.get("data") or default_data_folder()).expanduser()
    if (arguments.auth or file.get("auth")) == "token":
        chosen["token"] = os.environ.get(TOKEN_VARIABLE) or file.get("token") or _kept_token(data)
    settings = ServerSettings.load(data, arguments.config, **chosen)
    host = settings.host
    if settings.hosts or is_loopback(host):  # a page elsewhere whose name points here gets nothing
        own = {host} if is_loopback(host) else set()
        settings = dataclasses.replace(settings, hosts=tuple(sorted({*settings.hosts, *_LOOPBACK, *own})))
    return settings


def _kept_token(data: Path) -> str:
    """The token of this data folder; it is made when it is first needed."""
    path = data / "token"
    try:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(secrets.token_urlsafe(24))
        return path.read_text().strip()
    except OSError as error:
        raise InputError(
            f"The token in {str(path)!r} cannot be read or made: {error.strerror}. Put one into "
            f"{TOKEN_VARIABLE}, or give another folder with --data."
        ) from None


def _change_users(arguments: argparse.Namespace, settings: "ServerSettings") -> int:
    from bubo.server.users import UserList

    users = UserList(settings.users_path)
    if arguments.remove_user:
        users.remove(arguments.remove_user)
        print(f"Removed {arguments.remove_user}; {len(users.names())} users are left.")
        return 0
    password = os.environ.get(PASSWORD_VARIABLE)
    if password is None and sys.stdin.isatty():
        password = getpass.getpass(f"Password of {arguments.add_user}: ")
    elif password is None:
        password = sys.stdin.readline().rstrip("\n")
    key = users.add(arguments.add_user, password)
    print(f"User {arguments.add_user} is in {settings.users_path}.")
    print(f"API key, shown only now: {key}")
    return 0


def _serve(arguments: argparse.Namespace, settings: "ServerSettings") -> None:
    from bubo.server.app import create_app
    from bubo.server.running import address_of, has_browser, listen, run

    _configure_logs(arguments)
    engine = _engine(arguments)
    others = arguments.port is None and arguments.config is None
    server_socket = listen(settings.host, settings.port, others=others)
    try:
        app = create_app(settings, engine)
        address = address_of(server_socket, settings)
        port = server_socket.getsockname()[1]
        if settings.port not in (0, port):
            print(f"Port {settings.port} is taken, so this is port {port}; --port chooses one.", flush=True)

        def started() -> None:
            print(f"Bubo is at {address}  (Ctrl-C ends it)", flush=True)
            if settings.auth == "token":
                print(f"Token to sign in with, and API key: {settings.token}", flush=True)
            print(engine.message, flush=True)
            if arguments.open or (arguments.open is None and has_browser()):
                webbrowser.open(address)
            engine.start(lambda: print(engine.message or f"The model {engine.name} is ready.", flush=True))

        run(app, server_socket, started)
    finally:
        server_socket.close()


def _configure_logs(arguments: argparse.Namespace) -> None:
    import logging

    from bubo.server.logs import configure_logs

    level = arguments.log_level or ("warning" if sys.stderr.isatty() else "info")
    number = logging.getLevelNamesMapping()[level.upper()]
    configure_logs(level=number)
    logging.getLogger("bubo").setLevel(number)  # other verbs keep it to warnings


def _engine(arguments: argparse.Namespace) -> "AssistantEngine":
    """The engine, whose model is loaded while the page can be used already."""
    from bubo.server.engine import AssistantEngine

    loader = loader_of(arguments)

    def load() -> "Assistant":
        if loader is not None:
            return loader(arguments.model)
        from bubo import assistant  # torch takes seconds, and only this thread waits for it

        return assistant.load(arguments.model)

    return AssistantEngine(load, arguments.model)
