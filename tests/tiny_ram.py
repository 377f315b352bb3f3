"""RAM and RAM++ of toy size with random weights, and their released files."""

import re
from pathlib import Path

import torch

from bubo.models.ram import RamConfig, RamModel

TAGS = ["dog", "cat", "red car", "beach", "zoo"]
# Ours -> released, the inverse of the key map.
RELEASED = (
    (r"^vision_tower\.patches\.", "visual_encoder.patch_embed.proj."),
    (r"^vision_tower\.patch_norm\.", "visual_encoder.patch_embed.norm."),
    (r"^vision_tower\.stages\.", "visual_encoder.layers."),
    (r"^vision_tower\.norm\.", "visual_encoder.norm."),
    (r"(blocks\.\d+)\.norm_([12])\.", r"\1.norm\2."),
    (r"\.attention\.out\.", ".attn.proj."),
    (r"\.attention\.position_bias$", ".attn.relative_position_bias_table"),
    (r"\.attention\.qkv\.", ".attn.qkv."),
    (r"(blocks\.\d+)\.fc", r"\1.mlp.fc"),
    (r"\.merging\.", ".downsample."),
    (r"^image_projection\.", "image_proj."),
    (r"^label_embeds$", "label_embed"),
    (r"^label_projection\.", "wordvec_proj."),
    (r"^classifier\.", "fc."),
    (r"^head\.(\d+)\.(query|key|value)\.", r"tagging_head.encoder.layer.\1.crossattention.self.\2."),
    (r"^head\.(\d+)\.out\.", r"tagging_head.encoder.layer.\1.crossattention.output.dense."),
    (r"^head\.(\d+)\.norm_1\.", r"tagging_head.encoder.layer.\1.crossattention.output.LayerNorm."),
    (r"^head\.(\d+)\.fc1\.", r"tagging_head.encoder.layer.\1.intermediate.dense."),
    (r"^head\.(\d+)\.fc2\.", r"tagging_head.encoder.layer.\1.output.dense."),
    (r"^head\.(\d+)\.norm_2\.", r"tagging_head.encoder.layer.\1.output.LayerNorm."),
)


def tiny_ram_config(descriptions: int = 1, **fields) -> RamConfig:
    """Two stages on 8 x 8 and 4 x 4 tokens, the second one window."""
    settings = {
        "image_size": 32,
        "embed_dim": 8,
        "depths": [2, 2],
        "num_heads": [1, 2],
        "window_size": 4,
        "projection_dim": 12,
        "hidden_size": 16,
        "intermediate_size": 20,
        "num_tags": len(TAGS),
        "tag_names": TAGS,
        "descriptions_per_tag": descriptions,
        "reweight_descriptions": descriptions > 1,
    }
    return RamConfig(**(settings | fields))


def tiny_ram(descriptions: int = 1, seed: int = 0, **fields) -> RamModel:
    """A model whose weights are large enough for its logits to differ between pictures and tags."""
    torch.manual_seed(seed)
    model = RamModel(tiny_ram_config(descriptions, **fields)).eval()
    with torch.no_grad():
        for weight in model.parameters():
            if weight.ndim > 1:
                weight.normal_(std=0.3)
    return model


def write_released(model: RamModel, path: Path, head: str = "tagging_head") -> dict[str, torch.Tensor]:
    """Writes a model as upstream does: a pickle with the weights under `model`, buffers and captioner too."""
    tensors = {}
    for key, value in model.state_dict().items():
        for pattern, replacement in RELEASED:
            key = re.sub(pattern, replacement, key)
        tensors[key.replace("tagging_head", head)] = value
    tensors["visual_encoder.layers.0.blocks.0.attn.relative_position_index"] = torch.zeros(16, 16).long()
    tensors["visual_encoder.layers.0.blocks.1.attn_mask"] = torch.zeros(4, 16, 16)
    if model.reweight_scale is None:
        tensors["tag_encoder.embeddings.word_embeddings.weight"] = torch.zeros(7, 4)
        tensors["text_decoder.cls.predictions.bias"] = torch.zeros(7)
    torch.save({"model": tensors, "config": {"lr": 1e-4}, "epoch": 3}, path)
    return tensors
