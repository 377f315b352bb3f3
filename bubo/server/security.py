"""What stands before every route: headers for browsers, checks of origin and host, limits."""

import re
import secrets
from collections.abc import Iterable
from urllib.parse import urlsplit

from fastapi import FastAPI
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bubo.server.body_limit import BodyLimit
from bubo.server.owners import Owners
from bubo.server.problems import Problem
from bubo.server.rate_limits import RateLimits
from bubo.server.replies import Crashes, problem_response
from bubo.server.settings import ServerSettings
from bubo.server.unread import DropUnread

__all__ = ["add_guards", "content_policy"]

_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
_PRIVATE = ("/api/", "/v1/")
_PROBES = ("/health", "/ready")
# Of a request that was refused so many times the largest body is read and dropped.
_DROPPED = 8
_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


def content_policy(frame_ancestors: str = "'none'") -> str:
    """What a page of ours may load: our own files, and blobs it has made itself."""
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' blob:",
            "media-src 'self' blob:",
            "connect-src 'self'",
            "font-src 'self'",
            "manifest-src 'self'",
            "base-uri 'none'",
            "form-action 'self'",
            f"frame-ancestors {frame_ancestors}",
            "require-trusted-types-for 'script'",
        )
    )


def add_guards(app: FastAPI, settings: ServerSettings) -> None:
    """Puts the guards before the app, the outermost last."""
    owners: Owners = app.state.services.owners
    app.add_middleware(BodyLimit, limit=settings.limits.body_bytes)
    app.add_middleware(Gate, owners=owners, limits=RateLimits(settings.limits), hosts=settings.hosts)
    app.add_middleware(Crashes)
    app.add_middleware(DropUnread, most=_DROPPED * settings.limits.body_bytes)
    app.add_middleware(PageHeaders, policy=content_policy(settings.frame_ancestors))


class PageHeaders:
    """Gives every response the security headers and the number of its request.

    Args:
        app: What answers.
        policy: The content security policy.
    """

    def __init__(self, app: ASGIApp, policy: str):
        self._app = app
        self._headers = {
            "Content-Security-Policy": policy,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Permissions-Policy": "microphone=(self), camera=()",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
        }
        if "frame-ancestors 'none'" in policy:
            self._headers["X-Frame-Options"] = "DENY"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        number = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
        scope.setdefault("state", {})["request_id"] = number

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                if scope["path"].startswith(_PRIVATE):
                    headers.setdefault("Cache-Control", "no-store")
                headers["X-Request-Id"] = number
            await send(message)

        await self._app(scope, receive, send_with_headers)


class Gate:
    """Refuses requests of other sites, of unknown host names, and too many at once.

    Args:
        app: What answers.
        owners: Tells whose a request is.
        limits: How many requests anyone may send.
        hosts: Names by which the server may be called; any if empty.
    """

    def __init__(self, app: ASGIApp, owners: Owners, limits: RateLimits, hosts: Iterable[str] = ()):
        self._app = app
        self._owners = owners
        self._limits = limits
        self._hosts = frozenset(name.lower() for name in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            request = Request(scope)
            if scope["path"] not in _PROBES:  # they ask by whatever address they know
                self._check_host(request)
            self._check_origin(request)
            if scope["path"].startswith(_PRIVATE):
                self._limits.check(request, self._who(request))
        except Problem as problem:
            await problem_response(problem)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _check_host(self, request: Request) -> None:
        host = _host_name(request.headers.get("host", ""))
        if self._hosts and host not in self._hosts:
            raise Problem(
                421,
                f"This server is not called {host[:100]!r}: use {', '.join(sorted(self._hosts))}, or add the "
                "name to `hosts` of its settings.",
                "unknown_host",
            )

    @staticmethod
    def _check_origin(request: Request) -> None:
        """Another site's page may not change anything here, whether or not a cookie comes with it."""
        if request.method in _SAFE_METHODS:
            return
        site = request.headers.get("sec-fetch-site")
        origin = request.headers.get("origin")
        if site is not None:
            fine = site in ("same-origin", "none")
        else:  # a program, or a browser that reaches us without https
            fine = origin is None or _netloc(origin) == request.headers.get("host", "").lower()
        if not fine:
            raise Problem(
                403,
                "Another site's page may not send this: open Bubo's own page, or send no Origin.",
                "cross_origin",
            )

    def _who(self, request: Request) -> str:
        """Whom the request is counted for: who is signed in, otherwise the address it came from."""
        if self._owners.auth != "none":
            if request.url.path.startswith("/api/"):
                owner = self._owners.find(request)
                if owner is not None:
                    return owner.id
            elif (found := self._owners.find_key(request)) is not None:
                return found.id
        return request.client.host if request.client else ""


def _netloc(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


def _host_name(host: str) -> str:
    """The name in a Host header, without its port."""
    name = host.lower()
    return name.partition("]")[0] + "]" if name.startswith("[") else name.partition(":")[0]
