"""What a talk of several questions needs: it follows, says what is not there, and repeats nothing."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visitor
from tests.browser.test_chat import ask, finished
from tests.scripted import Script, ScriptedEngine

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def test_the_log_follows_each_question_of_ones_own(visitor: Visitor) -> None:
    page = visitor.see("picture", "sound")
    for count in range(2, 6):
        page.evaluate("() => document.querySelector('#scroll').scrollTo(0, 0)")
        ask(page, f"And number {count}?")
        finished(page, count)
        expect(page.locator(".question", has_text=f"And number {count}?")).to_be_in_viewport()
        expect(page.locator(".answer").last.get_by_role("button", name="Good answer")).to_be_in_viewport()
    assert visitor.problems == []


def test_only_the_log_scrolls_in_a_long_talk(visitor: Visitor) -> None:
    page = visitor.see("picture")
    for count in range(2, 8):
        ask(page, f"Number {count}. /say One line.")
        finished(page, count)
    log, whole = page.evaluate(
        "() => ['#scroll', 'html'].map((one) => document.querySelector(one)).map((one) =>"
        " one.scrollHeight - one.clientHeight)"
    )
    assert log > 300 and whole == 0


def test_what_the_model_is_not_told_any_more_is_said(visitor: Visitor, engine: ScriptedEngine) -> None:
    page = visitor.see("picture")
    expect(page.locator(".answer")).not_to_contain_text("no longer fit")
    engine.script = Script(left_out=2)
    ask(page, "And now?")
    finished(page, 2)
    for _ in range(2):
        expect(page.locator(".answer").last).to_contain_text("the 2 oldest messages no longer fit")
        page.reload()


def test_what_is_not_there_is_said_so(visitor: Visitor, engine: ScriptedEngine) -> None:
    engine.script = Script(text="There is a brown dog, but no piano.", absent=("piano",))
    page = visitor.see("picture")
    absent = page.locator(".g.absent")
    expect(absent).to_have_text("piano")
    expect(absent).to_have_attribute("data-badge", "not there")
    assert absent.get_attribute("role") is None and absent.get_attribute("tabindex") is None
    shown = absent.evaluate("(element) => getComputedStyle(element, '::after').content")
    assert shown == '"not there"'


def test_the_same_verdict_is_said_once(visitor: Visitor, engine: ScriptedEngine) -> None:
    page = visitor.see("picture", "sound")
    expect(page.locator(".verdict")).to_have_count(1)
    ask(page, "And again?")
    finished(page, 2)
    expect(page.locator(".verdict")).to_have_count(1)
    expect(page.locator(".answer").first.locator(".verdict")).to_be_visible()


def test_a_new_conversation_begins_with_an_empty_box(visitor: Visitor) -> None:
    page = visitor.open()
    ask(page, "What is here?")
    finished(page)
    page.get_by_role("link", name="New conversation").click()
    expect(page.locator(".example").first).to_be_visible()
    expect(page.locator("#question")).to_have_value("")


def test_a_question_lets_go_of_the_pinned_thing(visitor: Visitor) -> None:
    page = visitor.see("picture")
    page.locator(".g[role=button]").first.click()
    expect(page.locator(".g[aria-pressed=true]").first).to_be_visible()
    page.mouse.move(2, 2)
    ask(page, "And now?")
    finished(page, 2)
    expect(page.locator(".g[aria-pressed=true]")).to_have_count(0)
    expect(page.locator(".stage-light.is-lit")).to_have_count(0)


def test_who_sends_while_an_answer_is_written_is_told(visitor: Visitor, engine: ScriptedEngine) -> None:
    page = visitor.open()
    engine.script = Script(delay_s=0.3)
    ask(page, "What is here?")
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    ask(page, "And there?")
    expect(page.locator(".composer-note")).to_contain_text("wait for its end, or stop it")
    expect(page.locator("#question")).to_have_value("And there?")


def test_another_answer_is_drawn_by_chance(visit: Callable[..., Visitor]) -> None:
    visitor = visit()
    page = visitor.see("picture")
    bodies: list[Any] = []
    page.on(
        "request", lambda request: request.url.endswith("/runs") and bodies.append(request.post_data_json)
    )
    page.get_by_role("button", name="Answer again").click()
    expect(page.locator(".answer:not(.running) .versions")).to_contain_text("2 / 2")
    assert bodies[0]["settings"] == {"temperature": 0.5}


def test_a_thing_and_its_sound_have_one_number_in_the_picture(visitor: Visitor) -> None:
    page = visitor.see("picture", "sound")
    ids = page.locator(".rest-region").evaluate_all("(paths) => paths.map((path) => path.dataset.region)")
    assert len(ids) == len(set(ids)) > 0
