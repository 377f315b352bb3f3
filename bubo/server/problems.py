"""What goes wrong in a request, as OpenAI's clients expect to be told."""

from collections.abc import Mapping

from bubo.errors import BuboError
from bubo.server.ids import clean_text

__all__ = ["NotFoundError", "Problem"]

_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
}


class Problem(BuboError):
    """An error that becomes a response.

    Args:
        status: The HTTP status.
        message: What was given, what was expected, what to do.
        code: A short name that programs can rely on.
        param: The field that is wrong, if it is one.
        retryable: Whether the same request may succeed later.
        headers: More headers of the response.
    """

    def __init__(
        self,
        status: int,
        message: str,
        code: str,
        *,
        param: str | None = None,
        retryable: bool = False,
        headers: Mapping[str, str] | None = None,
    ):
        message, param = clean_text(message), param and clean_text(param)  # they may show what was given
        super().__init__(message)
        self.status, self.message, self.code = status, message, code
        self.param, self.retryable, self.headers = param, retryable, dict(headers or {})

    @property
    def type(self) -> str:
        """OpenAI's name for this kind of error."""
        if self.status >= 500:
            return "server_error"
        return _TYPES.get(self.status, "invalid_request_error")

    def body(self) -> dict[str, dict[str, object]]:
        """The JSON of the response."""
        error: dict[str, object] = {
            "message": self.message,
            "type": self.type,
            "code": self.code,
            "retryable": self.retryable,
            "param": self.param,
        }
        return {"error": error}


class NotFoundError(Problem):
    """Something is not there, or belongs to another owner: nobody can tell which.

    Args:
        what: What is not there.
        param: The field of the body that named it, if it was not the address.
    """

    def __init__(self, what: str, param: str | None = None):
        message = f"There is no {what} of this id; it may have been deleted."
        super().__init__(404, message if param is None else f"{param}: {message}", "not_found", param=param)
