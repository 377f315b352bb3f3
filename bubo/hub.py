"""What the hub says of a file before it is fetched: where it lies, its size, its hash; what refusals mean."""

import os
import re
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

from bubo.errors import ModelError
from bubo.presets import SourceFile

__all__ = ["TIMEOUT_S", "Busy", "NotReachable", "NotThere", "Redirects", "Remote", "locate", "refused"]

TIMEOUT_S = 30.0


class NotReachable(ModelError):
    """A server that cannot be reached: there is no network, or none is wanted.

    Args:
        message: All of it.
        reason: Why, in a sentence without its stop.
        files: What could not be fetched.
    """

    def __init__(self, message: str, reason: str = "", files: Sequence[SourceFile] = ()):
        super().__init__(message)
        self.reason = reason
        self.files = tuple(files)


class Busy(NotReachable):
    """A hub that can be reached and asks to come back later."""


class NotThere(ModelError):
    """A server that can be reached and has no such file."""


@dataclass(frozen=True)
class Remote:
    """Where a file can be read, and what its server says about it."""

    url: str
    bytes: int | None = None
    sha256: str | None = None
    headers: tuple[tuple[str, str], ...] = ()


def locate(file: SourceFile) -> Remote:
    """Asks the hub where a file lies, how large it is and which hash it has.

    The question is asked here and not by the hub's client, which tells its maker more than this needs.
    """
    if not file.repo:
        return Remote(file.url or "")
    endpoint = (os.environ.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")
    server = urlsplit(endpoint).netloc
    if os.environ.get("HF_HUB_OFFLINE", "").lower() in ("1", "on", "true", "yes"):
        raise NotReachable(f"{server} is not asked, since HF_HUB_OFFLINE is set")
    token = _token()
    secret = (("Authorization", f"Bearer {token}"),) if token else ()
    url = f"{endpoint}/{file.repo}/resolve/{quote(file.revision, safe='')}/{quote(file.path)}"
    headers = {"User-Agent": "bubo", "Accept-Encoding": "identity", **dict(secret)}
    request = urllib.request.Request(url, headers=headers, method="HEAD")
    try:
        with urllib.request.build_opener(Redirects(stay=True)).open(request, timeout=TIMEOUT_S) as answer:
            said, location = answer.headers, answer.url
    except urllib.error.HTTPError as error:
        with error:
            if not 300 <= error.code < 400:
                raise _hub_refusal(file, server, error) from error
            said, location = error.headers, urljoin(url, error.headers["Location"])
    except (OSError, HTTPException) as error:
        raise NotReachable(
            f"{server} cannot be reached ({getattr(error, 'reason', None) or error})"
        ) from error
    etag = (said.get("X-Linked-Etag") or "").strip('"')
    size = said.get("X-Linked-Size") or ""
    return Remote(
        location,
        int(size) if size.isdigit() else None,
        etag if re.fullmatch(r"[0-9a-f]{64}", etag) else None,
        secret if urlsplit(location).netloc == server else (),  # nobody else is shown who asks
    )


def _token() -> str | None:
    """The user's token for the hub: HF_TOKEN, or what `hf auth login` has stored."""
    from huggingface_hub import get_token

    token: str | None = get_token()
    return token


def _hub_refusal(file: SourceFile, server: str, error: urllib.error.HTTPError) -> ModelError:
    if error.code in (408, 429) or error.code >= 500:
        return Busy(f"{server} answers with HTTP {error.code}")
    if error.headers.get("X-Error-Code") == "RevisionNotFound":
        return ModelError(f"{file.repo} has no revision {file.revision!r} on {server}.")
    return refused(file, error.code)


class Redirects(urllib.request.HTTPRedirectHandler):
    """Follows to other servers without showing them who asks; with `stay` only on the same server."""

    def __init__(self, stay: bool = False):
        self.stay = stay

    def redirect_request(self, req: Any, *rest: Any) -> urllib.request.Request | None:
        """The next request."""
        following = super().redirect_request(req, *rest)
        if following is not None and urlsplit(following.full_url).netloc != urlsplit(req.full_url).netloc:
            following.remove_header("Authorization")
            return None if self.stay else following
        if following is not None:
            following.method = req.get_method()
        return following


def refused(file: SourceFile, status: int) -> ModelError:
    """The error for an answer that will be the same next time."""
    if status in (401, 403) and (file.gated or file.repo):
        return ModelError(
            f"{file.repo or file.address} does not let you have {file.path} (HTTP {status}): accept its "
            f"terms on https://huggingface.co/{file.repo}, then run `hf auth login` or set HF_TOKEN, and "
            "pull again."
        )
    if status in (404, 410):
        return NotThere(
            f"There is no file at {file.address} any more (HTTP {status}). If you have it from elsewhere, "
            "give its folder with --from FOLDER."
        )
    return ModelError(f"The server refuses {file.address} (HTTP {status}).")
