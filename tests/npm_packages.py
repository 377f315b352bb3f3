"""Tools of npm that tests need: one pinned version each, fetched once into a folder that git does not see."""

import os
import subprocess
import tarfile
from pathlib import Path

import pytest

_FOLDER = Path(__file__).parents[1] / "build" / "npm"


def packed(name: str, version: str) -> Path:
    """The archive of a package; where it cannot be had, CI fails and others skip."""
    archive = _FOLDER / f"{name}-{version}.tgz"
    if not archive.is_file():
        _FOLDER.mkdir(parents=True, exist_ok=True)
        fetch = ["npm", "pack", f"{name}@{version}"]
        try:
            subprocess.run(fetch, cwd=_FOLDER, check=True, capture_output=True, timeout=120)
        except (OSError, subprocess.SubprocessError) as error:
            message = f"{name} {version} could not be fetched by npm: {error}"
            pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    return archive


def packed_file(name: str, version: str, path: str) -> str:
    """The text of one file of a package."""
    with tarfile.open(packed(name, version)) as archive:
        source = archive.extractfile(f"package/{path}")
        assert source is not None, f"{name} {version} has no {path}"
        return source.read().decode()


def unpacked(name: str, version: str) -> Path:
    """The folder of a package."""
    folder = _FOLDER / f"{name}-{version}"
    if not folder.is_dir():
        part = _FOLDER / f"{name}-{version}.part"
        with tarfile.open(packed(name, version)) as archive:
            archive.extractall(part, filter="data")
        part.rename(folder)
    return folder / "package"
