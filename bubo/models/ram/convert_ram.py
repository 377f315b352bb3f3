"""The released `ram_swin_large_14m.pth` and `ram_plus_swin_large_14m.pth` -> `RamModel` folders.

Small files of the same layout convert too: all sizes but the number of heads of the tag head follow from the
shapes.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from huggingface_hub.errors import StrictDataclassError

from bubo.models.checkpoints import Checkpoint, ConversionError
from bubo.models.conversion import KeyMap, Plan, Report, convert_file, count_layers

from .configuration_ram import RamConfig
from .image_processing_ram import RamImageProcessor
from .modeling_ram import RamModel
from .tags_ram import released_tags, released_thresholds

CAPTIONS = "a part of RAM that writes captions; tags do not need it"
KEY_MAP = KeyMap(
    renames=(
        (r"^vision_multi\.", "tagging_head."),  # as older files call it
        (r"^visual_encoder\.patch_embed\.proj\.", "vision_tower.patches."),
        (r"^visual_encoder\.patch_embed\.norm\.", "vision_tower.patch_norm."),
        (r"^visual_encoder\.layers\.", "vision_tower.stages."),
        (r"^visual_encoder\.", "vision_tower."),
        (r"\.norm([12])\.", r".norm_\1."),
        (r"\.attn\.proj\.", ".attention.out."),
        (r"\.attn\.relative_position_bias_table$", ".attention.position_bias"),
        (r"\.attn\.", ".attention."),
        (r"\.mlp\.", "."),
        (r"\.downsample\.", ".merging."),
        (r"^image_proj\.", "image_projection."),
        (r"^label_embed$", "label_embeds"),
        (r"^wordvec_proj\.", "label_projection."),
        (r"^fc\.", "classifier."),
        (r"^tagging_head\.encoder\.layer\.", "head."),
        (r"\.crossattention\.self\.", "."),
        (r"\.crossattention\.output\.dense\.", ".out."),
        (r"\.crossattention\.output\.LayerNorm\.", ".norm_1."),
        (r"\.intermediate\.dense\.", ".fc1."),
        (r"\.output\.dense\.", ".fc2."),
        (r"\.output\.LayerNorm\.", ".norm_2."),
    ),
    drops={
        r"visual_encoder\..*\.relative_position_index$": "the places in a window are computed, not stored",
        r"visual_encoder\..*\.attn_mask$": "the masks of shifted windows are computed, not stored",
        r"tag_encoder\.": CAPTIONS,
        r"text_decoder\.": CAPTIONS,
    },
)


def convert_ram(
    source: Path,
    target: Path,
    *,
    config: Mapping[str, Any] | None = None,
    tags: Path | str | None = None,
    thresholds: Path | str | None = None,
    dtype: torch.dtype | None = None,
) -> Report:
    """Convert a released file of RAM or RAM++.

    Args:
        source: The file.
        target: A folder that does not exist yet.
        config: Fields of `RamConfig` that shapes cannot tell: `num_attention_heads` of the tag head (4 by
            default), `descriptions_per_tag` of RAM++ (51), and `image_size` where the last grid is larger
            than a window.
        tags: File with the names of the columns, one a line; by default the released ones if there are as
            many columns.
        thresholds: File with their thresholds, one a line; likewise if the names are the released ones.
        dtype: Type of the weights; None keeps theirs.

    Raises:
        ConversionError: If the file is not RAM's, or not whole, or the lists do not fit it.
    """

    def settings_of(_: Checkpoint, plan: Plan) -> RamConfig:
        fields = infer_fields(plan, source.name, config or {})
        if tags is not None:
            fields["tag_names"] = _read_lines(tags)
        elif "tag_names" not in fields and fields["num_tags"] == len(released_tags()):
            fields = {"tag_thresholds": released_thresholds()} | fields | {"tag_names": released_tags()}
        if thresholds is not None:
            fields["tag_thresholds"] = _numbers(thresholds, _read_lines(thresholds))
        try:
            return RamConfig(**fields)
        except (ValueError, TypeError, StrictDataclassError) as error:
            detail = " ".join(str(error).split())
            raise ConversionError(
                f"The sizes of {source.name!r} do not make a RAM model: {detail}"
            ) from error

    def save_others(settings: RamConfig, folder: Path) -> None:
        size = {"height": settings.image_size, "width": settings.image_size}
        RamImageProcessor(size=size).save_pretrained(folder)

    return convert_file(source, target, KEY_MAP, settings_of, RamModel, dtype=dtype, save_others=save_others)


def infer_fields(plan: Plan, name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of `RamConfig` that the shapes of a checkpoint tell, `given` ones over them.

    Raises:
        ConversionError: If the tensors that tell them are not there or have odd shapes.
    """
    shapes = {key: tuple(entry.empty.shape) for key, entry in plan.entries.items()}
    try:
        return _fields(shapes, given) | dict(given)
    except KeyError as error:
        raise ConversionError(
            f"{name!r} has nothing that becomes {error.args[0]!r}: it is another kind of checkpoint, or not "
            "whole."
        ) from None
    except (ValueError, IndexError) as error:  # a tensor with another number of axes
        raise ConversionError(f"{name!r} has a tensor of odd shape ({error}): is it RAM's?") from None


def _fields(shapes: Mapping[str, tuple[int, ...]], given: Mapping[str, Any]) -> dict[str, Any]:
    embed_dim, num_channels, patch_size, _ = shapes["vision_tower.patches.weight"]
    num_stages = max(count_layers(shapes, r"vision_tower\.stages\.(\d+)\."), 1)
    tables = [
        shapes[f"vision_tower.stages.{stage}.blocks.0.attention.position_bias"] for stage in range(num_stages)
    ]
    windows = [(math.isqrt(rows) + 1) // 2 for rows, _ in tables]
    hidden_size, projection_dim = shapes["label_projection.weight"]
    fields: dict[str, Any] = {
        # the last stage of every released size is one window
        "image_size": windows[-1] * patch_size * 2 ** (num_stages - 1),
        "patch_size": patch_size,
        "num_channels": num_channels,
        "embed_dim": embed_dim,
        "depths": [
            count_layers(shapes, rf"vision_tower\.stages\.{stage}\.blocks\.(\d+)\.")
            for stage in range(num_stages)
        ],
        "num_heads": [heads for _, heads in tables],
        "window_size": windows[0],
        "mlp_ratio": shapes["vision_tower.stages.0.blocks.0.fc1.weight"][0] / embed_dim,
        "projection_dim": projection_dim,
        "hidden_size": hidden_size,
        "num_hidden_layers": count_layers(shapes, r"head\.(\d+)\."),
        "intermediate_size": shapes["head.0.fc1.weight"][0],
    }
    is_plus = "reweight_scale" in shapes
    descriptions = given.get("descriptions_per_tag", 51 if is_plus else 1)
    rows = shapes["label_embeds"][0]
    if rows % descriptions:
        raise ValueError(f"{rows} label embeddings are not {descriptions} for every tag")
    return fields | {
        "descriptions_per_tag": descriptions,
        "num_tags": rows // descriptions,
        "reweight_descriptions": is_plus,
    }


def _read_lines(path: Path | str) -> list[str]:
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConversionError(f"Cannot read the list {str(path)!r}: {error}.") from error
    return [line.strip() for line in text.splitlines() if line.strip()]


def _numbers(path: Path | str, lines: list[str]) -> list[float]:
    try:
        return [float(line) for line in lines]
    except ValueError as error:
        raise ConversionError(f"{str(path)!r} must hold one number a line: {error}.") from None
