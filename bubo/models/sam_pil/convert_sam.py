"""The original `sam_vit_h_4b8939.pth` (and its smaller siblings) -> a `SamModel` folder.

Source: names of the modules of github.com/facebookresearch/segment-anything (segment_anything/modeling:
image_encoder.py, prompt_encoder.py, mask_decoder.py, transformer.py).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import SamConfig, SamImageProcessorPil, SamModel

from bubo.models.checkpoints import Checkpoint
from bubo.models.conversion import KeyMap, Plan, Report, Split, convert_file, count_layers, shape_of

# The heads are stacks of linear layers, of which the first and the last have names of their own.
_HEAD = r"(iou_prediction_head|output_hypernetworks_mlps\.\d+)\.layers"

KEY_MAP = KeyMap(
    renames=(
        (r"^image_encoder\.blocks\.", "vision_encoder.layers."),
        (r"^image_encoder\.neck\.0\.", "vision_encoder.neck.conv1."),
        (r"^image_encoder\.neck\.1\.", "vision_encoder.neck.layer_norm1."),
        (r"^image_encoder\.neck\.2\.", "vision_encoder.neck.conv2."),
        (r"^image_encoder\.neck\.3\.", "vision_encoder.neck.layer_norm2."),
        (r"^image_encoder\.patch_embed\.proj\.", "vision_encoder.patch_embed.projection."),
        (r"^image_encoder\.", "vision_encoder."),
        (r"\.norm(\d)\.", r".layer_norm\1."),
        (r"\.norm_final_attn\.", ".layer_norm_final_attn."),
        (r"\.point_embeddings\.", ".point_embed."),
        (r"\.mask_downscaling\.0\.", ".mask_embed.conv1."),
        (r"\.mask_downscaling\.1\.", ".mask_embed.layer_norm1."),
        (r"\.mask_downscaling\.3\.", ".mask_embed.conv2."),
        (r"\.mask_downscaling\.4\.", ".mask_embed.layer_norm2."),
        (r"\.mask_downscaling\.6\.", ".mask_embed.conv3."),
        (r"\.output_upscaling\.0\.", ".upscale_conv1."),
        (r"\.output_upscaling\.1\.", ".upscale_layer_norm."),
        (r"\.output_upscaling\.3\.", ".upscale_conv2."),
        (rf"{_HEAD}\.0\.", r"\1.proj_in."),
        (rf"{_HEAD}\.2\.", r"\1.proj_out."),
        (rf"{_HEAD}\.1\.", r"\1.layers.0."),
    ),
    drops={r"pixel_(?:mean|std)$": "the image processor has them"},
    splits=(
        Split(
            r"prompt_encoder\.pe_layer\.positional_encoding_gaussian_matrix",
            (
                "prompt_encoder.shared_embedding.positional_embedding",
                "shared_image_embedding.positional_embedding",
            ),
            lambda value: (value, value),
        ),
    ),
)


def convert_sam(
    source: Path,
    target: Path,
    *,
    config: Mapping[str, Any] | None = None,
    dtype: torch.dtype | None = None,
) -> Report:
    """Convert an original SAM file of any size.

    Args:
        source: The file.
        target: A folder that does not exist yet.
        config: Fields that shapes cannot tell, over the released ones, such as
            `{"mask_decoder_config": {"num_attention_heads": 4}}`.
        dtype: Type of the weights; None keeps theirs.

    Raises:
        ConversionError: If the file is not SAM's, or not whole.
    """

    def settings_of(released: Checkpoint, _: Plan) -> SamConfig:
        return infer_config(released, source.name, config or {})

    def save_others(settings: SamConfig, folder: Path) -> None:
        side = settings.vision_config.image_size
        processor = SamImageProcessorPil(
            size={"longest_edge": side}, pad_size={"height": side, "width": side}
        )
        processor.save_pretrained(folder)

    return convert_file(source, target, KEY_MAP, settings_of, SamModel, dtype=dtype, save_others=save_others)


def infer_config(released: Mapping[str, Tensor], name: str, given: Mapping[str, Any]) -> SamConfig:
    """The configuration that the shapes of a checkpoint tell, `given` fields over it.

    Raises:
        ConversionError: If nothing here is SAM's.
    """

    def shape(key: str) -> tuple[int, ...]:
        return shape_of(released, key, name)

    _, grid, _, width = shape("image_encoder.pos_embed")
    patch = shape("image_encoder.patch_embed.proj.weight")[-1]
    layers = count_layers(released, r"image_encoder\.blocks\.(\d+)\.")
    reaches = [shape(f"image_encoder.blocks.{layer}.attn.rel_pos_h") for layer in range(layers)]
    # relative positions span twice the window less one; blocks without a window span the whole grid
    everywhere = [layer for layer, reach in enumerate(reaches) if reach[0] == 2 * grid - 1]
    window = min((reach[0] + 1) // 2 for reach in reaches)
    hidden = shape("prompt_encoder.no_mask_embed.weight")[1]
    vision = {
        "hidden_size": width,
        "num_hidden_layers": layers,
        "num_attention_heads": width // reaches[0][1],
        "image_size": grid * patch,
        "patch_size": patch,
        "window_size": window,
        "global_attn_indexes": everywhere,
        "mlp_dim": shape("image_encoder.blocks.0.mlp.lin1.weight")[0],
        "output_channels": shape("image_encoder.neck.0.weight")[0],
        "num_pos_feats": shape("prompt_encoder.pe_layer.positional_encoding_gaussian_matrix")[1],
    }
    prompt = {
        "hidden_size": hidden,
        "image_size": grid * patch,
        "patch_size": patch,
        "image_embedding_size": grid,
        "mask_input_channels": shape("prompt_encoder.mask_downscaling.3.weight")[0],
    }
    decoder = {
        "hidden_size": hidden,
        "mlp_dim": shape("mask_decoder.transformer.layers.0.mlp.lin1.weight")[0],
        "num_hidden_layers": count_layers(released, r"mask_decoder\.transformer\.layers\.(\d+)\."),
        "num_multimask_outputs": shape("mask_decoder.mask_tokens.weight")[0] - 1,
        "iou_head_hidden_dim": shape("mask_decoder.iou_prediction_head.layers.0.weight")[0],
    }
    parts = {"vision_config": vision, "prompt_encoder_config": prompt, "mask_decoder_config": decoder}
    return SamConfig(**{key: fields | dict(given.get(key, {})) for key, fields in parts.items()})


__all__ = ["KEY_MAP", "convert_sam", "infer_config"]
