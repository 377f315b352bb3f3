"""Pictures -> pixel_values for RAM: the whole picture, squashed to a square. PIL only, no torchvision."""

from __future__ import annotations

import numpy as np
from PIL import Image
from transformers.image_processing_backends import PilBackend
from transformers.image_utils import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD, PILImageResampling


class RamImageProcessor(PilBackend):
    """RGB, resized whole to `size` by an antialiased bilinear filter, ImageNet's mean and deviation."""

    resample = PILImageResampling.BILINEAR
    size = {"height": 384, "width": 384}
    image_mean = IMAGENET_DEFAULT_MEAN
    image_std = IMAGENET_DEFAULT_STD
    default_to_square = True
    do_resize = True
    do_rescale = True
    do_normalize = True
    do_convert_rgb = True
    model_input_names = ["pixel_values"]

    def convert_to_rgb(
        self, image: Image.Image | np.ndarray, input_data_format: str | None = None
    ) -> np.ndarray:
        """Convert to an RGB array. Transparency is dropped, not blended with white as the library would."""
        if isinstance(image, Image.Image):
            return np.array(image.convert("RGB"))
        return super().convert_to_rgb(image, input_data_format)


__all__ = ["RamImageProcessor"]
