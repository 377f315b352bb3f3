"""Which methods an address takes, for those who try another one."""

import re
from functools import lru_cache

from fastapi import FastAPI

__all__ = ["allowed_methods"]


def allowed_methods(app: FastAPI, path: str) -> str:
    """The value of the header Allow; "" for an address that is not described."""
    for pattern, methods in _patterns(app):
        if pattern.fullmatch(path):
            return ", ".join(methods)
    return ""


@lru_cache(maxsize=8)
def _patterns(app: FastAPI) -> list[tuple[re.Pattern[str], list[str]]]:
    found = []
    for template, methods in app.openapi()["paths"].items():
        parts = re.split(r"\{[^}]*\}", template)
        named = sorted(name.upper() for name in methods if name in ("get", "put", "post", "delete", "patch"))
        found.append((re.compile("[^/]+".join(map(re.escape, parts))), named))
    return sorted(found, key=lambda one: one[0].pattern.count("[^/]+"))  # fixed addresses before patterns
