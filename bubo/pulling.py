"""From a preset to model folders that can be loaded: what is there, what is missing, and how it comes.

The models' home holds a folder per converted model, and downloads/ with the files as they were published. A
model folder appears under its name when it is whole; what made it can then be deleted from downloads/.
"""

import contextlib
import inspect
import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bubo.downloads import NotReachable, NotThere, OnBytes, fetch, fits, locked, models_home, verify
from bubo.errors import ModelError, StorageError
from bubo.model_folders import problem_of
from bubo.preset_files import read_presets
from bubo.presets import Preset, Presets, SourceFile, Step, dtype_of, find_preset

__all__ = ["Plan", "State", "Supply", "all_steps", "alone", "known_presets", "plan", "pull", "state_of"]

DOWNLOADS = "downloads"
#: Told which file or model is worked on; gives what is told the bytes.
OnTask = Callable[[str], OnBytes]


@dataclass(frozen=True)
class State:
    """How far a preset is.

    Attributes:
        preset: Which.
        ready: Whether it can be loaded.
        missing: Model folders that are not there.
        damaged: Model folder -> what is wrong with it.
        bytes: Size on disk of what is there.
        untrained: Whether all is there but the training that it needs.
    """

    preset: Preset
    ready: bool
    missing: tuple[str, ...]
    damaged: dict[str, str]
    bytes: int
    untrained: bool = False


@dataclass(frozen=True)
class Supply:
    """One file that a pull needs.

    Attributes:
        file: Which.
        path: Where it is, or will be.
        origin: "there" (downloaded before), "given" (in the user's folder), "fetch", or "nowhere".
    """

    file: SourceFile
    path: Path
    origin: str

    @property
    def bytes(self) -> int:
        """Its size: that of the file that is here, else what is known of it."""
        here = self.origin in ("there", "given") and self.path.is_file()
        return self.path.stat().st_size if here else self.file.bytes or 0


@dataclass(frozen=True)
class Plan:
    """What a pull will do.

    Attributes:
        preset: Which.
        supplies: All files that are needed.
        steps: What is made of them, with the preset that says so.
    """

    preset: Preset
    supplies: tuple[Supply, ...]
    steps: tuple[tuple[Preset, Step], ...]

    @property
    def to_fetch(self) -> list[SourceFile]:
        """Files to be downloaded."""
        return [supply.file for supply in self.supplies if supply.origin == "fetch"]

    @property
    def fetch_bytes(self) -> int:
        """Bytes to download, as far as they are known."""
        return sum(file.bytes or 0 for file in self.to_fetch)

    @property
    def disk_bytes(self) -> int:
        """Bytes of disk that all takes, as far as they are known.

        What is converted takes about what its files take. Copies of downloads cost nothing, since one file
        then has two names; copies of the user's own files cost what these take.
        """
        supplies = {supply.file: supply for supply in self.supplies}
        made = {
            (step.target, file): supplies[file].bytes
            for preset, step in self.steps
            for file in preset.sources(step)
            if step.kind != "copy" or supplies[file].origin == "given"
        }
        return self.fetch_bytes + sum(made.values())


def known_presets() -> Presets:
    """All presets: those of the library, and those of the folder presets/ in the models' home."""
    return read_presets(models_home() / "presets")


def all_steps(preset: Preset, presets: Mapping[str, Preset]) -> list[tuple[Preset, Step]]:
    """The steps of a preset and of the grounder that it names."""
    steps = [(preset, step) for step in preset.steps]
    if isinstance(preset.grounder, str):
        grounder = find_preset(preset.grounder, presets)
        steps += [(grounder, step) for step in grounder.steps]
    return steps


def state_of(preset: Preset, presets: Mapping[str, Preset], home: Path | None = None) -> State:
    """How far a preset is."""
    home = home or models_home()
    missing, damaged, size = [], {}, 0
    for target in dict.fromkeys(step.target for _, step in all_steps(preset, presets)):
        folder = home / target
        if not folder.is_dir():
            missing.append(target)
            continue
        size += sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        problem = problem_of(folder)
        if problem:
            damaged[target] = problem
    whole = not missing and not damaged
    trained = not preset.training or (home / str((preset.speaker or {}).get("model"))).is_dir()
    return State(preset, whole and trained, tuple(missing), damaged, size, whole and not trained)


