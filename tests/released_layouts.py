"""Names and shapes in original checkpoints, written down from the structure of the original modules.

GroundingDINO: github.com/IDEA-Research/GroundingDINO, groundingdino/models/GroundingDINO (groundingdino.py,
transformer.py, fuse_modules.py, ms_deform_attn.py, backbone/swin_transformer.py) with the settings of
groundingdino/config/GroundingDINO_SwinT_OGC.py. SAM: github.com/facebookresearch/segment-anything,
segment_anything/modeling and build_sam.py.
"""

from collections.abc import Iterator
from dataclasses import dataclass

Shape = tuple[int, ...]
Keys = Iterator[tuple[str, Shape]]


def linear(name: str, out: int, into: int) -> Keys:
    yield f"{name}.weight", (out, into)
    yield f"{name}.bias", (out,)


def norm(name: str, width: int) -> Keys:
    yield f"{name}.weight", (width,)
    yield f"{name}.bias", (width,)


def mlp(name: str, *widths: int) -> Keys:
    for number, (into, out) in enumerate(zip(widths, widths[1:], strict=False)):
        yield from linear(f"{name}.layers.{number}", out, into)


def attention(name: str, width: int) -> Keys:
    """`nn.MultiheadAttention`."""
    yield f"{name}.in_proj_weight", (3 * width, width)
    yield f"{name}.in_proj_bias", (3 * width,)
    yield from linear(f"{name}.out_proj", width, width)


@dataclass(frozen=True)
class DinoSizes:
    """The released Swin-T; smaller ones for tests."""

    swin: int = 96
    depths: Shape = (2, 2, 6, 2)
    heads: Shape = (3, 6, 12, 24)
    window: int = 7
    text: int = 768
    text_ffn: int = 3072
    text_layers: int = 12
    words: int = 30522
    positions: int = 512
    width: int = 256
    ffn: int = 2048
    layers: int = 6
    queries: int = 900
    levels: int = 4
    points: int = 4
    attention_heads: int = 8


def grounding_dino_keys(sizes: DinoSizes) -> Keys:
    yield "label_enc.weight", (2000, sizes.width)
    yield from _swin_keys(sizes)
    yield from _bert_keys(sizes)
    yield from linear("feat_map", sizes.width, sizes.text)
    outs = [sizes.swin * 2**stage for stage in (1, 2, 3)]
    for number, into in enumerate([*outs, outs[-1]][: sizes.levels]):
        kernel = 1 if number < 3 else 3
        yield f"input_proj.{number}.0.weight", (sizes.width, into, kernel, kernel)
        yield f"input_proj.{number}.0.bias", (sizes.width,)
        yield from norm(f"input_proj.{number}.1", sizes.width)
    yield "transformer.level_embed", (sizes.levels, sizes.width)
    yield "transformer.tgt_embed.weight", (sizes.queries, sizes.width)
    yield from linear("transformer.enc_output", sizes.width, sizes.width)
    yield from norm("transformer.enc_output_norm", sizes.width)
    for layer in range(sizes.layers):
        yield from _encoder_keys(sizes, layer)
        yield from _decoder_keys(sizes, layer)
        for home in ("bbox_embed", "transformer.decoder.bbox_embed"):  # one module under both names
            yield from mlp(f"{home}.{layer}", sizes.width, sizes.width, sizes.width, 4)
    yield from norm("transformer.decoder.norm", sizes.width)
    yield from mlp("transformer.decoder.ref_point_head", 2 * sizes.width, sizes.width, sizes.width)
    yield from mlp("transformer.enc_out_bbox_embed", sizes.width, sizes.width, sizes.width, 4)


def _deformable(name: str, sizes: DinoSizes) -> Keys:
    samples = sizes.attention_heads * sizes.levels * sizes.points
    yield from linear(f"{name}.sampling_offsets", 2 * samples, sizes.width)
    yield from linear(f"{name}.attention_weights", samples, sizes.width)
    yield from linear(f"{name}.value_proj", sizes.width, sizes.width)
    yield from linear(f"{name}.output_proj", sizes.width, sizes.width)


def _feed_forward(name: str, width: int, inner: int) -> Keys:
    yield from linear(f"{name}.linear1", inner, width)
    yield from linear(f"{name}.linear2", width, inner)


