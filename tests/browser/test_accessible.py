"""By keys alone, and what axe finds in every state of the page; budgets of the first load."""

import gzip
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.axe import violations
from tests.browser.conftest import CHROMIUM, FLAGS, Visitor
from tests.browser.waiting import until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

WEB = Path(__file__).parents[2] / "web"
MOST_REQUESTS = 30


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_on_the_empty_page_and_in_settings(
    visit: Callable[..., Visitor], axe: str, theme: str
):
    page = visit(color_scheme=theme, viewport={"width": 1360, "height": 850}).open()
    expect(page.locator(".example")).to_have_count(4)
    assert violations(page, axe) == []
    page.get_by_role("button", name="Settings").click()
    assert violations(page, axe) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1360])
def test_axe_finds_nothing_in_a_conversation(visit: Callable[..., Visitor], axe: str, theme: str, width: int):
    visitor = visit(color_scheme=theme, viewport={"width": width, "height": 850})
    page = visitor.see("picture", "sound")
    assert violations(page, axe) == []
    page.locator(".g[role]").first.click()
    page.locator("#question").fill("More?")
    assert violations(page, axe) == []
    if width < 1000:
        page.get_by_role("button", name="Open the list").click()
        assert violations(page, axe) == []


def test_axe_finds_nothing_on_the_page_that_is_not_there(visitor: Visitor, axe: str):
    visitor.page.goto(f"{visitor.address}/c/nothing")
    expect(visitor.page.get_by_role("heading", name="Nothing here")).to_be_visible()
    assert violations(visitor.page, axe) == []


def test_by_keys_alone_from_load_to_a_pinned_phrase(visitor: Visitor):
    page = visitor.open()
    page.keyboard.type("Describe it.")
    page.keyboard.press("Enter")
    expect(page.locator(".answer:not(.running) .message-foot [aria-pressed]")).to_have_count(2)
    visitor.see("picture")
    page.locator("#skip").focus()
    expect(page.locator("#skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#question")).to_be_focused()
    phrase = page.locator(".g[role]").first
    for _ in range(40):
        page.keyboard.press("Shift+Tab")
        if page.evaluate("document.activeElement.matches('.g')"):
            break
    expect(page.locator(".g:focus")).to_have_count(1)
    for _ in range(8):
        if phrase.evaluate("(one) => one === document.activeElement"):
            break
        page.keyboard.press("Shift+Tab")
    expect(phrase).to_be_focused()
    expect(phrase).to_have_class("g slot-0 lit")
    expect(phrase).to_have_attribute("aria-label", "brown dog, region 1 of 3, shows in picture")
    page.keyboard.press("Space")
    expect(phrase).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Escape")
    expect(phrase).to_have_attribute("aria-pressed", "false")
    assert visitor.problems == []


def test_the_drawer_by_keys(visit: Callable[..., Visitor]):
    page = visit(viewport={"width": 800, "height": 800}).open()
    page.get_by_role("button", name="Open the list").press("Enter")
    expect(page.get_by_role("button", name="Close the list")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Open the list")).to_be_focused()


def test_the_end_of_an_answer_is_said_once_and_the_log_is_quiet(visitor: Visitor):
    page = visitor.see("picture")
    expect(page.get_by_role("log")).to_have_attribute("aria-live", "off")
    page.locator("#question").fill("And now?")
    page.locator("#question").press("Enter")
    expect(page.locator("#polite")).to_have_text("Answer finished, 3 linked phrases.")


def test_what_the_first_load_asks_for(visit: Callable[..., Visitor]):
    visitor = visit()
    asked: list[str] = []
    visitor.page.on("request", lambda request: asked.append(request.url.removeprefix(visitor.address)))
    page = visitor.open()
    expect(page.locator(".example")).to_have_count(4)
    page.wait_for_load_state("networkidle")
    assert len(asked) <= MOST_REQUESTS, asked
    assets = [path.removeprefix("/assets/") for path in asked if path.startswith("/assets/")]
    size = sum(len(gzip.compress((WEB / path).read_bytes(), 9)) for path in assets)
    assert size <= 80_000, f"{size} bytes"
    assert {visitor.address.split("/")[2]} == visitor.hosts


#: Notes when, counted from the navigation, a question can be typed.
NOTE_USABLE = """() => new MutationObserver((_, watching) => {
  const box = document.querySelector("#question");
  if (!box?.checkVisibility() || box.disabled) return;
  window.usableAt = performance.now();
  watching.disconnect();
}).observe(document, { subtree: true, childList: true, attributes: true })"""


def test_how_long_a_first_visit_takes_until_one_can_ask(
    browser: Any, address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """Told, not judged: how long it takes depends on what else the machine does."""
    fresh = browser.browser_type.launch_persistent_context(
        str(tmp_path / "profile"), executable_path=str(CHROMIUM), args=FLAGS
    )
    try:
        page = fresh.pages[0]
        page.add_init_script(f"({NOTE_USABLE})()")
        page.goto(address)
        until(page, "window.usableAt > 0")
        page.locator("#question").press_sequentially("A question")
        expect(page.get_by_role("button", name="Send", exact=True)).to_be_enabled()
        painted = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? NaN")
        with capsys.disabled():
            sys.stdout.write(
                f"\nfirst visit with an empty profile: painted after {painted:.0f} ms, "
                f"usable after {page.evaluate('usableAt'):.0f} ms\n"
            )
    finally:
        fresh.close()
