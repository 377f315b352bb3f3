"""The browser client's pure modules, tested in Node (tests/web), and its icons."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WEB = ROOT / "web"


def test_the_modules_pass_their_tests_in_node():
    node = shutil.which("node")
    if node is None:
        message = "Node.js 20 or newer is needed for the client's unit tests (apt-get install nodejs)"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    tests = sorted(str(path) for path in (ROOT / "tests" / "web").glob("*.test.js"))
    assert tests
    done = subprocess.run([node, "--test", *tests], capture_output=True, text=True, timeout=170, cwd=ROOT)
    assert done.returncode == 0, done.stdout[-8_000:] + done.stderr[-2_000:]


def test_every_icon_that_is_asked_for_is_drawn():
    drawn = set((WEB / "icons.svg").read_text().split('<symbol id="')[1:])
    names = {part.split('"')[0] for part in drawn}
    for path in (WEB / "js").glob("*.js"):
        for line in path.read_text().splitlines():
            for call in ('icon("', 'button("'):
                for part in line.split(call)[1:]:
                    name = part.split('"')[0]
                    assert not name or name in names, f"{path.name} asks for the icon {name!r}"
