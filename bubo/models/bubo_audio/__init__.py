"""Nano's ear: configuration and model."""

from .configuration_bubo_audio import BuboAudioConfig
from .modeling_bubo_audio import BuboAudioModel, BuboAudioOutput

__all__ = ["BuboAudioConfig", "BuboAudioModel", "BuboAudioOutput"]
