"""RAM and RAM++: taggers for pictures with thousands of tags, as transformers models."""

from .configuration_ram import RamConfig
from .image_processing_ram import RamImageProcessor
from .modeling_ram import RamModel, RamOutput, RamPreTrainedModel, asymmetric_loss, find_tags

__all__ = [
    "RamConfig",
    "RamImageProcessor",
    "RamModel",
    "RamOutput",
    "RamPreTrainedModel",
    "asymmetric_loss",
    "find_tags",
]
