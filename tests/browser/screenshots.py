"""`python -m tests.browser.screenshots FOLDER`: the pictures of the page for docs, with nano in Chromium."""

import io
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import playwright.sync_api as playwright
from PIL import Image
from playwright.sync_api import expect

sys.path.append(str(Path(__file__).parents[1]))  # as in pytest: what tests share has bare names

import bubo
from bubo.server.engine import AssistantEngine
from tests.browser.conftest import CHROMIUM, FLAGS, Visitor
from tests.live_server import live_server, wait_until

WIDE, PHONE = {"width": 1360, "height": 850}, {"width": 390, "height": 844}
MEADOW, BEACH, MISFIT = 0, 1, 3


class Album:
    """Pages of new visitors, saved as pictures of few colours, so that they stay small."""

    def __init__(self, browser: Any, address: str, folder: Path):
        self.browser, self.address, self.folder = browser, address, folder

    @contextmanager
    def page(self, name: str, **options: Any) -> Iterator[Any]:
        """An open page; it is saved as it looks at the end of the block."""
        visitor = Visitor(self.browser, self.address, **{"viewport": WIDE, **options})
        page = visitor.open()
        expect(page.locator(".example")).to_have_count(4)
        yield page
        page.wait_for_timeout(800)
        image = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
        image.quantize(255, dither=Image.Dither.NONE).save(self.folder / f"{name}.png", optimize=True)
        visitor.context.close()


def take_example(page: Any, number: int) -> None:
    """Begins with an example and waits for its answer."""
    page.locator(".example").nth(number).click()
    wait_for_answers(page, 1)


def ask(page: Any, text: str, answers: int) -> None:
    """Asks, and waits until there are so many answers."""
    page.locator("#question").fill(text)
    page.locator("#question").press("Enter")
    wait_for_answers(page, answers)


def wait_for_answers(page: Any, count: int) -> None:
    expect(page.locator(".message.answer:not(.running) .message-foot button.small").first).to_be_visible()
    expect(page.locator(".message.answer:not(.running)")).to_have_count(count)


def phrase(page: Any, text: str) -> Any:
    """The last phrase with that text."""
    return page.locator(".message.answer .g[role=button]", has_text=text).last


def take_all(album: Album) -> None:
    """The six pictures of the README and of server.md."""
    with album.page("page-welcome") as page:
        page.locator("#question").hover()
    with album.page("page-linked") as page:
        take_example(page, MEADOW)
        phrase(page, "dog").hover()
    with album.page("page-dark-spanish", locale="es-ES", color_scheme="dark") as page:
        take_example(page, BEACH)
        phrase(page, "football").click()
    with album.page("page-unrelated") as page:
        take_example(page, MISFIT)
    with album.page("page-pointing") as page:
        take_example(page, BEACH)
        box = page.locator(".stage-picture").bounding_box()
        page.mouse.click(box["x"] + box["width"] * 0.76, box["y"] + box["height"] * 0.85)
        ask(page, "Where is it?", 2)
        page.mouse.move(box["x"] + box["width"] * 0.73, box["y"] + box["height"] * 0.55)
    with album.page("page-phone", viewport=PHONE, has_touch=True, is_mobile=True) as page:
        take_example(page, MEADOW)
        phrase(page, "dog").tap()


def main() -> None:
    """Serves nano, visits it, and writes the pictures into the folder given."""
    folder = Path(sys.argv[1])
    engine: Any = AssistantEngine(lambda: bubo.load("nano"))
    engine.start()
    wait_until(lambda: engine.state == "ready", 60)
    with (
        tempfile.TemporaryDirectory() as data,
        live_server(Path(data), engine) as server,
        playwright.sync_playwright() as driver,
    ):
        browser = driver.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        take_all(Album(browser, server.url, folder))
        browser.close()


if __name__ == "__main__":
    main()
