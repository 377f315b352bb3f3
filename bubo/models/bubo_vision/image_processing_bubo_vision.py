"""Pictures -> pixel_values for nano's eye: the whole picture, squashed to a square."""

from __future__ import annotations

from transformers.image_processing_backends import PilBackend
from transformers.image_utils import PILImageResampling


class BuboVisionImageProcessor(PilBackend):
    """RGB, resized whole to ``size`` by an antialiased bilinear filter, scaled to -1..1: (N, 3, H, W)."""

    resample = PILImageResampling.BILINEAR
    size = {"height": 128, "width": 128}
    image_mean = [0.5, 0.5, 0.5]
    image_std = [0.5, 0.5, 0.5]
    default_to_square = True
    do_resize = True
    do_rescale = True
    do_normalize = True
    do_convert_rgb = True
    model_input_names = ["pixel_values"]


__all__ = ["BuboVisionImageProcessor"]
