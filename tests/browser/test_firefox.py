"""The page in Firefox: it loads, a question is asked by keys, phrases are linked, pointing lights a mask."""

import base64
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import picture_png

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

FIREFOX = Path("/usr/bin/firefox-esr")
#: As WebDriver names the key.
ENTER = "\ue007"


@pytest.fixture
def fox(tmp_path: Path) -> Iterator[Any]:
    """The browser; where there is none, CI fails and others skip."""
    if not FIREFOX.exists():
        message = f"{FIREFOX} is needed (apt-get install firefox-esr)"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    from tests.browser.firefox import firefox

    with firefox(FIREFOX, tmp_path / "profile") as started:
        yield started


def test_from_load_to_a_lit_mask(fox: Any, address: str, artifacts: Path):
    fox.open(address)
    fox.until("document.activeElement?.id === 'question'")
    fox.until("document.querySelectorAll('.example').length === 4")
    picture = base64.b64encode(picture_png()).decode()
    fox.run(
        f"""(() => {{
          const bytes = Uint8Array.from(atob("{picture}"), (sign) => sign.charCodeAt(0));
          const data = new DataTransfer();
          data.items.add(new File([bytes], "sample.png", {{ type: "image/png" }}));
          document.body.dispatchEvent(new DragEvent("drop", {{ dataTransfer: data, bubbles: true }}));
        }})()"""
    )
    fox.until("document.querySelector('.chip.file.ready')")
    fox.press("What is here?" + ENTER)
    fox.until("document.querySelectorAll('.answer:not(.running) .g[role=button]').length === 3")
    assert fox.run("document.querySelector('.question .text').textContent") == "What is here?"
    assert fox.run("document.querySelector('#question').value") == ""
    fox.until("document.querySelectorAll('.rest-region').length === 3")

    fox.move_to(".g[data-entity=e2]")
    fox.until("document.querySelector('.is-lit .lit-region[data-entity=e2]')")
    fox.until("document.querySelector('.leader-line')")
    fox.run("document.querySelector('.stage-picture').decode()")
    (artifacts / "firefox.png").write_bytes(base64.b64decode(fox.screenshot()))
    fox.move(2, 2)
    fox.until("!document.querySelector('.lit-region, .leader-line')")
    fox.move_to(".stage-badges .slot-0")
    fox.until("document.querySelector('.g[data-entity=e1].lit')")
    assert fox.problems == []
