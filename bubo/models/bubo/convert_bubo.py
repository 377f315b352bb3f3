"""The files that a BuboGPT is made of -> one folder that `from_pretrained` reads.

    eva_vit_g.pth + blip2_pretrained_flant5xxl.pth   pictures; or a folder of Salesforce/blip2-* instead
    imagebind_huge.pth                               sounds
    bubogpt_7b.pth, or checkpoints of both stages    audio Q-Former and both projectors
    a folder with Vicuna v0                          words; or another causal language model

Each is mapped by its table in `keys_bubo`. Where two files hold the same tensor the later one wins, as in the
original: those for pictures and sounds, MiniGPT-4's projector, then the checkpoints in the order given.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import AutoConfig, AutoTokenizer, LlamaTokenizer
from transformers.configuration_utils import PreTrainedConfig
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING

from bubo.models.checkpoints import ConversionError, open_checkpoint
from bubo.models.conversion import Plan, Report, count_layers, merge_plans, write_model
from bubo.models.tensor_files import Entry

from .configuration_bubo import BuboConfig
from .keys_bubo import (
    BLIP2_MAP,
    BUBOGPT_MAP,
    HUB_KEYS,
    HUB_MAP,
    IMAGEBIND_AUDIO_MAP,
    MINIGPT4_MAP,
    eva_map,
    llm_map,
)
from .modeling_bubo import BuboForConditionalGeneration
from .released_bubo import MODES, VICUNA_SPECIALS, bubogpt_config, bubogpt_processor, generation_config
from .shapes_bubo import infer_fields

EVA, BLIP2, IMAGEBIND = "eva_vit_g.pth", "blip2_pretrained_flant5xxl.pth", "imagebind_huge.pth"
NUM_EVA_LAYERS = 39
PLACEHOLDERS = ("<|image|>", "<|audio|>")
Paths = Path | str | Sequence[Path | str]


def convert_bubogpt(
    source: Path,
    target: Path,
    *,
    llm: Path | str | None = None,
    vision: Path | str | None = None,
    checkpoints: Paths | None = None,
    mode: Path | str = "parity",
    config: Mapping[str, Any] | None = None,
    new_projectors: bool = False,
    dtype: torch.dtype | None = None,
) -> Report:
    """Put a released BuboGPT together, tensor by tensor.

    Args:
        source: The folder with the files named above, and with MiniGPT-4's `pr*minigpt4*.pth` if wanted.
        target: A folder that does not exist yet.
        llm: The folder of the language model; None is the only `vicuna*` folder in `source`.
        vision: A folder of Salesforce/blip2-*, read instead of the two files for pictures; shards that hold
            nothing but its text model need not be there.
        checkpoints: BuboGPT's own files, the later win; None is the only `bubogpt_*.pth` in `source`.
        mode: "parity" or "better": the front end and the sampling that are saved beside the weights.
        config: Fields of `BuboConfig` that shapes cannot tell; needed for widths other than the released.
        new_projectors: Start projectors anew, for a language model other than theirs.
        dtype: Type of the weights; None keeps theirs. The folder loads as the language model's type.

    Raises:
        ConversionError: If a file is missing, is another kind of checkpoint, or does not fit the others.
    """
    mode = str(mode)
    if mode not in MODES:
        raise ConversionError(f"The mode is {' or '.join(map(repr, MODES))}, but got {mode!r}.")
    folder = Path(llm) if llm is not None else only_one(source, "vicuna*", "llm")
    tokenizer, llm_config = read_llm(folder)
    plans = {**_vision_plans(source, vision, config or {}), **_own_plans(source, checkpoints)}
    fields = infer_fields(merge_plans(plans), config or {})
    for name, token in zip(("image_token_id", "audio_token_id"), PLACEHOLDERS, strict=True):
        fields[name] = tokenizer.convert_tokens_to_ids(token)
    settings = bubogpt_config(llm_config, **fields)
    prefix = MODEL_FOR_CAUSAL_LM_MAPPING[type(llm_config)].base_model_prefix
    words = llm_map(prefix, llm_config.vocab_size).plan(open_checkpoint(folder))
    plan = merge_plans({**plans, folder.name: words})
    with torch.device("meta"):
        model = BuboForConditionalGeneration(settings)
    _fit_projectors(plan, settings, new_projectors)
    settings.dtype = dtype or next(entry.empty.dtype for entry in words.entries.values())

    def save_others(folder: Path) -> None:
        bubogpt_processor(tokenizer, mode, settings).save_pretrained(folder)
        generation_config(mode, settings).save_pretrained(folder)

    return write_model(plan, model, target, name=source.name, dtype=dtype, save_others=save_others)


def read_llm(folder: Path) -> tuple[Any, PreTrainedConfig]:
    """Tokenizer and configuration of a language model, with room for the placeholders.

    LLaMA's first conversions had empty special tokens and wrong ids of them; these are set right.

    Raises:
        ConversionError: If the folder is no causal language model of transformers.
    """
    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True)
        old = config.model_type == "llama" and (folder / "tokenizer.model").is_file()
        # by class: for the old name "LLaMATokenizer" AutoTokenizer makes one that adds no space before a text
        maker = LlamaTokenizer if old else AutoTokenizer
        specials = {"pad_token": VICUNA_SPECIALS["eos_token"], **VICUNA_SPECIALS} if old else {}
        tokenizer = maker.from_pretrained(folder, local_files_only=True, **specials)
    except (OSError, ValueError, KeyError) as error:
        raise ConversionError(
            f"{folder.name!r} is no language model with its tokenizer that transformers knows: {error}"
        ) from error
    if type(config) not in MODEL_FOR_CAUSAL_LM_MAPPING:
        raise ConversionError(
            f"{folder.name!r} is a {config.model_type!r}, which is no causal language model: give the folder "
            "of one, such as a Llama or a Qwen3."
        )
    known = [token for token in tokenizer.extra_special_tokens if token not in PLACEHOLDERS]
    tokenizer.add_special_tokens({"extra_special_tokens": [*known, *PLACEHOLDERS]})
    config.vocab_size = max(config.vocab_size, len(tokenizer))
    if old:
        for name in ("bos_token_id", "eos_token_id", "pad_token_id"):
            setattr(config, name, getattr(tokenizer, name))
    return tokenizer, config


def only_one(source: Path, pattern: str, argument: str) -> Path:
    """The only thing in a folder that a pattern names.

    Raises:
        ConversionError: If there is none, or several.
    """
    if not source.is_dir():
        raise ConversionError(f"There is no folder {str(source)!r} with a release's files: check the path.")
    found = sorted(source.glob(pattern))
    if len(found) != 1:
        names = ", ".join(path.name for path in found) or "none"
        raise ConversionError(
            f"{source.name!r} should hold one {pattern}, and holds {names}: put it there, or say where it is "
            f"with {argument}=PATH (bubo convert: --with {argument}=PATH)."
        )
    return found[0]


def _vision_plans(source: Path, hub: Path | str | None, config: Mapping[str, Any]) -> dict[str, Plan]:
    """Of the files for pictures and sounds."""
    plans: dict[str, Plan] = {}
    if hub is None:
        eva = open_checkpoint(source / EVA)
        given = dict(config.get("vision_config", {})).get("num_hidden_layers", NUM_EVA_LAYERS)
        layers = min(given, count_layers(eva, r"blocks\.(\d+)\."))
        plans[EVA] = eva_map(layers).plan(eva)
        plans[BLIP2] = BLIP2_MAP.plan(open_checkpoint(source / BLIP2))
    else:
        plans[Path(hub).name] = HUB_MAP.plan(open_checkpoint(hub, only=HUB_KEYS))
    plans[IMAGEBIND] = IMAGEBIND_AUDIO_MAP.plan(open_checkpoint(source / IMAGEBIND))
    for path in sorted(source.glob("pr*minigpt4*.pth")):
        plans[path.name] = MINIGPT4_MAP.plan(open_checkpoint(path))
    return plans


def _own_plans(source: Path, given: Paths | None) -> dict[str, Plan]:
    """Of BuboGPT's own checkpoints."""
    if given is None:
        given = [only_one(source, "bubogpt_*.pth", "checkpoints")]
    paths = [given] if isinstance(given, Path | str) else given
    return {Path(path).name: BUBOGPT_MAP.plan(open_checkpoint(path)) for path in paths}


