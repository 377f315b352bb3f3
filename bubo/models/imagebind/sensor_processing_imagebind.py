"""Depth, heat and motion -> the tensors of ImageBind's towers.

The released code has no front end for these three. What stands here follows the paper (arXiv 2305.05665,
section 4 and appendix B: disparity for depth, one channel for heat, five seconds of motion as 2,000 samples)
and what its users reported; it is inferred, not checked against the released system.
"""

import numpy as np
import torch
from PIL import Image

SIZE = 224
DEPTH_RANGE_M = (0.01, 50.0)
DEPTH_MEAN, DEPTH_STD = 0.0418, 0.0295
IMU_SAMPLES, IMU_DURATION_S = 2000, 5.0


def depth_values(depth_m: np.ndarray, *, baseline_m: float = 0.075, focal_px: float = 518.0) -> torch.Tensor:
    """A depth map as normalised disparity.

    Disparity is baseline x focal length / distance. The defaults are those of a common depth camera; give the
    values of yours. Where nothing was measured (0), the disparity is that of the far end.

    Args:
        depth_m: (H, W) distances in metres.
        baseline_m: distance between the two eyes of the camera.
        focal_px: focal length in pixels of the map.

    Returns:
        (1, 1, 224, 224) float32.
    """
    depth = _plane(depth_m, "depth_m")
    near, far = DEPTH_RANGE_M
    distance = np.clip(np.where(depth > 0, depth, far), near, far)
    disparity = baseline_m * focal_px / distance
    return _tensor((_square(disparity) - DEPTH_MEAN) / DEPTH_STD)


def thermal_values(warmth: np.ndarray) -> torch.Tensor:
    """A thermal picture (H, W) from 0 to 1, as (1, 1, 224, 224) float32; not normalised further."""
    warmth = _plane(warmth, "warmth")
    if warmth.min() < 0 or warmth.max() > 1:
        raise ValueError(
            f"warmth lies between {warmth.min():.3g} and {warmth.max():.3g}; expected values from 0 to 1."
        )
    return _tensor(np.clip(_square(warmth), 0, 1))


def imu_values(samples: np.ndarray, sampling_rate: float, *, start_s: float | None = None) -> torch.Tensor:
    """Five seconds of motion as 2,000 samples, by linear interpolation.

    Args:
        samples: (6, T) acceleration along x, y, z, then rotation about x, y, z.
        sampling_rate: samples per second.
        start_s: where the five seconds begin; None takes the middle of the recording. What lies before its
            beginning or behind its end is filled with zeros.

    Returns:
        (1, 6, 2000) float32.
    """
    samples = np.asarray(samples, dtype=np.float64)
    if samples.ndim != 2 or samples.shape[0] != 6 or not samples.shape[1]:
        raise ValueError(f"samples must have shape (6, T), got {samples.shape}.")
    if not sampling_rate > 0:
        raise ValueError(f"sampling_rate must be positive, got {sampling_rate}.")
    count = samples.shape[1]
    if start_s is None:
        start_s = (count / sampling_rate - IMU_DURATION_S) / 2
    places = (start_s + np.arange(IMU_SAMPLES) * IMU_DURATION_S / IMU_SAMPLES) * sampling_rate
    values = np.stack([np.interp(places, np.arange(count), axis) for axis in samples])
    values[:, (places < 0) | (places > count - 1)] = 0
    return _tensor(values, lead=1)


def _plane(values: np.ndarray, name: str) -> np.ndarray:
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 2 or not values.size:
        raise ValueError(f"{name} must be one plane (H, W), got shape {values.shape}.")
    if not np.isfinite(values).all():
        raise ValueError(f"{name} holds values that are not finite; fill them first.")
    return values


def _square(values: np.ndarray) -> np.ndarray:
    """Shorter side to 224, then the middle."""
    height, width = values.shape
    scale = SIZE / min(height, width)
    size = (max(SIZE, int(width * scale)), max(SIZE, int(height * scale)))
    resized = np.asarray(Image.fromarray(values.astype(np.float32)).resize(size, Image.Resampling.BICUBIC))
    top, left = round((size[1] - SIZE) / 2), round((size[0] - SIZE) / 2)
    return resized[top : top + SIZE, left : left + SIZE]


def _tensor(values: np.ndarray, lead: int = 2) -> torch.Tensor:
    tensor = torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))
    return tensor[(None,) * lead]


__all__ = ["depth_values", "imu_values", "thermal_values"]
