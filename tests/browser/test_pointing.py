"""Places of a picture or a sound become part of the question, in pixels of the served picture and seconds."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visitor
from tests.browser.test_stage import BALL, BOTH, NOTHING, place, point_at

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

WIDE = {"viewport": {"width": 1360, "height": 850}}
CHIPS = "#composer .chip.place"


def sent(page: Any) -> list[dict[str, Any]]:
    """The places of the question as they go to the server, its media left out."""
    with page.expect_request(
        lambda request: request.method == "POST" and request.url.endswith("/runs")
    ) as asked:
        page.locator("#composer textarea").press("Enter")
    places: list[dict[str, Any]] = asked.value.post_data_json["places"]
    return [{name: value for name, value in one.items() if name != "media"} for one in places]


def near(one: dict[str, Any], **expected: Any) -> None:
    """Coordinates to a pixel or two of rounding on the screen, all else exactly."""
    assert one.keys() == expected.keys(), one
    for name, value in expected.items():
        if name in ("x", "y"):
            assert isinstance(one[name], int) and abs(one[name] - value) <= 1, one
        elif name == "box":
            assert all(isinstance(side, int) for side in one[name]), one
            assert all(abs(a - b) <= 2 for a, b in zip(one[name], value, strict=True)), one
        else:
            assert one[name] == value, one


def settled(page: Any, unlike: dict[str, float] | None = None) -> dict[str, float]:
    """Where the picture is on the screen, once it no longer moves."""
    before = unlike
    for _ in range(100):
        box: dict[str, float] = page.locator(".stage-picture").bounding_box()
        if box == before and box != unlike:
            return box
        before = box
        page.wait_for_timeout(100)
    raise AssertionError("the picture did not come to rest within ten seconds")


def drag(page: Any, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Draws from one pixel of the picture to another."""
    point_at(page, start)
    page.mouse.down()
    x, y = place(page, end)
    page.mouse.move(x - 7, y - 7)
    page.mouse.move(x, y)
    page.mouse.up()


@pytest.mark.parametrize("scale", [1, 2])
@pytest.mark.parametrize("kind", ["picture", "turned"])
def test_points_and_boxes_are_pixels_of_the_upright_picture(
    visit: Callable[..., Visitor], scale: int, kind: str
) -> None:
    page = visit(**WIDE, device_scale_factor=scale).see(kind)
    page.mouse.click(*place(page, NOTHING))
    page.keyboard.down("Alt")
    page.mouse.click(*place(page, (600, 450)))
    page.keyboard.up("Alt")
    drag(page, (100, 60), (220, 400))
    page.mouse.click(*place(page, BOTH))
    expect(page.locator(CHIPS)).to_have_count(4)
    point, negative, box, entity = sent(page)
    near(point, kind="point", x=NOTHING[0], y=NOTHING[1], positive=True)
    near(negative, kind="point", x=600, y=450, positive=False)
    near(box, kind="box", box=[100, 60, 120, 340])
    assert entity == {"kind": "entity", "entity": "e2"}


@pytest.mark.parametrize("scale", [1, 2])
def test_a_zoomed_and_moved_picture_gives_the_same_pixels(visit: Callable[..., Visitor], scale: int) -> None:
    page = visit(**WIDE, device_scale_factor=scale).see("picture")
    point_at(page, (400, 420))
    page.keyboard.down("Control")
    page.mouse.wheel(0, -300)
    page.keyboard.up("Control")
    expect(page.locator(".stage-frame.is-zoomed")).to_have_count(1)
    zoomed = settled(page)
    page.mouse.wheel(30, 40)
    moved = settled(page, unlike=zoomed)
    assert moved["width"] == zoomed["width"] > 600
    assert moved["x"] < zoomed["x"]
    page.mouse.click(*place(page, (420, 440)))
    drag(page, (380, 400), (440, 450))
    point, box = sent(page)
    near(point, kind="point", x=420, y=440, positive=True)
    near(box, kind="box", box=[380, 400, 60, 50])


def test_small_movements_are_clicks_and_boxes_stay_within_the_picture(visitor: Visitor) -> None:
    page = visitor.see("picture")
    x, y = place(page, NOTHING)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 6, y + 5)
    page.mouse.up()
    expect(page.locator(CHIPS)).to_have_count(1)
    drag(page, (600, 440), (900, 470))
    point, box = sent(page)
    near(point, kind="point", x=NOTHING[0], y=NOTHING[1], positive=True)
    near(box, kind="box", box=[600, 440, 40, 30])


