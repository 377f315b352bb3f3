"""Nano's eye: configuration, model and image processor."""

from .configuration_bubo_vision import BuboVisionConfig
from .image_processing_bubo_vision import BuboVisionImageProcessor
from .modeling_bubo_vision import BuboVisionModel, BuboVisionOutput

__all__ = ["BuboVisionConfig", "BuboVisionImageProcessor", "BuboVisionModel", "BuboVisionOutput"]
