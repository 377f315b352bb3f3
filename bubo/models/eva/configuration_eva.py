"""Configuration of the EVA ViT-g vision tower."""

from huggingface_hub.dataclasses import strict
from transformers import Blip2VisionConfig


@strict
class EvaVisionConfig(Blip2VisionConfig):
    """Fields of `Blip2VisionConfig`, whose defaults are ViT-g's (39 blocks of width 1408), and one more.

    Args:
        final_norm_eps: Epsilon of the LayerNorm behind the last block. transformers takes that of the blocks,
            1e-6; the released `ln_vision` was trained with torch's own, which shows in the third digit.
    """

    model_type = "eva_vision"

    final_norm_eps: float = 1e-5


__all__ = ["EvaVisionConfig"]