def test_a_second_click_takes_a_thing_back_and_five_places_are_the_most(visitor: Visitor) -> None:
    page = visitor.see("picture")
    page.mouse.click(*place(page, BALL))
    expect(page.locator(CHIPS)).to_have_count(1)
    page.wait_for_timeout(600)
    page.mouse.click(*place(page, BALL))
    expect(page.locator(CHIPS)).to_have_count(0)
    for step in range(6):
        page.wait_for_timeout(600)
        page.mouse.click(*place(page, (20 + 40 * step, 20)))
    expect(page.locator(CHIPS)).to_have_count(5)
    expect(page.locator(".stage-point")).to_have_count(5)
    assert [one["x"] for one in sent(page)] == pytest.approx([20, 60, 100, 140, 180], abs=1)


def test_a_double_click_zooms_and_asks_nothing(visitor: Visitor) -> None:
    page = visitor.see("picture")
    page.mouse.dblclick(*place(page, NOTHING))
    expect(page.locator(".stage-frame.is-zoomed")).to_have_count(1)
    expect(page.locator(CHIPS)).to_have_count(0)
    page.locator(".stage-frame").press("0")
    expect(page.locator(".stage-frame.is-zoomed")).to_have_count(0)


def test_a_box_and_a_spot_by_keys_alone(visitor: Visitor) -> None:
    page = visitor.see("picture")
    frame = page.locator(".stage-frame")
    frame.focus()
    page.keyboard.press("b")
    expect(page.locator(".stage-draft")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(page.locator(".stage-draft")).to_have_count(0)
    page.keyboard.press("b")
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    page.keyboard.press("Shift+ArrowDown")
    page.keyboard.press("Enter")
    page.keyboard.press("p")
    for _ in range(25):
        page.keyboard.press("ArrowUp")
    page.keyboard.press("Alt+Enter")
    expect(page.locator(CHIPS)).to_have_count(2)
    box, point = sent(page)
    near(box, kind="box", box=[174, 160, 213, 173])
    assert point["positive"] is False and point["y"] == 0 and abs(point["x"] - 320) <= 1, point


def test_a_drag_on_the_wave_is_a_time(visitor: Visitor) -> None:
    page = visitor.see("picture", "sound")
    track = page.locator(".wave-track").bounding_box()
    x = lambda second: track["x"] + track["width"] * second / 4  # noqa: E731
    y = track["y"] + track["height"] / 2
    page.mouse.move(x(1.7), y)
    page.mouse.down()
    page.mouse.move(x(2.0), y + 3)
    page.mouse.move(x(3.25), y)
    page.mouse.up()
    expect(page.locator(CHIPS)).to_have_count(1)
    (time,) = sent(page)
    assert time["kind"] == "time"
    assert (time["t0"], time["t1"]) == pytest.approx((1.7, 3.25), abs=0.02)


def test_a_time_by_keys_alone(visitor: Visitor) -> None:
    page = visitor.see("sound")
    page.locator(".wave-track").focus()
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    for _ in range(5):
        page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Enter")
    expect(page.locator(CHIPS)).to_have_count(1)
    (time,) = sent(page)
    assert (time["kind"], time["t0"], time["t1"]) == ("time", 2.0, 2.5)


def test_touch_taps_ask_and_do_not_draw(visit: Callable[..., Visitor]) -> None:
    page = visit(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True).see("picture")
    page.touchscreen.tap(*place(page, BALL))
    page.touchscreen.tap(*place(page, (60, 440)))
    expect(page.locator(CHIPS)).to_have_count(2)
    ball, point = sent(page)
    assert ball == {"kind": "entity", "entity": "e2"}
    assert (point["x"], point["y"]) == pytest.approx((60, 440), abs=2)


def test_a_resting_pointer_shows_what_would_be_taken(visitor: Visitor) -> None:
    page = visitor.open(visitor.ask("picture", text="/say Nothing to name."))
    page.wait_for_selector(".stage-frame")
    with page.expect_request("**/segment") as asked:
        point_at(page, BALL)
    point = asked.value.post_data_json["points"][0]
    assert (point["x"], point["y"]) == pytest.approx(BALL, abs=1)
    expect(page.locator(".guess-region")).to_have_count(1)
    point_at(page, NOTHING)
    expect(page.locator(".guess-region")).to_have_count(0)
