"""Ways of showing a picture, its tools, the phone's stage; and how all of it looks at four widths."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.browser.conftest import Visitor, sample_picture
from tests.browser.test_stage import lit, phrase
from tests.scripted import sample_masks

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

WIDTHS = {320: 640, 390: 844, 768: 1024, 1360: 850}
#: Whether the picture lies within its frame and fills it one way at least; waits ten seconds for that.
FITS = """async (frame) => {
  const picture = frame.querySelector(".stage-picture");
  let told = "";
  const end = performance.now() + 10000;
  while (performance.now() < end) {
    await new Promise(requestAnimationFrame);
    const [a, b] = [frame, picture].map((element) => element.getBoundingClientRect());
    const [dw, dh] = [a.width - b.width, a.height - b.height];
    const fills = Math.abs(Math.min(dw, dh)) < 1;
    if (fills && b.left > a.left - 1 && b.top > a.top - 1) return "";
    told = JSON.stringify([a, b]);
  }
  return told;
}"""
SIDEWAYS = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
#: Elements of the stage whose words are cut although nothing says so with an ellipsis.
CLIPPED = """() => [...document.querySelectorAll(".stage :is(button, summary, span)")].filter((element) => {
  const style = getComputedStyle(element);
  return element.offsetParent && element.scrollWidth > element.clientWidth + 1 && element.clientWidth > 1
    && style.display !== "inline" && style.textOverflow !== "ellipsis" && style.overflowX !== "visible"
    && !element.matches(".wave-span, .film");
}).map((element) => element.outerHTML.slice(0, 120))"""


def style(page: Any, selector: str, name: str) -> str:
    """A computed style of the first such element."""
    value: str = page.locator(selector).first.evaluate("(e, name) => getComputedStyle(e)[name]", name)
    return value


def test_v_goes_through_the_views_and_the_choice_is_kept(visitor: Visitor) -> None:
    page = visitor.see("picture")
    stage = page.locator(".stage")
    expect(stage).to_have_attribute("data-mode", "spotlight")
    phrase(page, "brown dog").click()
    page.mouse.move(2, 2)
    frame = page.locator(".stage-frame")
    frame.press("v")
    expect(stage).to_have_attribute("data-mode", "outline")
    assert style(page, ".stage-shade", "visibility") == "hidden"
    assert style(page, ".lit-region", "fill") == "none"
    frame.press("v")
    expect(stage).to_have_attribute("data-mode", "cutout")
    assert style(page, ".stage-shade", "fillOpacity") == "1"
    expect(page.locator(".rest-region")).to_have_count(0)
    page.reload()
    expect(page.locator(".stage")).to_have_attribute("data-mode", "cutout")
    page.locator(".stage-frame").press("v")
    expect(page.locator(".stage")).to_have_attribute("data-mode", "off")
    phrase(page, "brown dog").hover()
    assert lit(page) == []
    page.locator("#composer textarea").press("v")
    expect(page.locator(".stage")).to_have_attribute("data-mode", "off")
    page.get_by_role("button", name="Spotlight").click()
    phrase(page, "red ball").hover()
    expect(page.locator(".lit-region[data-entity=e2]")).to_have_count(1)


def test_masks_are_as_strong_as_the_slider_says(visitor: Visitor) -> None:
    page = visitor.see("picture")
    slider = page.locator(".bar-opacity")
    expect(slider).to_have_value("0.55")
    slider.focus()
    page.keyboard.press("End")
    phrase(page, "brown dog").hover()
    expect(page.locator(".lit-region")).to_have_attribute("fill-opacity", "1")


def test_keys_are_told_and_the_sheet_gives_the_focus_back(visitor: Visitor) -> None:
    page = visitor.see("picture")
    page.locator(".stage-frame").press("?")
    sheet = page.locator("dialog.sheet[open]")
    expect(sheet).to_be_visible()
    for words in ("Next view", "Draw a box", "Mark a time"):
        expect(sheet).to_contain_text(words)
    page.keyboard.press("Escape")
    expect(page.locator("dialog.sheet[open]")).to_have_count(0)
    expect(page.locator(".stage-frame")).to_be_focused()


def test_keys_are_told_where_there_is_no_picture(visitor: Visitor) -> None:
    page = visitor.open()
    page.locator("#question").press("?")
    expect(page.locator("#question")).to_have_value("?")
    expect(page.locator("dialog.sheet[open]")).to_have_count(0)
    page.get_by_role("link", name="New conversation").press("?")
    expect(page.locator("dialog.sheet[open]")).to_be_visible()


def save(page: Any, words: str) -> bytes:
    """What an entry of the menu downloads."""
    page.locator(".bar-export summary").click()
    with page.expect_download() as download:
        page.get_by_role("button", name=words).click()
    return Path(download.value.path()).read_bytes()


def test_the_picture_is_saved_with_its_masks_and_one_thing_cut_out(visitor: Visitor) -> None:
    page = visitor.see("picture")
    before = sample_picture().pixels.astype(int)
    mask = sample_masks()["dog"]
    with Image.open(io.BytesIO(save(page, "Picture with masks"))) as image:
        assert image.size == (640, 480)
        change = np.abs(np.asarray(image.convert("RGB")).astype(int) - before).sum(axis=2) > 20
    assert change[mask].mean() > 0.9
    assert change[~np.logical_or.reduce(list(sample_masks().values()))].mean() < 0.06
    phrase(page, "brown dog").click()
    page.mouse.move(2, 2)
    with Image.open(io.BytesIO(save(page, "Only what is lit"))) as image:
        alpha = np.asarray(image.convert("RGBA"))[:, :, 3] > 127
    assert (alpha & mask).sum() / (alpha | mask).sum() > 0.98


def test_a_phone_keeps_the_media_on_top_and_folds_them(visit: Callable[..., Visitor]) -> None:
    page = visit(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True).see(
        "picture", "sound"
    )
    stage = page.locator(".stage")
    box = stage.bounding_box()
    assert box["height"] <= 0.34 * 844 + 1
    assert style(page, ".stage", "position") == "sticky"
    assert style(page, ".stage-frame", "touchAction") == "pan-y"
    assert page.locator(".stage-frame").bounding_box()["height"] >= 90
    page.locator(".stage-fold").tap()
    expect(page.locator(".stage-frame")).to_be_hidden()
    assert stage.bounding_box()["height"] < 60
    phrase(page, "brown dog").tap()
    expect(page.locator(".lit-region[data-entity=e1]")).to_be_visible()


def test_the_list_opens_over_the_talk_on_a_phone(visit: Callable[..., Visitor]) -> None:
    page = visit(viewport={"width": 320, "height": 640}, has_touch=True, is_mobile=True).see("picture")
    expect(page.locator(".outliner-list")).to_be_hidden()
    page.locator(".outliner summary").tap()
    expect(page.locator(".outliner-name")).to_have_count(3)
    box = page.locator(".outliner-list").bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= 320
    page.locator(".outliner-name").nth(2).tap()
    assert lit(page) == ["e3"]


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_is_cut_or_scrolls_sideways(
    visit: Callable[..., Visitor], artifacts: Path, theme: str, language: str
) -> None:
    visitor = visit(
        viewport={"width": 1360, "height": 850}, color_scheme=theme, locale=f"{language}-{language.upper()}"
    )
    page = visitor.see("picture", "sound")
    phrase(page, "brown dog").click()
    for width, height in WIDTHS.items():
        page.set_viewport_size({"width": width, "height": height})
        assert page.locator(".stage-frame").evaluate(FITS) == "", width
        page.screenshot(path=str(artifacts / f"stage-{width}-{theme}-{language}.png"))
        assert page.evaluate(SIDEWAYS) <= 0, width
        assert page.evaluate(CLIPPED) == [], width
    assert page.locator("html").get_attribute("lang") == language
    assert visitor.problems == []


def test_the_conversation_is_saved_as_the_server_tells_it(visitor: Visitor) -> None:
    page = visitor.see("picture")
    saved = json.loads(save(page, "Conversation (JSON)"))
    assert "brown dog" in json.dumps(saved)
