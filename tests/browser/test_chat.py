"""An answer as it is made: what stays while it grows, stopping, errors, versions, copying, rating."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visitor
from tests.browser.waiting import until
from tests.scripted import Script, ScriptedEngine

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

#: Counts the phrases that are taken off the page from now on.
COUNT_REMOVED = """() => {
  window.removedPhrases = 0;
  const count = (node) => node.nodeType === 1 ? node.matches(".g") + node.querySelectorAll(".g").length : 0;
  new MutationObserver((changes) => {
    for (const { removedNodes } of changes) {
      for (const node of removedNodes) window.removedPhrases += count(node);
    }
  }).observe(document.querySelector("#log"), { childList: true, subtree: true });
}"""
SELECT = """(element) => {
  const range = document.createRange();
  range.selectNodeContents(element);
  getSelection().removeAllRanges();
  getSelection().addRange(range);
}"""


def ask(page: Any, text: str) -> None:
    page.locator("#question").fill(text)
    page.locator("#question").press("Enter")


def finished(page: Any, count: int = 1) -> None:
    answers = page.locator(".answer:not(.running)")
    expect(answers.get_by_role("button", name="Good answer")).to_have_count(count)
    expect(answers.get_by_role("button", name="Bad answer")).to_have_count(count)


def test_while_an_answer_grows_phrases_focus_and_selection_stay(visitor: Visitor, engine: ScriptedEngine):
    page = visitor.see("picture")
    engine.script = Script(delay_s=0.5)
    page.evaluate(COUNT_REMOVED)
    ask(page, "Tell me more.")
    answer = page.locator(".answer").nth(1)
    phrase = answer.locator(".g[role=button]").first
    phrase.wait_for()
    phrase.focus()
    answer.locator("p").first.locator(".g").first.evaluate(SELECT)
    selected = page.evaluate("getSelection().toString()")
    length = len(answer.inner_text())
    until(page, "(length) => document.querySelectorAll('.answer')[1].innerText.length > length + 40", length)
    assert selected and page.evaluate("getSelection().toString()") == selected
    expect(phrase).to_be_focused()
    finished(page, 2)
    assert page.evaluate("window.removedPhrases") == 0
    expect(phrase).to_be_focused()
    assert visitor.problems == []


def test_late_masks_upgrade_the_phrase_in_place(visitor: Visitor, engine: ScriptedEngine):
    page = visitor.see("picture")
    page.evaluate(COUNT_REMOVED)
    ask(page, "What else? /late 1")
    phrase = page.locator(".answer").nth(1).locator(".g").first
    finished(page, 2)
    expect(phrase).to_have_attribute("data-state", "ready")
    expect(phrase).to_have_attribute("role", "button")
    assert page.evaluate("window.removedPhrases") == 0


@pytest.mark.parametrize("way", ["button", "escape"])
def test_stopping_ends_the_work_and_keeps_what_there_is(visitor: Visitor, engine: ScriptedEngine, way: str):
    page = visitor.open()
    engine.script = Script(delay_s=0.2)
    ask(page, "Talk for long. /long 300")
    until(page, "document.querySelector('.answer .text')?.innerText.length > 10")
    began = time.monotonic()
    if way == "button":
        page.get_by_role("button", name="Stop the answer").click()
    else:
        page.keyboard.press("Escape")
    expect(page.get_by_text("You stopped this answer.")).to_be_visible()
    assert time.monotonic() - began < 10
    text = page.locator(".answer .text").inner_text()
    assert len(text) > 10
    page.reload()
    expect(page.get_by_text("You stopped this answer.")).to_be_visible()
    assert page.locator(".answer .text").inner_text() == text
    assert visitor.problems == []


def test_an_error_stands_in_the_message_and_can_be_tried_again(visitor: Visitor):
    page = visitor.open()
    ask(page, "Break off. /error")
    expect(page.locator(".answer .problem-box")).to_be_visible()
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".versions")).to_contain_text("2 / 2")
    expect(page.locator(".answer .problem-box")).to_be_visible()


def test_versions_of_answers_and_questions(visitor: Visitor):
    page = visitor.open()
    ask(page, "/say The first words.")
    finished(page)
    page.get_by_role("button", name="Answer again").click()
    expect(page.locator(".answer .versions")).to_contain_text("2 / 2")
    finished(page)
    page.get_by_role("button", name="Version before").click()
    expect(page.locator(".answer .versions")).to_contain_text("1 / 2")

    page.locator("#question").press("ArrowUp")
    expect(page.locator("#question")).to_have_value("/say The first words.")
    ask(page, "/say Other words.")
    expect(page.locator(".question .versions")).to_contain_text("2 / 2")
    expect(page.locator(".answer .text")).to_have_text("Other words.")
    page.locator(".question").get_by_role("button", name="Version before").click()
    expect(page.locator(".answer .text")).to_have_text("The first words.")
    page.reload()
    expect(page.locator(".answer .text")).to_have_text("The first words.")
    assert visitor.problems == []


def test_two_presses_ask_for_one_answer(visitor: Visitor):
    page = visitor.open()
    ask(page, "/say The first words.")
    finished(page)
    asked: list[str] = []
    page.on("request", lambda request: request.url.endswith("/runs") and asked.append(request.url))
    page.get_by_role("button", name="Answer again").dblclick()
    expect(page.locator(".answer .versions")).to_contain_text("2 / 2")
    finished(page)
    assert len(asked) == 1


def test_after_one_answer_the_page_follows_another_that_is_still_made(visitor: Visitor):
    page = visitor.open()
    ask(page, "/say One. /delay 0.1")
    finished(page)
    conversation = page.url.rsplit("/", 1)[1]
    served = visitor.get(f"/api/conversations/{conversation}")
    path = f"/api/conversations/{conversation}/runs"
    visitor.post(path, data={"text": "/say The longer of the two. /delay 1", "settings": {}})
    again = {"regenerate": served["messages"][1]["id"], "settings": {}}
    visitor.post(path, data=again)
    page.reload()
    expect(page.locator(".answer .versions")).to_contain_text("2 / 2")
    finished(page)
    page.locator(".question").get_by_role("button", name="Next version").click()
    expect(page.locator(".answer .text")).to_have_text("The longer of the two. /delay 1")
    finished(page)


def test_a_link_that_cannot_be_copied_is_said(visitor: Visitor):
    page = visitor.open(visitor.ask(text="/say Here."))
    page.evaluate("() => Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    page.get_by_role("button", name="Copy the link").click()
    expect(page.get_by_text("The browser did not allow copying.").first).to_be_visible()
    assert visitor.problems == []


def test_copy_and_rate(visit: Callable[..., Visitor]):
    visitor = visit(permissions=["clipboard-read", "clipboard-write"])
    page = visitor.open()
    ask(page, "/say Two **bold** words.")
    finished(page)
    page.get_by_role("button", name="Copy Markdown").click()
    expect(page.get_by_text("Copied.").first).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == "Two **bold** words."
    page.get_by_role("button", name="Copy as text").click()
    until(page, "async () => (await navigator.clipboard.readText()) === 'Two bold words.'")
    page.get_by_role("button", name="Good answer").click()
    page.reload()
    expect(page.get_by_role("button", name="Good answer")).to_have_attribute("aria-pressed", "true")


def test_the_log_follows_only_who_is_at_its_end(visitor: Visitor, engine: ScriptedEngine):
    page = visitor.open()
    ask(page, "/long 400")
    finished(page)
    engine.script = Script(delay_s=0.1)
    ask(page, "And again? /long 200")
    until(page, "document.querySelectorAll('.answer .text')[1]?.innerText.length > 20")
    distance = """(() => {
      const { scrollHeight, scrollTop, clientHeight } = document.querySelector('#scroll');
      return scrollHeight - scrollTop - clientHeight;
    })()"""
    assert page.evaluate(distance) <= 120
    page.locator("#scroll").evaluate("(box) => box.scrollTo(0, 0)")
    jump = page.get_by_role("button", name="Latest")
    expect(jump).to_be_visible()
    page.wait_for_timeout(600)
    assert page.locator("#scroll").evaluate("(box) => box.scrollTop") == 0
    jump.click()
    until(page, f"{distance} <= 120")
    expect(jump).to_be_hidden()


def test_the_verdict_says_whether_sound_and_picture_belong_together(visitor: Visitor):
    page = visitor.see("picture", "sound")
    expect(page.locator(".verdict")).to_contain_text("Sound and picture belong together")
    page.locator(".verdict .tag").first.click()
    expect(page.locator(".g[aria-pressed=true]").first).to_be_visible()
