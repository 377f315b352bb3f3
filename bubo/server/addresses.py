"""Described addresses: to which one a path belongs, and which methods it takes."""

import re
from functools import lru_cache
from typing import NamedTuple

from fastapi import FastAPI

__all__ = ["allowed_methods", "described_path"]


class _Address(NamedTuple):
    template: str
    pattern: re.Pattern[str]
    methods: list[str]


def allowed_methods(app: FastAPI, path: str) -> str:
    """The value of the header Allow; "" for an address that is not described."""
    found = _find(app, path)
    return ", ".join(found.methods) if found else ""


def described_path(app: FastAPI, path: str) -> str:
    """The address as it is described, with names in place of ids; "" if it is not."""
    found = _find(app, path)
    return found.template if found else ""


def _find(app: FastAPI, path: str) -> _Address | None:
    return next((one for one in _addresses(app) if one.pattern.fullmatch(path)), None)


@lru_cache(maxsize=8)
def _addresses(app: FastAPI) -> list[_Address]:
    found = []
    for template, methods in app.openapi()["paths"].items():
        parts = re.split(r"\{[^}]*\}", template)
        named = sorted(name.upper() for name in methods if name in ("get", "put", "post", "delete", "patch"))
        found.append(_Address(template, re.compile("[^/]+".join(map(re.escape, parts))), named))
    # fixed addresses before patterns
    return sorted(found, key=lambda one: one.pattern.pattern.count("[^/]+"))
