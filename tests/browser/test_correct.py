"""The pinned thing: its mask is corrected by points and stays so, its cut-out is dragged out or saved."""

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.browser.axe import violations
from tests.browser.conftest import Visitor
from tests.browser.test_stage import BALL, BOTH, NOTHING, TENT, phrase, place

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

BAR = ".stage-view"
LIT = ".lit-region[data-entity=e1]"
POINTS = ".stage-point"


def button(page: Any, name: str) -> Any:
    """A button of the bar over the picture."""
    return page.locator(BAR).get_by_role("button", name=name)


def outline(page: Any) -> str:
    """The lit mask of the dog."""
    drawn: str = page.locator(LIT).get_attribute("d")
    return drawn


def stored(visitor: Visitor, page: Any) -> dict[str, str]:
    """Outlines of the answer's regions on the server, by the labels of their entities."""
    conversation = visitor.get("/api/conversations/" + page.url.rsplit("/", 1)[1])
    grounding = conversation["messages"][-1]["grounding"]
    paths = {region["id"]: region["path"] for region in grounding["regions"]}
    return {one["label"]: paths[one["regions"][0]] for one in grounding["entities"]}


def begin(page: Any) -> str:
    """Pins the dog and starts to correct it; gives its outline."""
    phrase(page, "brown dog").click()
    page.mouse.move(2, 2)
    before = outline(page)
    button(page, "Correct").click()
    expect(button(page, "Use this")).to_be_visible()
    return before


def add(page: Any, spot: tuple[float, float], *keys: str) -> dict[str, Any]:
    """Clicks a pixel of the picture; gives what the server was asked for."""
    for key in keys:
        page.keyboard.down(key)
    with page.expect_response("**/segment") as answered:
        page.mouse.click(*place(page, spot))
    for key in keys:
        page.keyboard.up(key)
    body: dict[str, Any] = answered.value.request.post_data_json
    return body


def test_points_make_a_new_mask_that_stays(visitor: Visitor) -> None:
    page = visitor.see("picture")
    expect(button(page, "Correct")).to_be_hidden()
    paths = stored(visitor, page)
    before = begin(page)
    assert before == paths["dog"]
    expect(button(page, "Use this")).to_be_disabled()
    body = add(page, TENT)
    assert body == {"points": [{"x": TENT[0], "y": TENT[1], "positive": True}]}
    expect(page.locator(LIT)).to_have_attribute("d", paths["tent"])
    expect(page.locator(POINTS)).to_have_count(1)
    assert stored(visitor, page) == paths, "a preview is kept nowhere"
    with page.expect_request("**/regions/*") as asked:
        button(page, "Use this").click()
    assert asked.value.method == "PUT"
    assert asked.value.post_data_json == body, "points go to the server, no outline"
    expect(button(page, "Correct")).to_be_visible()
    expect(page.locator(POINTS)).to_have_count(0)
    expect(page.locator(LIT)).to_have_attribute("d", paths["tent"])
    assert stored(visitor, page) == paths | {"dog": paths["tent"]}
    page.reload()
    phrase(page, "brown dog").hover()
    expect(page.locator(LIT)).to_have_attribute("d", paths["tent"])
    assert visitor.problems == []


def test_what_was_kept_is_taken_back(visitor: Visitor) -> None:
    page = visitor.see("picture")
    paths = stored(visitor, page)
    before = begin(page)
    add(page, TENT)
    button(page, "Use this").click()
    expect(page.locator(LIT)).to_have_attribute("d", paths["tent"])
    page.locator(".toast").get_by_role("button", name="As it was found").click()
    expect(page.locator(LIT)).to_have_attribute("d", before)
    assert stored(visitor, page) == paths
    expect(page.locator(".toast")).to_have_count(0)
    assert visitor.problems == []


def test_what_was_kept_long_ago_is_taken_back_while_correcting(visitor: Visitor) -> None:
    page = visitor.see("picture")
    paths = stored(visitor, page)
    before = begin(page)
    expect(button(page, "As it was found")).to_be_hidden()
    add(page, TENT)
    button(page, "Use this").click()
    expect(page.locator(LIT)).to_have_attribute("d", paths["tent"])
    page.reload()
    phrase(page, "red ball").click()
    button(page, "Correct").click()
    expect(button(page, "As it was found")).to_be_hidden()
    assert begin(page) == paths["tent"]
    button(page, "As it was found").click()
    expect(page.locator(LIT)).to_have_attribute("d", before)
    expect(button(page, "Correct")).to_be_visible()
    assert stored(visitor, page) == paths
    button(page, "Correct").click()
    expect(button(page, "Use this")).to_be_visible()
    expect(button(page, "As it was found")).to_be_hidden()
    assert visitor.problems == []


