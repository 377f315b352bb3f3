"""Who uses the keys alone never loses their place: after each deed, something of the page has the focus."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visitor
from tests.browser.test_compare import two  # noqa: F401  (a fixture)
from tests.browser.waiting import until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

FOCUSED = "(document.activeElement.ariaLabel ?? document.activeElement.id)"


def press(page: Any, name: str) -> None:
    """Presses a button by keys, which leaves the focus on it."""
    control = page.get_by_role("button", name=name, exact=True).last
    control.focus()
    expect(control).to_be_focused()
    page.keyboard.press("Enter")


def focused(page: Any, name: str) -> None:
    """What has the focus once the page has come to rest."""
    page.wait_for_timeout(150)
    until(page, f"(name) => {FOCUSED} === name", name)


def test_controls_of_an_answer_keep_the_focus(two: Callable[..., tuple[Visitor, Any]]) -> None:  # noqa: F811
    _, page = two()
    press(page, "Good answer")
    expect(page.get_by_role("button", name="Good answer")).to_have_attribute("aria-pressed", "true")
    focused(page, "Good answer")
    for _ in range(2):
        press(page, "Compare versions")
        focused(page, "Compare versions")
    press(page, "Version before")
    expect(page.locator(".answer .versions")).to_contain_text("1 / 2")
    focused(page, "Next version")
    press(page, "Next version")
    expect(page.locator(".answer .versions")).to_contain_text("2 / 2")
    focused(page, "Version before")
    press(page, "Answer again")
    expect(page.locator(".answer:not(.running) .versions")).to_contain_text("3 / 3")
    focused(page, "Your question")
    page.locator("summary[aria-label='Save']").focus()
    page.keyboard.press("Enter")
    with page.expect_download():
        page.locator(".menu-item").last.focus()
        page.keyboard.press("Enter")
    focused(page, "Save")


def test_stop_hands_the_focus_to_the_box(visitor: Visitor) -> None:
    page = visitor.open()
    page.locator("#question").fill("Talk. /long 2000 /delay 0.1")
    page.locator("#question").press("Enter")
    expect(page.locator(".answer.running .text")).to_contain_text("word2")
    press(page, "Stop the answer")
    expect(page.get_by_text("You stopped this answer.")).to_be_visible()
    focused(page, "Your question")


def test_undo_and_back_to_usual_keep_the_focus(visitor: Visitor) -> None:
    visitor.ask(text="/say One.")
    page = visitor.open()
    page.locator(".side-item").hover()
    page.locator(".side-item").get_by_role("button", name="Delete").click()
    expect(page.locator(".side-item")).to_have_count(0)
    press(page, "Undo")
    expect(page.locator(".side-item")).to_have_count(1)
    focused(page, "Search")
    page.get_by_role("button", name="Settings").click()
    page.get_by_label("Temperature", exact=True).fill("0.3")
    reset = page.locator(".setting:has(#set-temperature)").get_by_role("button", name="Back to usual")
    reset.focus()
    page.keyboard.press("Enter")
    expect(reset).to_be_disabled()
    focused(page, "set-temperature")
