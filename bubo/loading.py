"""A name or a folder -> what speaks and what grounds: readiness, precision and memory are looked at first."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import import_module, resources
from pathlib import Path
from typing import Any

from bubo.downloads import models_home
from bubo.errors import MissingPackageError, ModelError
from bubo.grounding.lexicon import Lexicon
from bubo.grounding.pipeline import Grounder
from bubo.memory import Room, room_on
from bubo.presets import (
    BYTES_PER_PARAMETER,
    BYTES_PER_QUANTIZED,
    WORKING_BYTES,
    Preset,
    dtype_of,
    find_model,
    find_preset,
    needed_bytes,
    precision_of,
    speaking,
)
from bubo.pulling import known_presets, state_of
from bubo.speaker import ModelSpeaker, Speaker
from bubo.weights import load_bubo

__all__ = ["BUILT_IN", "Wish", "grounder_of", "load_grounder", "load_parts", "load_tools"]

#: Presets whose files come with the library, and the packages that hold them.
BUILT_IN = {"nano": "bubo.nano"}
_MODEL_FOLDER = "model"
_VOCABULARY = "vocabulary.json"
_THRESHOLDS = "grounding.json"
# Parts of a `BuboForConditionalGeneration` that stay as they are: they are small. Their names start at
# the top, since transformers finds no module in the middle of a name.
_NOT_QUANTIZED = [
    "model.vision_tower",
    "model.vision_bridge",
    "model.audio_tower",
    "model.audio_bridge",
    "lm_head",
]


@dataclass(frozen=True)
class Wish:
    """How a model is to be loaded; None leaves it to the preset.

    Attributes:
        dtype: "fp32", "fp16" or "bf16".
        quantization: "8bit" or "4bit" of the language model, by bitsandbytes; "none" for neither.
        device: "cpu", "cuda", "cuda:1", ...; by default a GPU if there is one. On a GPU with a number all is
            laid there, whatever the preset's device map.
        grounder: Name of a grounder's preset to take instead.

    Raises:
        ModelError: If one of them is unknown.
    """

    dtype: str | None = None
    quantization: str | None = None
    device: str | None = None
    grounder: str | None = None

    def __post_init__(self) -> None:
        for name, value, known in (
            ("dtype", self.dtype, list(BYTES_PER_PARAMETER)),
            ("quantization", self.quantization, [*BYTES_PER_QUANTIZED, "none"]),
        ):
            if value is not None and value not in known:
                raise ModelError(
                    f"{name} is {value!r}; expected {', '.join(known)}, or None for the preset's."
                )


def load_parts(name_or_path: str | Path, wish: Wish) -> tuple[Speaker, Grounder | None, str]:
    """What speaks, what grounds, and what both were loaded as.

    Args:
        name_or_path: A preset, or a folder laid out like nano's.
        wish: How.

    Raises:
        ModelError: If the name is unknown, the preset is not ready, memory is too small, or a file or tensor
            is missing or wrong.
    """
    if isinstance(name_or_path, str) and name_or_path in BUILT_IN:
        _refuse(name_or_path, wish)
        return (*_load_folder(Path(str(resources.files(BUILT_IN[name_or_path]))), name_or_path), name_or_path)
    folder = Path(name_or_path).expanduser()
    if folder.is_dir():
        _refuse(str(folder), wish)
        return (*_load_folder(folder, str(folder)), str(folder))
    presets = known_presets()
    preset = find_model(str(name_or_path), presets)
    if preset.speaker is None:
        raise ModelError(
            f"{preset.name!r} is a grounder: it finds things and does not speak. Name it beside a model: "
            f'bubo.load(MODEL, grounder="{preset.name}"), with one of {", ".join(speaking(presets))}; on '
            "the command line, beside --speaker, or with bubo ground."
        )
    return _load_preset(preset, presets, wish)


def speaks_plainly(name_or_path: str | Path) -> bool:
    """Whether a model is laid out like nano, which was trained on plain questions that name things."""
    return str(name_or_path) in BUILT_IN or Path(name_or_path).expanduser().is_dir()


def languages_of(name_or_path: str | Path) -> tuple[str, ...]:
    """Tags of the languages that a model understands; empty if that is not known, as of any folder."""
    if str(name_or_path) not in BUILT_IN and Path(name_or_path).expanduser().is_dir():
        return ()
    preset = known_presets().get(str(name_or_path))
    return () if preset is None else preset.languages


def load_tools(name_or_path: str | Path, wish: Wish) -> tuple[Grounder | None, str]:
    """What grounds, for a speaker from elsewhere, and what it was loaded as; a preset's own is not loaded.

    Args:
        name_or_path: As for `load_parts`, or a grounder's preset.
        wish: How.

    Raises:
        ModelError: As for `load_parts`.
    """
    _refuse_precision(wish, "the speaker was given")
    folder = Path(name_or_path).expanduser()
    presets = known_presets()
    preset = None if folder.is_dir() else presets.get(str(name_or_path))
    if preset is None or preset.name in BUILT_IN:
        _, tools, name = load_parts(name_or_path, wish)
        return tools, name
    grounder = wish.grounder or (preset.name if preset.kind == "grounder" else preset.grounder)
    if isinstance(grounder, str):
        return load_grounder(grounder, wish.device), preset.name
    if grounder is None:
        return None, preset.name
    check_ready(preset, presets)
    return _grounder(preset, room_on(wish.device).device), preset.name


def load_grounder(name: str, device: str | None = None) -> Grounder:
    """The grounder of a preset of that kind.

    Raises:
        ModelError: If there is none of that name, it is not ready, or memory is too small.
    """
    presets = known_presets()
    preset = _grounder_preset(name, presets)
    check_ready(preset, presets)
    room = room_on(device)
    _check_memory(
        preset.name, preset.weight_bytes() + WORKING_BYTES, room.free_bytes, preset.precision, room, presets
    )
    return _grounder(preset, room.device)


def grounder_of(name_or_path: str | Path) -> Grounder | None:
    """The grounder of that name, or that of a model; None if the model has none.

    Raises:
        ModelError: As `load_parts`.
    """
    return load_tools(name_or_path, Wish())[0]


def check_ready(preset: Preset, presets: Mapping[str, Preset]) -> None:
    """Raise with the command that helps if a preset cannot be loaded.

    Raises:
        ModelError: If it is not ready.
    """
    state = state_of(preset, presets)
    if state.ready:
        return
    if state.untrained:
        folder = models_home() / str((preset.speaker or {}).get("model"))
        raise ModelError(f"{preset.name!r} has to be trained first: {preset.training} Its place is {folder}.")
    why = [f"{name} is missing" for name in state.missing]
    why += [f"{name}: {problem}" for name, problem in state.damaged.items()]
    after = f" (after that it has to be trained: {preset.training})" if preset.training else ""
    raise ModelError(f"{preset.name!r} is not ready ({'; '.join(why)}). Run: bubo pull {preset.name}{after}")


def _grounder_preset(name: str, presets: Mapping[str, Preset]) -> Preset:
    preset = find_preset(name, presets)
    if preset.kind != "grounder":
        known = ", ".join(other for other, one in presets.items() if one.kind == "grounder")
        raise ModelError(f"{name!r} is a model and no grounder; the grounders are {known}.")
    return preset


def _load_preset(
    preset: Preset, presets: Mapping[str, Preset], wish: Wish
) -> tuple[Speaker, Grounder | None, str]:
    grounder = presets[preset.grounder] if isinstance(preset.grounder, str) else None
    if wish.grounder:  # then the preset's own need not be there
        grounder = _grounder_preset(wish.grounder, presets)
        check_ready(replace(preset, grounder=None), presets)
        check_ready(grounder, presets)
    else:
        check_ready(preset, presets)
    if (preset.speaker or {}).get("kind") == "endpoint":
        _refuse_precision(wish, f"that of {preset.name} is served elsewhere")
    dtype, quantization = precision_of(preset, wish.dtype, wish.quantization)
    room = room_on(wish.device)
    needed = needed_bytes(preset, presets, dtype, quantization or "none", wish.grounder)
    precision = f"{dtype}, {quantization}" if quantization else dtype
    free = room.free_bytes
    if _device_map(preset, room) == "auto":
        free += room.beside_bytes
        # bitsandbytes leaves nothing to the CPU when there is a GPU
        free += room.spare_bytes if quantization is None else 0
    _check_memory(preset.name, needed, free, precision, room, presets)
    # the tools first: a language model that is laid apart takes all of a GPU that it finds free
    tools = None
    if grounder is not None:
        tools = _grounder(grounder, room.device)
    elif isinstance(preset.grounder, Mapping):
        tools = _grounder(preset, room.device)
    return _speaker(preset, dtype, quantization, room), tools, preset.name


def _check_memory(
    name: str, needed: int, free: int, precision: str, room: Room, presets: Mapping[str, Preset]
) -> None:
    if needed <= free:
        return
    fitting = {
        other.name: size
        for other in presets.values()
        if other.kind == "model" and not other.training and other.name != name
        if (size := needed_bytes(other, presets)) <= free
    }
    best = max(fitting, key=lambda other: fitting[other], default=None)
    advice = (
        f"{best} would fit ({fitting[best] / 1e9:.1f} GB)" if best else "No preset fits; free some memory"
    )
    raise ModelError(
        f"{name} needs about {needed / 1e9:.1f} GB of memory ({precision}), and {free / 1e9:.1f} GB are free "
        f"({room.words}). {advice}."
    )


def _device_map(preset: Preset, room: Room) -> Any:
    """The preset's device map; one place where none is given, on the CPU, and on a GPU chosen by number."""
    placed = (preset.speaker or {}).get("device_map")
    return placed if placed and room.device != "cpu" and ":" not in room.device else {"": room.device}


