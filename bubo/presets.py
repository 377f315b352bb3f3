"""Presets: which files make a model, under which licence, how they are converted and what they are for."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, Literal

from bubo.errors import ModelError

__all__ = [
    "Parameters",
    "Preset",
    "Presets",
    "SourceFile",
    "Step",
    "dtype_of",
    "find_model",
    "find_preset",
    "needed_bytes",
    "speaking",
]

#: Kinds of steps; "copy" takes files that are a folder of transformers already, the others are conversions.
STEP_KINDS = ("copy", "imagebind", "ram", "grounding-dino", "sam", "bubogpt")
#: What a speaker of each kind must say and may say.
SPEAKER_KEYS = {
    "bubo": (("model",), ("dtype", "quantization", "device_map")),
    "transformers": (("model",), ("dtype", "quantization", "device_map")),
    "endpoint": (("url", "model"), ()),
}
GROUNDER_ROLES = ("tagger", "detector", "segmenter", "listener")
#: Bytes of one parameter; bitsandbytes adds scales, which are counted in.
BYTES_PER_PARAMETER = {"fp32": 4.0, "fp16": 2.0, "bf16": 2.0}
_TORCH_NAMES = {"fp32": "float32", "fp16": "float16", "bf16": "bfloat16"}
BYTES_PER_QUANTIZED = {"8bit": 1.05, "4bit": 0.56}
#: What running needs beside the weights: activations, the cache of a conversation, the libraries.
WORKING_BYTES = 1_500_000_000


@dataclass(frozen=True, kw_only=True)
class SourceFile:
    """One file that a preset is made of.

    Attributes:
        path: Its path in the repository, or the name of a file that an address gives.
        repo: Repository on the hub ("owner/name"); None if it is not from there.
        revision: Branch, tag or commit of the repository; only a commit, of 40 digits, is always the same.
        url: Address of a file that is not on the hub. With neither repo nor url it is nowhere to be fetched,
            and `note` says how to come by it.
        bytes: Its size, where it is known.
        sha256: Its hash, or the first 16 digits or more of it, where it was published; never guessed.
        licence: Short name of its licence.
        licence_url: Where that can be read.
        non_commercial: Whether the licence forbids commercial use.
        gated: Whether the owner's terms must be accepted on the hub first.
        optional: Whether the repository may do without it.
        note: What else should be known.
    """

    path: str
    repo: str | None = None
    revision: str = "main"
    url: str | None = None
    bytes: int | None = None
    sha256: str | None = None
    licence: str
    licence_url: str
    non_commercial: bool = False
    gated: bool = False
    optional: bool = False
    note: str = ""

    @property
    def name(self) -> str:
        """Its last name."""
        return PurePosixPath(self.path).name

    @property
    def pinned(self) -> bool:
        """Whether it cannot become another: its hash is known, or its revision is a commit."""
        return self.sha256 is not None or re.fullmatch(r"[0-9a-f]{40}", self.revision) is not None

    @property
    def place(self) -> str:
        """Where it lies below a folder of downloads: "owner/name/path", or its path alone."""
        return f"{self.repo}/{self.path}" if self.repo else self.path

    @property
    def address(self) -> str:
        """Where a person finds it."""
        if self.url or not self.repo:
            return self.url or "published nowhere"
        return f"https://huggingface.co/{self.repo}/resolve/{self.revision}/{self.path}"


@dataclass(frozen=True, kw_only=True)
class Step:
    """What makes one model folder.

    Attributes:
        kind: One of `STEP_KINDS`.
        source: Paths of files of the preset; "owner/name/*" stands for all files of a repository.
        target: Name of the folder in the models' home.
        extras: Argument of the conversion -> path of a file of the preset that it is given.
        options: Other arguments of the conversion.
    """

    kind: str
    source: tuple[str, ...]
    target: str
    extras: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """How many parameters there are in memory: those that quantization makes smaller, and the others."""

    language: int = 0
    other: int = 0


@dataclass(frozen=True, kw_only=True)
class Preset:
    """A model or a grounder by name.

    Attributes:
        name: What `bubo pull` and `bubo.load` call it.
        summary: What it is, in a line.
        kind: "model" speaks, "grounder" only ties text to media.
        mode: "parity" does as the released system did, "better" as well as we can.
        package: Package of this library that holds the model; None if it is made of files.
        speaker: What speaks: {kind: bubo|transformers|endpoint, ...}.
        grounder: Name of a grounder's preset, or the parts of one: role -> {kind, model, ...}.
        dtype: Type of a grounder's weights.
        languages: Those that it understands, as tags ("en"); empty if that is not known.
        parameters: Of this preset alone, without those of a grounder that it names.
        training: If it must be trained first: how; then `speaker` names the folder that training makes.
        files: What it is made of.
        steps: How.
    """

    name: str
    summary: str
    kind: Literal["model", "grounder"] = "model"
    mode: Literal["parity", "better"] = "better"
    package: str | None = None
    speaker: Mapping[str, Any] | None = None
    grounder: str | Mapping[str, Any] | None = None
    dtype: Literal["fp32", "fp16", "bf16"] = "fp32"
    languages: tuple[str, ...] = ()
    parameters: Parameters = Parameters()
    training: str = ""
    files: tuple[SourceFile, ...] = ()
    steps: tuple[Step, ...] = ()

    @property
    def precision(self) -> str:
        """Type of the weights, and how the language model is quantized."""
        spoken = self.speaker or {}
        quantization = spoken.get("quantization")
        dtype = str(spoken.get("dtype") or self.dtype)
        return f"{dtype}, {quantization}" if quantization else dtype

    @property
    def non_commercial(self) -> bool:
        """Whether any of its files may not be used commercially."""
        return any(file.non_commercial for file in self.files)

    def sources(self, step: Step) -> tuple[SourceFile, ...]:
        """The files that a step reads as its source, in its order."""
        return self._named(step.source)

    def extras(self, step: Step) -> dict[str, SourceFile]:
        """The files that a step reads besides, by the argument that takes each."""
        return {name: self._named([wanted])[0] for name, wanted in step.extras.items()}

    def _named(self, names: Iterable[str]) -> tuple[SourceFile, ...]:
        found = [file for wanted in names for file in self.files if stands_for(wanted, file)]
        return tuple(dict.fromkeys(found))

    def weight_bytes(self, dtype: str | None = None, quantization: str | None = None) -> int:
        """Bytes of the weights in memory.

        Args:
            dtype: "fp32", "fp16" or "bf16".
            quantization: "8bit", "4bit" or None.
        """
        each = BYTES_PER_PARAMETER[dtype or self.dtype]
        language = BYTES_PER_QUANTIZED[quantization] if quantization else each
        return int(self.parameters.language * language + self.parameters.other * each)


class Presets(dict[str, Preset]):
    """Presets by name.

    Attributes:
        broken: Name of a file of the user's that is no preset -> what is wrong with it.
    """

    def __init__(self, presets: Iterable[tuple[str, Preset]] = (), broken: Mapping[str, str] | None = None):
        super().__init__(presets)
        self.broken = dict(broken or {})


def dtype_of(name: str) -> Any:
    """The type of torch that "fp32", "fp16" or "bf16" stands for."""
    import torch

    return getattr(torch, _TORCH_NAMES[name])


def find_preset(name: str, presets: Mapping[str, Preset]) -> Preset:
    """The preset of a name.

    Raises:
        ModelError: If there is none, with names that sound like it, or its file is broken.
    """
    if name in presets:
        return presets[name]
    problem = presets.broken.get(name) if isinstance(presets, Presets) else None
    if problem is not None:
        raise ModelError(f"The preset {name!r} cannot be used: {problem}")
    raise ModelError(f"No preset is called {name!r}. {suggestion(name, presets)}")


def find_model(name: str, presets: Presets) -> Preset:
    """The preset of a name that was given for a model, where no folder is called so.

    Raises:
        ModelError: If there is none, with the names of those that speak, or its file is broken.
    """
    if name not in presets and name not in presets.broken:
        raise ModelError(
            f"No model is called {name!r} and no such folder exists. {suggestion(name, speaking(presets))} "
            "Or give the path of a model folder."
        )
    return find_preset(name, presets)


def speaking(presets: Mapping[str, Preset]) -> list[str]:
    """Names of the presets that are models of their own, and no grounders."""
    return [name for name, preset in presets.items() if preset.kind == "model"]


def suggestion(name: str, known: Iterable[str]) -> str:
    """Names that sound like one that is unknown, or all."""
    close = difflib.get_close_matches(name.lower(), known, 3, 0.5)
    if close:
        return f"Did you mean {' or '.join(map(repr, close))}? `bubo models` lists all."
    return f"Known names: {', '.join(known)}."


def stands_for(wanted: str, file: SourceFile) -> bool:
    """Whether a step means a file by this name: its path, its place, or "owner/name/*" of its repository."""
    if wanted.endswith("/*"):
        return file.repo == wanted.removesuffix("/*")
    return wanted in (file.path, file.place)


def precision_of(
    preset: Preset, dtype: str | None = None, quantization: str | None = None
) -> tuple[str, str | None]:
    """Type and quantization of a speaker: those wished, or those of the preset; "none" wishes none."""
    spoken = preset.speaker or {}
    quantization = quantization or spoken.get("quantization")
    return str(dtype or spoken.get("dtype") or preset.dtype), None if quantization == "none" else quantization


def needed_bytes(
    preset: Preset,
    presets: Mapping[str, Preset],
    dtype: str | None = None,
    quantization: str | None = None,
    grounder: str | None = None,
) -> int:
    """Memory that a preset takes with its grounder, about; an endpoint's own is not counted.

    Args:
        preset: Which.
        presets: All.
        dtype: Instead of the preset's.
        quantization: Instead of the preset's.
        grounder: Name of a grounder instead of the preset's.
    """
    needed = preset.weight_bytes(*precision_of(preset, dtype, quantization)) + WORKING_BYTES
    name = grounder or preset.grounder
    return needed + (find_preset(name, presets).weight_bytes() if isinstance(name, str) else 0)
