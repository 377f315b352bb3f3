"""What stays: reload, address, names, deleting with a way back, two tabs; and who sees it."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from bubo.settings import Settings
from tests.browser.conftest import Visitor
from tests.browser.waiting import until
from tests.scripted import Script, ScriptedEngine

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def rows(page: Any) -> Any:
    return page.locator(".side-item a")


def test_reload_and_address_bring_everything_back(visitor: Visitor):
    page = visitor.see("picture", "sound")
    text = page.locator(".answer .text").inner_text()
    phrases = page.locator(".answer .g[role]").evaluate_all(
        "(all) => all.map((one) => one.getAttribute('aria-label'))"
    )
    page.reload()
    expect(page.locator(".answer .text")).to_have_text(text, use_inner_text=True)
    expect(page.locator(".stage-frame")).to_be_visible()
    expect(page.locator(".wave-track")).to_be_visible()
    expect(page.locator(".rest-region")).to_have_count(3)
    again = page.locator(".answer .g[role]").evaluate_all(
        "(all) => all.map((one) => one.getAttribute('aria-label'))"
    )
    assert phrases and again == phrases
    assert visitor.problems == []


def test_an_answer_goes_on_over_a_reload_and_in_a_second_tab(visitor: Visitor, engine: ScriptedEngine):
    page = visitor.open()
    engine.script = Script(delay_s=0.2)
    page.locator("#question").fill("Talk. /long 80")
    page.locator("#question").press("Enter")
    until(page, "document.querySelector('.answer .text')?.innerText.length > 10")
    page.reload()
    until(page, "document.querySelector('.answer.running .text')?.innerText.length > 10")
    other = visitor.context.new_page()
    other.goto(page.url)
    until(other, "document.querySelector('.answer .text')?.innerText.length > 10")
    for tab in (page, other):
        expect(tab.locator(".answer:not(.running) .message-foot [aria-pressed]")).to_have_count(
            2, timeout=60_000
        )
    assert page.locator(".answer .text").inner_text() == other.locator(".answer .text").inner_text()
    expect(page.locator(".answer")).to_have_count(1)


def test_rename_delete_and_undo(visitor: Visitor):
    page = visitor.see("picture", text="Which animals?")
    expect(rows(page)).to_have_count(1)
    row = page.locator(".side-item")
    row.hover()
    row.get_by_role("button", name="Rename").click()
    page.keyboard.type("A dog and <b>more</b>")
    page.keyboard.press("Enter")
    expect(rows(page)).to_have_text("A dog and <b>more</b>")
    expect(page.locator("#top h1")).to_have_text("A dog and <b>more</b>")
    page.reload()
    expect(rows(page)).to_have_text("A dog and <b>more</b>")
    address = page.url

    page.locator(".side-item").hover()
    page.locator(".side-item").get_by_role("button", name="Delete").click()
    expect(rows(page)).to_have_count(0)
    page.wait_for_url("**/")
    page.get_by_role("button", name="Undo").click()
    expect(rows(page)).to_have_count(1)
    page.wait_for_url(address)
    expect(page.locator(".answer .g[role]").first).to_be_visible()

    page.locator(".side-item").hover()
    page.locator(".side-item").get_by_role("button", name="Delete").click()
    expect(rows(page)).to_have_count(0)
    page.goto(address)
    expect(page.get_by_role("heading", name="Nothing here")).to_be_visible()


def test_a_mistyped_address_leads_home(visitor: Visitor):
    page = visitor.page
    assert page.goto(f"{visitor.address}/conversations").status == 404
    expect(page.get_by_role("heading", name="Nothing here")).to_be_visible()
    page.get_by_role("link", name="Start a new one").click()
    page.wait_for_url(f"{visitor.address}/")
    expect(page.locator("#composer textarea")).to_be_visible()


def test_search_and_groups(visitor: Visitor):
    visitor.ask(text="First about owls")
    visitor.ask(text="Then about cars")
    page = visitor.open()
    expect(rows(page)).to_have_text(["Then about cars", "First about owls"])
    expect(page.locator(".day")).to_have_text("today")
    page.get_by_role("searchbox", name="Search").fill("owl")
    expect(rows(page)).to_have_text(["First about owls"])
    page.get_by_role("searchbox", name="Search").fill("zebra")
    expect(page.get_by_text("Nothing found. Try another word.")).to_be_visible()


def test_back_and_forward(visitor: Visitor):
    visitor.ask(text="/say One.")
    page = visitor.open()
    rows(page).click()
    expect(page.locator(".answer .text")).to_have_text("One.")
    page.go_back()
    expect(page.locator(".welcome")).to_be_visible()
    expect(page.locator(".answer")).to_have_count(0)
    page.go_forward()
    expect(page.locator(".answer .text")).to_have_text("One.")


def test_another_person_finds_nothing(visit: Callable[..., Visitor]):
    first, second = visit(), visit()
    conversation = first.ask("picture")
    media = first.get(f"/api/conversations/{conversation}")["messages"][0]["media"][0]["url"]
    page = second.page
    answer = page.goto(f"{second.address}/c/{conversation}")
    assert answer.status == 404
    expect(page.get_by_role("heading", name="Nothing here")).to_be_visible()
    assert second.context.request.get(second.address + media).status == 404
    page.get_by_role("link", name="Start a new one").click()
    expect(page.locator(".welcome")).to_be_visible()
    expect(rows(page)).to_have_count(0)


def test_a_draft_survives_a_reload(visitor: Visitor):
    page = visitor.open()
    page.locator("#question").fill("Half a thought")
    page.reload()
    expect(page.locator("#question")).to_have_value("Half a thought")


def test_settings_are_kept_and_sent(visitor: Visitor):
    page = visitor.open()
    page.get_by_role("button", name="Settings").click()
    usual = {"Temperature": Settings().temperature, "Longest answer": Settings().max_new_tokens}
    for name, value in usual.items():
        expect(page.get_by_label(name, exact=True)).to_have_value(f"{value:g}")
    page.get_by_role("switch", name="Show what words stand on").uncheck()
    page.get_by_label("Temperature", exact=True).fill("0.3")
    page.get_by_text("Dark", exact=True).click()
    page.keyboard.press("Escape")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.locator("#question").fill("/say Hello.")
    with page.expect_request(lambda request: request.url.endswith("/runs")) as caught:
        page.locator("#question").press("Enter")
    assert caught.value.post_data_json["settings"] == {"grounding": False, "temperature": 0.3}


def test_offline_is_said_and_the_text_stays(visitor: Visitor):
    page = visitor.open()
    page.locator("#question").fill("Are you there?")
    visitor.context.set_offline(True)
    expect(page.locator("#notice")).to_contain_text("You are offline")
    page.locator("#question").press("Enter")
    expect(page.locator(".composer-note")).to_contain_text("Check the connection")
    expect(page.locator("#question")).to_have_value("Are you there?")
    visitor.context.set_offline(False)
    expect(page.locator("#notice")).to_be_hidden()


def test_an_answer_is_followed_again_behind_a_proxy_that_starts_anew(
    visitor: Visitor, engine: ScriptedEngine
):
    page = visitor.open()
    engine.script = Script(delay_s=0.05)
    away = [502, 503, 504]
    page.route(
        "**/events*",
        lambda route: route.fulfill(status=away.pop(), body="<p>") if away else route.continue_(),
    )
    page.locator("#question").fill("Talk. /long 20")
    page.locator("#question").press("Enter")
    expect(page.locator(".answer .text")).to_contain_text("word19")
    assert away == []


def test_what_was_sent_is_no_draft_any_more(visitor: Visitor):
    page = visitor.open()
    page.locator("#question").fill("/say Sent.")
    page.locator("#question").press("Enter")
    expect(page.locator(".answer .text")).to_have_text("Sent.")
    page.get_by_role("link", name="New conversation").click()
    expect(page.locator(".welcome")).to_be_visible()
    expect(page.locator("#question")).to_have_value("")


def test_a_question_that_is_on_its_way_takes_no_words_of_another_conversation(visitor: Visitor):
    other = visitor.ask(text="/say The other one.")
    page = visitor.open(other)
    page.locator("#question").fill("Half a thought")
    page.get_by_role("link", name="New conversation").click()
    page.locator("#question").fill("/say Late.")
    held: list[Any] = []
    page.route("**/runs", lambda route: held.append(route))
    page.locator("#question").press("Enter")
    expect(rows(page)).to_have_count(2)
    until(page, "location.pathname.startsWith('/c/')")
    page.locator(f".side-item a[data-id='{other}']").click()
    expect(page.locator(".answer .text")).to_have_text("The other one.")
    expect(page.locator("#question")).to_have_value("Half a thought")
    with page.expect_response("**/runs"):
        held[0].continue_()
    expect(page.locator(".send-button:not(.stop)")).to_be_enabled()
    expect(page.locator("#question")).to_have_value("Half a thought")
    page.get_by_role("link", name="New conversation").click()
    expect(page.locator("#question")).to_have_value("")
    assert visitor.problems == []


def test_of_two_conversations_the_one_that_was_chosen_last_is_shown(visitor: Visitor):
    slow, quick = visitor.ask(text="/say The slow one."), visitor.ask(text="/say The quick one.")
    page = visitor.open()
    expect(rows(page)).to_have_count(2)
    held: list[Any] = []
    page.route(f"**/api/conversations/{slow}", lambda route: held.append(route))
    with page.expect_request(f"**/api/conversations/{slow}"):
        page.locator(f".side-item a[data-id='{slow}']").click()
    page.locator(f".side-item a[data-id='{quick}']").click()
    expect(page.locator(".answer .text")).to_have_text("The quick one.")
    with page.expect_response(f"**/api/conversations/{slow}"):
        held[0].continue_()
    page.wait_for_timeout(300)
    expect(page.locator(".answer .text")).to_have_text("The quick one.")
    assert page.url.endswith(f"/c/{quick}")
    page.go_back()
    expect(page.locator(".welcome")).to_be_visible()


def test_a_name_that_is_being_written_outlasts_news_of_the_list(visitor: Visitor):
    visitor.ask(text="First about owls")
    page = visitor.open()
    page.locator(".side-item").hover()
    page.locator(".side-item").get_by_role("button", name="Rename").click()
    page.keyboard.type("Half a na")
    visitor.ask(text="Then about cars")
    with page.expect_response("**/api/conversations"):
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.wait_for_timeout(200)
    page.keyboard.type("me")
    page.keyboard.press("Enter")
    expect(rows(page)).to_have_text(["Then about cars", "Half a name"])


def second_tab(visitor: Visitor, page: Any) -> Any:
    """The conversation of a page in another tab of its browser."""
    other = visitor.context.new_page()
    other.goto(page.url)
    expect(other.locator(".answer .g[role]").first).to_be_visible()
    return other


def ask(page: Any, text: str) -> None:
    page.locator("#question").fill(text)
    page.locator("#question").press("Enter")


def test_two_tabs_of_one_conversation_see_each_others_questions(visitor: Visitor):
    page = visitor.see("picture", text="What is there?")
    other = second_tab(visitor, page)
    other.locator("#question").fill("not sent yet")
    ask(page, "Talk. /long 2000 /delay 0.1")
    expect(other.locator(".answer.running .text")).to_contain_text("word9")
    other.get_by_role("button", name="Stop the answer").click()
    for tab in (page, other):
        expect(tab.get_by_text("You stopped this answer.")).to_be_visible()
        expect(tab.locator(".answer.running")).to_have_count(0)
    expect(other.locator("#question")).to_have_value("not sent yet")
    ask(other, "/say Two.")
    for tab in (page, other):
        expect(tab.locator(".answer .text").last).to_have_text("Two.")
        expect(tab.locator(".question")).to_have_count(3)
    texts = [tab.locator(".answer .text").all_inner_texts() for tab in (page, other)]
    assert texts[0] == texts[1] and "word9" in texts[0][1]


def test_another_version_that_a_tab_asks_for_is_shown_in_the_other(visitor: Visitor):
    page = visitor.see("picture", text="What is there?")
    other = second_tab(visitor, page)
    page.get_by_role("button", name="Answer again").click()
    for tab in (page, other):
        expect(tab.locator(".answer .versions")).to_contain_text("2 / 2")
        expect(tab.locator(".answer.running")).to_have_count(0)
    page.locator(".question").hover()
    page.get_by_role("button", name="Change this question").click()
    ask(page, "Talk. /long 2000 /delay 0.1")
    expect(other.locator(".answer.running .text")).to_contain_text("word9")
    expect(other.locator(".question .text")).to_have_text("Talk. /long 2000 /delay 0.1")
    page.get_by_role("button", name="Stop the answer").click()
    expect(other.get_by_text("You stopped this answer.")).to_be_visible()


def test_what_was_asked_while_a_tab_was_cut_off_is_shown_afterwards(visitor: Visitor):
    page = visitor.see("picture", text="What is there?")
    other = second_tab(visitor, page)
    away = [True]
    other.route("**/events*", lambda route: route.abort() if away else route.continue_())
    ask(page, "/long 20 /delay 0.2")
    expect(other.locator(".answer").last).to_contain_text("The connection was lost")
    expect(page.locator(".answer .text").last).to_contain_text("word19")
    ask(page, "/say Two.")
    expect(page.locator(".answer .text").last).to_have_text("Two.")
    away.clear()
    expect(other.locator(".answer .text")).to_have_count(3)
    expect(other.locator(".answer .text").nth(1)).to_contain_text("word19")
    expect(other.locator(".answer .text").nth(2)).to_have_text("Two.")
    expect(other.locator(".answer.running")).to_have_count(0)


def test_a_tab_that_is_looked_at_again_shows_what_was_asked_elsewhere(visitor: Visitor):
    page = visitor.see("picture", text="What is there?")
    conversation = page.url.rsplit("/", 1)[-1]
    leaf = visitor.get(f"/api/conversations/{conversation}")["leaf"]
    question = {"text": "And elsewhere? /say Here.", "parent": leaf}
    visitor.post(f"/api/conversations/{conversation}/runs", data=question)
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.locator(".answer .text").last).to_have_text("Here.")
    expect(page.locator(".question")).to_have_count(2)