def _speaker(preset: Preset, dtype: str, quantization: str | None, room: Room) -> Speaker:
    """What speaks, by its kind."""
    spoken = dict(preset.speaker or {})
    if spoken["kind"] == "endpoint":
        server = import_module("bubo.endpoint")
        speaker: Speaker = server.EndpointSpeaker(str(spoken["url"]), str(spoken["model"]))
        return speaker
    options = {"device_map": _device_map(preset, room), **_quantized(dtype, quantization)}
    folder = models_home() / str(spoken["model"])
    if spoken["kind"] == "bubo":
        model, processor = load_bubo(folder, dtype, **options)
        return ModelSpeaker(model, processor)
    place = folder if folder.is_dir() else str(spoken["model"])
    import_module("bubo.models")  # registers our own
    foreign = import_module("bubo.transformers_speaker").TransformersSpeaker
    speaker = foreign.load(place, dtype=dtype_of(dtype), **options)
    return speaker


def _grounder(preset: Preset, device: str) -> Grounder:
    home = models_home()
    grounder: Grounder = import_module("bubo.grounding.released").released_grounder(
        preset.grounder, lambda name: home / name, device=device, dtype=dtype_of(preset.dtype)
    )
    return grounder


def _quantized(dtype: str, quantization: str | None) -> dict[str, Any]:
    """What `from_pretrained` is told about quantization."""
    if quantization is None:
        return {}
    try:
        import bitsandbytes  # noqa: F401
    except ImportError as error:
        raise MissingPackageError("bitsandbytes", "train", f"loading in {quantization}") from error
    from transformers import BitsAndBytesConfig

    if quantization == "8bit":
        config = BitsAndBytesConfig(load_in_8bit=True, llm_int8_skip_modules=_NOT_QUANTIZED)
    else:
        config = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=dtype_of(dtype),
            llm_int8_skip_modules=_NOT_QUANTIZED,
        )
    return {"quantization_config": config}


