"""Meta's `imagebind_huge.pth` (and small files of the same layout) -> an `ImageBindModel` folder."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bubo.models.checkpoints import Checkpoint, ConversionError
from bubo.models.conversion import KeyMap, Plan, Report, convert_file, count_layers, shape_of

from .configuration_imagebind import MODALITIES, ImageBindConfig
from .feature_extraction_imagebind import ImageBindFeatureExtractor
from .image_processing_imagebind import ImageBindImageProcessor
from .modeling_imagebind import ImageBindModel
from .tokenization_imagebind import ImageBindTokenizer

KEY_MAP = KeyMap(
    renames=(
        (r"^modality_preprocessors\.(\w+)\.", r"\1_model.embeddings."),
        (r"^modality_trunks\.(\w+)\.", r"\1_model."),
        (r"^modality_heads\.(\w+)\.(?:proj\.)?0\.", r"\1_head.norm."),
        (r"^modality_heads\.(\w+)\.(?:proj\.)?[123]\.", r"\1_head.projection."),
        (r"^modality_postprocessors\.(\w+)\.1\.", r"\1_head."),
        (r"\.(?:rgbt|depth|imu)_stem\.proj\.(?:1\.)?", ".projection."),
        (r"\.(?:rgbt|depth|imu)_stem\.norm_layer\.", ".norm."),
        (r"(?:pos_embedding_helper\.)?pos_embed$", "position_embeddings"),
        (r"\.pre_transformer_layer\.0\.", ".pre_norm."),
        (r"\.attn\.", ".attention."),
        (r"\.in_proj_", ".in_proj."),
    ),
    drops={
        r"modality_preprocessors\.text\.mask$": "the causal mask is computed, not stored",
    },
)


def convert_imagebind(
    source: Path,
    target: Path,
    *,
    config: Mapping[str, Any] | None = None,
    vocabulary: Path | str | None = None,
    dtype: torch.dtype | None = None,
) -> Report:
    """Convert a released ImageBind file; modalities that it lacks are not built.

    Args:
        source: The file.
        target: A folder that does not exist yet.
        config: Fields that shapes cannot tell, such as `{"audio_config": {"num_attention_heads": 2}}`; needed
            for widths other than the released ones.
        vocabulary: CLIP's merge list, `bpe_simple_vocab_16e6.txt.gz`; saved beside the model, which cannot
            read texts without it.
        dtype: Type of the weights; None keeps theirs.

    Raises:
        ConversionError: If the file is not ImageBind's, or not whole.
    """

    def settings_of(released: Checkpoint, _: Plan) -> ImageBindConfig:
        return infer_config(released, source.name, config or {})

    tokenizer = None if vocabulary is None else ImageBindTokenizer(vocabulary)

    def save_others(settings: ImageBindConfig, folder: Path) -> None:
        if settings.vision_config is not None:
            ImageBindImageProcessor().save_pretrained(folder)
        if settings.audio_config is not None:
            ImageBindFeatureExtractor().save_pretrained(folder)
        if tokenizer is not None:
            tokenizer.save_pretrained(folder)

    return convert_file(
        source, target, KEY_MAP, settings_of, ImageBindModel, dtype=dtype, save_others=save_others
    )


def infer_config(released: Mapping[str, Tensor], name: str, given: Mapping[str, Any]) -> ImageBindConfig:
    """The configuration that the shapes of a checkpoint tell, `given` fields over it.

    Raises:
        ConversionError: If nothing here is ImageBind's, or the number of heads cannot be told.
    """
    fields: dict[str, Any] = {key: value for key, value in given.items() if not key.endswith("_config")}
    for modality in MODALITIES:
        table = "token_embedding.weight" if modality == "text" else "cls_token"
        key = f"modality_preprocessors.{modality}.{table}"
        if key not in released:
            continue
        head = f"modality_heads.{modality}."
        projection = next(
            (one for one in released if one.startswith(head) and len(shape_of(released, one, name)) == 2),
            None,
        )
        if projection is None:
            raise ConversionError(f"{name!r} has no head for {modality}: is it ImageBind with its heads?")
        fields.setdefault("projection_dim", shape_of(released, projection, name)[0])
        fields[f"{modality}_config"] = _tower(released, modality, name, given.get(f"{modality}_config", {}))
    if not any(f"{modality}_config" in fields for modality in MODALITIES):
        raise ConversionError(
            f"{name!r} has no tensor of ImageBind (modality_preprocessors. ...): is it another file?"
        )
    return ImageBindConfig(**fields)


def _tower(
    released: Mapping[str, Tensor], modality: str, name: str, given: Mapping[str, Any]
) -> dict[str, Any]:
    stem = f"modality_preprocessors.{modality}."
    fields: dict[str, Any] = {
        "num_hidden_layers": count_layers(released, rf"modality_trunks\.{modality}\.blocks\.(\d+)\.")
    }
    if modality == "text":
        rows, width = shape_of(released, stem + "token_embedding.weight", name)
        fields |= {"hidden_size": width, "vocab_size": rows}
        fields["max_position_embeddings"] = shape_of(released, stem + "pos_embed", name)[1]
    else:
        fields["hidden_size"] = shape_of(released, stem + "cls_token", name)[-1]
    if "num_attention_heads" not in given:
        usual = ImageBindConfig(**{f"{modality}_config": {}})
        tower: Any = getattr(usual, f"{modality}_config")
        if fields["hidden_size"] != tower.hidden_size:
            raise ConversionError(
                f"The {modality} tower of {name!r} is {fields['hidden_size']} wide, the released one "
                f"{tower.hidden_size}; shapes do not tell its number of heads: give "
                f'{{"{modality}_config": {{"num_attention_heads": ...}}}} as config.'
            )
    return fields | dict(given)
