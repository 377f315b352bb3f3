"""Words that were not sent stay; an answer whose connection breaks in the middle is followed to its end."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import FILES, Visitor

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def test_a_draft_comes_back_after_a_question_was_changed(visitor: Visitor):
    page = visitor.see("picture", text="First?")
    box = page.locator("#question")
    page.locator(".stage-frame").click(position={"x": 8, "y": 8})
    name, content_type, make = FILES["sound"]
    page.locator("input[type=file]").set_input_files(
        {"name": name, "mimeType": content_type, "buffer": make()}
    )
    expect(page.locator(".chip.file.ready")).to_contain_text(name)
    box.fill("Half a thought")
    for leave in ("Cancel", "Escape"):
        page.locator(".question").hover()
        page.get_by_role("button", name="Change this question").click()
        expect(box).to_have_value("First?")
        expect(page.locator(".chip.file")).to_contain_text("sample.png")
        box.fill("Changed?")
        if leave == "Escape":
            box.press(leave)
        else:
            page.get_by_role("button", name=leave).click()
        expect(box).to_have_value("Half a thought")
        expect(page.locator(".chip.file")).to_contain_text(name)
        expect(page.locator(".chip.place")).to_have_count(1)
    page.locator(".question").hover()
    page.get_by_role("button", name="Change this question").click()
    box.fill("/say Changed.")
    box.press("Enter")
    expect(page.locator(".answer .text")).to_have_text("Changed.")
    expect(box).to_have_value("Half a thought")
    page.reload()
    expect(box).to_have_value("Half a thought")


def test_words_that_are_typed_while_a_question_is_sent_stay(visitor: Visitor):
    page = visitor.open()
    held: list[Any] = []
    page.route("**/runs", lambda route: held.append(route))
    box = page.locator("#question")
    box.fill("/say One.")
    with page.expect_request("**/runs"):
        box.press("Enter")
    box.press_sequentially(" And then")
    with page.expect_response("**/runs"):
        held[0].continue_()
    expect(page.locator(".question .text")).to_have_text("/say One.")
    expect(box).to_have_value(" And then")
    page.reload()
    expect(box).to_have_value(" And then")


@contextmanager
def proxy(port: int) -> Iterator[tuple[int, Callable[[], None]]]:
    """Passes bytes to a port of this machine; gives its own, and what breaks all its connections off."""
    door = socket.create_server(("127.0.0.1", 0))
    ends: list[socket.socket] = []

    def pass_on(source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65_536):
                sink.sendall(data)
        except OSError:
            pass
        cut(source, sink)

    def serve() -> None:
        while True:
            try:
                near, _ = door.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", port))
            ends.extend((near, far))
            for pair in ((near, far), (far, near)):
                threading.Thread(target=pass_on, args=pair, daemon=True).start()

    def cut(*which: socket.socket) -> None:
        for end in which or ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield door.getsockname()[1], cut
    finally:
        door.close()
        cut()


def test_an_answer_whose_connection_breaks_is_followed_to_its_end(
    visit: Callable[..., Visitor], address: str
):
    with proxy(int(address.rsplit(":", 1)[1])) as (port, cut):
        page = visit(f"http://127.0.0.1:{port}").open()
        page.locator("#question").fill("Talk. /long 40 /delay 0.1")
        page.locator("#question").press("Enter")
        expect(page.locator(".answer.running .text")).to_contain_text("word5")
        cut()
        expect(page.locator(".answer.running .text")).to_contain_text("word15")
        cut()
        expect(page.locator(".answer:not(.running) .text")).to_contain_text("word39")
        expect(page.locator(".answer")).to_have_count(1)
        expect(page.get_by_role("button", name="Good answer")).to_be_visible()
