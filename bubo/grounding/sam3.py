"""Detector and segmenter in one over SAM 3: phrases, boxes or points -> regions with masks.

The model says of a phrase first whether the picture shows it at all (presence), then how well each of its
queries fits. A score is the product, so a thing that is absent has low scores everywhere, and the presence is
what grounding rests "absent" on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from bubo.geometry import box_iou, clip_boxes, mask_to_box, nms
from bubo.grounding.features import joined, taken_out
from bubo.grounding.sam import fill_holes
from bubo.grounding.thresholds import bent
from bubo.models.sam_pil import provide_roi_align
from bubo.passes import Passes, fail_alone
from bubo.recent import Recent, Shared
from bubo.types import Picture, Place, Regions

FloatArray = NDArray[np.float32]
BoolArray = NDArray[np.bool_]

# What the model is asked where a box alone says what is meant.
VISUAL = "visual"
# Side of the box that stands for a point, as a share of the picture's longer side.
POINT_SHARE = 0.04
# Most bytes of masks, a byte per pixel, that are made at once.
MASK_BYTES = 256_000_000
# Questions in a pass. A picture of 1008 x 1008 becomes features of 0.2 GB in float32, and the maps of a
# question take some 0.1 GB.
BATCH = 2
# The map of what is not there.
NOTHING = torch.full((1, 1), -torch.inf)


@dataclass(frozen=True, eq=False)
class Question:
    """What the model is asked about a picture.

    Attributes:
        picture: The picture.
        phrase: What to find.
        box: (4,) x0, y0, x1, y1 in pixels, an example of it.
        keep_best: The best queries count as found however unsure they are: something was pointed at.
    """

    picture: Picture
    phrase: str
    box: FloatArray | None = None
    keep_best: bool = False


#: Regions without masks, the mask (h, w) of each in logits, and the best score (not bent) of all queries.
Found = tuple[Regions, list[Tensor], float]


class Sam3Grounder:
    """Regions with masks for phrases, and masks for boxes and points.

    Threads may share it: what several ask at once, of one picture or of different ones, shares a pass.

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
        batch: Most questions in a pass.
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
        batch: int = BATCH,
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
        self._kept: Recent[Any] = Recent(capacity)  # used inside passes only
        self._maps: Shared[dict[bytes, Tensor]] = Shared(capacity)  # of boxes that have no masks yet
        self._passes: Passes[Question, Found] = Passes(
            fail_alone(self._answer), batch, alike=lambda one: one.box is None
        )

    def clear(self) -> None:
        """Forget all pictures."""
        self._passes.alone(self._kept.clear)
        self._maps.clear()

    def detect(self, picture: Picture, phrases: Sequence[str]) -> Regions:
        """Regions of each phrase, best first; one that is not there gets an empty region with its score.

        Where all masks together would take more than `MASK_BYTES` there are none: `segment` gives them later,
        of as many regions as it is asked for.
        """
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
    ) -> Found:
        """Regions of a phrase, or like the thing in a box; see `Question`."""
        return self._passes.share(Question(picture, phrase, box, keep_best))

    def _answer(self, questions: Sequence[Question]) -> list[Found]:
        """One pass; all questions have a box, or none has."""
        device, dtype = self.model.device, self.model.dtype
        tokens = self.tokenizer(
            [one.phrase for one in questions],
            padding="max_length",
            truncation=True,
            max_length=self.max_tokens,
            return_tensors="pt",
        ).to(device)
        prompt: dict[str, Tensor] = {}
        boxes = [_in_sides(one.box, one.picture) for one in questions if one.box is not None]
        if boxes:
            prompt["input_boxes"] = torch.from_numpy(np.stack(boxes)[:, None]).to(device, dtype)
        with torch.inference_mode():
            out = self.model(
                vision_embeds=joined(self._embeddings([one.picture for one in questions])),
                input_ids=tokens["input_ids"],
                attention_mask=tokens["attention_mask"],
                **prompt,
            )
            scores = _array(out.pred_logits.float().sigmoid() * out.presence_logits.float().sigmoid())
            found = zip(questions, scores, _array(out.pred_boxes), out.pred_masks, strict=True)
            return [self._choose(*one) for one in found]

    def _choose(self, question: Question, scores: FloatArray, boxes: FloatArray, maps: Tensor) -> Found:
        """What is found by queries with scores (Q,), boxes (Q, 4) in picture sides, and maps (Q, h, w)."""
        picture = question.picture
        boxes = clip_boxes(boxes * np.array([picture.width, picture.height] * 2, np.float32), picture.size_hw)
        best = float(scores.max())
        line = min(self.threshold, best / 2) if question.keep_best else self.threshold
        sure = np.flatnonzero((scores >= line) & (boxes[:, 2:] > boxes[:, :2]).all(axis=1))
        kept = sure[nms(boxes[sure], scores[sure], self.nms_iou)[: self.max_boxes]]
        if not len(kept):
            return Regions.empty(), [], best
        bent_scores = np.array([bent(float(score), self.threshold) for score in scores[kept]], np.float32)
        regions = Regions((question.phrase,) * len(kept), boxes[kept], bent_scores)
        return regions, [maps[number].clone() for number in kept.tolist()], best  # the rest is let go

    def _embeddings(self, pictures: Sequence[Picture]) -> list[Any]:
        """What the vision encoder makes of each; of those that are not kept in one pass."""
        new = list({one.id: one for one in pictures if one.id not in self._kept}.values())
        batch = self._embed(new) if new else None
        made = {one.id: taken_out(batch, number) for number, one in enumerate(new)}
        found: dict[str, Any] = {}
        for one in sorted(pictures, key=lambda one: one.id in made):  # those that are kept might have to go
            found[one.id] = self._kept.get(one.id, partial(made.__getitem__, one.id))
        return [found[one.id] for one in pictures]

    def _embed(self, pictures: Sequence[Picture]) -> Any:
        images = [Image.fromarray(picture.pixels) for picture in pictures]
        pixels = self.image_processor(images=images, return_tensors="pt")["pixel_values"]
        return self.model.get_vision_features(pixel_values=pixels.to(self.model.device, self.model.dtype))

    def _full(self, logits: Tensor, size_hw: tuple[int, int]) -> BoolArray:
        if logits is NOTHING:
            return np.zeros(size_hw, np.bool_)
        probability = logits.float().sigmoid()[None, None]
        full = F.interpolate(probability, size=size_hw, mode="bilinear", align_corners=False)
        mask: BoolArray = full[0, 0].cpu().numpy() > self.mask_threshold
        return fill_holes(mask, self.hole_pixels)


def _in_sides(box: FloatArray, picture: Picture) -> FloatArray:
    """Middle, width and height of a box as shares of the picture's sides."""
    sides = np.array([picture.width, picture.height], np.float32)
    near, far = box[:2] / sides, box[2:] / sides
    shares: FloatArray = np.concatenate([(near + far) / 2, far - near])
    return shares


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
