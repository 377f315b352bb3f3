"""Models in the transformers manner; importing this package registers their Auto classes."""

from transformers import (
    AutoConfig,
    AutoFeatureExtractor,
    AutoImageProcessor,
    AutoModel,
    AutoModelForImageTextToText,
    AutoModelForMultimodalLM,
    AutoProcessor,
)

from .bubo import BuboConfig, BuboForConditionalGeneration, BuboModel, BuboProcessor
from .bubo_audio import BuboAudioConfig, BuboAudioModel
from .bubo_vision import BuboVisionConfig, BuboVisionImageProcessor, BuboVisionModel
from .eva import EvaVisionConfig, EvaVisionModel
from .imagebind import (
    ImageBindAudioConfig,
    ImageBindAudioModel,
    ImageBindConfig,
    ImageBindDepthConfig,
    ImageBindDepthModel,
    ImageBindFeatureExtractor,
    ImageBindImageProcessor,
    ImageBindIMUConfig,
    ImageBindIMUModel,
    ImageBindModel,
    ImageBindTextConfig,
    ImageBindTextModel,
    ImageBindThermalConfig,
    ImageBindThermalModel,
    ImageBindVisionConfig,
    ImageBindVisionModel,
)
from .ram import RamConfig, RamImageProcessor, RamModel

for _config, _model in (
    (BuboVisionConfig, BuboVisionModel),
    (EvaVisionConfig, EvaVisionModel),
    (ImageBindVisionConfig, ImageBindVisionModel),
    (ImageBindTextConfig, ImageBindTextModel),
    (ImageBindAudioConfig, ImageBindAudioModel),
    (ImageBindDepthConfig, ImageBindDepthModel),
    (ImageBindThermalConfig, ImageBindThermalModel),
    (ImageBindIMUConfig, ImageBindIMUModel),
    (BuboAudioConfig, BuboAudioModel),
    (ImageBindConfig, ImageBindModel),
    (BuboConfig, BuboModel),
    (RamConfig, RamModel),
):
    AutoConfig.register(_config.model_type, _config, exist_ok=True)
    AutoModel.register(_config, _model, exist_ok=True)
AutoModelForMultimodalLM.register(BuboConfig, BuboForConditionalGeneration, exist_ok=True)
AutoModelForImageTextToText.register(BuboConfig, BuboForConditionalGeneration, exist_ok=True)
AutoProcessor.register(BuboConfig, BuboProcessor, exist_ok=True)
AutoImageProcessor.register(
    BuboVisionConfig, slow_image_processor_class=BuboVisionImageProcessor, exist_ok=True
)
AutoImageProcessor.register(
    ImageBindConfig, slow_image_processor_class=ImageBindImageProcessor, exist_ok=True
)
AutoImageProcessor.register(RamConfig, slow_image_processor_class=RamImageProcessor, exist_ok=True)
AutoFeatureExtractor.register(BuboAudioConfig, ImageBindFeatureExtractor, exist_ok=True)
AutoFeatureExtractor.register(ImageBindConfig, ImageBindFeatureExtractor, exist_ok=True)
