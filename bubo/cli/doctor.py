"""`bubo doctor`: what is installed, which device, which models are ready, and what to do about the rest."""

import os
import platform
import re
import tempfile
import time
from collections.abc import Sequence
from importlib import import_module, metadata
from typing import Any

from bubo import __version__
from bubo.arguments import Parser
from bubo.cli.arguments import verb_parser
from bubo.cli.entry import resolve
from bubo.errors import BuboError

FONT_FINDER = "bubo.data_tools.world.glyphs:find_font"
_OPTIONAL = ("train", "web", "vision", "dev")


def build_parser() -> Parser:
    """The options of `bubo doctor`: none."""
    return verb_parser(
        "doctor",
        "Tell what is installed, which device there is and which models are ready. Exit code 0 if nano can "
        "answer here, 2 if it cannot.",
    )


def main(argv: Sequence[str]) -> int:
    """Run `bubo doctor` and return the exit code."""
    build_parser().parse_args(argv)
    python = platform.python_version()
    _show("bubo", [f"{__version__}, Python {python}, {platform.system()} {platform.machine()}"])
    _show("packages", package_lines())
    try:
        _show("device", device_lines())
    except ImportError as error:
        _show("device", [f"unknown: {_one_line(error)}"])
    ready, lines = try_nano()
    _show("models", [*lines, preset_line()])
    _show("world", [font_line()])
    _show("extras", [extra_line(extra) for extra in _OPTIONAL])
    folders = {"current folder": os.curdir, "temporary folder": tempfile.gettempdir()}
    _show("writing", [folder_line(name, folder) for name, folder in folders.items()])
    return 0 if ready else 2


def _show(name: str, lines: Sequence[str]) -> None:
    for number, line in enumerate(lines):
        print(f"{name if not number else '':<9} {line}", flush=True)


def requirements(extra: str = "") -> list[str]:
    """Names of the packages that Bubo needs, or those of one of its extras, by the installed metadata."""
    try:
        lines = metadata.requires("bubo") or []
    except metadata.PackageNotFoundError:
        return []
    found = []
    for line in lines:
        needed, _, marker = line.partition(";")
        of = re.search(r"extra\s*==\s*[\"']([\w-]+)[\"']", marker)
        if (of[1] if of else "") == extra:
            found.append(re.split(r"[\s\[(<>=!~]", needed.strip(), maxsplit=1)[0])
    return found


def package_lines() -> list[str]:
    """Versions of what Bubo needs; what is missing stands on a line of its own."""
    there, missing = _split(requirements())
    lines = [", ".join(there) or "the package bubo is not installed here, only its files are: pip install it"]
    if missing:
        lines.append(f"MISSING: {', '.join(missing)}; install the package again")
    return lines


def extra_line(extra: str) -> str:
    """Whether all packages of an extra are there."""
    there, missing = _split(requirements(extra))
    if not there and not missing:
        return f"{extra}: not part of this installation"
    if missing:
        return f'{extra}: missing {", ".join(missing)}; in a clone: pip install -e ".[{extra}]"'
    return f"{extra}: {', '.join(there)}"


def _split(names: Sequence[str]) -> tuple[list[str], list[str]]:
    there, missing = [], []
    for name in names:
        try:
            there.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            missing.append(name)
    return there, missing


def device_lines() -> list[str]:
    """The devices that torch sees, the one that nano uses first.

    Raises:
        ImportError: If torch cannot be loaded.
    """
    torch: Any = import_module("torch")
    lines = [f"CPU, {os.cpu_count()} cores, {torch.backends.cpu.get_cpu_capability()}"]
    for number in range(torch.cuda.device_count()):
        properties = torch.cuda.get_device_properties(number)
        lines.append(
            f"GPU {number}: {properties.name}, {properties.total_memory / 1e9:.0f} GB (nano needs none)"
        )
    if torch.backends.mps.is_available():
        lines.append("GPU: Apple (nano needs none)")
    return lines


def try_nano() -> tuple[bool, list[str]]:
    """Whether nano answers here: it is loaded and asked something."""
    started = time.perf_counter()
    try:
        from bubo.assistant import load

        assistant = load("nano")
        loaded = time.perf_counter()
        answer = assistant.conversation().ask("What can you do?", max_new_tokens=8)
    except BuboError as error:
        return False, [f"nano: NOT READY. {_one_line(error)}"]
    except Exception as error:  # somebody else's broken package: to be named, not to die of
        return False, [f"nano: NOT READY. {type(error).__name__}: {_one_line(error)}"]
    seconds = time.perf_counter() - loaded
    words = len(answer.text.split())
    return True, [f"nano: ready (loaded in {loaded - started:.1f} s, {words} words in {seconds:.2f} s)"]


def preset_line() -> str:
    """Which presets besides nano are ready, and which are not."""
    try:
        from bubo.pulling import known_presets, state_of

        presets = known_presets()
        states = {name: state_of(preset, presets) for name, preset in presets.items() if name != "nano"}
    except BuboError as error:
        return f"presets: {_one_line(error)}"
    groups = {
        "ready": [name for name, state in states.items() if state.ready],
        "not ready": [name for name, state in states.items() if not state.ready],
    }
    told = [f"{group}: {', '.join(names)}" for group, names in groups.items() if names]
    return f"presets {'; '.join(told)}; `bubo models` says more"


def font_line() -> str:
    """Whether the world's pictures can be drawn here."""
    try:
        return f"pictures are drawn with {resolve(FONT_FINDER)()}"
    except (BuboError, ImportError) as error:
        return f"pictures cannot be drawn (only training and evaluation need them): {_one_line(error)}"


def folder_line(name: str, folder: str) -> str:
    """Whether files can be made in a folder."""
    path = os.path.abspath(folder)
    try:
        with tempfile.TemporaryFile(dir=folder):
            return f"{name} {path}: yes"
    except OSError as error:
        return f"{name} {path}: NO ({error.strerror}); use --draw and /save with a path elsewhere"


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:300]
