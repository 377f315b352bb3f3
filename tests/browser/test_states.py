"""What is said while there is no model yet, none at all, or others are before one; and what to do then."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from bubo.server.settings import Limits
from tests.browser.conftest import Visitor
from tests.browser.waiting import until
from tests.scripted import ScriptedEngine

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

Serve = Callable[..., str]
Visit = Callable[..., Visitor]


def ask(page: Any, text: str) -> None:
    page.locator("#question").fill(text)
    page.locator("#question").press("Enter")


def test_a_question_waits_for_the_model_and_is_answered(visit: Visit, serve: Serve):
    engine = ScriptedEngine(state="loading")
    engine.message = "The model is being loaded."
    page = visit(serve(engine)).open()
    notice = page.locator("#notice")
    expect(notice).to_have_text(
        "The model scripted is loading. You can ask already; the answer comes when it is ready."
    )
    expect(page.locator(".example")).to_have_count(4)
    ask(page, "/say Here I am.")
    answer = page.locator(".answer")
    expect(answer).to_contain_text("The model is loading. Your question is next.")
    expect(page.get_by_role("button", name="Stop the answer")).to_be_visible()
    page.locator("#question").fill("The next thought")
    page.reload()
    expect(answer).to_contain_text("The model is loading. Your question is next.")
    expect(page.locator("#question")).to_have_value("The next thought")
    assert engine.asked == []
    engine.state = "ready"
    expect(page.locator(".answer .text")).to_have_text("Here I am.")
    expect(notice).to_be_hidden()
    expect(answer).not_to_contain_text("is loading")
    page.wait_for_timeout(300)  # texts are spoken after a moment, and the last one wins
    expect(page.locator("#polite")).to_contain_text("Answer finished")
    assert len(engine.asked) == 1


def test_who_does_not_want_to_wait_for_the_model_stops(visit: Visit, serve: Serve):
    engine = ScriptedEngine(state="loading")
    page = visit(serve(engine)).open()
    ask(page, "/say Never said.")
    expect(page.locator(".answer")).to_contain_text("The model is loading.")
    page.get_by_role("button", name="Stop the answer").click()
    expect(page.get_by_text("You stopped this answer.")).to_be_visible()
    engine.state = "ready"
    expect(page.locator("#notice")).to_be_hidden()
    assert engine.asked == []
    page.get_by_role("button", name="Answer again").first.click()
    expect(page.locator(".answer .text")).to_have_text("Never said.")


@pytest.mark.parametrize("language", ["en", "es"])
def test_a_model_that_cannot_be_loaded_is_said_with_what_to_do(visit: Visit, serve: Serve, language: str):
    engine = ScriptedEngine(state="loading")
    page = visit(serve(engine), locale=language).open()
    ask(page, "/say Later.")
    expect(page.locator(".answer")).to_contain_text({"en": "is loading", "es": "cargando"}[language])
    engine.message = "The folder '/models/x' has no file config.json."
    engine.state = "failed"
    problem = page.locator(".answer .problem-box")
    expect(problem).to_contain_text(engine.message)
    notice = page.locator("#notice")
    expect(notice).to_contain_text(engine.message)
    way_on = {"en": "Tell who runs this server.", "es": "Avisa a quien lleva este servidor."}
    expect(notice).to_contain_text(way_on[language])
    page.reload()
    expect(notice).to_contain_text(engine.message)
    expect(problem).to_contain_text(engine.message)
    ask(page, "/say And now?")
    expect(problem).to_have_count(2)
    engine.message, engine.state = "", "ready"
    expect(notice).to_be_hidden()
    ask(page, "/say It works.")
    expect(page.locator(".answer .text").last).to_have_text("It works.")


def test_who_waits_sees_how_many_are_before_and_may_leave(visit: Visit, serve: Serve):
    engine = ScriptedEngine()
    address = serve(engine, limits=Limits(max_running=1))
    first, second, third = (visit(address).open() for _ in range(3))
    ask(first, "Talk. /long 2000 /delay 0.1")
    expect(first.locator(".answer .text")).to_contain_text("word1")
    ask(second, "/say Second.")
    expect(second.locator(".answer")).to_contain_text("Waiting: 1 answer before yours.")
    ask(third, "/say Third.")
    expect(third.locator(".answer")).to_contain_text("Waiting: 2 answers before yours.")
    third.reload()
    expect(third.locator(".answer")).to_contain_text("Waiting: 2 answers before yours.")

    second.get_by_role("button", name="Stop the answer").click()
    expect(second.get_by_text("You stopped this answer.")).to_be_visible()
    expect(third.locator(".answer")).to_contain_text("Waiting: 1 answer before yours.")
    expect(second.get_by_role("button", name="Stop the answer")).to_be_hidden()
    second.reload()
    expect(second.get_by_text("You stopped this answer.")).to_be_visible()

    first.get_by_role("button", name="Stop the answer").click()
    expect(third.locator(".answer .text")).to_have_text("Third.")
    expect(third.locator(".answer")).not_to_contain_text("Waiting")
    assert ["/say Second." in asked.turns[-1].text for asked in engine.asked] == [False, False]


def test_a_full_queue_and_a_third_answer_say_so_and_keep_the_text(visit: Visit, serve: Serve):
    address = serve(limits=Limits(max_running=1, running_per_owner=1, queue=1))
    visitor = visit(address)
    first = visitor.open()
    ask(first, "Talk. /long 2000 /delay 0.1")
    expect(first.locator(".answer .text")).to_contain_text("word1")
    again = visitor.context.new_page()
    again.goto(address)
    again.wait_for_selector("#question")
    ask(again, "Me too")
    expect(again.locator(".composer-note")).to_contain_text("Wait for one to end, or stop it.")
    expect(again.locator("#question")).to_have_value("Me too")
    second = visit(address).open()
    ask(second, "/say Second.")
    expect(second.locator(".answer")).to_contain_text("Waiting: 1 answer before yours.")
    third = visit(address).open()
    ask(third, "/say Third.")
    expect(third.locator(".composer-note")).to_contain_text("Too many people are asking right now.")
    expect(third.locator("#question")).to_have_value("/say Third.")
    first.get_by_role("button", name="Stop the answer").click()
    expect(second.locator(".answer .text")).to_have_text("Second.")
    until(third, "() => !document.querySelector('.send-button').disabled")
    third.locator("#question").press("Enter")
    expect(third.locator(".answer .text")).to_have_text("Third.")
