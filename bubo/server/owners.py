"""Who asks: owners by signed cookie (pages) or key (programs); with no auth, one token, or users."""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass

from starlette.requests import HTTPConnection
from starlette.responses import Response

from bubo.server.cookies import Signer
from bubo.server.problems import Problem
from bubo.server.settings import ServerSettings
from bubo.server.users import UserList

__all__ = ["COOKIE", "Owner", "Owners"]

COOKIE = "bubo_session"
COOKIE_AGE_S = 365 * 86_400
MAX_KEY = 1_000
_ANONYMOUS = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Owner:
    """Whose conversations and media a request may use.

    Args:
        id: What rows are filtered by.
        name: What a page shows; "" for owners without a name.
    """

    id: str
    name: str = ""


class Owners:
    """Tells whose a request is, and lets people in and out.

    Args:
        settings: Which kind of auth, and what belongs to it.
    """

    def __init__(self, settings: ServerSettings):
        self.auth = settings.auth
        self._https = settings.https
        self._token = settings.token
        self._signer = Signer.of_file(settings.data / "session.key")
        # browsers send one port's cookies to all ports of a machine: each data folder has a name of its own
        self.cookie = f"{COOKIE}_{self._signer.fingerprint}"
        self._users = UserList(settings.users_path) if settings.auth == "users" else None

    def of_cookie(self, request: HTTPConnection) -> Owner:
        """The owner that the cookie names.

        Raises:
            Problem: 401 if there is no valid cookie.
        """
        owner = self.find(request)
        if owner is None:
            raise Problem(
                401,
                "You are not signed in, or your session has expired: sign in again.",
                "not_signed_in",
            )
        return owner

    def find(self, request: HTTPConnection) -> Owner | None:
        """The owner that the cookie names, or None."""
        words = self._signer.read(request.cookies.get(self.cookie, ""))
        if words is None or len(words) != 3 or words[0] != self.auth:
            return None
        _, name, stamp = words
        if not hmac.compare_digest(stamp, self._stamp(name) or "-"):
            return None
        return self._owner(name)

    def of_key(self, request: HTTPConnection) -> Owner:
        """The owner of a Bearer key; with auth none, any key and none at all is an owner of its own.

        Raises:
            Problem: 401 if the key is missing or unknown.
        """
        owner = self.find_key(request)
        if owner is None:
            raise Problem(
                401,
                "The API key is missing or unknown: send the header 'Authorization: Bearer KEY'.",
                "invalid_api_key",
                headers={"WWW-Authenticate": "Bearer"},
            )
        return owner

    def find_key(self, request: HTTPConnection) -> Owner | None:
        """The owner of a Bearer key, or None."""
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        key = key.strip()[:MAX_KEY] if scheme.lower() == "bearer" else ""
        if self.auth == "none":
            return Owner(f"key:{_digest(key)[:32]}")
        if self.auth == "token":
            return Owner("key:token") if _same(key, self._token) else None
        name = self._users.of_key(key) if self._users is not None else None
        return None if name is None else self._owner(name)

    def begin(self, request: HTTPConnection, response: Response) -> Owner | None:
        """The owner of a page that has just come: with auth none a new one gets a cookie.

        An old one gets it anew, as nobody could sign in again when its time is over.
        """
        owner = self.find(request)
        if self.auth == "none":
            owner = self._enter(request, response, secrets.token_hex(16) if owner is None else owner.id)
        return owner

    def sign_in(
        self,
        request: HTTPConnection,
        response: Response,
        *,
        token: str = "",
        name: str = "",
        password: str = "",
    ) -> Owner:
        """Lets in who knows the token, or a user's password, and sets the cookie.

        Raises:
            Problem: 401 if they do not; 400 if there is nothing to sign in to.
        """
        if self.auth == "none":
            raise Problem(400, "This server asks nobody to sign in.", "no_sign_in")
        if self.auth == "token":
            if not _same(token, self._token):
                raise Problem(401, "The token is wrong; ask who runs this server.", "wrong_token")
            before = self.find(request)
            return self._enter(request, response, before.id if before else secrets.token_hex(16))
        if self._users is None or not self._users.check(name, password):
            raise Problem(401, "Name or password is wrong.", "wrong_password")
        return self._enter(request, response, name)

    def sign_out(self, request: HTTPConnection, response: Response) -> None:
        """Forgets the cookie. With auth none its conversations cannot be reached any more."""
        response.delete_cookie(
            self.cookie, path="/", secure=self._secure(request), httponly=True, samesite="lax"
        )

    def _enter(self, request: HTTPConnection, response: Response, name: str) -> Owner:
        value = self._signer.write([self.auth, name, self._stamp(name) or ""])
        response.set_cookie(
            self.cookie,
            value,
            max_age=COOKIE_AGE_S,
            path="/",
            secure=self._secure(request),
            httponly=True,
            samesite="lax",
        )
        return self._owner(name)

    def _secure(self, request: HTTPConnection) -> bool:
        return request.url.scheme == "https" if self._https is None else self._https

    def _stamp(self, name: str) -> str | None:
        """What a cookie holds besides its name: a changed token or password makes it worthless."""
        if self._users is not None:
            return self._users.stamp(name)
        if _ANONYMOUS.fullmatch(name) is None:
            return None
        return _digest(self._token)[:16] if self.auth == "token" else "-none"

    def _owner(self, name: str) -> Owner:
        return Owner(f"user:{name}", name) if self._users is not None else Owner(name)


def _same(given: str, secret: str) -> bool:
    return hmac.compare_digest(_digest(given), _digest(secret))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
