"""The run folder: what lies where, whether a run is new, half done or finished, and its log."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from bubo.errors import ConfigError, StorageError, TrainError
from bubo.folder_lock import folder_lock

from .config import CONFIG_FILE, DONE_FILE, PRODUCT_FOLDER, RunConfig, differences, load

LOG_FILE, TEXT_LOG_FILE, CURVES_FILE, INPUTS_FILE = "log.jsonl", "train.log", "curves.png", "inputs.json"


class RunFolder:
    """`config.output_dir` and the files that training owns in it.

    Files: `config.yaml` (resolved), `inputs.json` (which runs it started from), `checkpoint-N/`, `log.jsonl`,
    `train.log`, `curves.png`, `model/` (the product) and, last of all, `done.json`.
    """

    def __init__(self, config: RunConfig):
        """Nothing is read or written yet."""
        self.config = config
        self.path = Path(config.output_dir)
        self.product = self.path / PRODUCT_FOLDER

    def done(self) -> dict[str, Any] | None:
        """The content of `done.json`, or None if the run has not finished."""
        file = self.path / DONE_FILE
        if not file.is_file():
            return None
        try:
            return dict(json.loads(file.read_text(encoding="utf-8")))
        except (ValueError, OSError) as error:
            raise TrainError(f"{file} cannot be read ({error}); start again with --restart") from error

    def claim(self, *, restart: bool) -> None:
        """Make the folder ready for `config`.

        Args:
            restart: delete what an earlier run left here.

        Raises:
            ConfigError: the folder holds a run of another configuration, or inputs that have changed since.
            StorageError: the folder cannot be written.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            if restart:
                self._clear()
            if (self.path / CONFIG_FILE).is_file() and (self.done() is not None or self._has_checkpoint()):
                self._check_same()
            shutil.rmtree(self.path / "incomplete", ignore_errors=True)
            self._write(CONFIG_FILE, self.config.to_yaml())
            self._write(INPUTS_FILE, json.dumps(self._inputs(), indent=1) + "\n")
        except OSError as error:
            raise StorageError(
                f"cannot write in the run folder {self.path}: {error.strerror or error}"
            ) from error

    def locked(self) -> AbstractContextManager[None]:
        """Keep a second process out of the folder for the time of the block.

        Raises:
            TrainError: another process trains here.
            StorageError: the folder cannot be made.
        """
        wait = f"another process is training in {self.path}; wait for it, or use another output_dir"
        return folder_lock(self.path, "run folder", TrainError(wait))

    @contextlib.contextmanager
    def text_log(self, logger: logging.Logger) -> Iterator[None]:
        """Copy what `logger` says, with times, to `train.log` for the time of the block."""
        try:
            handler = _QuietFile(self.path / TEXT_LOG_FILE, encoding="utf-8")
        except OSError as error:
            raise StorageError(
                f"cannot write {self.path / TEXT_LOG_FILE}: {error.strerror or error}"
            ) from error
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%d %H:%M:%S"))
        level = logger.level
        logger.setLevel(min(logger.getEffectiveLevel(), logging.INFO))
        logger.addHandler(handler)
        try:
            yield
        except BaseException as error:
            handler.handle(logger.makeRecord(logger.name, logging.ERROR, "", 0, repr(error), (), None))
            raise
        finally:
            logger.removeHandler(handler)
            logger.setLevel(level)
            handler.close()

    def finish(self, report: dict[str, Any]) -> None:
        """Write `done.json`."""
        try:
            self._write(DONE_FILE, json.dumps(report, indent=1) + "\n")
        except OSError as error:
            raise StorageError(f"cannot write {self.path / DONE_FILE}: {error.strerror or error}") from error

    def append(self, record: dict[str, Any]) -> None:
        """Add one line to `log.jsonl`."""
        try:
            with (self.path / LOG_FILE).open("a", encoding="utf-8") as file:
                file.write(json.dumps(record) + "\n")
        except OSError as error:
            raise StorageError(
                f"cannot write {self.path / LOG_FILE}: {error.strerror or error}; "
                "free some space and run again"
            ) from error

    def cut_log(self, step: int) -> None:
        """Drop the records after `step`, which a resumed run writes again, and a half-written last line."""
        file = self.path / LOG_FILE
        if file.is_file():
            records = [record for record in read_log(file) if record["step"] <= step]
            self._write(LOG_FILE, "".join(json.dumps(record) + "\n" for record in records))

    def _check_same(self) -> None:
        """Raise when the folder belongs to another configuration or to inputs that were made anew."""
        changed = differences(load(self.path / CONFIG_FILE), self.config)
        inputs = self.path / INPUTS_FILE
        if not changed and inputs.is_file():
            try:
                before = json.loads(inputs.read_text(encoding="utf-8"))
            except (ValueError, OSError) as error:
                raise TrainError(f"{inputs} cannot be read ({error}); start again with --restart") from error
            changed = [
                f"init.{name}: made anew since"
                for name, mark in self._inputs().items()
                if before.get(name) != mark
            ]
        if changed:
            raise ConfigError(
                f"{self.path} holds a run of another configuration ({'; '.join(changed)}); "
                "use a new output_dir, or --restart to delete that run and train again"
            )

    def _has_checkpoint(self) -> bool:
        return any(self.path.glob("checkpoint-*"))

    def _inputs(self) -> dict[str, str]:
        """Name -> fingerprint of the finished runs that this one starts from."""
        marks = {}
        for name, folder in self.config.init.items():
            file = Path(folder) / DONE_FILE
            marks[name] = hashlib.sha256(file.read_bytes()).hexdigest()[:16] if file.is_file() else "no run"
        return marks

    def _clear(self) -> None:
        """Delete what training wrote, and nothing else that may lie in the folder."""
        for name in (DONE_FILE, CONFIG_FILE, INPUTS_FILE, LOG_FILE, TEXT_LOG_FILE, CURVES_FILE):
            (self.path / name).unlink(missing_ok=True)
        for pattern in ("checkpoint-*", "incomplete", PRODUCT_FOLDER, f"{PRODUCT_FOLDER}.incomplete"):
            for folder in self.path.glob(pattern):
                shutil.rmtree(folder)

    def _write(self, name: str, text: str) -> None:
        """Whole file or nothing."""
        temporary = self.path / f".{name}.incomplete"
        try:
            temporary.write_text(text, encoding="utf-8")
            os.replace(temporary, self.path / name)
        finally:
            temporary.unlink(missing_ok=True)


class _QuietFile(logging.FileHandler):
    """A log file that a full disk silences: the training log proper reports that."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (the library's name)
        """Say nothing."""


def read_log(file: Path) -> list[dict[str, Any]]:
    """The records of a `log.jsonl`; a last line cut off by a kill is left out."""
    records = []
    for line in file.read_text(encoding="utf-8").splitlines():
        try:
            records.append(json.loads(line))
        except ValueError:
            continue
    return records
