"""Average features inside boxes, in plain torch: what SAM 3 takes from torchvision.

Source: Mask R-CNN (arXiv 1703.06870), section 3, RoIAlign; the sampling follows torchvision's documentation.
"""

from collections.abc import Sequence
from importlib import import_module
from types import SimpleNamespace

import torch
from torch import Tensor


def roi_align(
    input: Tensor,
    boxes: Tensor | Sequence[Tensor],
    output_size: int | tuple[int, int],
    spatial_scale: float = 1.0,
    sampling_ratio: int = -1,
    aligned: bool = False,
) -> Tensor:
    """Cuts boxes into cells and averages bilinear samples of the features in each.

    A sample more than one cell outside the map counts 0; nearer ones take the border's value.

    Args:
        input: (B, C, H, W) features.
        boxes: one (K_i, 4) xyxy per picture, or all in one (K, 5) with the picture's number in front.
        output_size: cells per side, or (rows, columns).
        spatial_scale: factor from box coordinates to cells of the map.
        sampling_ratio: samples per side of a cell; -1 takes as many as the cell has map cells, rounded up.
        aligned: shift by half a cell, so that coordinates are those of cell corners; boxes may then be
            smaller than one cell.

    Returns:
        (K, C, rows, columns) in the order of the boxes.
    """
    rows, columns = (output_size, output_size) if isinstance(output_size, int) else output_size
    if isinstance(boxes, Tensor):
        if boxes.ndim != 2 or boxes.shape[1] != 5:
            raise ValueError(f"boxes in one tensor must have shape (K, 5), got {tuple(boxes.shape)}.")
        numbered = [(int(box[0]), box[1:]) for box in boxes]
    else:
        if len(boxes) != len(input):
            raise ValueError(f"One tensor of boxes per picture is needed, got {len(boxes)} for {len(input)}.")
        numbered = [(number, box) for number, group in enumerate(boxes) for box in group]
    shift = 0.5 if aligned else 0.0
    pooled = []
    for number, box in numbered:
        x0, y0, x1, y1 = (box.float() * spatial_scale - shift).tolist()
        width, height = x1 - x0, y1 - y0
        if not aligned:
            width, height = max(width, 1.0), max(height, 1.0)
        ys, per_row = _samples(y0, height, rows, sampling_ratio)
        xs, per_column = _samples(x0, width, columns, sampling_ratio)
        values = _bilinear(input[number].float(), ys.to(input.device), xs.to(input.device))
        values = values.unflatten(2, (columns, per_column)).unflatten(1, (rows, per_row))
        pooled.append(values.mean(dim=(2, 4)))
    if not pooled:
        return input.new_zeros((0, input.shape[1], rows, columns))
    return torch.stack(pooled).to(input.dtype)


def _samples(start: float, length: float, cells: int, ratio: int) -> tuple[Tensor, int]:
    """Coordinates (cells x n,) of the samples along one side, and n."""
    cell = length / cells
    count = ratio if ratio > 0 else max(-int(-cell // 1), 1)
    steps = (torch.arange(count) + 0.5) / count
    return (start + (torch.arange(cells)[:, None] + steps) * cell).flatten(), count


def _bilinear(features: Tensor, ys: Tensor, xs: Tensor) -> Tensor:
    """Values (C, len(ys), len(xs)) of a map (C, H, W) at the grid of two coordinate lists."""

    def line(at: Tensor, size: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        inside = (at >= -1) & (at <= size)
        at = at.clamp(0, size - 1)
        low = at.floor().long()
        return low, (low + 1).clamp(max=size - 1), at - low, inside

    y0, y1, wy, y_inside = line(ys, features.shape[1])
    x0, x1, wx, x_inside = line(xs, features.shape[2])
    top = features[:, y0][:, :, x0] * (1 - wx) + features[:, y0][:, :, x1] * wx
    bottom = features[:, y1][:, :, x0] * (1 - wx) + features[:, y1][:, :, x1] * wx
    values = top * (1 - wy[:, None]) + bottom * wy[:, None]
    return values * (y_inside[:, None] & x_inside)


def provide_roi_align() -> None:
    """Gives transformers' SAM 3 our `roi_align` where torchvision is absent; its box prompts fail without."""
    # from its package the module may come as a placeholder that wants torchvision
    modeling_sam3 = import_module("transformers.models.sam3.modeling_sam3")
    if not hasattr(modeling_sam3, "torchvision"):
        modeling_sam3.torchvision = SimpleNamespace(ops=SimpleNamespace(roi_align=roi_align))


__all__ = ["provide_roi_align", "roi_align"]
