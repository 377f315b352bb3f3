"""Writing a question: files by button, drop and paste, limits, the microphone, keys, places alone."""

import json
import struct
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import FILES, Visitor
from tests.browser.waiting import until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

#: Lets go of a file over the page, as `drop` or `paste` does.
GIVE = """([kind, name, type, bytes]) => {
  const data = new DataTransfer();
  data.items.add(new File([Uint8Array.from(atob(bytes), (sign) => sign.charCodeAt(0))], name, { type }));
  const options = { bubbles: true, cancelable: true };
  const event = kind === "paste" ? new ClipboardEvent("paste", { clipboardData: data, ...options })
    : new DragEvent("drop", { dataTransfer: data, ...options });
  document.body.dispatchEvent(event);
}"""


def file(kind: str) -> dict[str, Any]:
    name, content_type, make = FILES[kind]
    return {"name": name, "mimeType": content_type, "buffer": make()}


def empty_png(width: int, height: int) -> bytes:
    """A picture that is large in pixels and small in bytes."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    rows = zlib.compress(bytes((width + 7) // 8 + 1) * height, 9)
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize("way", ["picker", "drop", "paste"])
@pytest.mark.parametrize("kind", ["picture", "sound"])
def test_files_become_chips_and_reach_the_stage(visitor: Visitor, kind: str, way: str):
    import base64

    page = visitor.open()
    given = file(kind)
    if way == "picker":
        page.locator("input[type=file]").set_input_files(given)
    else:
        encoded = base64.b64encode(given["buffer"]).decode()
        page.evaluate(GIVE, [way, given["name"], given["mimeType"], encoded])
    chip = page.locator(".chip.file.ready")
    expect(chip).to_contain_text(given["name"])
    expect(page.locator(".stage-frame" if kind == "picture" else ".wave-track")).to_be_visible()
    page.locator("#question").fill("What is here?")
    page.locator("#question").press("Enter")
    expect(page.locator(".question .thumb")).to_have_count(1)
    expect(chip).to_have_count(0)
    assert visitor.problems == []


def test_a_chip_can_be_removed(visitor: Visitor):
    page = visitor.open()
    page.locator("input[type=file]").set_input_files(file("picture"))
    expect(page.locator(".chip.file.ready")).to_be_visible()
    page.get_by_role("button", name="Remove sample.png").click()
    expect(page.locator(".chip")).to_have_count(0)
    expect(page.locator("#stage")).to_be_hidden()
    expect(page.locator("#question")).to_be_focused()


@pytest.mark.parametrize(
    ("name", "content_type", "content", "says"),
    [
        ("notes.pdf", "application/pdf", b"%PDF-1.4", "neither a picture nor a sound"),
        (
            "drawing.svg",
            "image/svg+xml",
            b"<svg xmlns='http://www.w3.org/2000/svg'/>",
            "neither a picture nor a sound",
        ),
        ("false.png", "image/png", b"this is no picture", ""),
        ("empty.png", "image/png", b"", "is empty"),
        ("huge.png", "image/png", empty_png(9_000, 9_000), "too many pixels"),
    ],
    ids=["pdf", "svg", "false", "empty", "pixels"],
)
def test_what_cannot_be_taken_says_why(
    visitor: Visitor, name: str, content_type: str, content: bytes, says: str
):
    page = visitor.open()
    page.locator("input[type=file]").set_input_files(
        {"name": name, "mimeType": content_type, "buffer": content}
    )
    chip = page.locator(".chip.file.failed")
    expect(chip).to_contain_text(name)
    expect(chip.get_by_role("alert")).to_contain_text(says)
    assert chip.get_by_role("alert").inner_text().strip()
    expect(page.get_by_role("button", name="Send", exact=True)).to_be_disabled()


def test_a_file_of_too_many_bytes_is_not_sent(visitor: Visitor):
    page = visitor.open()
    sent: list[str] = []
    page.on("request", lambda request: request.method == "POST" and sent.append(request.url))
    page.evaluate(
        """() => {
          const data = new DataTransfer();
          data.items.add(new File([new Uint8Array(26e6)], "long.wav", { type: "audio/wav" }));
          document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true }));
        }"""
    )
    expect(page.locator(".chip.file.failed").get_by_role("alert")).to_contain_text("too large")
    assert sent == []


#: Counts the addresses of files that the page has made and not let go of.
COUNT_ADDRESSES = """
  window.held = 0;
  const { createObjectURL, revokeObjectURL } = URL;
  URL.createObjectURL = (...all) => (window.held += 1, createObjectURL.apply(URL, all));
  URL.revokeObjectURL = (...all) => (window.held -= 1, revokeObjectURL.apply(URL, all));
