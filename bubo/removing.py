"""Model folders and downloads of a preset out of the models' home again; nothing outside of it is touched."""

import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bubo.downloads import models_home
from bubo.errors import ModelError, StorageError
from bubo.presets import Preset, SourceFile
from bubo.pulling import DOWNLOADS, all_steps, alone

__all__ = ["Removal", "removal_of", "remove"]


@dataclass(frozen=True)
class Removal:
    """What a removal takes away.

    Attributes:
        preset: Which.
        folders: Its model folders that are there, each with the names of other presets that use it too.
        downloads: Files of it as they were published, with what lies beside them.
        left: What is not touched -> why.
        bytes: What is free then: a file under two names counts when both go.
    """

    preset: Preset
    folders: dict[Path, tuple[str, ...]]
    downloads: tuple[Path, ...]
    left: dict[Path, str]
    bytes: int


def removal_of(preset: Preset, presets: Mapping[str, Preset], home: Path | None = None) -> Removal:
    """What removing a preset would take away: its own folders and downloads, not those of its grounder.

    Raises:
        ModelError: If it comes with the library.
    """
    home = home or models_home()
    if preset.package:
        raise ModelError(f"{preset.name!r} comes with the library; there is nothing to remove.")
    folders: dict[Path, tuple[str, ...]] = {}
    left: dict[Path, str] = {}
    for target in dict.fromkeys(step.target for step in preset.steps):
        folder = home / target
        if folder.is_symlink() or (folder.exists() and not _is_inside(folder, home)):
            left[folder] = "a link to somewhere else"
        elif folder.is_dir():
            folders[folder] = _users(target, preset, presets)
    trained = home / str((preset.speaker or {}).get("model"))
    if preset.training and trained.is_dir() and trained not in folders:
        left[trained] = "trained by you"
    downloads = []
    for file in dict.fromkeys(file for step in preset.steps for file in _read(preset, step.target)):
        for path in _traces(home / DOWNLOADS / file.place):
            if path.is_symlink() or not _is_inside(path, home):
                left[path] = "a link to somewhere else"
            else:
                downloads.append(path)
    freed = _freed([*(one for folder in folders for one in folder.rglob("*")), *downloads])
    return Removal(preset, folders, tuple(downloads), left, freed)


def remove(work: Removal, home: Path | None = None) -> None:
    """Takes away what a removal names, and folders of downloads that are empty then.

    Raises:
        ModelError: If a pull is under way.
        StorageError: If something cannot be removed.
    """
    home = home or models_home()
    try:
        with alone(home):
            for folder in work.folders:
                part = folder.with_name(f".{folder.name}.old")
                shutil.rmtree(part, ignore_errors=True)
                folder.rename(part)  # at once, so that nothing half removed looks whole
                shutil.rmtree(part)
            for path in work.downloads:
                path.unlink()
                for above in path.parents:
                    if above == home / DOWNLOADS or any(above.iterdir()):
                        break
                    above.rmdir()
    except OSError as error:
        raise StorageError(
            f"Cannot remove {error.filename or work.preset.name}: {error.strerror}."
        ) from error


def _users(target: str, preset: Preset, presets: Mapping[str, Preset]) -> tuple[str, ...]:
    """Other presets that a folder is a part of."""
    return tuple(
        other.name
        for other in presets.values()
        if other.name != preset.name and any(step.target == target for _, step in all_steps(other, presets))
    )


def _read(preset: Preset, target: str) -> Iterator[SourceFile]:
    """The files that a folder was made of."""
    for step in preset.steps:
        if step.target == target:
            yield from preset.sources(step)
            yield from preset.extras(step).values()


def _traces(path: Path) -> list[Path]:
    """A download and what lies beside it, as far as it is there."""
    names = (path.name, f"{path.name}.lock.json", f"{path.name}.part")
    return [place for place in map(path.with_name, names) if place.is_file() or place.is_symlink()]


def _is_inside(path: Path, home: Path) -> bool:
    return path.resolve().is_relative_to(home.resolve())


def _freed(paths: list[Path]) -> int:
    """Bytes of the files whose every name is among the paths."""
    names: dict[tuple[int, int], int] = {}
    found: dict[tuple[int, int], os.stat_result] = {}
    for path in paths:
        state = path.lstat()
        if not path.is_dir() or path.is_symlink():
            key = (state.st_dev, state.st_ino)
            names[key] = names.get(key, 0) + 1
            found[key] = state
    return sum(state.st_size for key, state in found.items() if state.st_nlink <= names[key])
