"""The types that the page's modules state in their comments hold, as TypeScript's own checker reads them."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.npm_packages import unpacked

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

#: The last line whose whole compiler is one package of JavaScript.
TYPESCRIPT_VERSION = "5.9.3"
ROOT = Path(__file__).parents[2]
MODULES = sorted((ROOT / "web" / "js").glob("*.js"))


def test_the_modules_keep_their_types():
    node = shutil.which("node")
    if node is None:
        message = "Node.js 20 or newer is needed to check the modules' types (apt-get install nodejs npm)"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    compiler = unpacked("typescript", TYPESCRIPT_VERSION) / "lib" / "tsc.js"
    command = [node, str(compiler), "--project", "tests/web/tsconfig.json", "--pretty", "false"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, cwd=ROOT)
    assert done.returncode == 0, done.stdout[-8_000:] + done.stderr[-2_000:]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_a_module_is_checked_and_silences_nothing_without_a_reason(path: Path):
    lines = path.read_text().splitlines()
    assert lines[0] == "// @ts-check"
    for line in lines:
        silenced = re.search(r"@ts-(nocheck|ignore|expect-error)\b(.*)", line)
        assert silenced is None or (silenced[1] != "nocheck" and len(silenced[2].split()) > 2), line
