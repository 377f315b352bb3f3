"""Bubo itself: configuration, model, processor."""

from .configuration_bubo import BuboConfig
from .layout_bubo import ChatLayout, Piece
from .modeling_bubo import BuboForConditionalGeneration, BuboModel
from .processing_bubo import BuboProcessor, vicuna_layout

__all__ = [
    "BuboConfig",
    "BuboForConditionalGeneration",
    "BuboModel",
    "BuboProcessor",
    "ChatLayout",
    "Piece",
    "vicuna_layout",
]
