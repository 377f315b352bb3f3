"""The configuration of a BuboGPT that the shapes of its tensors tell."""

import math
from collections.abc import Mapping
from typing import Any

from transformers import Blip2QFormerConfig

from bubo.models.checkpoints import ConversionError
from bubo.models.conversion import Plan, count_layers
from bubo.models.eva import EvaVisionConfig
from bubo.models.imagebind import ImageBindAudioConfig

# Width of a head in the released parts; shapes do not tell the number of heads.
HEAD_WIDTHS = {
    "vision_config": 88,
    "vision_qformer_config": 64,
    "audio_qformer_config": 64,
    "audio_config": 64,
}


def infer_fields(plan: Plan, given: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of `BuboConfig` but the language model's, `given` ones over what shapes tell.

    Args:
        plan: Of all files for pictures and sounds, and BuboGPT's own.
        given: Fields of `BuboConfig`; those of its parts as mappings.

    Raises:
        ConversionError: If a tensor is missing, or a number of heads cannot be told.
    """
    parts: dict[str, Any] = {
        "vision_config": (EvaVisionConfig, _vision(plan)),
        "vision_qformer_config": (Blip2QFormerConfig, _qformer(plan, "vision")),
        "audio_config": (ImageBindAudioConfig, _audio(plan)),
        "audio_qformer_config": (Blip2QFormerConfig, _qformer(plan, "audio")),
    }
    fields: dict[str, Any] = {
        "num_image_tokens": _shape(plan, "model.vision_bridge.query_tokens")[1],
        "num_audio_tokens": _shape(plan, "model.audio_bridge.query_tokens")[1],
        **{name: value for name, value in given.items() if name not in parts},
    }
    for name, (kind, told) in parts.items():
        own = dict(given.get(name, {}))
        if "num_attention_heads" not in own:
            own["num_attention_heads"] = _heads(name, told["hidden_size"])
        fields[name] = kind(**{**told, **own})
    return fields


def _vision(plan: Plan) -> dict[str, Any]:
    tower = "model.vision_tower."
    positions = _shape(plan, tower + "embeddings.position_embedding")
    patch = _shape(plan, tower + "embeddings.patch_embedding.weight")[-1]
    return {
        "hidden_size": positions[-1],
        "intermediate_size": _shape(plan, tower + "encoder.layers.0.mlp.fc1.weight")[0],
        "num_hidden_layers": count_layers(plan.entries, r"model\.vision_tower\.encoder\.layers\.(\d+)\."),
        "patch_size": patch,
        "image_size": math.isqrt(positions[1] - 1) * patch,
    }


def _audio(plan: Plan) -> dict[str, Any]:
    tower = "model.audio_tower."
    width = _shape(plan, tower + "embeddings.cls_token")[-1]
    return {
        "hidden_size": width,
        "num_hidden_layers": count_layers(plan.entries, r"model\.audio_tower\.blocks\.(\d+)\."),
        "mlp_ratio": _shape(plan, tower + "blocks.0.mlp.fc1.weight")[0] / width,
        "kernel_size": list(_shape(plan, tower + "embeddings.projection.weight")[2:]),
        "token_norm": True,
        "merge": "mean",
    }


def _qformer(plan: Plan, modality: str) -> dict[str, Any]:
    qformer = f"model.{modality}_bridge.qformer."
    layers = count_layers(plan.entries, rf"model\.{modality}_bridge\.qformer\.encoder\.layer\.(\d+)\.")
    crossed = [
        n
        for n in range(1, layers)
        if f"{qformer}encoder.layer.{n}.crossattention.attention.key.weight" in plan.entries
    ]
    return {
        "hidden_size": _shape(plan, f"model.{modality}_bridge.query_tokens")[-1],
        "intermediate_size": _shape(plan, qformer + "encoder.layer.0.intermediate_query.dense.weight")[0],
        "num_hidden_layers": layers,
        "cross_attention_frequency": crossed[0] if crossed else max(layers, 1),
    }


def _heads(part: str, width: int) -> int:
    if width % HEAD_WIDTHS[part]:
        raise ConversionError(
            f"The {part} is {width} wide, and the heads of the released one are {HEAD_WIDTHS[part]} wide; "
            f'shapes do not tell their number: give {{"{part}": {{"num_attention_heads": ...}}}} as config.'
        )
    return width // HEAD_WIDTHS[part]


def _shape(plan: Plan, name: str) -> tuple[int, ...]:
    if name not in plan.entries:
        raise ConversionError(
            f"None of the files gives {name!r}: one of them is missing, or is another kind of checkpoint."
        )
    return tuple(plan.entries[name].empty.shape)


__all__ = ["infer_fields"]
