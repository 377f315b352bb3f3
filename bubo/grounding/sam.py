"""Segmenter over SAM or SAM 2: boxes, points or scribbles -> masks.

The costly half, the embedding of a picture, is kept for the last few pictures, so that every further prompt
costs next to nothing. SAM shrinks a picture to fit a square and fills it up, SAM 2 stretches it; all else is
the same.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from bubo.errors import InputError
from bubo.geometry import mask_to_box
from bubo.grounding.features import joined, taken_out
from bubo.passes import Passes, fail_alone
from bubo.recent import Shared
from bubo.types import Picture, Place, Regions

FloatArray = NDArray[np.float32]
BoolArray = NDArray[np.bool_]

# Prompts decoded at a time: each has masks of 256 x 256 in several versions.
BATCH = 32
# Pictures encoded at a time. With one of 1024 x 1024 a global layer of SAM's largest encoder holds 16 maps of
# 4096 x 4096 a few times over, some 2.5 GB in float32 beside the weights.
PICTURES = 2


@dataclass(frozen=True, eq=False)
class Embedded:
    """A picture as SAM keeps it.

    Attributes:
        features: What the model's image encoder gave.
        scale_xy: Factors from picture pixels to the model's.
        inner_hw: Height and width of the picture in the model's pixels.
        square_hw: The same of what the model sees: the picture and its filling.
    """

    features: Any
    scale_xy: tuple[float, float]
    inner_hw: tuple[int, int]
    square_hw: tuple[int, int]


@dataclass(frozen=True, eq=False)
class Prompts:
    """What marks N things in one picture.

    Attributes:
        features: What the image encoder made of the picture.
        given: The model's arguments by name, (1, N, ...).
        several: Whether the model gives several readings of each.
    """

    features: Any
    given: dict[str, Tensor]
    several: bool

    def __len__(self) -> int:
        return next(iter(self.given.values())).shape[1]

    @property
    def kind(self) -> Hashable:
        """What those that are decoded together have in common."""
        return self.several, tuple((name, value.shape) for name, value in self.given.items())


class SamSegmenter:
    """Masks for boxes, points and scribbles.

    Threads may share it: pictures that several ask about at once are encoded together, and their prompts are
    decoded together where they are as many and of one kind.

    Args:
        model: A `SamModel`, or anything with the interface of `Sam2Model` (SAM 3's tracker has it too).
        image_processor: Its image processor: `SamImageProcessorPil`, or ours for SAM 2.
        mask_threshold: Pixels above this logit belong to the thing.
        hole_pixels: Smaller holes in a mask are filled.
        capacity: Pictures whose embeddings are kept.
        batch: Most pictures encoded together.
    """

    def __init__(
        self,
        model: Any,
        image_processor: Any,
        *,
        mask_threshold: float = 0.0,
        hole_pixels: int = 400,
        capacity: int = 4,
        batch: int = PICTURES,
    ):
        self.model = model
        self.image_processor = image_processor
        self.mask_threshold = mask_threshold
        self.hole_pixels = hole_pixels
        self._kept: Shared[Embedded] = Shared(capacity)
        self._encodings: Passes[Picture, Embedded] = Passes(fail_alone(self._embed), batch)
        self._decodings: Passes[Prompts, tuple[Tensor, Tensor]] = Passes(
            fail_alone(self._decode), BATCH, weigh=lambda one: len(one) / BATCH, alike=lambda one: one.kind
        )

    def clear(self) -> None:
        """Forget all pictures."""
        self._kept.clear()

    def segment(self, picture: Picture, where: Regions | NDArray[Any]) -> Regions:
        """Masks of what boxes or single points mark; of a point the likeliest of the model's readings."""
        if not isinstance(where, Regions):
            points = np.asarray(where, np.float32).reshape(-1, 2)
            return self.segment_scribbles(picture, points[:, None])
        if not len(where):
            return where
        masks, _ = self._masks(picture, boxes=where.boxes)
        return Regions(where.labels, where.boxes, where.scores, masks)

    def segment_scribbles(
        self,
        picture: Picture,
        scribbles: Sequence[ArrayLike] | NDArray[Any],
        labels: Sequence[ArrayLike] | None = None,
    ) -> Regions:
        """The thing that each scribble is on.

        Args:
            picture: The picture.
            scribbles: (P, 2) points of one thing each, x and y in pixels.
            labels: (P,) for each of them: 1 for a point on the thing, 0 for one beside it. None: all are on.

        Returns:
            A region each, with an empty label, its mask's box and the model's own estimate of the mask; a
            scribble that marks nothing has an empty mask.

        Raises:
            InputError: If points and labels do not fit together.
        """
        points = [np.asarray(scribble, np.float32) for scribble in scribbles]
        marks = (
            [np.asarray(mark) for mark in labels] if labels is not None else [np.ones(len(p)) for p in points]
        )
        fits = len(points) == len(marks) and all(
            p.ndim == 2 and p.shape[1] == 2 and len(p) and m.shape == (len(p),)
            for p, m in zip(points, marks, strict=False)
        )
        if not fits:
            raise InputError(
                "A scribble must be points (P, 2), at least one, with a label each, "
                f"but got {[p.shape for p in points]} with labels {[m.shape for m in marks]}."
            )
        if not points:
            return Regions.empty()
        if len({len(p) for p in points}) == 1:
            batches = [(np.stack(points), np.stack(marks))]
        else:  # filling them up with points to be ignored would change what the model sees
            batches = [(p[None], m[None]) for p, m in zip(points, marks, strict=True)]
        found = [self._masks(picture, points=p, labels=m, several=p.shape[1] == 1) for p, m in batches]
        masks = np.concatenate([part for part, _ in found])
        boxes = np.stack([mask_to_box(mask) for mask in masks])
        return Regions(("",) * len(masks), boxes, np.concatenate([scores for _, scores in found]), masks)

    def segment_place(self, picture: Picture, place: Place) -> Regions:
        """The thing in a box or at points, which SAM takes together; none if the mask is empty."""
        points = np.array([[(point.x, point.y) for point in place.points]], np.float32)
        marks = np.array([[int(point.positive) for point in place.points]])
        masks, scores = self._masks(
            picture,
            boxes=None if place.box is None else np.array([place.box], np.float32),
            points=points if place.points else None,
            labels=marks if place.points else None,
            several=place.box is None and len(place.points) == 1,
        )
        if not masks.any():
            return Regions.empty()
        return Regions(("",), mask_to_box(masks[0])[None], scores, masks)

    def embed(self, picture: Picture) -> Embedded:
        """What the image encoder makes of a picture, kept by its id."""
        return self._kept.get(picture.id, partial(self._encodings.share, picture))

    def _embed(self, pictures: Sequence[Picture]) -> list[Embedded]:
        """One pass of the image encoder."""
        images = [Image.fromarray(picture.pixels) for picture in pictures]
        inputs = self.image_processor(images=images, return_tensors="pt")
        pixels = inputs["pixel_values"]
        square = (int(pixels.shape[-2]), int(pixels.shape[-1]))
        inner = [square] * len(pictures)
        if "reshaped_input_sizes" in inputs:
            inner = [(int(height), int(width)) for height, width in inputs["reshaped_input_sizes"]]
        with torch.inference_mode():
            features = self.model.get_image_embeddings(pixels.to(self.model.device, self.model.dtype))
            return [
                Embedded(taken_out(features, number), (w / one.width, h / one.height), (h, w), square)
                for number, (one, (h, w)) in enumerate(zip(pictures, inner, strict=True))
            ]

    def _decode(self, prompts: Sequence[Prompts]) -> list[tuple[Tensor, Tensor]]:
        """Logits (N, h, w) of the likeliest mask of each prompt, and the model's estimates (N,) of them."""
        given = {name: torch.cat([one.given[name] for one in prompts]) for name in prompts[0].given}
        with torch.inference_mode():
            out = self.model(
                image_embeddings=joined([one.features for one in prompts]),
                multimask_output=prompts[0].several,
                **given,
            )
            estimates, best = out.iou_scores.float().max(-1)  # (pictures, N)
            rows, columns = (torch.arange(size, device=best.device) for size in best.shape)
            chosen = out.pred_masks[rows[:, None], columns, best].float()  # (pictures, N, h, w)
        return list(zip(chosen, estimates.clamp(0, 1), strict=True))

    def _masks(
        self,
        picture: Picture,
        boxes: FloatArray | None = None,
        points: FloatArray | None = None,
        labels: NDArray[Any] | None = None,
        several: bool = False,
    ) -> tuple[BoolArray, FloatArray]:
        """Masks (N, H, W) and the model's estimates (N,) for N boxes or N sets of points."""
        embedded = self.embed(picture)
        scale = np.array(embedded.scale_xy, np.float32)
        prompts: dict[str, Any] = {}
        if boxes is not None:
            prompts["input_boxes"] = boxes * np.tile(scale, 2)
        if points is not None and labels is not None:
            prompts["input_points"] = points * scale
            prompts["input_labels"] = labels.astype(np.int64)
        count = len(next(iter(prompts.values())))
        masks = np.zeros((count, *picture.size_hw), np.bool_)
        scores = np.zeros(count, np.float32)
        for first in range(0, count, BATCH):
            part = slice(first, first + BATCH)
            given = {name: self._tensor(value[part]) for name, value in prompts.items()}
            chosen, estimates = self._decodings.share(Prompts(embedded.features, given, several))
            scores[part] = estimates.cpu().numpy()
            for number, logits in enumerate(chosen, first):
                masks[number] = fill_holes(self._full(logits, embedded, picture), self.hole_pixels)
        return masks, scores

    def _tensor(self, values: NDArray[Any]) -> Tensor:
        tensor = torch.from_numpy(np.ascontiguousarray(values))[None].to(self.model.device)
        return tensor.to(self.model.dtype) if tensor.is_floating_point() else tensor

    def _full(self, logits: Tensor, embedded: Embedded, picture: Picture) -> BoolArray:
        """A mask in the size of the picture from logits (h, w) over the model's square."""
        part = logits[None, None]
        if embedded.inner_hw != embedded.square_hw:
            part = F.interpolate(part, size=embedded.square_hw, mode="bilinear", align_corners=False)
            part = part[..., : embedded.inner_hw[0], : embedded.inner_hw[1]]
        full = F.interpolate(part, size=picture.size_hw, mode="bilinear", align_corners=False)
        mask: BoolArray = full[0, 0].cpu().numpy() > self.mask_threshold
        return mask


def fill_holes(mask: BoolArray, pixels: int) -> BoolArray:
    """A mask (H, W) whose holes of less than so many pixels are filled; diagonal neighbours are one hole.

    What touches the border is a hole like any other.
    """
    if pixels <= 1 or mask.all():
        return mask
    from scipy import ndimage  # half a second of every start

    holes, count = ndimage.label(~mask, structure=np.ones((3, 3)))
    if not count:
        return mask
    small = np.bincount(holes.ravel()) < pixels
    small[0] = False
    filled: BoolArray = mask | small[holes]
    return filled