"""


@pytest.mark.parametrize("way", ["sent", "removed", "left"])
def test_files_that_are_held_no_more_take_no_memory(visitor: Visitor, way: str):
    visitor.page.add_init_script(COUNT_ADDRESSES)
    page = visitor.open()
    page.locator("input[type=file]").set_input_files([file("picture"), file("sound")])
    expect(page.locator(".chip.file.ready")).to_have_count(2)
    assert page.evaluate("held") == 2
    if way == "sent":
        page.locator("#question").press("Enter")
        expect(page.locator(".question .thumb")).to_have_count(2)
    elif way == "removed":
        page.get_by_role("button", name="Remove sample.png").click()
        page.get_by_role("button", name="Remove sample.wav").click()
    else:
        page.get_by_role("link", name="New conversation").click()
    expect(page.locator(".chip.file")).to_have_count(0)
    assert page.evaluate("held") == 0


def test_a_file_that_is_left_behind_is_sent_no_further(visitor: Visitor):
    page = visitor.open()
    page.route("**/api/media", lambda route: None)
    with page.expect_request("**/api/media"):
        page.locator("input[type=file]").set_input_files(file("picture"))
    with page.expect_event("requestfailed", lambda request: request.url.endswith("/api/media")):
        page.get_by_role("link", name="New conversation").click()
    expect(page.locator(".chip.file")).to_have_count(0)


def test_keys_of_the_box(visitor: Visitor):
    page = visitor.open()
    box = page.locator("#question")
    send = page.get_by_role("button", name="Send", exact=True)
    expect(box).to_be_focused()
    expect(send).to_be_disabled()
    box.fill("   ")
    expect(send).to_be_disabled()
    box.press("Enter")
    box.fill("one")
    box.press("Shift+Enter")
    box.press_sequentially("two")
    expect(box).to_have_value("one\ntwo")
    box.evaluate(
        "(box) => box.dispatchEvent("
        "new KeyboardEvent('keydown', { key: 'Enter', isComposing: true, bubbles: true }))"
    )
    expect(page.locator(".message")).to_have_count(0)
    box.press("Enter")
    expect(page.locator(".question .text")).to_have_text("one\ntwo")
    expect(box).to_have_value("")


def test_places_alone_ask_what_this_is(visitor: Visitor):
    page = visitor.see("picture")
    page.locator(".stage-frame").click(position={"x": 8, "y": 8})
    expect(page.locator(".chip.place")).to_have_count(1)
    with page.expect_request(lambda request: request.url.endswith("/runs")) as caught:
        page.get_by_role("button", name="Send", exact=True).click()
    body = json.loads(caught.value.post_data)
    assert body["text"] == "What is this?"
    assert [place["kind"] for place in body["places"]] == ["point"]


def test_the_microphone_gives_a_sound_of_16_khz(visit: Callable[..., Visitor]):
    visitor = visit(permissions=["microphone"])
    page = visitor.open()
    page.get_by_role("button", name="Record a sound").click()
    expect(page.locator(".recording")).to_contain_text("0:01")
    with page.expect_response(lambda answer: answer.url.endswith("/api/media")) as caught:
        page.get_by_role("button", name="Use").click()
    media = caught.value.json()
    assert media["kind"] == "sound" and media["duration_s"] > 0.5
    expect(page.locator(".chip.file.ready")).to_contain_text("Recording.wav")
    assert visitor.problems == []


def test_a_microphone_that_is_refused_is_said(visitor: Visitor):
    page = visitor.open()
    page.evaluate(
        "() => void (navigator.mediaDevices.getUserMedia ="
        " () => Promise.reject(new DOMException('', 'NotAllowedError')))"
    )
    page.get_by_role("button", name="Record a sound").click()
    expect(page.get_by_role("alert").filter(has_text="microphone was refused")).to_be_visible()


@pytest.mark.parametrize("step", ["constructor", "start"])
def test_a_browser_that_cannot_record_lets_go_of_the_microphone(visit: Callable[..., Visitor], step: str):
    page = visit(permissions=["microphone"]).open()
    page.evaluate(
        """(step) => {
          const media = navigator.mediaDevices;
          const open = media.getUserMedia.bind(media);
          media.getUserMedia = async (wish) => (window.heard = await open(wish));
          const fail = () => { throw new DOMException("", "NotSupportedError"); };
          const make = () => step === "constructor" && fail();
          window.MediaRecorder = class { constructor() { make(); } start() { fail(); } };
        }""",
        step,
    )
    page.get_by_role("button", name="Record a sound").click()
    until(page, "window.heard?.getTracks().every((track) => track.readyState === 'ended')")


def test_limits_are_shown_before_anything_is_sent(visitor: Visitor):
    page = visitor.open()
    expect(page.locator("#composer-hint")).to_contain_text(
        "Up to 5 files of 25 MB; pictures to 40 megapixels, sounds to 120s."
    )


def test_a_text_that_is_cut_says_so(visitor: Visitor):
    page = visitor.open()
    page.locator("#question").focus()
    page.keyboard.insert_text("a" * 8_001)
    assert len(page.locator("#question").input_value()) == 8_000
    expect(page.locator(".composer-note")).to_contain_text("8,000 characters")
