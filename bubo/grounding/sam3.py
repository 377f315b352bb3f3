"""Detector and segmenter in one over SAM 3: phrases, boxes or points -> regions with masks.

The model says of a phrase first whether the picture shows it at all (presence), then how well each of its
queries fits. A score is the product, so a thing that is absent has low scores everywhere, and the presence is
what grounding rests "absent" on.
"""

import threading
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from bubo.geometry import box_iou, clip_boxes, mask_to_box, nms
from bubo.grounding.sam import fill_holes
from bubo.grounding.thresholds import bent
from bubo.models.sam_pil import provide_roi_align
from bubo.recent import Recent
from bubo.types import Picture, Place, Regions

FloatArray = NDArray[np.float32]
BoolArray = NDArray[np.bool_]

# What the model is asked where a box alone says what is meant.
VISUAL = "visual"
# Side of the box that stands for a point, as a share of the picture's longer side.
POINT_SHARE = 0.04
# Most bytes of masks, a byte per pixel, that are made at once.
MASK_BYTES = 256_000_000
# The map of what is not there.
NOTHING = torch.full((1, 1), -torch.inf)


class Sam3Grounder:
    """Regions with masks for phrases, and masks for boxes and points. Threads may share it.

    A score is bent so that `threshold` lies at one half, as everywhere in grounding.

    Args:
        model: A `Sam3Model`.
        image_processor: Its image processor, ours on PIL or the library's.
        tokenizer: Its tokenizer.
        threshold: A region is there from this product of presence and fit on.
        mask_threshold: Pixels from this probability on belong to the thing.
        nms_iou: Of two boxes of one phrase that overlap by more, the surer is kept.
        max_boxes: Most regions per phrase.
        hole_pixels: Smaller holes in a mask are filled.
        capacity: Pictures whose embeddings are kept.
    """

    def __init__(
        self,
        model: Any,
        image_processor: Any,
        tokenizer: Any,
        *,
        threshold: float = 0.5,
        mask_threshold: float = 0.5,
        nms_iou: float = 0.7,
        max_boxes: int = 50,
        hole_pixels: int = 0,
        capacity: int = 2,
    ):
        provide_roi_align()
        self.model = model
        self.image_processor = image_processor
        self.tokenizer = tokenizer
        self.threshold = threshold
        self.mask_threshold = mask_threshold
        self.nms_iou = nms_iou
        self.max_boxes = max_boxes
        self.hole_pixels = hole_pixels
        self.max_tokens = int(model.config.text_config.max_position_embeddings)
        self._kept: Recent[Any] = Recent(capacity)
        self._maps: Recent[dict[bytes, Tensor]] = Recent(capacity)  # of boxes that have no masks yet
        self._lock = threading.Lock()

    def clear(self) -> None:
        """Forget all pictures."""
        with self._lock:
            self._kept.clear()
            self._maps.clear()

    def detect(self, picture: Picture, phrases: Sequence[str]) -> Regions:
        """Regions of each phrase, best first; one that is not there gets an empty region with its score.

        Where all masks together would take more than `MASK_BYTES` there are none: `segment` gives them later,
        of as many regions as it is asked for.
        """
        with self._lock:
            found = [self._find(picture, phrase) for phrase in phrases]
            boxes = Regions.merge([regions for regions, _ in found])
            maps = [one for _, part in found for one in part]
            if len(boxes) * picture.height * picture.width <= MASK_BYTES:
                return self._with_masks(boxes, [self._full(one, picture.size_hw) for one in maps])
            known = self._maps.get(picture.id, dict)
            known |= {_key(box): one for box, one in zip(boxes.boxes, maps, strict=True)}
            return boxes

    def segment(self, picture: Picture, where: Regions | NDArray[Any]) -> Regions:
        """Masks of what boxes mark, and of the smallest thing that holds each point.

        A box is shown to the model as an example; of what it finds, the region that fits the box best is
        taken, cut at the box's border if it reaches further.
        """
        with self._lock:
            if isinstance(where, Regions):
                if not len(where) or where.masks is not None:
                    return where
                known = self._maps.get(picture.id, dict)
                masks = [
                    self._full(known[_key(box)], picture.size_hw)
                    if _key(box) in known
                    else self._inside(picture, box)
                    for box in where.boxes
                ]
                return self._with_masks(where, masks)
            points = np.asarray(where, np.float32).reshape(-1, 2)
            return Regions.merge([self._at_point(picture, point) for point in points])

    def segment_place(self, picture: Picture, place: Place) -> Regions:
        """The thing that fits a box best, or the smallest that holds all points and no negative one.

        The model takes boxes alone: points choose among what it finds around the first of them.
        """
        with self._lock:
            box = None if place.box is None else np.array(place.box, np.float32)
            if box is None:
                first = next(point for point in place.points if point.positive)
                box = self._around(picture, np.array([first.x, first.y], np.float32))
            found, maps, _ = self._ask(picture, VISUAL, box, keep_best=True)
            best: tuple[float, int, BoolArray] | None = None  # how well it fits, its number, itself
            for number, one in enumerate(maps):
                mask = self._full(one, picture.size_hw)
                if not _holds(mask, place):
                    continue
                fit = -float(np.count_nonzero(mask))
                if place.box is not None:
                    fit = float(box_iou(found.boxes[[number]], box[None])[0, 0])
                if best is None or fit > best[0]:
                    best = fit, number, mask
            if best is None:
                return Regions.empty()
            _, number, mask = best
            return Regions(("",), mask_to_box(mask)[None], found.scores[[number]], mask[None])

    def _find(self, picture: Picture, phrase: str) -> tuple[Regions, list[Tensor]]:
        """The regions of a phrase without masks, and the map of each."""
        found, maps, best = self._ask(picture, phrase, None)
        if len(found):
            return found, maps
        score = np.array([bent(min(best, self.threshold * 0.999), self.threshold)], np.float32)
        return Regions((phrase,), np.zeros((1, 4), np.float32), score), [NOTHING]

    def _with_masks(self, regions: Regions, masks: Sequence[BoolArray]) -> Regions:
        if not masks:
            return regions
        return Regions(regions.labels, regions.boxes, regions.scores, np.stack(masks))

    def _inside(self, picture: Picture, box: FloatArray) -> BoolArray:
        found, maps, _ = self._ask(picture, VISUAL, box, keep_best=True)
        mask: BoolArray = np.zeros(picture.size_hw, np.bool_)
        x0, y0 = np.floor(np.clip(box[:2], 0, None)).astype(int)
        x1, y1 = np.ceil(box[2:]).astype(int)
        if len(found):
            best = int(box_iou(found.boxes, box[None])[:, 0].argmax())
            mask[y0:y1, x0:x1] = self._full(maps[best], picture.size_hw)[y0:y1, x0:x1]
        return mask

    def _at_point(self, picture: Picture, point: FloatArray) -> Regions:
        found, maps, _ = self._ask(picture, VISUAL, self._around(picture, point), keep_best=True)
        column = min(max(int(point[0]), 0), picture.width - 1)
        row = min(max(int(point[1]), 0), picture.height - 1)
        smallest: tuple[int, int, BoolArray] | None = None  # its pixels, its number, itself
        for number, one in enumerate(maps):
            mask = self._full(one, picture.size_hw)
            pixels = int(np.count_nonzero(mask))
            if mask[row, column] and (smallest is None or pixels < smallest[0]):
                smallest = pixels, number, mask
        if smallest is None:
            return Regions.empty()
        _, number, mask = smallest
        return Regions(("",), mask_to_box(mask)[None], found.scores[number : number + 1], mask[None])

    @staticmethod
    def _around(picture: Picture, point: FloatArray) -> FloatArray:
        """The box that stands for a point."""
        half = POINT_SHARE * max(picture.size_hw) / 2
        box: FloatArray = clip_boxes(np.concatenate([point - half, point + half])[None], picture.size_hw)[0]
        return box

    def _ask(
        self, picture: Picture, phrase: str, box: FloatArray | None, *, keep_best: bool = False
    ) -> tuple[Regions, list[Tensor], float]:
        """Regions of a phrase, or like the thing in a box, without masks.

        Beside them the mask (h, w) of each in logits, and the best score (not bent) of all queries.
        With `keep_best` the best queries count as found however unsure they are: something was pointed at.
        """
        tokens = self.tokenizer(
            [phrase],
            padding="max_length",
            truncation=True,
            max_length=self.max_tokens,
            return_tensors="pt",
        ).to(self.model.device)
        prompt: dict[str, Tensor] = {}
        if box is not None:
            sides = np.array([picture.width, picture.height], np.float32)
            near, far = box[:2] / sides, box[2:] / sides
            middle = np.concatenate([(near + far) / 2, far - near])[None, None]
            prompt["input_boxes"] = torch.from_numpy(middle).to(self.model.device, self.model.dtype)
        with torch.inference_mode():
            out = self.model(
                vision_embeds=self._kept.get(picture.id, partial(self._embed, picture)),
                input_ids=tokens["input_ids"],
                attention_mask=tokens["attention_mask"],
                **prompt,
            )
            scores = _array(out.pred_logits[0].float().sigmoid() * out.presence_logits[0].float().sigmoid())
            boxes = _array(out.pred_boxes[0]) * np.array([picture.width, picture.height] * 2, np.float32)
        boxes = clip_boxes(boxes, picture.size_hw)
        best = float(scores.max())
        line = min(self.threshold, best / 2) if keep_best else self.threshold
        sure = np.flatnonzero((scores >= line) & (boxes[:, 2:] > boxes[:, :2]).all(axis=1))
        kept = sure[nms(boxes[sure], scores[sure], self.nms_iou)[: self.max_boxes]]
        if not len(kept):
            return Regions.empty(), [], best
        maps = [out.pred_masks[0, number].clone() for number in kept.tolist()]  # the rest is let go
        bent_scores = np.array([bent(float(score), self.threshold) for score in scores[kept]], np.float32)
        return Regions((phrase,) * len(kept), boxes[kept], bent_scores), maps, best

    def _embed(self, picture: Picture) -> Any:
        inputs = self.image_processor(images=[Image.fromarray(picture.pixels)], return_tensors="pt")
        return self.model.get_vision_features(
            pixel_values=inputs["pixel_values"].to(self.model.device, self.model.dtype)
        )

    def _full(self, logits: Tensor, size_hw: tuple[int, int]) -> BoolArray:
        if logits is NOTHING:
            return np.zeros(size_hw, np.bool_)
        probability = logits.float().sigmoid()[None, None]
        full = F.interpolate(probability, size=size_hw, mode="bilinear", align_corners=False)
        mask: BoolArray = full[0, 0].cpu().numpy() > self.mask_threshold
        return fill_holes(mask, self.hole_pixels)


def _key(box: FloatArray) -> bytes:
    return box.tobytes()


def _holds(mask: BoolArray, place: Place) -> bool:
    """Whether a mask has pixels, all positive points of a place and none of its negative ones."""
    height, width = mask.shape
    return bool(mask.any()) and all(
        bool(mask[min(int(point.y), height - 1), min(int(point.x), width - 1)]) == point.positive
        for point in place.points
    )


def _array(tensor: Tensor) -> FloatArray:
    array: FloatArray = tensor.detach().float().cpu().numpy()
    return array
