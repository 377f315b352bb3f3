"""A real browser, the real app with a scripted engine behind it, and a visitor that uses both."""

import io
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest

playwright = pytest.importorskip("playwright.sync_api")
pytest.importorskip("uvicorn")

from bubo.media import encode_wav  # noqa: E402
from tests.browser.axe import axe_source  # noqa: E402
from tests.live_server import live_server  # noqa: E402
from tests.scripted import Script, ScriptedEngine, sample_picture, sample_sound  # noqa: E402

WEB = Path(__file__).parents[2] / "web"
CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
]
PATIENCE_MS = 20_000
playwright.expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="session")
def engine() -> ScriptedEngine:
    """What answers; tests may replace its `script`."""
    return ScriptedEngine(Script(delay_s=0.0))


@pytest.fixture(scope="session")
def address(engine: ScriptedEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the app is served, on a free port of this machine."""
    with live_server(tmp_path_factory.mktemp("data"), engine, web_folder=WEB) as live:
        yield live.url


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Serves one more app, for this test; takes an engine and settings, gives its address."""
    with ExitStack() as stack:

        def start(engine: ScriptedEngine | None = None, **settings: Any) -> str:
            engine = engine or ScriptedEngine()
            live = stack.enter_context(live_server(tmp_path / "data", engine, web_folder=WEB, **settings))
            return live.url

        yield start


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """One Chromium for all tests; where there is none, CI fails and others skip."""
    if not CHROMIUM.exists():
        message = f"{CHROMIUM} is needed (apt-get install chromium)"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    with playwright.sync_playwright() as driver:
        launched = driver.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core."""
    return axe_source()


@pytest.fixture
def artifacts() -> Path:
    """Where screenshots for people go: `BUBO_ARTIFACTS`, else artifacts/ in the working folder."""
    folder = Path(os.environ.get("BUBO_ARTIFACTS", "artifacts"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def picture_png() -> bytes:
    """The scripted engine's picture: dog, ball and tent in 640 x 480 pixels."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(sample_picture().pixels).save(buffer, "PNG")
    return buffer.getvalue()


def turned_jpeg() -> bytes:
    """The same picture as a camera held upright stores it: lying down, and a note (EXIF 6) how to turn it."""
    from PIL import Image

    image = Image.fromarray(np.rot90(sample_picture().pixels))
    exif = Image.Exif()
    exif[0x0112] = 6
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=95, exif=exif)
    return buffer.getvalue()


def sound_wav() -> bytes:
    """The scripted engine's sound: a bark and waves within four seconds."""
    return encode_wav(sample_sound())


FILES = {
    "picture": ("sample.png", "image/png", picture_png),
    "turned": ("turned.jpg", "image/jpeg", turned_jpeg),
    "sound": ("sample.wav", "audio/wav", sound_wav),
}


class Visitor:
    """Somebody with a browser of their own: pages, uploads and questions are theirs.

    Attributes:
        page: The page that is open.
        problems: Errors that the page wrote or threw; a test that expects none looks here.
        hosts: Every host that the page asked anything of.
    """

    def __init__(self, browser: Any, address: str, **options: Any):
        self.address = address
        self.context = browser.new_context(**{"locale": "en-US", "reduced_motion": "reduce", **options})
        self.context.set_default_timeout(PATIENCE_MS)
        self.page = self.context.new_page()
        self.problems: list[str] = []
        self.hosts: set[str] = set()
        self.page.on(
            "console", lambda message: message.type == "error" and self.problems.append(message.text)
        )
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("request", lambda request: self.hosts.add(request.url.split("/")[2]))

    def post(self, path: str, **body: Any) -> Any:
        """What the server answers, asked as the page itself would ask."""
        headers = {"Sec-Fetch-Site": "same-origin", "Origin": self.address}
        answer = self.context.request.post(self.address + path, headers=headers, **body)
        assert answer.ok, f"{path}: {answer.status} {answer.text()}"
        return answer.json() if answer.status != 204 else None

    def get(self, path: str) -> Any:
        """What the server answers."""
        answer = self.context.request.get(self.address + path)
        assert answer.ok, f"{path}: {answer.status} {answer.text()}"
        return answer.json()

    def upload(self, kind: str) -> dict[str, Any]:
        """One of the sample files, on the server."""
        name, content_type, make = FILES[kind]
        self.get("/api/session")
        file = {"name": name, "mimeType": content_type, "buffer": make()}
        media: dict[str, Any] = self.post("/api/media", multipart={"file": file})
        return media

    def ask(self, *kinds: str, text: str = "What is here?") -> str:
        """A conversation with one question about the files and its whole answer; its id."""
        self.get("/api/session")
        media = [self.upload(kind)["id"] for kind in kinds]
        conversation: str = self.post("/api/conversations", data={})["id"]
        question = {"text": text, "media": media, "places": [], "parent": None, "settings": {}}
        self.post(f"/api/conversations/{conversation}/runs", data=question)
        for _ in range(200):
            messages = self.get(f"/api/conversations/{conversation}")["messages"]
            if messages[-1]["status"] not in ("running", "queued"):
                return conversation
            time.sleep(0.05)
        raise AssertionError("the answer did not end within ten seconds")

    def open(self, conversation: str | None = None) -> Any:
        """The page of a conversation, or the empty page."""
        self.page.goto(self.address + (f"/c/{conversation}" if conversation else "/"))
        self.page.wait_for_selector("#composer textarea")
        return self.page

    def see(self, *kinds: str, text: str = "What is here?") -> Any:
        """Asks about the files and opens the conversation, once the stage stands."""
        page = self.open(self.ask(*kinds, text=text))
        page.wait_for_selector(".stage-frame" if "sound" not in kinds or len(kinds) > 1 else ".wave-track")
        page.wait_for_selector(".g[role=button]")
        return page


@pytest.fixture
def visit(browser: Any, address: str, engine: ScriptedEngine) -> Iterator[Callable[..., Visitor]]:
    """Makes visitors, of the common server or of another; options are those of a Playwright context."""
    visitors: list[Visitor] = []

    def make(at: str = address, **options: Any) -> Visitor:
        visitors.append(Visitor(browser, at, **options))
        return visitors[-1]

    engine.script = Script(delay_s=0.0)
    yield make
    for visitor in visitors:
        visitor.context.close()


@pytest.fixture
def visitor(visit: Callable[..., Visitor]) -> Visitor:
    """Somebody with a wide window."""
    return visit(viewport={"width": 1360, "height": 850})
