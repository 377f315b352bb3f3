"""Two versions of an answer side by side over one picture; and which languages the model understands."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.axe import violations
from tests.browser.conftest import Visitor
from tests.browser.test_stage import TENT, lit, phrase, place, point_at
from tests.scripted import Script, ScriptedEngine

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

FIRST, SECOND = "There is a brown dog and a red ball.", "A green tent stands there, and a brown dog."
TOGGLE = "Compare versions"


@pytest.fixture
def two(visit: Callable[..., Visitor], engine: ScriptedEngine) -> Callable[..., tuple[Visitor, Any]]:
    """The page of a question with two versions of its answer."""

    def make(**options: Any) -> tuple[Visitor, Any]:
        visitor = visit(**{"viewport": {"width": 1360, "height": 850}, **options})
        engine.script = Script(text=FIRST)
        conversation = visitor.ask("picture")
        engine.script = Script(text=SECOND)
        page = visitor.open(conversation)
        page.get_by_role("button", name="Answer again").click()
        expect(page.locator(".answer:not(.running) .versions")).to_contain_text("2 / 2")
        return visitor, page

    return make


def test_phrases_of_both_versions_light_masks_of_one_picture(two: Callable[..., tuple[Visitor, Any]]) -> None:
    visitor, page = two()
    toggle = page.get_by_role("button", name=TOGGLE)
    expect(toggle).to_have_attribute("aria-pressed", "false")
    toggle.click()
    expect(toggle).to_have_attribute("aria-pressed", "true")
    other = page.get_by_role("group", name="1 / 2")
    expect(other).to_contain_text(FIRST.split(" brown")[0])
    expect(page.locator(".rest-region")).to_have_count(3)
    phrase(other, "red ball").hover()
    assert lit(page) == ["e2"]
    phrase(page, "green tent").hover()
    assert lit(page) == ["e3"]
    phrase(other, "brown dog").hover()
    assert lit(page) == ["e1"]
    expect(page.locator(".g.lit")).to_have_count(2)
    phrase(other, "red ball").focus()
    page.keyboard.press("Enter")
    expect(phrase(other, "red ball")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Version before").click()
    expect(page.locator(".answer .text").first).to_contain_text("There is a")
    expect(page.locator(".rest-region")).to_have_count(2)
    expect(page.get_by_role("group", name="1 / 2")).to_have_count(0)
    page.get_by_role("button", name=TOGGLE).click()
    expect(page.get_by_role("group", name="2 / 2")).to_contain_text("stands there")
    page.get_by_role("button", name=TOGGLE).press("Enter")
    expect(page.locator(".rest-region")).to_have_count(2)
    assert visitor.problems == []


def test_things_of_one_number_are_told_apart(two: Callable[..., tuple[Visitor, Any]]) -> None:
    visitor, page = two()
    conversation = page.url.rsplit("/", 1)[1]
    served = visitor.get(f"/api/conversations/{conversation}")
    first = served["messages"][1]
    swapped = json.loads(json.dumps(first).replace('"e2"', '"e3"'))
    body = json.dumps({**served, "messages": [served["messages"][0], swapped, served["messages"][2]]})
    page.route(
        f"**/api/conversations/{conversation}",
        lambda route: route.fulfill(body=body, content_type="application/json"),
    )
    page.reload()
    page.get_by_role("button", name=TOGGLE).click()
    other = page.get_by_role("group", name="1 / 2")
    phrase(other, "red ball").hover()
    assert lit(page) == ["e3b"]
    phrase(page, "green tent").hover()
    assert lit(page) == ["e3"]
    point_at(page, (300, 350))
    expect(phrase(other, "red ball")).to_have_class("g slot-7 lit")
    page.mouse.click(*place(page, (300, 350)))
    page.mouse.click(*place(page, TENT))
    with page.expect_request(lambda request: request.url.endswith("/runs")) as asked:
        page.locator("#question").press("Enter")
    box, tent = asked.value.post_data_json["places"]
    assert (box["kind"], box["box"]) == ("box", [220, 280, 100, 100]), "the next answer knows no such entity"
    assert tent == {"kind": "entity", "entity": "e3"}


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 390, 1360, 1920])
def test_versions_stand_beside_or_below_each_other(
    two: Callable[..., tuple[Visitor, Any]],
    axe: str,
    artifacts: Any,
    theme: str,
    width: int,
) -> None:
    _, page = two(color_scheme=theme, viewport={"width": width, "height": 850})
    page.get_by_role("button", name=TOGGLE).click()
    other = page.get_by_role("group", name="1 / 2")
    phrase(other, "red ball").hover()
    page.screenshot(path=artifacts / f"compare-{width}-{theme}.png")
    assert violations(page, axe) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    mine, beside = page.locator(".side-by-side > :first-child").bounding_box(), other.bounding_box()
    if width > 1000:
        assert beside["x"] >= mine["x"] + mine["width"]
    else:
        assert beside["y"] >= mine["y"] + mine["height"]


@pytest.fixture
def understands(engine: ScriptedEngine) -> Iterator[Callable[..., None]]:
    """Says which languages the engine understands, for one test."""

    def set_to(*tags: str) -> None:
        engine.languages = tags

    yield set_to
    engine.languages = ()


@pytest.mark.parametrize(
    ("locale", "tags", "line"),
    [
        ("es-ES", ("en",), "Este modelo solo entiende inglés."),
        ("es-ES", ("en", "fr"), "Este modelo solo entiende inglés y francés."),
        ("en-US", ("es",), "This model understands Spanish only."),
        ("es-ES", ("en", "es-MX"), None),
        ("en-US", ("en",), None),
        ("es-ES", (), None),
    ],
)
def test_readers_of_another_language_are_told_what_the_model_understands(
    visit: Callable[..., Visitor],
    understands: Callable[..., None],
    locale: str,
    tags: tuple[str, ...],
    line: str | None,
) -> None:
    understands(*tags)
    page = visit(locale=locale).open()
    expect(page.locator(".example")).to_have_count(4)
    said = page.locator("#composer > p:last-child")
    if line is None:
        expect(said).to_be_hidden()
    else:
        expect(said).to_have_text(line)


def test_english_questions_of_examples_are_marked_as_english(
    visit: Callable[..., Visitor],
    understands: Callable[..., None],
    axe: str,
    artifacts: Any,
) -> None:
    understands("en")
    for width in (320, 390, 1360):
        page = visit(locale="es-ES", viewport={"width": width, "height": 850}).open()
        expect(page.locator(".example [lang=en]")).to_have_count(4)
        expect(page.locator(".example [lang=en]").first).to_have_text("What do you see and hear?")
        expect(page.locator("#composer > p:last-child")).to_be_visible()
        page.screenshot(path=artifacts / f"languages-{width}.png")
        assert violations(page, axe) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
