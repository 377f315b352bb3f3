"""ImageBind: six modalities in one embedding space (arXiv 2305.05665), as transformers models."""

from .configuration_imagebind import (
    ImageBindAudioConfig,
    ImageBindConfig,
    ImageBindDepthConfig,
    ImageBindIMUConfig,
    ImageBindTextConfig,
    ImageBindThermalConfig,
    ImageBindVisionConfig,
)
from .feature_extraction_imagebind import ImageBindFeatureExtractor, log_mel
from .image_processing_imagebind import ImageBindImageProcessor
from .modeling_imagebind import (
    ImageBindAudioModel,
    ImageBindDepthModel,
    ImageBindIMUModel,
    ImageBindModel,
    ImageBindOutput,
    ImageBindPreTrainedModel,
    ImageBindTextModel,
    ImageBindThermalModel,
    ImageBindTowerOutput,
    ImageBindVisionModel,
)
from .sensor_processing_imagebind import depth_values, imu_values, thermal_values
from .tokenization_imagebind import ImageBindTokenizer

__all__ = [
    "ImageBindAudioConfig",
    "ImageBindAudioModel",
    "ImageBindConfig",
    "ImageBindDepthConfig",
    "ImageBindDepthModel",
    "ImageBindFeatureExtractor",
    "ImageBindIMUConfig",
    "ImageBindIMUModel",
    "ImageBindImageProcessor",
    "ImageBindModel",
    "ImageBindOutput",
    "ImageBindPreTrainedModel",
    "ImageBindTextConfig",
    "ImageBindTextModel",
    "ImageBindThermalConfig",
    "ImageBindThermalModel",
    "ImageBindTokenizer",
    "ImageBindTowerOutput",
    "ImageBindVisionConfig",
    "ImageBindVisionModel",
    "depth_values",
    "imu_values",
    "log_mel",
    "thermal_values",
]
