"""The package list and data globs of pyproject.toml against the disk: the wheel misses what they forget."""

import tomllib
from pathlib import Path

import bubo

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
SETUPTOOLS = PROJECT["tool"]["setuptools"]
FOLDERS = SETUPTOOLS["package-dir"]
# not shipped: the browser client has its own list once it exists, notes lie beside the code
IGNORED = {".py", ".pyc", ".typed"}


def folder_of(package):
    """The folder of a package, by the longest mapping that fits."""
    root = max((name for name in FOLDERS if package == name or package.startswith(name + ".")), key=len)
    return ROOT / FOLDERS[root] / package.removeprefix(root).removeprefix(".").replace(".", "/")


def packages_on_disk():
    """Every folder of the mapped roots that holds Python files, by package name."""
    found = set()
    for root, folder in FOLDERS.items():
        for path in (ROOT / folder).rglob("*.py"):
            parts = path.parent.relative_to(ROOT / folder).parts
            if "__pycache__" not in parts:
                found.add(".".join((root, *parts)))
    return found


def test_the_list_is_what_lies_on_disk():
    listed = SETUPTOOLS["packages"]
    assert len(listed) == len(set(listed))
    assert set(listed) == packages_on_disk()
    for package in listed:
        assert (folder_of(package) / "__init__.py").is_file(), f"{package} needs an __init__.py"


def test_every_data_file_is_shipped():
    missing = []
    for root, folder in FOLDERS.items():
        for path in sorted((ROOT / folder).rglob("*")):
            if not path.is_file() or path.suffix in IGNORED or path.name.startswith("."):
                continue
            holder = path.parent
            while not (holder / "__init__.py").is_file():
                holder = holder.parent
            package = ".".join((root, *holder.relative_to(ROOT / folder).parts))
            globs = SETUPTOOLS["package-data"].get(package, [])
            if not any(path in holder.glob(glob) for glob in globs):
                missing.append(f"{package}: {path.relative_to(holder)}")
    assert not missing, "add these to [tool.setuptools.package-data], or move them"


def test_typed_and_versioned():
    assert (ROOT / "bubo/py.typed").is_file()
    assert "py.typed" in SETUPTOOLS["package-data"]["bubo"]
    assert SETUPTOOLS["dynamic"]["version"] == {"attr": "bubo.__version__"}
    assert f"## {bubo.__version__} " in (ROOT / "CHANGELOG.md").read_text()


def test_torch_is_bounded_and_its_companions_are_absent():
    needed = PROJECT["project"]["dependencies"]
    assert "torch>=2.9,<2.14" in needed
    extras = dict(PROJECT["project"]["optional-dependencies"])
    assert [line.split(">")[0] for line in extras.pop("vision")] == ["torchvision"]  # only who asks for it
    lines = needed + [line for lines in extras.values() for line in lines]
    for name in ("torchvision", "torchaudio", "torchcodec", "timm", "librosa"):
        assert not [line for line in lines if line.startswith(name)]