def _refuse_precision(wish: Wish, why: str) -> None:
    """What speaks elsewhere, or is there already, has its precision."""
    if wish.dtype is not None or wish.quantization is not None:
        raise ModelError(f"dtype and quantization are about what speaks, and {why}: leave them out.")


def _refuse(name: str, wish: Wish) -> None:
    """A folder laid out like nano's has one way of being loaded."""
    if wish.device is not None:
        room_on(wish.device)  # a name that is no device's is said first
    if wish != Wish():
        raise ModelError(
            f"{name} is loaded in fp32 on the CPU with a grounder of its own: leave dtype, quantization, "
            "device and grounder out, or name another model."
        )


def _load_folder(folder: Path, name: str) -> tuple[Speaker, Grounder]:
    """A folder laid out like nano's: model/, vocabulary.json and perhaps grounding.json."""
    for part in (_MODEL_FOLDER, _VOCABULARY):
        if not (folder / part).exists():
            advice = "install the package again" if name in BUILT_IN else "give the path of such a folder"
            raise ModelError(
                f"The model {name} has no {part} in {str(folder)!r}. A model folder holds {_MODEL_FOLDER}/ "
                f"and {_VOCABULARY}, as `make nano` writes it; {advice}."
            )
    from bubo.grounding.nano import nano_grounder
    from bubo.grounding.thresholds import Thresholds

    lexicon = Lexicon.load(folder / _VOCABULARY)
    thresholds = Thresholds.load(folder / _THRESHOLDS)
    model, processor = load_bubo(folder / _MODEL_FOLDER, "fp32", device_map="cpu")
    towers = model.model
    grounder, eyes, ears = nano_grounder(
        towers.vision_tower, towers.audio_tower, processor, lexicon, thresholds
    )
    speaker = ModelSpeaker(
        model,
        processor,
        picture_states=None if eyes is None else eyes.states,
        sound_states=None if ears is None else ears.states,
    )
    return speaker, grounder
