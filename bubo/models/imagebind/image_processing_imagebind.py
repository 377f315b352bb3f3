"""Pictures and videos to the pixel tensors of the vision tower. PIL and torch only, no torchvision.

Pictures: shorter side to 224 with PIL's bicubic filter, centre crop, CLIP's mean and standard deviation.
Videos: a few clips of two frames each, every frame cut into three square crops along its longer side.
"""

import math
from fractions import Fraction

import numpy as np
import torch
from PIL import Image
from torch.nn import functional as F
from transformers.feature_extraction_utils import BatchFeature
from transformers.image_processing_backends import PilBackend
from transformers.image_utils import OPENAI_CLIP_MEAN, OPENAI_CLIP_STD, PILImageResampling, SizeDict

from .feature_extraction_imagebind import constant_starts


class ImageBindImageProcessor(PilBackend):
    """Turns pictures into `pixel_values` (B, 3, H, W) and one video into (1, S, 3, T, H, W)."""

    resample = PILImageResampling.BICUBIC
    image_mean = OPENAI_CLIP_MEAN
    image_std = OPENAI_CLIP_STD
    size = {"shortest_edge": 224}
    default_to_square = False
    crop_size = {"height": 224, "width": 224}
    do_resize = True
    do_center_crop = True
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
        if image.ndim == 3 and image.shape[-1] == 4:
            image = image[..., :3]
        elif image.ndim == 3 and image.shape[0] == 4:
            image = image[:3]
        return super().convert_to_rgb(image, input_data_format)

    def center_crop(self, image: np.ndarray, size: SizeDict, **kwargs) -> np.ndarray:
        """Cut the centre of (C, H, W); an odd margin of 2k + 1 goes to the even one of k and k + 1.

        The library's own crop always rounds down, the released model was trained with Python's rounding.
        """
        height, width = image.shape[-2:]
        top, left = round((height - size.height) / 2), round((width - size.width) / 2)
        if min(top, left) < 0:
            return super().center_crop(image, size, **kwargs)
        return image[..., top : top + size.height, left : left + size.width]

    def preprocess_video(
        self,
        frames: np.ndarray,
        fps: float,
        *,
        num_clips: int = 5,
        clip_duration_s: float = 2.0,
        frames_per_clip: int = 2,
        return_tensors: str | None = None,
    ) -> BatchFeature:
        """Prepare one video.

        Args:
            frames: (T, H, W, 3) uint8 RGB.
            fps: average frames per second.
            num_clips: clips spread evenly from start to end.
            clip_duration_s: length of a clip.
            frames_per_clip: frames taken of a clip, the first and last among them; the released model wants
                2.
            return_tensors: "np" or "pt".

        Returns:
            `pixel_values` (1, 3 x num_clips, 3, frames_per_clip, size, size), clip by clip, with the start,
            centre and end crop of each.
        """
        frames = np.asarray(frames)
        if frames.ndim != 4 or frames.shape[-1] != 3 or frames.dtype != np.uint8 or not len(frames):
            raise ValueError(
                "A video must be a uint8 array (frames, height, width, 3), "
                f"got {frames.dtype} {frames.shape}."
            )
        if not fps > 0:
            raise ValueError(f"fps must be positive, got {fps}.")
        size = self.crop_size["height"]
        mean = torch.tensor(self.image_mean).reshape(3, 1, 1, 1)
        std = torch.tensor(self.image_std).reshape(3, 1, 1, 1)
        crops = []
        for indices in clip_frames(len(frames), fps, num_clips, clip_duration_s, frames_per_clip):
            clip = torch.from_numpy(frames[indices]).permute(0, 3, 1, 2).float() / 255  # (T', 3, H, W)
            clip = F.interpolate(
                clip, video_size(*clip.shape[-2:], size), mode="bilinear", align_corners=False
            )
            clip = (clip.transpose(0, 1) - mean) / std  # (3, T', H', W')
            crops.extend(square_crops(clip, size))
        return BatchFeature({"pixel_values": torch.stack(crops)[None].numpy()}, tensor_type=return_tensors)


def clip_frames(
    num_frames: int, fps: float, num_clips: int, clip_duration_s: float, frames_per_clip: int
) -> list[np.ndarray]:
    """Frame indices (frames_per_clip,) of every clip of a video with `num_frames` frames."""
    starts = constant_starts(num_frames / fps, clip_duration_s, num_clips, max(num_clips - 1, 1))
    indices = []
    for start in starts:
        first = math.ceil(fps * start)
        last = min(math.ceil(fps * (start + Fraction(clip_duration_s))), num_frames) - 1
        first = min(first, num_frames - 1)
        indices.append(np.linspace(first, max(last, first), frames_per_clip).astype(int))
    return indices


def video_size(height: int, width: int, size: int) -> tuple[int, int]:
    """(height, width) after scaling the shorter side to `size`; the longer one is rounded down."""
    if width < height:
        return math.floor(height / width * size), size
    return size, math.floor(width / height * size)


def square_crops(clip: torch.Tensor, size: int) -> list[torch.Tensor]:
    """Start, centre and end crop (..., size, size) along the longer side of (..., H, W)."""
    height, width = clip.shape[-2:]
    crops = []
    for place in (0.0, 0.5, 1.0):
        top, left = math.ceil((height - size) * place), math.ceil((width - size) * place)
        crops.append(clip[..., top : top + size, left : left + size])
    return crops


__all__ = ["ImageBindImageProcessor"]