def _encoder_keys(sizes: DinoSizes, layer: int) -> Keys:
    name, width, half = f"transformer.encoder.layers.{layer}", sizes.width, sizes.ffn // 2
    yield from _deformable(f"{name}.self_attn", sizes)
    yield from norm(f"{name}.norm1", width)
    yield from _feed_forward(name, width, sizes.ffn)
    yield from norm(f"{name}.norm2", width)
    name = f"transformer.encoder.text_layers.{layer}"
    yield from attention(f"{name}.self_attn", width)
    yield from _feed_forward(name, width, half)
    yield from norm(f"{name}.norm1", width)
    yield from norm(f"{name}.norm2", width)
    name = f"transformer.encoder.fusion_layers.{layer}"
    yield f"{name}.gamma_v", (width,)
    yield f"{name}.gamma_l", (width,)
    yield from norm(f"{name}.layer_norm_v", width)
    yield from norm(f"{name}.layer_norm_l", width)
    for part in ("v_proj", "l_proj", "values_v_proj", "values_l_proj"):
        yield from linear(f"{name}.attn.{part}", half, width)
    for part in ("out_v_proj", "out_l_proj"):
        yield from linear(f"{name}.attn.{part}", width, half)


def _decoder_keys(sizes: DinoSizes, layer: int) -> Keys:
    name, width = f"transformer.decoder.layers.{layer}", sizes.width
    yield from _deformable(f"{name}.cross_attn", sizes)
    for part in ("norm1", "catext_norm", "norm2", "norm3"):
        yield from norm(f"{name}.{part}", width)
    yield from attention(f"{name}.ca_text", width)
    yield from attention(f"{name}.self_attn", width)
    yield from _feed_forward(name, width, sizes.ffn)


def _swin_keys(sizes: DinoSizes) -> Keys:
    name = "backbone.0"
    yield f"{name}.patch_embed.proj.weight", (sizes.swin, 3, 4, 4)
    yield f"{name}.patch_embed.proj.bias", (sizes.swin,)
    yield from norm(f"{name}.patch_embed.norm", sizes.swin)
    for stage, (depth, heads) in enumerate(zip(sizes.depths, sizes.heads, strict=True)):
        width = sizes.swin * 2**stage
        for number in range(depth):
            block = f"{name}.layers.{stage}.blocks.{number}"
            yield from norm(f"{block}.norm1", width)
            yield from norm(f"{block}.norm2", width)
            yield f"{block}.attn.relative_position_bias_table", ((2 * sizes.window - 1) ** 2, heads)
            yield f"{block}.attn.relative_position_index", (sizes.window**2, sizes.window**2)
            yield from linear(f"{block}.attn.qkv", 3 * width, width)
            yield from linear(f"{block}.attn.proj", width, width)
            yield from linear(f"{block}.mlp.fc1", 4 * width, width)
            yield from linear(f"{block}.mlp.fc2", width, 4 * width)
        if stage < len(sizes.depths) - 1:
            yield f"{name}.layers.{stage}.downsample.reduction.weight", (2 * width, 4 * width)
            yield from norm(f"{name}.layers.{stage}.downsample.norm", 4 * width)
        if stage:
            yield from norm(f"{name}.norm{stage}", width)


def _bert_keys(sizes: DinoSizes) -> Keys:
    width, name = sizes.text, "bert.embeddings"
    yield f"{name}.position_ids", (1, sizes.positions)
    yield f"{name}.word_embeddings.weight", (sizes.words, width)
    yield f"{name}.position_embeddings.weight", (sizes.positions, width)
    yield f"{name}.token_type_embeddings.weight", (2, width)
    yield from norm(f"{name}.LayerNorm", width)
    for number in range(sizes.text_layers):
        name = f"bert.encoder.layer.{number}"
        for part in ("query", "key", "value"):
            yield from linear(f"{name}.attention.self.{part}", width, width)
        yield from linear(f"{name}.attention.output.dense", width, width)
        yield from norm(f"{name}.attention.output.LayerNorm", width)
        yield from linear(f"{name}.intermediate.dense", sizes.text_ffn, width)
        yield from linear(f"{name}.output.dense", width, sizes.text_ffn)
        yield from norm(f"{name}.output.LayerNorm", width)
    yield from linear("bert.pooler.dense", width, width)


@dataclass(frozen=True)
class SamSizes:
    """The released ViT-H; smaller ones for tests."""

    width: int = 1280
    layers: int = 32
    heads: int = 16
    everywhere: Shape = (7, 15, 23, 31)
    window: int = 14
    grid: int = 64
    patch: int = 16
    hidden: int = 256
    mask_channels: int = 16
    ffn: int = 2048