def test_alt_click_leaves_out_backspace_takes_back_and_escape_leaves(visitor: Visitor) -> None:
    page = visitor.see("picture")
    paths = stored(visitor, page)
    before = begin(page)
    add(page, BOTH)
    expect(page.locator(LIT)).to_have_attribute("d", paths["ball"])
    body = add(page, BALL, "Alt")
    assert [one["positive"] for one in body["points"]] == [True, False]
    expect(page.locator(LIT)).to_have_attribute("d", before)
    expect(page.locator(f"{POINTS}.is-negative")).to_have_count(1)
    page.keyboard.press("Backspace")
    expect(page.locator(LIT)).to_have_attribute("d", paths["ball"])
    button(page, "Take the last point back").click()
    expect(page.locator(LIT)).to_have_attribute("d", before)
    expect(page.locator(POINTS)).to_have_count(0)
    body = add(page, BALL, "Alt")
    assert not body["points"][0]["positive"] and body["box"] == [70, 110, 220, 220], "out of the old mask"
    add(page, NOTHING)
    expect(page.locator("#polite")).to_have_text("Nothing found there.")
    expect(button(page, "Use this")).to_be_disabled()
    page.keyboard.press("Escape")
    expect(button(page, "Correct")).to_be_visible()
    expect(phrase(page, "brown dog")).to_have_attribute("aria-pressed", "true")
    assert outline(page) == before and stored(visitor, page) == paths
    expect(page.locator("#composer .chip.place")).to_have_count(0)
    page.mouse.click(*place(page, TENT))
    expect(page.locator("#composer .chip.place")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(button(page, "Correct")).to_be_hidden()


def test_by_keys_alone(visitor: Visitor) -> None:
    page = visitor.see("picture")
    paths = stored(visitor, page)
    phrase(page, "brown dog").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("c")
    frame = page.locator(".stage-frame")
    expect(frame).to_be_focused()
    expect(page.locator("#polite")).to_contain_text("Click on what belongs to “dog”")
    page.keyboard.press("b")
    expect(page.locator(".stage-draft")).to_have_count(0)
    page.keyboard.press("p")
    for key in ("ArrowRight",) * 13 + ("ArrowDown",) * 4:
        page.keyboard.press(key)
    with page.expect_response("**/segment"):
        page.keyboard.press("Enter")
    expect(page.locator(LIT)).to_have_attribute("d", paths["tent"])
    expect(button(page, "Use this")).to_be_enabled()
    page.keyboard.press("p")
    page.keyboard.press("Escape")
    expect(button(page, "Use this")).to_be_visible()
    with page.expect_response("**/regions/*"):
        page.keyboard.press("Enter")
    expect(button(page, "Correct")).to_be_visible()
    expect(frame).to_be_focused()
    assert stored(visitor, page)["dog"] == paths["tent"]
    page.keyboard.press("?")
    expect(page.locator(".sheet")).to_contain_text("Take the last point back")


def test_by_touch_what_is_left_out_has_a_button(visit: Callable[..., Visitor]) -> None:
    visitor = visit(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = visitor.see("picture")
    phrase(page, "brown dog").tap()
    button(page, "Correct").tap()
    with page.expect_response("**/segment"):
        page.touchscreen.tap(*place(page, TENT))
    button(page, "Leave out").tap()
    with page.expect_response("**/segment") as answered:
        page.touchscreen.tap(*place(page, BALL))
    assert [one["positive"] for one in answered.value.request.post_data_json["points"]] == [True, False]
    button(page, "Cancel").tap()
    expect(button(page, "Correct")).to_be_visible()


def test_what_cannot_be_kept_is_said_and_nothing_is_lost(visitor: Visitor) -> None:
    page = visitor.see("picture")
    begin(page)
    add(page, TENT)
    page.route("**/regions/*", lambda route: route.abort())
    button(page, "Use this").click()
    expect(page.locator(".toast")).to_contain_text("The server cannot be reached")
    expect(page.locator(POINTS)).to_have_count(1)
    page.unroute("**/regions/*")
    button(page, "Use this").click()
    expect(button(page, "Correct")).to_be_visible()


def test_the_bar_leaves_the_pinned_thing_free(visitor: Visitor) -> None:
    page = visitor.see("picture")
    bar, frame = page.locator(".pinned-bar"), page.locator(".stage-frame")

    def stands(where: str) -> None:
        expect(bar).to_have_attribute("data-own", where)
        thing, over = page.locator(LIT).bounding_box(), bar.bounding_box()
        sides = (("x", "width"), ("y", "height"))
        assert any(
            over[at] >= thing[at] + thing[size] or thing[at] >= over[at] + over[size] for at, size in sides
        )

    phrase(page, "brown dog").click()
    stands("")
    frame.focus()
    for key in ("+", "+", "ArrowUp", "ArrowUp"):
        page.keyboard.press(key)
    stands("end")
    page.keyboard.press("0")
    page.mouse.move(*place(page, (180, 220)))
    page.keyboard.down("Control")
    page.mouse.wheel(0, -3000)
    page.keyboard.up("Control")
    expect(bar).to_have_attribute("data-own", "top")
    page.keyboard.press("0")
    stands("")


def test_another_pin_ends_it(visitor: Visitor) -> None:
    page = visitor.see("picture")
    begin(page)
    add(page, TENT)
    phrase(page, "red ball").click()
    expect(button(page, "Correct")).to_be_visible()
    expect(page.locator(POINTS)).to_have_count(0)


def test_the_cut_out_is_dragged_or_saved(visitor: Visitor) -> None:
    page = visitor.see("picture")
    phrase(page, "red ball").click()
    link = page.locator(BAR).get_by_role("link", name="Cut-out")
    link.hover()
    expect(link).to_have_attribute("download", "sample-cutout.png")
    dragged = link.evaluate(
        """(link) => {
          const dataTransfer = new DataTransfer();
          const event = new DragEvent("dragstart", { bubbles: true, cancelable: true, dataTransfer });
          const goes = link.dispatchEvent(event);
          return [goes, event.dataTransfer.getData("DownloadURL"), link.href, link.draggable];
        }"""
    )
    assert dragged == [True, f"image/png:sample-cutout.png:{dragged[2]}", dragged[2], True]
    assert dragged[2].startswith("blob:http")
    with page.expect_download() as saved:
        link.click()
    alpha = np.asarray(Image.open(io.BytesIO(saved.value.path().read_bytes())).convert("RGBA"))[..., 3]
    assert alpha.shape == (480, 640)
    assert alpha[350, 300] == 255 and alpha[200, 150] == 0 and alpha[320, 480] == 0
    phrase(page, "green tent").click()
    expect(link).not_to_have_attribute("download", "sample-cutout.png")
    with page.expect_download() as saved:
        link.press("Enter")
    alpha = np.asarray(Image.open(io.BytesIO(saved.value.path().read_bytes())).convert("RGBA"))[..., 3]
    assert alpha[320, 480] == 255 and alpha[350, 300] == 0
    assert visitor.problems == []


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 390, 1360])
def test_the_bar_fits_and_axe_finds_nothing(
    visit: Callable[..., Visitor],
    axe: str,
    artifacts: Any,
    theme: str,
    width: int,
) -> None:
    visitor = visit(color_scheme=theme, viewport={"width": width, "height": 850})
    page = visitor.see("picture")
    phrase(page, "brown dog").click()
    page.locator(BAR).get_by_role("link", name="Cut-out").hover()
    page.wait_for_timeout(200)
    page.screenshot(path=artifacts / f"pinned-{width}-{theme}.png")
    assert violations(page, axe) == []
    button(page, "Correct").click()
    add(page, BOTH)
    add(page, (300, 370), "Alt")
    expect(button(page, "Use this")).to_be_enabled()
    page.screenshot(path=artifacts / f"correct-{width}-{theme}.png")
    assert violations(page, axe) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    frame, bar = page.locator(".stage-frame").bounding_box(), page.locator(".correct-bar").bounding_box()
    assert bar["x"] >= 0 and bar["x"] + bar["width"] <= width
    assert bar["y"] >= frame["y"] + frame["height"] - 1, "nothing of the picture is covered"
