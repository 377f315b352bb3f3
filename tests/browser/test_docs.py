"""The list of the API: words stay whole, nothing sticks to the edge, fields are a click away."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.axe import violations
from tests.browser.conftest import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

#: Methods and headings that take more than one line.
BROKEN = """(cells) => cells.map((cell) => {
  const range = document.createRange();
  range.selectNodeContents(cell);
  return [cell.textContent, new Set([...range.getClientRects()].map(({ top }) => top)).size];
}).filter(([, lines]) => lines > 1).map(([text]) => text)"""


@pytest.mark.parametrize("width", [390, 1280])
def test_it_can_be_read(visit: Callable[..., Visitor], axe: str, artifacts: Any, width: int) -> None:
    visitor = visit(viewport={"width": width, "height": 850})
    page = visitor.page
    page.goto(visitor.address + "/docs")
    page.wait_for_load_state("networkidle")
    rows = page.locator("main > table > tbody > tr")
    expect(rows.first).to_contain_text("/v1/")
    assert rows.locator("> td:first-child").evaluate_all(BROKEN) == []
    if width > 1000:
        assert page.locator("main > table > thead th").evaluate_all(BROKEN) == []
        assert rows.locator("> td:nth-child(2)").evaluate_all(BROKEN) == []
    assert page.locator("h1").bounding_box()["x"] >= 16
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    route = rows.filter(has_text="/v1/chat/completions")
    expect(route.get_by_text("messages", exact=True)).to_be_hidden()
    route.get_by_text("Fields").click()
    expect(route.get_by_text("messages", exact=True)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.screenshot(path=artifacts / f"docs-{width}.png")
    assert violations(page, axe) == []
    route.get_by_role("link", name="ChatMessage").click()
    expect(page.locator("h3", has_text="ChatMessage")).to_be_in_viewport()
    page.screenshot(path=artifacts / f"docs-objects-{width}.png")
    assert visitor.problems == []
