"""Zooming and moving the picture by wheel, fingers and clicks; the full screen; the leader line; the tour."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visitor
from tests.browser.test_stage import BALL, DOG, lit, phrase, place, point_at
from tests.browser.waiting import until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

Visit = Callable[..., Visitor]

#: The pixel of the picture that is shown at a place of the screen.
PIXEL = """([x, y]) => {
  const { left, top, width, height } = document.querySelector(".stage-picture").getBoundingClientRect();
  const { naturalWidth, naturalHeight } = document.querySelector(".stage-picture");
  return [(x - left) * naturalWidth / width, (y - top) * naturalHeight / height];
}"""
#: Notes what is lit from now on.
WATCH = """() => {
  window.seen = [];
  new MutationObserver(() => {
    const now = document.querySelector(".is-lit .lit-region")?.dataset.entity ?? "";
    if (seen.at(-1) !== now) seen.push(now);
  }).observe(document.querySelector(".stage-light"), { subtree: true, childList: true });
}"""
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


def pixel(page: Any, at: tuple[float, float]) -> list[float]:
    found: list[float] = page.evaluate(PIXEL, at)
    return found


def width(page: Any) -> float:
    """How wide the picture is on the screen."""
    return float(page.locator(".stage-picture").bounding_box()["width"])


def same(one: list[float], other: list[float], within: float = 1.5) -> bool:
    return all(abs(a - b) <= within for a, b in zip(one, other, strict=True))


class Fingers:
    """Fingers on the screen, as the browser hears of them."""

    def __init__(self, page: Any):
        self._session = page.context.new_cdp_session(page)

    def send(self, kind: str, *points: tuple[float, float]) -> None:
        fingers = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
        self._session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": fingers})

    def drag(self, start: list[tuple[float, float]], end: list[tuple[float, float]], steps: int = 8) -> None:
        """All fingers go at once from where they are put down to where they are lifted."""
        self.send("touchStart", *start)
        for step in range(1, steps + 1):
            part = step / steps
            ways = zip(start, end, strict=True)
            self.send("touchMove", *((a + (c - a) * part, b + (d - b) * part) for (a, b), (c, d) in ways))
        self.send("touchEnd")


def test_ctrl_and_wheel_zoom_around_the_pointer(visitor: Visitor):
    page = visitor.see("picture")
    point_at(page, DOG)
    at = place(page, DOG)
    before, whole = pixel(page, at), width(page)
    page.keyboard.down("Control")
    for _ in range(4):
        page.mouse.wheel(0, -120)
    page.keyboard.up("Control")
    until(page, "document.querySelector('.stage-frame').classList.contains('is-zoomed')")
    until(
        page, "(w) => document.querySelector('.stage-picture').getBoundingClientRect().width > 2 * w", whole
    )
    assert same(pixel(page, at), before)
    assert page.evaluate("visualViewport.scale") == 1, "the picture is zoomed, not the page"
    zoomed = width(page)
    before_left = page.locator(".stage-picture").bounding_box()["x"]
    page.mouse.wheel(60, 40)
    moved = "(x) => Math.abs(document.querySelector('.stage-picture').getBoundingClientRect().x - x) > 20"
    until(page, moved, before_left)
    assert abs(width(page) - zoomed) < 1, "a wheel alone moves it"
    assert pixel(page, at)[0] > before[0] and pixel(page, at)[1] > before[1]
    page.locator(".stage-frame").press("0")
    assert abs(width(page) - whole) < 1
    assert visitor.problems == []


def test_a_double_click_comes_near_and_goes_back(visitor: Visitor):
    page = visitor.see("picture")
    at, whole = place(page, (30, 30)), width(page)
    before = pixel(page, at)
    page.mouse.dblclick(*at)
    assert width(page) > 2 * whole
    assert same(pixel(page, at), before, within=12), "as near as the picture's edge allows"
    expect(page.locator(".bar-zoom")).to_have_text("250%")
    page.mouse.dblclick(*at)
    assert abs(width(page) - whole) < 1
    expect(page.locator(".bar-zoom")).to_have_text("100%")


def test_the_middle_button_and_arrows_move_what_is_zoomed(visitor: Visitor):
    page = visitor.see("picture")
    frame = page.locator(".stage-frame")
    frame.press("+")
    frame.press("+")
    at = place(page, (300, 260))
    before = pixel(page, at)
    page.mouse.move(*at)
    page.mouse.down(button="middle")
    page.mouse.move(at[0] + 50, at[1] + 30, steps=5)
    page.mouse.up(button="middle")
    assert same(pixel(page, (at[0] + 50, at[1] + 30)), before)
    left = page.locator(".stage-picture").bounding_box()["x"]
    frame.press("ArrowRight")
    assert page.locator(".stage-picture").bounding_box()["x"] == pytest.approx(left - 60, abs=1)
    expect(page.locator("#composer .chip")).to_have_count(0)


def test_two_fingers_zoom_and_move_and_ask_nothing(visit: Visit):
    visitor = visit(**PHONE)
    page = visitor.see("picture")
    middle = place(page, (320, 240))
    before, whole = pixel(page, middle), width(page)
    x, y = middle
    fingers = Fingers(page)
    fingers.drag([(x - 20, y), (x + 20, y)], [(x - 60, y), (x + 60, y)])
    assert width(page) == pytest.approx(3 * whole, rel=0.05), "fingers three times as far apart"
    assert same(pixel(page, middle), before, within=6)
    assert page.evaluate("visualViewport.scale") == 1, "the picture is zoomed, not the page"
    fingers.drag([(x - 20, y), (x + 20, y)], [(x + 10, y), (x + 50, y)])
    assert same(pixel(page, (x + 30, y)), before, within=6), "together they move it"
    expect(page.locator("#composer .chip")).to_have_count(0)
    fingers.drag([(x - 60, y), (x + 60, y)], [(x - 10, y), (x + 10, y)])
    assert abs(width(page) - whole) < 1
    spot = place(page, DOG)
    page.touchscreen.tap(*spot)
    expect(page.locator("#composer .chip")).to_have_count(1)
    assert visitor.problems == []


def test_the_stage_fills_the_screen_and_comes_back(visitor: Visitor):
    page = visitor.see("picture")
    before = page.locator(".stage").bounding_box()
    page.get_by_role("button", name="Full screen").click()
    until(page, "document.fullscreenElement?.classList.contains('stage')")
    until(page, "document.querySelector('.stage').getBoundingClientRect().width === innerWidth")
    point_at(page, BALL)
    until(page, "document.querySelector('.is-lit .lit-region[data-entity=e2]')")
    page.get_by_role("button", name="Full screen").click()
    until(page, "document.fullscreenElement === null")
    until(
        page,
        "(w) => Math.abs(document.querySelector('.stage').getBoundingClientRect().width - w) < 1",
        before["width"],
    )
    point_at(page, DOG)
    assert lit(page) == ["e1"]


def test_a_line_leads_from_the_phrase_to_the_mask_where_there_is_room(visit: Visit):
    page = visit(viewport={"width": 1360, "height": 850}).see("picture")
    line = page.locator(".leader-line")
    expect(line).to_have_count(0)
    phrase(page, "red ball").hover()
    expect(line).to_have_count(1)
    ends = line.evaluate(
        "(path) => [0, path.getTotalLength()].map((at) => path.getPointAtLength(at)).map(({x, y}) => [x, y])"
    )
    words = page.locator(".answer .prose").bounding_box()
    assert abs(ends[0][0] - words["x"]) < 10
    assert words["y"] <= ends[0][1] <= words["y"] + words["height"]
    x, y = pixel(page, (ends[1][0], ends[1][1]))
    assert (x - 270) ** 2 + (y - 330) ** 2 < 50**2, "it ends on the ball"
    page.mouse.move(2, 2)
    expect(line).to_have_count(0)
    phrase(page, "brown dog").focus()
    page.keyboard.press("Tab")
    expect(line).to_have_count(1)
    page.locator("#question").focus()
    expect(line).to_have_count(0)
    point_at(page, DOG)
    assert lit(page) == ["e1"]
    expect(line).to_have_count(0)
    page.set_viewport_size({"width": 900, "height": 850})
    phrase(page, "red ball").hover()
    assert lit(page) == ["e2"]
    expect(line).to_have_count(0)


def test_the_tour_lights_one_thing_after_the_other(visitor: Visitor):
    page = visitor.see("picture")
    tour = page.get_by_role("button", name="Show one after the other")
    page.evaluate(WATCH)
    tour.focus()
    page.keyboard.press("Enter")
    expect(tour).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#polite")).to_have_text("1 of 3: dog")
    expect(page.locator("#polite")).to_have_text("2 of 3: ball")
    expect(page.locator(".g.lit")).to_have_text("red ball")
    expect(page.locator("#polite")).to_have_text("3 of 3: tent")
    expect(tour).to_have_attribute("aria-pressed", "false")
    assert page.evaluate("seen") == ["e1", "e2", "e3", ""]
    expect(tour).to_be_focused()


def test_escape_and_the_button_end_the_tour(visitor: Visitor):
    page = visitor.see("picture")
    tour = page.get_by_role("button", name="Show one after the other")
    page.evaluate(WATCH)
    tour.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".lit-region[data-entity=e1]")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(tour).to_have_attribute("aria-pressed", "false")
    expect(page.locator(".lit-region")).to_have_count(0)
    expect(tour).to_be_focused()
    page.wait_for_timeout(2_000)
    assert page.evaluate("seen") == ["e1", ""]
    tour.press("Enter")
    expect(page.locator(".lit-region[data-entity=e1]")).to_have_count(1)
    tour.press("Enter")
    expect(page.locator(".lit-region")).to_have_count(0)
    assert page.evaluate("seen") == ["e1", "", "e1", ""]


def test_a_tour_ends_with_its_conversation(visitor: Visitor):
    page = visitor.see("picture")
    page.get_by_role("button", name="Show one after the other").press("Enter")
    expect(page.locator(".lit-region[data-entity=e1]")).to_have_count(1)
    page.get_by_role("link", name="New conversation").click()
    expect(page.locator(".welcome")).to_be_visible()
    page.wait_for_timeout(2_000)
    page.go_back()
    expect(page.locator(".rest-region")).to_have_count(3)
    expect(page.locator(".lit-region")).to_have_count(0)
    expect(page.get_by_role("button", name="Show one after the other")).to_have_attribute(
        "aria-pressed", "false"
    )
    assert visitor.problems == []
