"""Who may import whom: every import statement of the library, those inside functions too, against the arrows.

A module belongs to a layer: its first name below bubo ("media"), or "models/<folder>" inside models. An arrow
`a: b` lets every module of a import every module of b; modules of one layer may import each other.
"""

import ast
import tomllib
from pathlib import Path

import pytest

import bubo

ROOT = Path(__file__).parents[2]
FOLDERS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-dir"]

CORE = {
    "arguments",
    "errors",
    "checks",
    "geometry",
    "evidence",
    "findings",
    "folder_lock",
    "passes",
    "places",
    "recent",
    "settings",
    "stopping",
    "types",
}
MIDDLE = {
    "answers",
    "batching",
    "completions",
    "decoding",
    "downloads",
    "draw",
    "event_stream",
    "files",
    "grounding",
    "hub",
    "kinds",
    "media",
    "memory",
    "model_folders",
    "models",
    "nano",
    "packed",
    "plain_text",
    "preset_files",
    "presets",
    "prompts",
    "pulling",
    "records",
    "removing",
    "sensors",
    "slots",
    "sounds",
    "watchdog",
    "weights",
}
LIBRARY = (
    CORE
    | MIDDLE
    | {"speaker", "endpoint", "transformers_speaker", "loading", "assistant", "conversation", "server"}
)

ARROWS = {
    "": LIBRARY,  # bubo/__init__.py names its public values; they are resolved on first use
    "arguments": set(),
    "errors": set(),
    "checks": {"errors"},
    "geometry": {"errors"},
    "evidence": {"errors", "checks", "geometry"},
    "findings": {"errors", "checks", "geometry"},
    "places": {"errors", "checks"},
    "recent": set(),
    "settings": {"errors"},
    "folder_lock": {"errors"},
    "passes": {"errors"},
    "stopping": set(),
    "types": CORE,
    "answers": CORE,
    "files": {"errors"},
    "sounds": {"errors", "files"},
    "media": CORE | {"files", "sounds"},
    "sensors": {"errors"},
    "records": CORE | {"media"},  # media is the only decoder, and records hold media
    "draw": CORE,
    "nano": set(),
    "kinds": set(),
    "models": set(),
    "grounding": CORE | {"models"},
    "decoding": CORE | {"models"},
    "prompts": CORE | {"decoding"},
    "packed": set(),
    "slots": {"decoding", "packed"},
    "batching": CORE | {"decoding", "slots"},
    "speaker": CORE | {"batching", "decoding", "models", "prompts", "slots"},
    "watchdog": set(),
    "event_stream": {"errors", "watchdog"},
    "completions": CORE | {"event_stream", "media", "speaker"},
    "endpoint": CORE | {"completions", "event_stream", "prompts", "speaker"},
    "plain_text": {"errors"},
    "transformers_speaker": CORE | {"decoding", "plain_text", "prompts", "speaker"},
    "memory": {"errors"},
    "presets": {"errors"},
    "preset_files": {"errors", "presets"},
    "hub": {"errors", "presets"},
    "downloads": {"errors", "files", "hub", "presets"},
    "model_folders": set(),
    "pulling": {"errors", "downloads", "model_folders", "models", "preset_files", "presets"},
    "removing": {"errors", "downloads", "presets", "pulling"},
    "weights": CORE | {"models", "presets"},
    "loading": CORE
    | {"downloads", "endpoint", "grounding", "memory", "models", "presets", "pulling", "speaker"}
    | {"transformers_speaker", "weights"},
    "assistant": CORE | {"grounding", "loading", "media", "models", "nano", "speaker"},
    "conversation_file": CORE | {"media"},
    "conversation": CORE | {"assistant", "conversation_file", "media", "speaker"},
    "server": CORE | {"assistant", "conversation", "draw", "files", "media", "speaker"},
    "cli": LIBRARY | {"cli"},
    "__main__": {"cli"},
    "train": CORE | {"media", "models", "records"},
    "data_tools": CORE | {"answers", "media", "records"},  # the built answers must be readable to evaluation
    "web": set(),
    "configs": set(),
}
# single edges beyond the arrows, each with its reason
EXCEPTIONS = {
    (
        "bubo.models.conversion",
        "bubo.kinds",
    ),  # the kinds are listed without torch, which all of models imports
    ("bubo.types", "bubo.draw"),  # Answer.draw asks for the drawing
    ("bubo.assistant", "bubo.conversation"),  # Assistant.conversation() begins one
    ("bubo.train.evaluate", "bubo.answers"),  # evaluation reads facts out of answers
    ("bubo.train.evaluate", "bubo.assistant"),
    ("bubo.train.evaluate", "bubo.conversation"),
    ("bubo.train.evaluate", "bubo.grounding"),
    ("bubo.train.calibrate", "bubo.grounding"),  # the thresholds are chosen with the code that reads them
}
# the parts that every other one builds on import next to nothing from outside
OUTSIDE = {layer: {"numpy"} for layer in CORE} | {
    "types": {"numpy", "PIL"},
    "errors": set(),
    "files": set(),
    "event_stream": set(),
    "watchdog": set(),
    "completions": {"numpy", "PIL"},
    "endpoint": set(),
    "web": set(),
    "configs": set(),
    "nano": set(),
    "records": {"numpy", "webdataset"},
    "sounds": {"numpy", "soundfile", "soxr", "av"},
    "sensors": {"numpy", "PIL"},
    "media": {"numpy", "soundfile", "PIL"},
    "draw": {"numpy", "PIL"},
}


