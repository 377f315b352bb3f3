"""EVA's ViT-g as BLIP-2 uses it: transformers' tower with the epsilon of the released last normalisation."""

from .configuration_eva import EvaVisionConfig
from .modeling_eva import EvaVisionModel

__all__ = ["EvaVisionConfig", "EvaVisionModel"]
