"""EVA's ViT-g: pixels (N, 3, 224, 224) to states (N, 257, 1408).

Everything is `Blip2VisionModel`, weight names too, but the epsilon of the last LayerNorm.
"""

from transformers import Blip2VisionModel

from .configuration_eva import EvaVisionConfig


class EvaVisionModel(Blip2VisionModel):
    """The vision tower of BLIP-2, MiniGPT-4 and BuboGPT."""

    config: EvaVisionConfig

    def __init__(self, config: EvaVisionConfig):
        super().__init__(config)
        self.post_layernorm.eps = config.final_norm_eps


__all__ = ["EvaVisionModel"]