def sources():
    """Pairs of module name and file of everything that is shipped."""
    for root, folder in FOLDERS.items():
        for path in sorted((ROOT / folder).rglob("*.py")):
            parts = path.relative_to(ROOT / folder).with_suffix("").parts
            parts = parts[:-1] if parts[-1] == "__init__" else parts
            yield ".".join((root, *parts)), path


MODULES = dict(sources())


def imports(module, path, tree=None):
    """Absolute names of all modules that a file imports, with line numbers."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(tree or ast.parse(path.read_text(), str(path))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                name = f"{base}.{alias.name}"
                yield (name if name in MODULES or base == "bubo" else base), node.lineno
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            name = node.args[0].value
            if called in ("import_module", "__import__") and isinstance(name, str):
                yield (name if not name.startswith(".") else package + name), node.lineno


def layer(module):
    """The layer of a module of ours; a public name taken from bubo itself belongs to its home."""
    parts = module.split(".")[1:]
    if len(parts) == 1 and module not in MODULES and parts[0] in bubo._HOMES:
        parts = bubo._HOMES[parts[0]].split(".")[1:]
    if not parts or (len(parts) == 1 and module not in MODULES and parts[0].startswith("__")):
        return ""
    return "/".join(parts[:2]) if parts[0] == "models" and len(parts) > 1 else parts[0]


def allowed(module, target):
    """Whether one module of ours may import another."""
    here, there = layer(module), layer(target)
    if here == there or (there == "" and target != "bubo"):  # bubo.__version__ is anyone's
        return True
    if (module, ".".join(target.split(".")[:2])) in EXCEPTIONS:
        return True
    if here.startswith("models/") or here == "models":
        return there.startswith("models")
    return there.split("/")[0] in ARROWS[here]


@pytest.mark.parametrize("module", MODULES)
def test_imports_follow_the_arrows(module):
    path = MODULES[module]
    assert layer(module).split("/")[0] in ARROWS, f"{module} has no layer: give it a place in ARROWS"
    for target, line in imports(module, path):
        where = f"{path.relative_to(ROOT)}:{line}"
        root = target.split(".")[0]
        assert root not in ("train", "data_tools", "configs", "web", "tests"), f"{where} imports {target}"
        if root == "bubo":
            assert allowed(module, target), f"{where}: {layer(module)} may not import {target}"
        elif layer(module) in OUTSIDE and root not in OUTSIDE[layer(module)]:
            import sys

            assert root in sys.stdlib_module_names, f"{where}: {layer(module)} may not import {root}"


def test_train_and_data_tools_use_relative_imports_inside():
    for module, path in MODULES.items():
        own = layer(module)
        if own not in ("train", "data_tools"):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and not node.level:
                assert not (node.module or "").startswith(f"bubo.{own}"), (
                    f"{path}:{node.lineno}: import it relatively"
                )


def test_the_command_line_imports_when_called():
    for module, path in MODULES.items():
        if layer(module) != "cli":
            continue
        top = ast.Module(
            [n for n in ast.parse(path.read_text()).body if isinstance(n, ast.Import | ast.ImportFrom)], []
        )
        for target, line in imports(module, path, top):
            heavy = target.split(".")[0] in ("torch", "transformers", "numpy", "PIL", "soundfile", "av")
            ours = target.startswith("bubo.") and layer(target) not in ("cli", "arguments", "errors", "")
            assert not heavy and not ours, f"{path}:{line} imports {target}: do it inside the function"


@pytest.mark.parametrize(
    ("module", "code", "target", "fine"),
    [
        ("bubo.types", "from bubo.geometry import box_iou", "bubo.geometry", True),
        ("bubo.geometry", "from bubo import types", "bubo.types", False),
        ("bubo.geometry", "def f():\n    import bubo.types", "bubo.types", False),
        ("bubo.media", "from bubo import Answer", "bubo.Answer", True),
        ("bubo.media", "from bubo import load", "bubo.load", False),
        ("bubo.media", "import bubo", "bubo", False),
        ("bubo.media", "from bubo import __version__", "bubo.__version__", True),
        ("bubo.media", "from importlib import import_module\nimport_module('bubo.draw')", "bubo.draw", False),
        ("bubo.models.bubo.modeling_bubo", "from ..imagebind import x", "bubo.models.imagebind", True),
        ("bubo.models.bubo.modeling_bubo", "from ...types import x", "bubo.types", False),
        ("bubo.train.run", "from .stages import x", "bubo.train.stages", True),
        ("bubo.train.run", "from bubo import data_tools", "bubo.data_tools", False),
        ("bubo.train.run", "from bubo.assistant import load", "bubo.assistant", False),
        ("bubo.train.evaluate", "from bubo.assistant import load", "bubo.assistant", True),
        ("bubo.data_tools.build", "from bubo.train import x", "bubo.train", False),
        ("bubo.cli.serve", "from bubo.train import x", "bubo.train", False),
        ("bubo.web", "import bubo.types", "bubo.types", False),
    ],
)
def test_the_check_itself(module, code, target, fine):
    found = [
        name for name, _ in imports(module, Path("module.py"), ast.parse(code)) if name.startswith("bubo")
    ]
    assert found == [target]
    assert allowed(module, target) == fine
