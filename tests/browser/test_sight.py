"""For those whose system forces its colours, and for those who want nothing to move."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visitor
from tests.browser.test_stage import lit, phrase
from tests.browser.waiting import until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

Visit = Callable[..., Visitor]

WIDE = {"width": 1360, "height": 850}
STYLE = """(element, [names, pseudo]) => {
  const style = getComputedStyle(element, pseudo);
  return names.map((name) => style[name]);
}"""
#: What a name for a colour of the system stands for here.
SYSTEM = """(name) => {
  const probe = document.createElement("span");
  probe.style.color = name;
  probe.style.forcedColorAdjust = "none";
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}"""
#: Everything that moves for longer than nobody sees.
MOVING = """() => document.getAnimations().filter((one) => {
  const { activeDuration, delay } = one.effect.getComputedTiming();
  return one.playState === "running" && (activeDuration > 1 || delay > 1);
}).map((one) => `${one.animationName ?? one.transitionProperty} ${one.effect.target.className}`)"""


def style(element: Any, *names: str, pseudo: str | None = None) -> list[str]:
    """Computed styles of an element, or of what is drawn beside it."""
    found: list[str] = element.evaluate(STYLE, [list(names), pseudo])
    return found


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_forced_colours_leave_phrases_focus_and_masks_apart(visit: Visit, artifacts: Path, theme: str):
    visitor = visit(forced_colors="active", color_scheme=theme, viewport=WIDE)
    page = visitor.see("picture", "sound")
    system = {
        name: page.evaluate(SYSTEM, name) for name in ("LinkText", "Highlight", "HighlightText", "Canvas")
    }
    dog, ball = phrase(page, "brown dog"), phrase(page, "red ball")

    border = style(dog, "borderTopStyle", "borderTopWidth", "borderTopColor")
    assert border == ["solid", "1px", system["LinkText"]], "a phrase is told from other words"
    marks = [style(one, "content", pseudo="::after")[0] for one in (dog, ball)]
    assert marks == ['"1"', '"2"'] or marks == ["attr(data-badge)"] * 2, "and by its number from others"

    sign, ground = style(dog, "backgroundColor", pseudo="::before")[0], style(dog, "backgroundColor")[0]
    assert sign not in (ground, system["Canvas"]), "the note of what is heard is drawn"

    rest = style(dog, "backgroundColor", "color")
    dog.hover()
    assert lit(page) == ["e1"]
    assert style(dog, "backgroundColor", "color") == [system["Highlight"], system["HighlightText"]] != rest
    assert style(ball, "backgroundColor", "color") == rest
    dog.click()
    page.mouse.move(2, 2)
    assert style(dog, "backgroundColor")[0] == system["Highlight"]

    expect(page.locator(".wave.is-playing")).to_have_count(
        0
    )  # pinning plays the bark, which keeps the dog lit

    ball.focus()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")
    expect(ball).to_be_focused()
    outline, width, colour = style(ball, "outlineStyle", "outlineWidth", "outlineColor")
    assert outline not in ("none", "hidden") and float(width.removesuffix("px")) >= 2
    assert colour not in (system["Canvas"], style(ball, "backgroundColor")[0])

    assert lit(page) == ["e2"]
    expect(page.locator(".outliner-row.is-lit")).to_have_count(1)
    assert style(page.locator(".outliner-row.is-lit"), "outlineStyle") == ["solid"]
    strokes = {style(one, "stroke")[0] for one in page.locator(".rest-region").all()}
    assert len(strokes) == 3, "masks keep their own colours"
    assert style(page.locator(".lit-region"), "strokeWidth") == ["4px"]
    assert style(page.locator(".stage-shade"), "visibility") == ["visible"]
    assert style(page.locator(".wave-band").first, "backgroundColor")[0] != system["Canvas"]
    page.screenshot(path=str(artifacts / f"forced-colours-{theme}.png"))
    assert visitor.problems == []


def talk(visit: Visit, motion: str) -> tuple[Any, list[str]]:
    """A page with an answer that is being made, a lit mask and a sound that plays; and what moves there."""
    page = visit(reduced_motion=motion, viewport=WIDE).see("picture", "sound")
    page.locator("#question").fill("More. /delay 20")
    page.locator("#question").press("Enter")
    expect(page.locator(".answer .dots")).to_be_visible()
    phrase(page, "waves").click()
    expect(page.locator(".wave.is-playing")).to_have_count(1)
    moving: list[str] = page.evaluate(MOVING)
    return page, moving


def test_nothing_moves_for_those_who_want_it_so(visit: Visit):
    _, moving = talk(visit, "no-preference")
    assert moving, "with motion wanted, something does move"
    page, moving = talk(visit, "reduce")
    assert moving == []
    page.locator(".send-button.stop").click()
    assert style(page.locator(".rest-region").first, "animationName") == ["none"]
    page.get_by_role("button", name="Settings").click()
    assert page.evaluate(MOVING) == []


@pytest.mark.parametrize("motion", ["reduce", "no-preference"])
def test_scrolling_jumps_where_nothing_should_move(visit: Visit, motion: str):
    visitor = visit(reduced_motion=motion, viewport=WIDE)
    page = visitor.open(visitor.ask(text="/say " + "A paragraph.\n\n" * 80))
    page.locator(".answer .text p").first.wait_for()
    until(page, "document.querySelector('#scroll').scrollHeight > 2 * innerHeight")
    page.locator("#scroll").evaluate("(box) => box.scrollTo(0, 0)")
    jump = page.get_by_role("button", name="Latest")
    expect(jump).to_be_visible()
    places = page.evaluate(
        """async () => {
          const box = document.querySelector("#scroll");
          const places = [];
          document.querySelector(".jump-button").click();
          for (let frame = 0; frame < 3; frame += 1) {
            places.push(box.scrollHeight - box.clientHeight - box.scrollTop < 2);
            await new Promise(requestAnimationFrame);
          }
          return places;
        }"""
    )
    assert places[0] == (motion == "reduce")
    expect(jump).to_be_hidden()
