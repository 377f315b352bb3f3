"""Signing in and out: what is said, what stays hidden, who sees what, and where one arrives."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from bubo.server.users import UserList
from tests.browser.axe import violations
from tests.browser.conftest import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

TOKEN = "a-token-for-the-tests"
PASSWORDS = {"ana": "ana's own password", "ben": "ben's own password"}

Serve = Callable[..., str]
Visit = Callable[..., Visitor]


@pytest.fixture
def with_token(serve: Serve) -> str:
    """Address of a server that asks for a token."""
    return serve(auth="token", token=TOKEN)


@pytest.fixture
def users(tmp_path: Path) -> UserList:
    """Who may come in."""
    known = UserList(tmp_path / "data" / "users.json")
    for name, password in PASSWORDS.items():
        known.add(name, password)
    return known


@pytest.fixture
def with_users(serve: Serve, users: UserList) -> str:
    """Address of a server that knows Ana and Ben."""
    return serve(auth="users")


def sign_in(page: Any, name: str, password: str | None = None) -> None:
    page.get_by_role("textbox", name="Name").fill(name)
    page.get_by_label("Password").fill(PASSWORDS[name] if password is None else password)
    page.get_by_role("button", name="Sign in").click()


def sign_out(page: Any) -> None:
    page.get_by_role("button", name="Settings").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_a_wrong_token_is_said_and_the_right_one_gets_in(visit: Visit, with_token: str):
    visitor = visit(with_token)
    page = visitor.page
    page.goto(with_token)
    expect(page).to_have_title("Sign in · Bubo")
    expect(page.get_by_text("This server asks for a token. Whoever runs it has it.")).to_be_visible()
    expect(page.locator("#composer")).to_be_hidden()
    page.get_by_label("Token").fill("not the token")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_have_text("This is not the token. Check it and try again.")
    expect(page.get_by_label("Token")).to_be_focused()
    page.keyboard.type(TOKEN)
    page.keyboard.press("Enter")
    expect(page.locator("#question")).to_be_focused()
    page.keyboard.type("/say Come in.")
    page.keyboard.press("Enter")
    expect(page.locator(".answer .text")).to_have_text("Come in.")
    page.reload()
    expect(page.locator(".answer .text")).to_have_text("Come in.")


def test_a_wrong_name_and_a_wrong_password_are_said_alike(visit: Visit, with_users: str):
    page = visit(with_users).page
    page.goto(with_users)
    for name, password in (("ana", "not her password"), ("nobody", PASSWORDS["ana"])):
        sign_in(page, name, password)
        expect(page.get_by_role("alert")).to_have_text(
            "Name and password do not go together. Check both and try again."
        )
        expect(page.get_by_label("Name")).to_have_value(name)
        page.get_by_label("Name").fill("")
        expect(page.get_by_role("button", name="Sign in")).to_be_enabled()
    sign_in(page, "ana")
    expect(page.locator("#question")).to_be_visible()


def test_by_keys_alone(visit: Visit, with_users: str):
    page = visit(with_users).page
    page.goto(with_users)
    expect(page.get_by_label("Name")).to_be_focused()
    page.keyboard.type("ana")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Password")).to_be_focused()
    page.keyboard.type(PASSWORDS["ana"])
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Sign in")).to_be_focused()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    assert page.evaluate("document.activeElement === document.body"), "nothing before the name is a stop"
    page.get_by_label("Password").press("Enter")
    expect(page.locator("#question")).to_be_focused()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_on_the_way_in(
    visit: Visit, with_users: str, axe: str, artifacts: Path, theme: str
):
    page = visit(with_users, color_scheme=theme).page
    page.goto(with_users)
    sign_in(page, "ana", "not her password")
    expect(page.get_by_role("alert")).not_to_be_empty()
    assert violations(page, axe) == []
    page.screenshot(path=str(artifacts / f"sign-in-{theme}.png"))


def test_nothing_is_left_after_signing_out(visit: Visit, with_users: str):
    visitor = visit(with_users)
    page = visitor.page
    page.goto(with_users)
    sign_in(page, "ana")
    page.locator("#question").fill("/say A secret answer.")
    page.locator("#question").press("Enter")
    expect(page.locator(".answer .text")).to_have_text("A secret answer.")
    page.get_by_role("link", name="New conversation").or_(
        page.get_by_role("button", name="New conversation")
    ).first.click()
    page.locator("#question").fill("Half a secret")
    other = visitor.context.new_page()
    other.goto(with_users)
    expect(other.locator(".side-item")).to_have_count(1)
    sign_out(page)
    expect(other.get_by_role("heading", name="Sign in")).to_be_visible()
    for tab in (page, other):
        assert "secret" not in tab.content()
        assert tab.evaluate("JSON.stringify({ ...sessionStorage, ...localStorage })").count("secret") == 0
    page.go_back()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert "secret" not in page.content()
    sign_in(page, "ben")
    expect(page.locator("#question")).to_have_value("")
    expect(page.locator(".side-item")).to_have_count(0)


def test_two_users_do_not_see_each_other(visit: Visit, with_users: str):
    ana, ben = visit(with_users), visit(with_users)
    for visitor, name in ((ana, "ana"), (ben, "ben")):
        visitor.page.goto(with_users)
        sign_in(visitor.page, name)
        expect(visitor.page.locator("#question")).to_be_visible()
    conversation = ana.ask("picture", text="What does Ana see?")
    media = ana.get(f"/api/conversations/{conversation}")["messages"][0]["media"][0]["url"]
    ana.open(conversation)
    expect(ana.page.locator(".answer .g[role]").first).to_be_visible()
    expect(ana.page.locator(".side-item")).to_have_count(1)
    ben.page.goto(f"{with_users}/c/{conversation}")
    expect(ben.page.get_by_role("heading", name="Nothing here")).to_be_visible()
    assert ben.context.request.get(with_users + media).status == 404
    ben.page.get_by_role("link", name="Start a new one").click()
    expect(ben.page.locator(".welcome")).to_be_visible()
    expect(ben.page.locator(".side-item")).to_have_count(0)


def test_one_arrives_at_the_address_that_was_asked_for(visit: Visit, with_users: str):
    first = visit(with_users)
    first.page.goto(with_users)
    sign_in(first.page, "ana")
    expect(first.page.locator("#question")).to_be_visible()
    address = f"{with_users}/c/{first.ask(text='/say The very answer.')}"
    page = visit(with_users).page
    page.goto(address)
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert "The very answer." not in page.content()
    sign_in(page, "ana")
    expect(page.locator(".answer .text")).to_have_text("The very answer.")
    assert page.url == address
