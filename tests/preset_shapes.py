"""Parameters of the parts that presets are made of, counted on the meta device from their configurations.

Sizes are those of the published config.json files, as far as they differ from the defaults of the classes.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
import transformers as hf
from torch import nn

from bubo.models.bubo import BuboConfig, BuboForConditionalGeneration
from bubo.models.bubo.released_bubo import bubogpt_config
from bubo.models.imagebind import ImageBindConfig, ImageBindModel
from bubo.models.ram import RamConfig, RamModel
from bubo.presets import Parameters


def on_meta(make: Callable[[], nn.Module]) -> nn.Module:
    with torch.device("meta"):
        return make()


def count(make: Callable[[], nn.Module]) -> int:
    """Parameters, tied ones once."""
    return sum(value.numel() for value in on_meta(make).parameters())


def grounding_dino_tiny() -> int:
    return count(lambda: hf.GroundingDinoForObjectDetection(hf.GroundingDinoConfig()))


def sam_huge() -> int:
    vision = {
        "hidden_size": 1280, "num_hidden_layers": 32, "num_attention_heads": 16,
        "global_attn_indexes": [7, 15, 23, 31], "mlp_dim": 5120,
    }  # fmt: skip
    return count(lambda: hf.SamModel(hf.SamConfig(vision_config=vision)))


def sam2_small() -> int:
    backbone = {
        "model_type": "sam2_hiera_det_model", "blocks_per_stage": [1, 2, 11, 2],
        "global_attention_blocks": [7, 10, 13],
    }  # fmt: skip
    return count(lambda: hf.Sam2Model(hf.Sam2Config(vision_config={"backbone_config": backbone})))


def classic() -> Parameters:
    ears = ImageBindConfig(text_config={}, audio_config={})
    for sense in ("vision", "depth", "thermal", "imu"):  # as the whole file is converted
        setattr(
            ears, f"{sense}_config", getattr(ImageBindConfig(**{f"{sense}_config": {}}), f"{sense}_config")
        )
    parts = [
        count(lambda: RamModel(RamConfig())),
        grounding_dino_tiny(),
        sam_huge(),
        count(lambda: ImageBindModel(ears)),
    ]
    return Parameters(other=sum(parts))


def quick() -> Parameters:
    return Parameters(other=grounding_dino_tiny() + sam2_small())


def sam3() -> Parameters:
    return Parameters(other=count(lambda: hf.Sam3Model(hf.Sam3Config())))


def _bubo(config: BuboConfig) -> Parameters:
    """What bitsandbytes makes smaller, the linear layers of the language model, and the rest."""
    model: Any = on_meta(lambda: BuboForConditionalGeneration(config))
    language = model.model.language_model
    linear = sum(m.weight.numel() for m in language.modules() if isinstance(m, nn.Linear))
    return Parameters(language=linear, other=sum(value.numel() for value in model.parameters()) - linear)


QWEN3_4B: dict[str, Any] = {
    "vocab_size": 151936, "hidden_size": 2560, "intermediate_size": 9728, "num_hidden_layers": 36,
    "num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 128, "tie_word_embeddings": True,
}  # fmt: skip


def modern() -> Parameters:
    vision = hf.SiglipVisionConfig(
        hidden_size=1152, intermediate_size=4304, num_hidden_layers=27, num_attention_heads=16,
        image_size=384, patch_size=14,
    )  # fmt: skip
    config = BuboConfig(  # with bridges of their usual size, which nobody has made yet
        vision_config=vision.to_dict(),
        audio_config=hf.ASTConfig().to_dict(),
        text_config=hf.Qwen3Config(**QWEN3_4B).to_dict(),
    )
    return _bubo(config)


def bubogpt(size: str) -> Parameters:
    return _bubo(bubogpt_config(size))


def qwen3_vl() -> Parameters:
    config = hf.Qwen3VLConfig(
        text_config=QWEN3_4B,
        vision_config={
            "depth": 24, "hidden_size": 1024, "intermediate_size": 4096, "num_heads": 16,
            "out_hidden_size": 2560, "deepstack_visual_indexes": [5, 11, 17],
        },
        tie_word_embeddings=True,
    )  # fmt: skip
    return Parameters(other=count(lambda: hf.Qwen3VLForConditionalGeneration(config)))


SHAPES: dict[str, Callable[[], Parameters]] = {
    "bubogpt-7b": partial(bubogpt, "7b"),
    "bubogpt-13b": partial(bubogpt, "13b"),
    "classic": classic,
    "quick": quick,
    "sam3": sam3,
    "modern": modern,
    "qwen3-vl": qwen3_vl,
}
