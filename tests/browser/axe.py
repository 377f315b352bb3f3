"""What axe-core finds wrong with a page for those who use it without eyes, mouse or colours."""

import json
from typing import Any

from tests.npm_packages import packed_file

AXE_VERSION = "4.14.1"


def axe_source() -> str:
    """The script; where npm cannot fetch it, CI fails and others skip."""
    return packed_file("axe-core", AXE_VERSION, "axe.min.js")


def violations(page: Any, axe: str) -> list[str]:
    """A line for each rule that is broken, with the first elements that break it."""
    page.evaluate(axe)
    found = page.evaluate("() => axe.run(document, { resultTypes: ['violations'] })")["violations"]
    return [f"{one['id']}: {json.dumps([node['html'][:120] for node in one['nodes'][:3]])}" for one in found]
