"""Windows of little height, and turned phones: the picture is worth looking at, the composer stays."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visitor
from tests.browser.waiting import until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

LOW = [(844, 390), (960, 540), (1024, 500), (1366, 650)]


@pytest.mark.parametrize(("width", "height"), LOW)
def test_a_low_window_shows_a_picture_worth_looking_at(
    visit: Callable[..., Visitor], width: int, height: int
):
    visitor = visit(viewport={"width": width, "height": height})
    page = visitor.see("picture", "sound")
    picture = page.locator(".stage-frame").bounding_box()
    assert picture["height"] >= 0.44 * height
    root = page.evaluate("[document.documentElement.scrollHeight, innerHeight]")
    assert root[0] <= root[1], "only the stage scrolls, never the document"
    composer = page.locator("#composer").bounding_box()
    assert composer["y"] + composer["height"] <= height + 1
    page.locator(".outliner summary").scroll_into_view_if_needed()
    expect(page.locator(".outliner summary")).to_be_in_viewport()


def test_the_picture_is_large_enough_to_correct_its_mask(visit: Callable[..., Visitor]):
    page = visit(viewport={"width": 320, "height": 640}, has_touch=True, is_mobile=True).see("picture")
    page.locator(".g[role=button]").first.click()
    page.get_by_role("button", name="Correct", exact=True).click()
    expect(page.locator(".correct-bar")).to_be_visible()
    until(page, "document.querySelector('.stage-frame').clientHeight >= 120")


@pytest.mark.parametrize("place", [1.0, 0.5], ids=["end", "middle"])
def test_turning_a_phone_leaves_the_reader_where_they_were(visit: Callable[..., Visitor], place: float):
    visitor = visit(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = visitor.open(visitor.ask(text="Talk. " * 400 + "/long 150"))
    expect(page.locator(".answer .text")).to_contain_text("word149")
    page.wait_for_timeout(300)
    page.evaluate(
        "(place) => scrollTo(0, place * (document.documentElement.scrollHeight - innerHeight))", place
    )
    at = """() => {
      const box = innerWidth > 760 ? document.querySelector("#scroll") : document.documentElement;
      return box.scrollTop / (box.scrollHeight - box.clientHeight);
    }"""
    for width, height in ((844, 390), (390, 844)):
        page.wait_for_timeout(300)
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_timeout(300)
        until(page, f"(least) => ({at})() > least", 0.9 if place == 1 else 0.25)
