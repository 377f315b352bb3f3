"""Firefox, driven through WebDriver BiDi: as much of it as a smoke test needs.

Playwright drives only builds of its own, which cannot be had everywhere; this is the one that people use.
"""

import itertools
import json
import re
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

START_S = 120.0
ANSWER_S = 60.0
#: Nothing is asked of the web, nothing moves, and there is a mouse, which a machine without a screen lacks.
PREFERENCES = {
    "app.normandy.enabled": False,
    "app.update.auto": False,
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "extensions.update.enabled": False,
    "intl.accept_languages": "en-US",
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "http://127.0.0.1:9",
    "toolkit.telemetry.enabled": False,
    "ui.allPointerCapabilities": 6,
    "ui.prefersReducedMotion": 1,
    "ui.primaryPointerCapabilities": 6,
}


class Firefox:
    """One window with one page.

    Attributes:
        problems: Errors that the page wrote or threw.
    """

    def __init__(self, socket: ClientConnection):
        self._socket = socket
        self._numbers = itertools.count(1)
        self.problems: list[str] = []
        self.send("session.new", capabilities={})
        self.send("session.subscribe", events=["log.entryAdded"])
        self._page = self.send("browsingContext.getTree")["contexts"][0]["context"]
        self.send("browsingContext.activate", context=self._page)
        self.send("browsingContext.setViewport", context=self._page, viewport={"width": 1360, "height": 850})

    def send(self, method: str, **params: Any) -> Any:
        """What the browser answers to a command; events that come before it are taken note of."""
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            said = json.loads(self._socket.recv(timeout=ANSWER_S))
            if said.get("method") == "log.entryAdded" and said["params"]["level"] == "error":
                self.problems.append(str(said["params"]["text"]))
            if said.get("id") == number:
                assert said["type"] == "success", f"{method}: {said.get('error')} {said.get('message')}"
                return said["result"]

    def open(self, address: str) -> None:
        """Goes there, until the page is loaded."""
        self.send("browsingContext.navigate", context=self._page, url=address, wait="complete")

    def run(self, expression: str) -> Any:
        """The value of an expression, a text, number or boolean."""
        answer = self.send(
            "script.evaluate", expression=expression, target={"context": self._page}, awaitPromise=True
        )
        assert answer["type"] == "success", answer.get("exceptionDetails")
        return answer["result"].get("value")

    def until(self, expression: str, seconds: float = ANSWER_S) -> None:
        """Waits until an expression is true in the page."""
        end = time.monotonic() + seconds
        while not self.run(f"Boolean({expression})"):
            assert time.monotonic() < end, f"not true within {seconds:g} seconds: {expression}"
            time.sleep(0.1)

    def press(self, keys: str) -> None:
        """Types, key by key."""
        actions = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        self._act({"type": "key", "id": "keyboard", "actions": actions})

    def move_to(self, selector: str) -> None:
        """Moves the mouse to the middle of the first such element."""
        box = f"document.querySelector({json.dumps(selector)}).getClientRects()[0]"
        x, y = (
            self.run(f"Math.round({box}.{a} + {box}.{b} / 2)") for a, b in (("x", "width"), ("y", "height"))
        )
        self.move(x, y)

    def move(self, x: int, y: int) -> None:
        """Moves the mouse to a place of the window."""
        move = {"type": "pointerMove", "x": x, "y": y}
        self._act(
            {"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}, "actions": [move]}
        )

    def screenshot(self) -> str:
        """The window as PNG, base64."""
        return str(self.send("browsingContext.captureScreenshot", context=self._page)["data"])

    def _act(self, source: dict[str, Any]) -> None:
        self.send("input.performActions", context=self._page, actions=[source])


@contextmanager
def firefox(program: Path, profile: Path) -> Iterator[Firefox]:
    """Starts the browser with a new profile; ends it."""
    profile.mkdir(parents=True)
    lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in PREFERENCES.items()]
    (profile / "user.js").write_text("\n".join(lines))
    command = [
        program,
        "--headless",
        "--no-remote",
        "--profile",
        profile,
        "--remote-debugging-port=0",
        "about:blank",
    ]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    try:
        with connect(f"{_address(process)}/session", max_size=None, open_timeout=START_S) as socket:
            yield Firefox(socket)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stderr:
            process.stderr.close()


def _address(process: "subprocess.Popen[str]") -> str:
    """Where the browser listens, as it says; what it says afterwards is read away."""
    found: list[str] = []
    said: list[str] = []
    listening = threading.Event()

    def read() -> None:
        for line in process.stderr or ():
            said.append(line)
            if not found and (address := re.search(r"WebDriver BiDi listening on (ws://\S+)", line)):
                found.append(address[1])
                listening.set()
        listening.set()

    threading.Thread(target=read, daemon=True).start()
    listening.wait(START_S)
    assert found, "Firefox does not say where it listens:\n" + "".join(said[-20:])
    return found[0]
