"""Waiting for something in a page whose policy forbids Playwright's own `wait_for_function`."""

import time
from typing import Any


def until(page: Any, expression: str, argument: Any = None, seconds: float = 40.0) -> None:
    """Waits until the expression, or the function, is true in the page."""
    end = time.monotonic() + seconds
    while not page.evaluate(expression, argument):
        assert time.monotonic() < end, f"not true within {seconds:g} seconds: {expression}"
        page.wait_for_timeout(50)
