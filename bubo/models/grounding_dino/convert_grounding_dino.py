"""The original `groundingdino_swint_ogc.pth` -> a `GroundingDinoForObjectDetection` folder.

Source: names of the modules of github.com/IDEA-Research/GroundingDINO (groundingdino/models/GroundingDINO:
groundingdino.py, transformer.py, fuse_modules.py, backbone/swin_transformer.py).
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import (
    BertConfig,
    BertTokenizer,
    GroundingDinoConfig,
    GroundingDinoForObjectDetection,
    GroundingDinoImageProcessorPil,
    SwinConfig,
)

from bubo.models.checkpoints import Checkpoint
from bubo.models.conversion import KeyMap, Plan, Report, Split, convert_file, count_layers, shape_of

_SWIN = "model.backbone.conv_encoder.model."
_HEADS = ("query", "key", "value")

KEY_MAP = KeyMap(
    renames=(
        (r"^module\.", ""),
        # picture
        (r"^backbone\.0\.patch_embed\.proj\.", f"{_SWIN}swin.embeddings.patch_embeddings.projection."),
        (r"^backbone\.0\.patch_embed\.norm\.", f"{_SWIN}swin.embeddings.norm."),
        (r"^backbone\.0\.norm1\.", f"{_SWIN}hidden_states_norms.stage2."),
        (r"^backbone\.0\.norm2\.", f"{_SWIN}hidden_states_norms.stage3."),
        (r"^backbone\.0\.norm3\.", f"{_SWIN}hidden_states_norms.stage4."),
        (r"^backbone\.0\.(layers\.\d+\.blocks\.\d+)\.norm1\.", rf"{_SWIN}swin.encoder.\1.layernorm_before."),
        (r"^backbone\.0\.(layers\.\d+\.blocks\.\d+)\.norm2\.", rf"{_SWIN}swin.encoder.\1.layernorm_after."),
        (r"^backbone\.0\.layers\.", f"{_SWIN}swin.encoder.layers."),
        (
            r"\.attn\.relative_position_bias_table",
            ".attention.relative_position_bias.relative_position_bias_table",
        ),
        (r"(blocks\.\d+)\.attn\.proj\.", r"\1.attention.o_proj."),
        (r"(blocks\.\d+)\.attn\.qkv\.", r"\1.attention.qkv."),
        (r"^input_proj\.", "model.input_proj_vision."),
        # text
        (r"^bert\.", "model.text_backbone."),
        (r"^feat_map\.", "model.text_projection."),
        # encoder: three lists of layers become one
        (r"^transformer\.encoder\.text_layers\.(\d+)\.norm1\.", r"encoder.\1.text.layer_norm_before."),
        (r"^transformer\.encoder\.text_layers\.(\d+)\.norm2\.", r"encoder.\1.text.layer_norm_after."),
        (r"^transformer\.encoder\.text_layers\.(\d+)\.", r"encoder.\1.text."),
        (r"^transformer\.encoder\.fusion_layers\.(\d+)\.", r"encoder.\1.fusion."),
        (r"^transformer\.encoder\.layers\.(\d+)\.norm1\.", r"encoder.\1.deformable.self_attn_layer_norm."),
        (r"^transformer\.encoder\.layers\.(\d+)\.norm2\.", r"encoder.\1.deformable.final_layer_norm."),
        (r"^transformer\.encoder\.layers\.(\d+)\.", r"encoder.\1.deformable."),
        (r"^encoder\.(\d+)\.text\.", r"model.encoder.layers.\1.text_enhancer_layer."),
        (r"^encoder\.(\d+)\.deformable\.", r"model.encoder.layers.\1.deformable_layer."),
        (r"^encoder\.(\d+)\.fusion\.", r"model.encoder.layers.\1.fusion_layer."),
        (r"\.gamma_v$", ".vision_param"),
        (r"\.gamma_l$", ".text_param"),
        (r"\.layer_norm_v\.", ".layer_norm_vision."),
        (r"\.layer_norm_l\.", ".layer_norm_text."),
        (r"\.attn\.((?:values_|out_)?)v_proj\.", r".attn.\1vision_proj."),
        (r"\.attn\.((?:values_|out_)?)l_proj\.", r".attn.\1text_proj."),
        # decoder
        (r"^transformer\.decoder\.norm\.", "model.decoder.layer_norm."),
        (r"^transformer\.decoder\.ref_point_head\.", "model.decoder.reference_points_head."),
        (r"^transformer\.decoder\.", "model.decoder."),
        (r"^(model\.decoder\.layers\.\d+)\.cross_attn\.", r"\1.encoder_attn."),
        (r"^(model\.decoder\.layers\.\d+)\.norm1\.", r"\1.encoder_attn_layer_norm."),
        (r"^(model\.decoder\.layers\.\d+)\.ca_text\.", r"\1.encoder_attn_text."),
        (r"^(model\.decoder\.layers\.\d+)\.catext_norm\.", r"\1.encoder_attn_text_layer_norm."),
        (r"^(model\.decoder\.layers\.\d+)\.norm2\.", r"\1.self_attn_layer_norm."),
        (r"^(model\.decoder\.layers\.\d+)\.norm3\.", r"\1.final_layer_norm."),
        (r"\.linear([12])\.", r".fc\1."),
        # two stages
        (r"^transformer\.tgt_embed\.", "model.query_position_embeddings."),
        (r"^transformer\.enc_out_bbox_embed\.", "model.encoder_output_bbox_embed."),
        (r"^transformer\.", "model."),
    ),
    drops={
        r"(?:module\.)?label_enc\.": "labels of noised training queries",
        r"(?:module\.)?bert\.pooler\.": "the pooled text is not used",
        r".*\.position_ids$": "positions are counted, not stored",
        r".*\.relative_position_index$": "computed from the window",
    },
    splits=(
        Split(
            r"(.*\.attention)\.qkv\.(weight|bias)",
            tuple(rf"\1.{name}_proj.\2" for name in ("q", "k", "v")),
        ),
        Split(r"(.*)\.in_proj_(weight|bias)", tuple(rf"\1.{name}.\2" for name in _HEADS)),
        # the library's backbone ends with a norm that detection does not use: it gets the last stage's
        Split(
            rf"({_SWIN.replace('.', chr(92) + '.')})hidden_states_norms\.stage4\.(weight|bias)",
            (r"\1hidden_states_norms.stage4.\2", r"\1swin.layernorm.\2"),
            lambda value: (value, value),
        ),
    ),
)


def convert_grounding_dino(
    source: Path,
    target: Path,
    *,
    config: Mapping[str, Any] | None = None,
    vocabulary: Path | str | None = None,
    dtype: torch.dtype | None = None,
) -> Report:
    """Convert an original GroundingDINO file (Swin-T or Swin-B).

    Args:
        source: The file.
        target: A folder that does not exist yet.
        config: Fields that shapes cannot tell, over the released ones, such as
            `{"encoder_attention_heads": 4}`.
        vocabulary: `vocab.txt` of bert-base-uncased; saved beside the model, which cannot read texts without
            it.
        dtype: Type of the weights; None keeps theirs.

    Raises:
        ConversionError: If the file is not GroundingDINO's, or not whole.
    """

    def settings_of(released: Checkpoint, _: Plan) -> GroundingDinoConfig:
        return infer_config(released, source.name, config or {})

    def save_others(_: GroundingDinoConfig, folder: Path) -> None:
        GroundingDinoImageProcessorPil().save_pretrained(folder)
        if vocabulary is not None:
            BertTokenizer(str(vocabulary), do_lower_case=True).save_pretrained(folder)

    model = GroundingDinoForObjectDetection
    return convert_file(source, target, KEY_MAP, settings_of, model, dtype=dtype, save_others=save_others)


def infer_config(released: Mapping[str, Tensor], name: str, given: Mapping[str, Any]) -> GroundingDinoConfig:
    """The configuration that the shapes of a checkpoint tell, `given` fields over it.

    Raises:
        ConversionError: If nothing here is GroundingDINO's.
    """
    start = "module." if any(key.startswith("module.") for key in released) else ""

    def shape(key: str) -> tuple[int, ...]:
        return shape_of(released, start + key, name)

    def count(pattern: str) -> int:
        return count_layers(released, start.replace(".", r"\.") + pattern)

    stages = count(r"backbone\.0\.layers\.(\d+)\.")
    tables = [
        shape(f"backbone.0.layers.{stage}.blocks.0.attn.relative_position_bias_table")
        for stage in range(stages)
    ]
    width = shape("backbone.0.patch_embed.proj.weight")
    window = (math.isqrt(tables[0][0]) + 1) // 2 if tables else 7
    backbone = {
        "embed_dim": width[0],
        "patch_size": width[-1],
        "depths": [count(rf"backbone\.0\.layers\.{stage}\.blocks\.(\d+)\.") for stage in range(stages)],
        "num_heads": [table[1] for table in tables],
        "window_size": window,
        "image_size": 384 if window == 12 else 224,
        "mlp_ratio": shape("backbone.0.layers.0.blocks.0.mlp.fc1.weight")[0] / width[0],
        "out_features": ["stage2", "stage3", "stage4"],
    }
    words, text_width = shape("bert.embeddings.word_embeddings.weight")
    text = {
        "vocab_size": words,
        "hidden_size": text_width,
        "num_hidden_layers": count(r"bert\.encoder\.layer\.(\d+)\."),
        "num_attention_heads": max(text_width // 64, 1),
        "intermediate_size": shape("bert.encoder.layer.0.intermediate.dense.weight")[0],
        "max_position_embeddings": shape("bert.embeddings.position_embeddings.weight")[0],
    }
    queries, d_model = shape("transformer.tgt_embed.weight")
    fields: dict[str, Any] = {
        "d_model": d_model,
        "num_queries": queries,
        "encoder_layers": count(r"transformer\.encoder\.layers\.(\d+)\."),
        "decoder_layers": count(r"transformer\.decoder\.layers\.(\d+)\."),
        "encoder_ffn_dim": shape("transformer.encoder.layers.0.linear1.weight")[0],
        "decoder_ffn_dim": shape("transformer.decoder.layers.0.linear1.weight")[0],
        "num_feature_levels": shape("transformer.level_embed")[0],
        **{key: value for key, value in given.items() if not key.endswith("_config")},
    }
    return GroundingDinoConfig(
        backbone_config=SwinConfig(**(backbone | dict(given.get("backbone_config", {})))),
        text_config=BertConfig(**(text | dict(given.get("text_config", {})))),
        **fields,
    )


__all__ = ["KEY_MAP", "convert_grounding_dino", "infer_config"]