def plan(
    preset: Preset, presets: Mapping[str, Preset], folder: Path | None = None, home: Path | None = None
) -> Plan:
    """What a pull will do.

    Args:
        preset: Which; with `grounder` None, what speaks alone.
        presets: All, for the grounder that it may name.
        folder: Files that the user has already.
        home: The models' home; by default the user's.

    Raises:
        ModelError: If the user's folder is none.
    """
    home = home or models_home()
    if folder is not None and not folder.is_dir():
        raise ModelError(f"There is no folder {str(folder)!r} to take files from; check the path.")
    state = state_of(preset, presets, home)
    wanted = {*state.missing, *state.damaged}
    steps = tuple((owner, step) for owner, step in all_steps(preset, presets) if step.target in wanted)
    read = [file for owner, step in steps for file in (*owner.sources(step), *owner.extras(step).values())]
    files = list(dict.fromkeys(read))
    return Plan(preset, tuple(_supply(file, files, folder, home) for file in files), steps)


def _supply(file: SourceFile, files: Sequence[SourceFile], folder: Path | None, home: Path) -> Supply:
    if folder is not None:
        alone = sum(other.name == file.name for other in files) == 1
        places = [file.place, *([f"{file.repo.split('/')[-1]}/{file.path}"] if file.repo else [])]
        for place in [*places, *([file.name] if alone else [])]:
            if (folder / place).is_file():
                return Supply(file, folder / place, "given")
    path = home / DOWNLOADS / file.place
    lock = locked(path)
    if lock is not None and fits(file, lock):
        return Supply(file, path, "there")
    return Supply(file, path, "fetch" if file.repo or file.url else "nowhere")


def pull(
    work: Plan, home: Path | None = None, on_task: OnTask = lambda name: lambda have, total: None
) -> None:
    """Does what a plan says.

    Raises:
        ModelError: If a file cannot be had or is not what was published, or cannot be converted.
        StorageError: If there is no room.
    """
    home = home or models_home()
    nowhere = [supply.file for supply in work.supplies if supply.origin == "nowhere"]
    if nowhere:
        listed = "; ".join(f"{file.place} ({file.note or 'published nowhere'})" for file in nowhere)
        raise ModelError(
            f"{work.preset.name} needs files that cannot be fetched: {listed}. Put them into a folder by "
            f"these paths, then: bubo pull {work.preset.name} --from FOLDER"
        )
    _check_steps(work)
    try:
        home.mkdir(parents=True, exist_ok=True)
        with alone(home):
            _sweep(home)
            _check_room(work, home)
            paths = _gather(work, on_task)
            for owner, step in work.steps:
                on_task(
                    f"{step.target}: " + ("placing" if step.kind == "copy" else f"converting ({step.kind})")
                )
                _make(owner, step, paths, home)
    except OSError as error:
        raise StorageError(
            f"Cannot write in {str(home)!r}: {error.strerror or error}. Make room there, or set BUBO_HOME to "
            "a folder elsewhere."
        ) from error


def _check_steps(work: Plan) -> None:
    """Looks whether all can be made before anything is fetched."""
    for preset, step in work.steps:
        files = preset.sources(step)
        places = [file.path if step.kind == "copy" else _short_place(file, files) for file in files]
        twice = next((place for place in places if places.count(place) > 1), None)
        if twice is not None:
            raise ModelError(f"{preset.name} cannot be made: {step.target} is made of two files {twice!r}.")
        if step.kind != "copy":
            _check_conversion(preset, step)


def _check_conversion(preset: Preset, step: Step) -> None:
    from bubo.models.conversion import function_of

    try:
        takes = inspect.signature(function_of(step.kind)).parameters
    except ValueError as error:
        raise ModelError(f"{preset.name} cannot be made by this version: {error}") from error
    known = {name for name, taken in takes.items() if taken.kind is taken.KEYWORD_ONLY}
    unknown = sorted({*step.options, *step.extras} - known)
    if unknown and not any(taken.kind is taken.VAR_KEYWORD for taken in takes.values()):
        raise ModelError(
            f"{preset.name} cannot be made by this version: a conversion of kind {step.kind!r} does not take "
            f"{', '.join(unknown)}; it takes {', '.join(sorted(known))}."
        )


def _sweep(home: Path) -> None:
    """Removes what a killed pull was making; nobody else is at work here."""
    for kind in ("part", "sources", "old"):
        for folder in home.glob(f".*.{kind}"):
            shutil.rmtree(folder, ignore_errors=True)


def _gather(work: Plan, on_task: OnTask) -> dict[SourceFile, Path]:
    """Downloads and verifies all files."""
    paths = {}
    for number, supply in enumerate(work.supplies):
        on_bytes = on_task(supply.file.place)
        if supply.origin == "given":
            verify(supply.file, supply.path, on_bytes)
        else:
            try:
                fetch(supply.file, supply.path, on_bytes)
            except NotThere:
                if not supply.file.optional:
                    raise
                continue
            except NotReachable as error:
                raise _offline(work, work.supplies[number:], error) from error
        paths[supply.file] = supply.path
    return paths