def _fit_projectors(plan: Plan, config: BuboConfig, anew: bool) -> None:
    """Make projectors anew if that is asked for; else see that they lead to this language model.

    Raises:
        ConversionError: If they lead to another one.
    """
    width = config.get_text_config().hidden_size
    for modality in ("vision", "audio"):
        name = f"model.{modality}_bridge.projector."
        if anew:
            inner = getattr(config, f"{modality}_qformer_config").hidden_size
            weight, bias = torch.empty(width, inner, device="meta"), torch.empty(width, device="meta")
            draw = partial(_drawn, weight, config.initializer_range, modality)
            _put(plan, name + "weight", weight, draw)
            _put(plan, name + "bias", bias, lambda: torch.zeros(width))
        elif name + "weight" in plan.entries:
            given = plan.entries[name + "weight"].empty.shape[0]
            if given != width:
                raise ConversionError(
                    f"The {modality} projector leads to a language model {given} wide, this one is {width} "
                    "wide: give that one, or new_projectors=True to train them for this one."
                )


def _put(plan: Plan, name: str, empty: Tensor, make: Callable[[], Tensor]) -> None:
    plan.entries[name] = Entry(name, empty, make)
    plan.origin[name] = "made anew"


def _drawn(empty: Tensor, std: float, modality: str) -> Tensor:
    generator = torch.Generator().manual_seed(len(modality))
    return torch.empty(empty.shape).normal_(0.0, std, generator=generator)


__all__ = ["convert_bubogpt", "read_llm"]
