"""Pictures to the square tensors of SAM 2 and SAM 3, on PIL; the library's processors need torchvision."""

from typing import Any

from transformers.feature_extraction_utils import BatchFeature
from transformers.image_processing_backends import PilBackend
from transformers.image_utils import (
    IMAGENET_DEFAULT_MEAN,
    IMAGENET_DEFAULT_STD,
    IMAGENET_STANDARD_MEAN,
    IMAGENET_STANDARD_STD,
    PILImageResampling,
)


class Sam2ImageProcessorPil(PilBackend):
    """Turns pictures into `pixel_values` (B, 3, 1024, 1024), stretched, with `original_sizes` (B, 2)."""

    resample = PILImageResampling.BILINEAR
    image_mean = IMAGENET_DEFAULT_MEAN
    image_std = IMAGENET_DEFAULT_STD
    size = {"height": 1024, "width": 1024}
    do_resize = True
    do_rescale = True
    do_normalize = True
    do_convert_rgb = True
    model_input_names = ["pixel_values"]

    def _preprocess(self, images: list[Any], **kwargs: Any) -> BatchFeature:
        batch = super()._preprocess(images, **kwargs)
        sizes = [image.shape[-2:] for image in images]
        sizes = BatchFeature({"original_sizes": sizes}, tensor_type=kwargs.get("return_tensors"))
        batch["original_sizes"] = sizes["original_sizes"]
        return batch


class Sam3ImageProcessorPil(Sam2ImageProcessorPil):
    """The same for SAM 3: 1008 x 1008, values from -1 to 1."""

    image_mean = IMAGENET_STANDARD_MEAN
    image_std = IMAGENET_STANDARD_STD
    size = {"height": 1008, "width": 1008}


__all__ = ["Sam2ImageProcessorPil", "Sam3ImageProcessorPil"]