def _offline(work: Plan, rest: Sequence[Supply], error: NotReachable) -> NotReachable:
    lost = [supply.file for supply in rest if supply.origin == "fetch"]
    listed = "; ".join(f"{file.place} (from {file.address})" for file in lost)
    return NotReachable(
        f"{error}. What has come so far is kept: pull again when there is a network. Or get these "
        f"{len(lost)} files elsewhere, put them into a folder by these paths, and say "
        f"bubo pull {work.preset.name} --from FOLDER: {listed}",
        str(error),
        lost,
    )


def _check_room(work: Plan, home: Path) -> None:
    there = sum(_part_bytes(supply.path) for supply in work.supplies if supply.origin == "fetch")
    needed, free = max(work.disk_bytes - there, 0), shutil.disk_usage(home).free
    if needed > free:
        raise StorageError(
            f"{work.preset.name} takes {needed / 1e9:.1f} GB more of disk, and {str(home)!r} has "
            f"{free / 1e9:.1f} GB left: make room there, or set BUBO_HOME to a folder elsewhere."
        )


def _part_bytes(path: Path) -> int:
    part = path.with_name(path.name + ".part")
    return part.stat().st_size if part.is_file() else 0


def _make(preset: Preset, step: Step, paths: Mapping[SourceFile, Path], home: Path) -> None:
    """Makes one model folder."""
    files = [file for file in preset.sources(step) if file in paths]
    extras = {name: paths[file] for name, file in preset.extras(step).items()}
    doubt = _doubt([*files, *preset.extras(step).values()], paths)
    target, part = home / step.target, home / f".{step.target}.{secrets.token_hex(4)}.part"
    old = home / f".{step.target}.{secrets.token_hex(4)}.old"
    try:
        if step.kind == "copy":
            for file in files:
                _place(paths[file], part / file.path, home)
        elif len(files) == 1:
            _convert(step, paths[files[0]], part, extras, doubt)
        else:
            sources = home / f".{step.target}.{secrets.token_hex(4)}.sources"
            try:
                for file in files:
                    _show(paths[file], sources / _short_place(file, files))
                _convert(step, sources, part, extras, doubt)
            finally:
                shutil.rmtree(sources, ignore_errors=True)
        problem = problem_of(part)
        if problem:
            raise ModelError(
                f"What became {step.target} is not whole: {problem}. Its files are kept; pull again."
            )
        if target.exists():
            target.rename(old)
        part.rename(target)
    finally:
        shutil.rmtree(part, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def _doubt(files: Sequence[SourceFile], paths: Mapping[SourceFile, Path]) -> str:
    """What to do about downloads that no published hash vouches for, if they cannot be converted."""
    kept = [(paths[file], locked(paths[file])) for file in files]
    doubtful = [str(path) for path, lock in kept if lock is not None and lock.verified == "size only"]
    if not doubtful:
        return ""
    return f" Nobody has published a hash of {', '.join(doubtful)}: delete that, and pull again."


def _short_place(file: SourceFile, files: Sequence[SourceFile]) -> str:
    """Where a conversion of several files finds one: several of a repository lie in a folder of its name."""
    together = [other for other in files if file.repo and other.repo == file.repo]
    return f"{str(file.repo).split('/')[-1]}/{file.path}" if len(together) > 1 else file.name


def _convert(step: Step, source: Path, target: Path, extras: Mapping[str, Path], doubt: str) -> None:
    from bubo.models.conversion import convert

    options = {**step.options, **extras}
    if "dtype" in options:
        options["dtype"] = dtype_of(str(options["dtype"]))
    try:
        convert(step.kind, source, target, **options)
    except ValueError as error:  # a ConversionError is one
        raise ModelError(f"Cannot convert {step.target}: {error}{doubt}") from error


def _place(source: Path, target: Path, home: Path) -> None:
    """Puts a file into a folder; a download of ours then lies on the disk once, under two names."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_relative_to(home / DOWNLOADS):
        with contextlib.suppress(OSError, NotImplementedError):
            os.link(source, target)
            return
    shutil.copyfile(source, target)


def _show(source: Path, target: Path) -> None:
    """Lets a file be read in a folder for a while."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        target.symlink_to(source.resolve())
    except (OSError, NotImplementedError):
        shutil.copyfile(source, target)


@contextlib.contextmanager
def alone(home: Path) -> Iterator[None]:
    """Keeps a second pull into the same home waiting no longer than it takes to say so."""
    try:
        import fcntl
    except ImportError:  # not on this system; two pulls at a time are then the user's affair
        yield
        return
    with open(home / ".pull.lock", "wb") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ModelError(
                f"Another pull into {str(home)!r} is under way; wait until it has ended."
            ) from None
        yield
