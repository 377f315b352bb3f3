"""RAM and RAM++: taggers for pictures with thousands of tags, as transformers models."""

from .configuration_ram import RamConfig
from .image_processing_ram import RamImageProcessor
from .modeling_ram import RamModel, RamOutput, RamPreTrainedModel, asymmetric_loss, find_tags
from .tags_ram import released_tags, released_thresholds

__all__ = [
    "RamConfig",
    "RamImageProcessor",
    "RamModel",
    "RamOutput",
    "RamPreTrainedModel",
    "asymmetric_loss",
    "find_tags",
    "released_tags",
    "released_thresholds",
]