def sam_keys(sizes: SamSizes) -> Keys:
    yield from _vit_keys(sizes)
    yield from _prompt_keys(sizes)
    yield from _mask_decoder_keys(sizes)


def _vit_keys(sizes: SamSizes) -> Keys:
    name, width = "image_encoder", sizes.width
    yield f"{name}.pos_embed", (1, sizes.grid, sizes.grid, width)
    yield f"{name}.patch_embed.proj.weight", (width, 3, sizes.patch, sizes.patch)
    yield f"{name}.patch_embed.proj.bias", (width,)
    for layer in range(sizes.layers):
        block = f"{name}.blocks.{layer}"
        reach = 2 * (sizes.grid if layer in sizes.everywhere else sizes.window) - 1
        yield from norm(f"{block}.norm1", width)
        yield f"{block}.attn.rel_pos_h", (reach, width // sizes.heads)
        yield f"{block}.attn.rel_pos_w", (reach, width // sizes.heads)
        yield from linear(f"{block}.attn.qkv", 3 * width, width)
        yield from linear(f"{block}.attn.proj", width, width)
        yield from norm(f"{block}.norm2", width)
        yield from linear(f"{block}.mlp.lin1", 4 * width, width)
        yield from linear(f"{block}.mlp.lin2", width, 4 * width)
    yield f"{name}.neck.0.weight", (sizes.hidden, width, 1, 1)
    yield from norm(f"{name}.neck.1", sizes.hidden)
    yield f"{name}.neck.2.weight", (sizes.hidden, sizes.hidden, 3, 3)
    yield from norm(f"{name}.neck.3", sizes.hidden)


def _conv(name: str, out: int, into: int, kernel: int, *, transposed: bool = False) -> Keys:
    yield f"{name}.weight", (into, out, kernel, kernel) if transposed else (out, into, kernel, kernel)
    yield f"{name}.bias", (out,)


def _prompt_keys(sizes: SamSizes) -> Keys:
    name, channels = "prompt_encoder", sizes.mask_channels
    yield f"{name}.pe_layer.positional_encoding_gaussian_matrix", (2, sizes.hidden // 2)
    for number in range(4):
        yield f"{name}.point_embeddings.{number}.weight", (1, sizes.hidden)
    yield f"{name}.not_a_point_embed.weight", (1, sizes.hidden)
    yield from _conv(f"{name}.mask_downscaling.0", channels // 4, 1, 2)
    yield from norm(f"{name}.mask_downscaling.1", channels // 4)
    yield from _conv(f"{name}.mask_downscaling.3", channels, channels // 4, 2)
    yield from norm(f"{name}.mask_downscaling.4", channels)
    yield from _conv(f"{name}.mask_downscaling.6", sizes.hidden, channels, 1)
    yield f"{name}.no_mask_embed.weight", (1, sizes.hidden)


def _mask_decoder_keys(sizes: SamSizes) -> Keys:
    name, width = "mask_decoder", sizes.hidden

    def projections(attention: str, inner: int) -> Keys:
        for part in ("q_proj", "k_proj", "v_proj"):
            yield from linear(f"{attention}.{part}", inner, width)
        yield from linear(f"{attention}.out_proj", width, inner)

    for layer in range(2):
        block = f"{name}.transformer.layers.{layer}"
        yield from projections(f"{block}.self_attn", width)
        yield from projections(f"{block}.cross_attn_token_to_image", width // 2)
        yield from projections(f"{block}.cross_attn_image_to_token", width // 2)
        yield from linear(f"{block}.mlp.lin1", sizes.ffn, width)
        yield from linear(f"{block}.mlp.lin2", width, sizes.ffn)
        for number in (1, 2, 3, 4):
            yield from norm(f"{block}.norm{number}", width)
    yield from projections(f"{name}.transformer.final_attn_token_to_image", width // 2)
    yield from norm(f"{name}.transformer.norm_final_attn", width)
    yield f"{name}.iou_token.weight", (1, width)
    yield f"{name}.mask_tokens.weight", (4, width)
    yield from _conv(f"{name}.output_upscaling.0", width // 4, width, 2, transposed=True)
    yield from norm(f"{name}.output_upscaling.1", width // 4)
    yield from _conv(f"{name}.output_upscaling.3", width // 8, width // 4, 2, transposed=True)
    for number in range(4):
        yield from mlp(f"{name}.output_hypernetworks_mlps.{number}", width, width, width, width // 8)
    yield from mlp(f"{name}.iou_prediction_head", width, width, width, 4)
