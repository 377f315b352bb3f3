"""A session that ends in the middle: it is said, there is a way on, and nothing that was typed is lost."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import FILES, Visitor
from tests.browser.test_sign_in import PASSWORDS, TOKEN, sign_in, users, with_token, with_users

__all__ = ["users", "with_token", "with_users"]

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

Visit = Callable[..., Visitor]


def begin(visitor: Visitor, address: str) -> Any:
    """Ana has one answer, a picture in the composer, and half a question."""
    page = visitor.page
    page.goto(address)
    sign_in(page, "ana")
    page.locator("#question").fill("/say The first answer.")
    page.locator("#question").press("Enter")
    expect(page.locator(".answer .text")).to_have_text("The first answer.")
    name, kind, make = FILES["picture"]
    page.locator("input[type=file]").set_input_files({"name": name, "mimeType": kind, "buffer": make()})
    expect(page.locator(".chip.file.ready")).to_be_visible()
    page.locator("#question").fill("Half a question")
    return page


def test_a_changed_password_is_asked_for_and_everything_goes_on(visit: Visit, with_users: str, users: Any):
    visitor = visit(with_users)
    page = begin(visitor, with_users)
    address = page.url
    users.add("ana", "another password")
    page.locator("#question").press("Enter")
    expect(page.get_by_text("Your session has ended. Sign in to go on; nothing was lost.")).to_be_visible()
    expect(page.locator("#app")).to_be_hidden()
    sign_in(page, "ana")
    expect(page.get_by_role("alert").first).to_contain_text("Name and password do not go together.")
    sign_in(page, "ana", "another password")
    expect(page.locator("#question")).to_have_value("Half a question")
    expect(page.locator("#question")).to_be_focused()
    expect(page.locator(".chip.file.ready")).to_be_visible()
    expect(page.locator(".composer-note")).to_be_empty()
    expect(page).to_have_title("/say The first answer. · Bubo")
    assert page.url == address
    page.locator("#question").press("Enter")
    expect(page.locator(".question .text")).to_have_text(["/say The first answer.", "Half a question"])
    expect(page.locator(".question .thumb")).to_have_count(1)
    expect(page.locator(".answer .g[role]").first).to_be_visible()


def test_somebody_else_who_signs_in_finds_nothing_of_it(visit: Visit, with_users: str):
    visitor = visit(with_users)
    page = begin(visitor, with_users)
    visitor.context.clear_cookies()
    page.locator("#question").press("Enter")
    expect(page.get_by_text("Your session has ended.")).to_be_visible()
    sign_in(page, "ben")
    expect(page.get_by_role("heading", name="Nothing here")).to_be_visible()
    page.get_by_role("link", name="Start a new one").click()
    expect(page.locator("#question")).to_have_value("")
    assert "The first answer." not in page.content()


@pytest.mark.parametrize("opened", [False, True], ids=["new", "opened"])
def test_with_a_token_the_text_stays_and_what_is_gone_is_said(visit: Visit, with_token: str, opened: bool):
    visitor = visit(with_token)
    page = visitor.page
    page.goto(with_token)
    page.get_by_label("Token").fill(TOKEN)
    page.get_by_label("Token").press("Enter")
    if opened:
        page.locator("#question").fill("/say The first answer.")
        page.locator("#question").press("Enter")
        expect(page.locator(".answer .text")).to_have_text("The first answer.")
    page.locator("#question").fill("/say And again.")
    visitor.context.clear_cookies()
    page.locator("#question").press("Enter")
    expect(page.get_by_text("Your session has ended.")).to_be_visible()
    page.get_by_label("Token").fill(TOKEN)
    page.get_by_label("Token").press("Enter")
    expect(page.locator("#question")).to_have_value("/say And again.")
    note = page.locator(".composer-note")
    expect(note).to_contain_text("a new one has begun" if opened else "")
    expect(page.get_by_role("button", name="Send")).to_be_enabled()
    page.locator("#question").press("Enter")
    expect(page.locator(".answer .text")).to_have_text("And again.")
    expect(note).to_be_empty()


def test_where_nobody_signs_in_a_new_session_begins_and_says_so(visitor: Visitor, artifacts: Path):
    page = visitor.see("picture")
    page.locator("#question").fill("/say And again.")
    visitor.context.clear_cookies()
    page.locator("#question").press("Enter")
    expect(page.locator(".composer-note")).to_contain_text("Your session had ended, and a new one has begun.")
    page.screenshot(path=str(artifacts / "session-anew.png"))
    expect(page.locator("#question")).to_have_value("/say And again.")
    expect(page.locator(".side-item")).to_have_count(0)
    expect(page.locator("#stage")).to_be_hidden()
    page.locator("#question").press("Enter")
    expect(page.locator(".answer .text")).to_have_text("And again.")


def test_a_session_that_ends_during_an_answer(visit: Visit, with_users: str, users: Any):
    page = visit(with_users).page
    page.goto(with_users)
    sign_in(page, "ana")
    page.locator("#question").fill("Talk. /long 400 /delay 0.1")
    page.locator("#question").press("Enter")
    expect(page.locator(".answer.running .text")).to_contain_text("word3")
    users.add("ana", PASSWORDS["ana"])
    page.get_by_role("button", name="Stop the answer").click()
    expect(page.get_by_text("Your session has ended.")).to_be_visible()
    sign_in(page, "ana")
    expect(page.locator(".answer .text")).to_contain_text("word3")
