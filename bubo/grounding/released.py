"""A grounder over released models: which part is which model, and how each is loaded from its folder.

A run needs no network: folders are what `save_pretrained`, the model hub or `bubo convert` wrote.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError

from bubo.errors import ModelError
from bubo.grounding.lexicon import Lexicon
from bubo.grounding.limits import Limits
from bubo.grounding.pipeline import Grounder

#: Sounds of everyday life and what makes them, for models that come without a vocabulary.
EVERYDAY = Path(__file__).with_name("everyday.json")


@dataclass(frozen=True)
class Kind:
    """One kind of tool.

    Attributes:
        roles: The parts that it can be.
        home: Module of its class, imported when it is asked for.
        name: The class; what it takes by keyword only are the settings that a part may have.
        load: (class, folder, device, dtype, settings) -> the tool.
    """

    roles: tuple[str, ...]
    home: str
    name: str
    load: Callable[[Any, Path, Any, Any, dict[str, Any]], Any]

    def tool(self) -> Any:
        """The class."""
        return getattr(import_module(self.home), self.name)


def released_grounder(
    parts: Mapping[str, Mapping[str, Any]],
    folder_of: Callable[[str], str | Path],
    *,
    device: Any = "cpu",
    dtype: Any = None,
    lexicon: Lexicon | None = None,
    limits: Limits | None = None,
) -> Grounder:
    """Loads the tools that `parts` names and joins them.

    Args:
        parts: "tagger", "detector", "segmenter", "listener" -> {"kind": one of `KINDS`, "model": its name,
            and settings of that kind}. A part that is not named is left out; a detector that gives masks is
            the segmenter too, unless there is another.
        folder_of: Model name -> folder.
        device: Where the models run.
        dtype: Type of the weights; None means float32. The tagger always has float32.
        lexicon: What words can mean; None takes sounds of everyday life and what makes them. The tagger's
            tags are added.
        limits: Where the matcher and the verdict draw their lines.

    Raises:
        ModelError: If a part, kind or setting is unknown or impossible, or a folder holds something else.
    """
    unknown = sorted(set(parts) - set(ROLES))
    if unknown:
        raise ModelError(
            f"There is no part {', '.join(unknown)} of grounding; the parts are {', '.join(ROLES)}."
        )
    tools: dict[str, Any] = {}
    for role, part in parts.items():
        same = [other for other in tools if parts[other] == part]
        tools[role] = tools[same[0]] if same else _load(role, part, folder_of, device, dtype)
    detector, tagger = tools.get("detector"), tools.get("tagger")
    if detector is not None and "segmenter" not in tools and hasattr(detector, "segment"):
        tools["segmenter"] = detector
    lexicon = Lexicon.load(EVERYDAY) if lexicon is None else lexicon
    lexicon = lexicon.extended(getattr(tagger, "tags", ()))
    return Grounder(
        tagger,
        detector,
        tools.get("segmenter"),
        tools.get("listener"),
        lexicon,
        limits=limits,
        open_vocabulary=True,
    )


def _load(
    role: str, part: Mapping[str, Any], folder_of: Callable[[str], str | Path], device: Any, dtype: Any
) -> Any:
    if not isinstance(part, Mapping) or not isinstance(part.get("model"), str):
        raise ModelError(f'The {role} must be given as {{"kind": ..., "model": a name}}, but is {part!r}.')
    fitting = [name for name, kind in KINDS.items() if role in kind.roles]
    kind = KINDS.get(part.get("kind", ""))
    if kind is None or role not in kind.roles:
        raise ModelError(f"A {role} cannot be {part.get('kind')!r}; the kinds are {', '.join(fitting)}.")
    tool = kind.tool()
    settings = {name: value for name, value in part.items() if name not in ("kind", "model")}
    _check_settings(str(part["kind"]), tool, settings)
    folder = Path(folder_of(part["model"]))
    try:
        return kind.load(tool, folder, device, dtype, settings)
    except (
        *(OSError, ValueError, RuntimeError, KeyError, TypeError),
        *(SafetensorError, StrictDataclassError),
    ) as error:
        detail = " ".join(str(error).split())[:300] or type(error).__name__
        raise ModelError(
            f"Cannot load the {role} {part['model']!r} as {part['kind']} from {str(folder)!r}: {detail}. "
            "Give a folder that the model's own release, save_pretrained or bubo convert wrote."
        ) from error


def _check_settings(kind: str, tool: Any, settings: Mapping[str, Any]) -> None:
    known = settings_of(tool)
    for name, value in settings.items():
        if name not in known:
            raise ModelError(f"{kind} has no setting {name!r}; it has {', '.join(sorted(known))}.")
        default = known[name]
        if isinstance(default, str):
            fits, wanted = isinstance(value, str), "a text"
        elif isinstance(default, tuple):
            fits = isinstance(value, list | tuple) and all(isinstance(one, str) for one in value)
            wanted = "a list of texts"
        elif isinstance(default, int):
            fits, wanted = isinstance(value, int) and not isinstance(value, bool), "a whole number"
        elif isinstance(default, float):
            fits, wanted = isinstance(value, int | float) and not isinstance(value, bool), "a number"
        else:  # no default to go by: the tool checks it
            continue
        if not fits:
            raise ModelError(f"The setting {name!r} of {kind} must be {wanted}, but is {value!r}.")


def settings_of(tool: Any) -> dict[str, Any]:
    """What a tool takes by keyword only: name -> default. Its `load` is asked, else its constructors."""
    if hasattr(tool, "load"):
        functions = [tool.load]
    else:
        functions = [
            vars(cls)["__init__"] for cls in reversed(inspect.getmro(tool)) if "__init__" in vars(cls)
        ]
    found: dict[str, Any] = {}
    for function in functions:
        if function is not object.__init__:
            for name, parameter in inspect.signature(function).parameters.items():
                if parameter.kind is inspect.Parameter.KEYWORD_ONLY and name != "device":
                    found[name] = parameter.default
    return found


def _model(name: str, folder: Path, device: Any, dtype: Any) -> Any:
    """A transformers model by class name, whole: random weights in place of missing ones are an error."""
    import torch
    import transformers

    if not (folder / "config.json").is_file():
        raise OSError("it has no config.json")
    cls = getattr(transformers, name)
    model, report = cls.from_pretrained(
        folder, dtype=dtype or torch.float32, local_files_only=True, output_loading_info=True
    )
    return _whole(model, report).to(device)


def _whole(model: Any, report: Mapping[str, Any]) -> Any:
    missing = sorted(report["missing_keys"])
    if missing:
        raise ValueError(f"it lacks {len(missing)} of the model's tensors, such as {missing[0]}")
    return model.eval()


@dataclass(frozen=True)
class _Processor:
    """The parts of a processor that a tool asks for."""

    tokenizer: Any
    image_processor: Any = None
    feature_extractor: Any = None


def _tokenizer(folder: Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(folder, local_files_only=True)


def _own(name: str, folder: Path) -> Any:
    """A processing class of transformers, by name, from a folder."""
    import transformers

    return getattr(transformers, name).from_pretrained(folder, local_files_only=True)


def _load_ram(tool: Any, folder: Path, device: Any, dtype: Any, settings: dict[str, Any]) -> Any:
    return tool.load(folder, device=device, **settings)


def _load_grounding_dino(tool: Any, folder: Path, device: Any, dtype: Any, settings: dict[str, Any]) -> Any:
    from transformers import AutoConfig

    kind = AutoConfig.from_pretrained(folder, local_files_only=True).model_type
    names = {
        "grounding-dino": "GroundingDinoForObjectDetection",
        "mm-grounding-dino": "MMGroundingDinoForObjectDetection",
    }
    if kind not in names:
        raise ValueError(f"it holds a model of type {kind!r}, not {' or '.join(names)}")
    model = _model(names[kind], folder, device, dtype)
    processor = _Processor(_tokenizer(folder), _own("GroundingDinoImageProcessorPil", folder))
    return tool(model, processor, **settings)


def _load_sam(tool: Any, folder: Path, device: Any, dtype: Any, settings: dict[str, Any]) -> Any:
    return tool(_model("SamModel", folder, device, dtype), _own("SamImageProcessorPil", folder), **settings)


def _load_sam2(tool: Any, folder: Path, device: Any, dtype: Any, settings: dict[str, Any]) -> Any:
    from bubo.models.sam_pil import Sam2ImageProcessorPil

    processor = Sam2ImageProcessorPil.from_pretrained(folder, local_files_only=True)
    return tool(_model("Sam2Model", folder, device, dtype), processor, **settings)


def _load_sam3(tool: Any, folder: Path, device: Any, dtype: Any, settings: dict[str, Any]) -> Any:
    from bubo.models.sam_pil import Sam3ImageProcessorPil

    processor = Sam3ImageProcessorPil.from_pretrained(folder, local_files_only=True)
    return tool(_model("Sam3Model", folder, device, dtype), processor, _tokenizer(folder), **settings)


def _load_imagebind(tool: Any, folder: Path, device: Any, dtype: Any, settings: dict[str, Any]) -> Any:
    import torch

    from bubo.models.imagebind import ImageBindFeatureExtractor, ImageBindModel, ImageBindTokenizer

    if not (folder / "config.json").is_file():
        raise OSError("it has no config.json")
    loaded = ImageBindModel.from_pretrained(
        folder, dtype=dtype or torch.float32, local_files_only=True, output_loading_info=True
    )
    extractor = ImageBindFeatureExtractor.from_pretrained(folder, local_files_only=True)
    tokenizer = ImageBindTokenizer.from_pretrained(folder)
    return tool(_whole(*loaded).to(device), extractor, tokenizer, **settings)


def _load_clap(tool: Any, folder: Path, device: Any, dtype: Any, settings: dict[str, Any]) -> Any:
    extractor = _own("ClapFeatureExtractor", folder)
    processor = _Processor(_tokenizer(folder), feature_extractor=extractor)
    return tool(_model("ClapModel", folder, device, dtype), processor, **settings)


def _load_pe_audio(tool: Any, folder: Path, device: Any, dtype: Any, settings: dict[str, Any]) -> Any:
    extractor = _own("PeAudioFeatureExtractor", folder)
    model = _model("PeAudioFrameLevelModel", folder, device, dtype)
    return tool(model, extractor, _tokenizer(folder), **settings)


#: Kind of a part -> the tool.
KINDS: dict[str, Kind] = {
    "ram": Kind(("tagger",), "bubo.grounding.ram_tagger", "RamTagger", _load_ram),
    "grounding-dino": Kind(
        ("detector",), "bubo.grounding.grounding_dino", "GroundingDinoDetector", _load_grounding_dino
    ),
    "sam": Kind(("segmenter",), "bubo.grounding.sam", "SamSegmenter", _load_sam),
    "sam2": Kind(("segmenter",), "bubo.grounding.sam", "SamSegmenter", _load_sam2),
    "sam3": Kind(("detector", "segmenter"), "bubo.grounding.sam3", "Sam3Grounder", _load_sam3),
    "imagebind": Kind(
        ("listener",), "bubo.grounding.imagebind_listener", "ImageBindListener", _load_imagebind
    ),
    "clap": Kind(("listener",), "bubo.grounding.clap_listener", "ClapListener", _load_clap),
    "pe-audio-frame": Kind(("listener",), "bubo.grounding.frame_listener", "FrameListener", _load_pe_audio),
}
ROLES = ("tagger", "detector", "segmenter", "listener")
