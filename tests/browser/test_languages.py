"""English and Spanish, widths and themes: nothing is cut off and nothing scrolls sideways."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import FILES, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

#: Texts of buttons and headings that are wider than where they stand.
CLIPPED = """() => [...document.querySelectorAll("button, h1, h2, h3, label, .chip-name, .quiet, .tag")]
  .filter((one) => one.checkVisibility({ visibilityProperty: true, opacityProperty: true }))
  .filter((one) => !one.matches(".visually-hidden"))
  .filter((one) => one.clientWidth > 0 && one.scrollWidth > one.clientWidth + 1)
  .filter((one) => getComputedStyle(one).textOverflow !== "ellipsis")
  .filter((one) => getComputedStyle(one).display !== "inline")
  .map((one) => one.outerHTML.slice(0, 150))"""
SIDEWAYS = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


def test_the_browsers_language_is_taken_and_a_choice_is_kept(visit: Callable[..., Visitor]):
    page = visit(locale="es-ES").open()
    assert page.evaluate("document.documentElement.lang") == "es"
    expect(page.get_by_role("heading", name="Enséñame algo o ponme un sonido")).to_be_visible()
    page.get_by_role("button", name="Ajustes").click()
    page.get_by_text("English", exact=True).click()
    expect(page.get_by_role("dialog", name="Settings")).to_be_visible()  # they stay open
    page.keyboard.press("Escape")
    expect(page.get_by_role("heading", name="Show me something, or play me a sound")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="Show me something, or play me a sound")).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert page.evaluate("document.documentElement.lang") == "en"


def test_a_conversation_in_spanish(visit: Callable[..., Visitor]):
    visitor = visit(locale="es-ES", viewport={"width": 1360, "height": 850})
    page = visitor.see("picture", "sound")
    expect(page.locator(".g[role]").first).to_have_attribute(
        "aria-label", "brown dog, región 1 de 3, se ve en la imagen, se oye de 0:00,5 a 0:01,5"
    )
    expect(page.locator(".verdict h3")).to_have_text("El sonido y la imagen van juntos")
    expect(page.get_by_role("button", name="Responder de nuevo")).to_be_visible()
    expect(page.locator(".day")).to_have_text("hoy")
    assert visitor.problems == []


@pytest.mark.parametrize(
    ("locale", "begin"),
    [("en-US", "The picture 'half.png' cannot be decoded"), ("es-ES", "Este archivo no se puede")],
)
def test_what_is_wrong_with_a_file_is_said(visit: Callable[..., Visitor], locale: str, begin: str):
    page = visit(locale=locale).open()
    half = FILES["picture"][2]()[:3000]
    page.locator("input[type=file]").set_input_files(
        {"name": "half.png", "mimeType": "image/png", "buffer": half}
    )
    failed = page.locator(".chip.failed [role=alert]")
    expect(failed).to_contain_text(begin)
    expect(failed).to_contain_text("'half.png'")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("locale", ["en-US", "es-ES"])
@pytest.mark.parametrize("width", [320, 390, 768, 1360])
def test_every_width_theme_and_language(
    visit: Callable[..., Visitor], artifacts: Path, width: int, locale: str, theme: str
):
    visitor = visit(
        locale=locale, color_scheme=theme, viewport={"width": width, "height": 844 if width < 700 else 900}
    )
    page = visitor.open()
    expect(page.locator(".example")).to_have_count(4)
    name = f"{width}-{theme}-{locale[:2]}"
    page.screenshot(path=artifacts / f"empty-{name}.png")
    assert not page.evaluate(SIDEWAYS)
    assert page.evaluate(CLIPPED) == []
    page = visitor.see("picture", "sound")
    page.wait_for_timeout(300)
    page.screenshot(path=artifacts / f"answer-{name}.png")
    assert not page.evaluate(SIDEWAYS)
    assert page.evaluate(CLIPPED) == []
    assert page.evaluate("document.documentElement.dataset.theme") == theme
    assert visitor.problems == []


def test_twice_the_size_of_text_fits(visit: Callable[..., Visitor]):
    visitor = visit(viewport={"width": 640, "height": 450}, device_scale_factor=2)
    page = visitor.see("picture", "sound")
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    assert not page.evaluate(SIDEWAYS)
    page.get_by_role("button", name="Open the list").click()
    expect(page.get_by_role("button", name="Settings")).to_be_visible()
