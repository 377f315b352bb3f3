"""Nano's tagger, detector and segmenter: three questions to one pass of a small network."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from bubo.geometry import box_iou, mask_to_box
from bubo.grounding.lexicon import Lexicon
from bubo.grounding.thresholds import Thresholds
from bubo.passes import Passes, fail_alone
from bubo.recent import Shared
from bubo.types import Picture, Place, Point, Regions, Tags

FloatArray = NDArray[np.float32]

# A box that overlaps no slot by this much was not made by this detector.
SAME_BOX = 0.3
# Pictures that wait at the same time and are looked at in one pass.
BATCH = 4
# A point is on the object whose mask has the highest probability there, if it is at least this. On validation
# pictures masks are a little narrow: 0.2 instead of 0.5 finds 7 % more of what is pointed at.
HIT = 0.2
# A point this near to a mask, as a share of the longer side, still means it, if no other is hit.
NEAR_POINT = 0.03
# A drawn box means an object that lies in it, or that it lies in, by this share.
INSIDE = 0.6


@dataclass(frozen=True, eq=False)
class Look:
    """What one pass saw of one picture. C classes, K objects, maps of h x w.

    Args:
        states: (1, L, D) tokens for the language model.
        tags: (C,) probability that the picture shows a class.
        classes: (C + 1, h, w) class probabilities of each pixel, 0 being nothing.
        masks: (K, h', w') mask probability of each object.
        scores: (K,) how sure it is an object.
        names: (K, C) class probabilities of each object.
        boxes: (K, 4) x0, y0, x1, y1 in picture sides, 0 to 1.
    """

    states: Tensor
    tags: FloatArray
    classes: FloatArray
    masks: FloatArray
    scores: FloatArray
    names: FloatArray
    boxes: FloatArray


class NanoEyes:
    """Looks at each picture once and keeps what it saw of the last ones.

    Threads may share it: what several ask for at once is looked at together.

    Args:
        model: A `BuboVisionModel`, the vision tower of the speaking model.
        image_processor: Its image processor.
        thresholds: Where there begins.
        capacity: Pictures kept.
    """

    def __init__(self, model: Any, image_processor: Any, thresholds: Thresholds, capacity: int = 32):
        self.model = model
        self.image_processor = image_processor
        self.thresholds = thresholds
        self.class_names: tuple[str, ...] = tuple(model.config.object_names)
        self._kept: Shared[Look] = Shared(capacity)
        self._passes: Passes[Picture, Look] = Passes(fail_alone(self._look_at), BATCH)

    def look(self, picture: Picture) -> Look:
        """What the network sees in a picture."""
        return self._kept.get(picture.id, lambda: self._passes.share(picture))

    def clear(self) -> None:
        """Forget all pictures."""
        self._kept.clear()

    def states(self, picture: Picture) -> Tensor:
        """The tower's tokens (1, L, D), for a speaker over the same tower."""
        return self.look(picture).states

    def _look_at(self, pictures: Sequence[Picture]) -> list[Look]:
        """One pass over some pictures."""
        images = [Image.fromarray(picture.pixels) for picture in pictures]
        values = self.image_processor(images=images, return_tensors="pt")["pixel_values"]
        with torch.inference_mode():
            out = self.model(values.to(self.model.device))
        return [self._read(out, number) for number in range(len(pictures))]

    def _read(self, out: Any, number: int) -> Look:
        """What a pass saw of one of its pictures."""
        scores = _array(out.slot_scores[number])
        kept = scores >= self.thresholds.slot
        masks = _array(out.slot_masks[number])[kept]
        return Look(
            states=out.last_hidden_state[number : number + 1].clone(),
            tags=_array(out.tag_logits[number].float().sigmoid()),
            classes=_array(out.class_logits[number].float().softmax(0)),
            masks=masks,
            scores=scores[kept],
            names=_array(out.slot_class_probs[number])[kept][:, 1:],
            boxes=np.array([soft_box(mask, self.thresholds.mask) for mask in masks], np.float32).reshape(
                -1, 4
            ),
        )


@dataclass(frozen=True, eq=False)
class NanoTagger:
    """Picture -> all classes of the vocabulary with their scores."""

    eyes: NanoEyes

    def clear(self) -> None:
        """Forget what was perceived."""
        self.eyes.clear()

    def tag(self, picture: Picture) -> Tags:
        """Scores of all classes; one half is where "there" begins."""
        names, tags = self.eyes.class_names, self.eyes.look(picture).tags
        score = self.eyes.thresholds.tag_score
        scores = [score(name, float(p)) for name, p in zip(names, tags, strict=True)]
        return Tags(names, np.array(scores, dtype=np.float32))


@dataclass(frozen=True, eq=False)
class NanoDetector:
    """Picture and names -> boxes of objects, each given to the name that fits it best."""

    eyes: NanoEyes
    lexicon: Lexicon

    def detect(self, picture: Picture, phrases: Sequence[str]) -> Regions:
        """Boxes of the phrases that name classes of the vocabulary; other phrases find nothing."""
        look = self.eyes.look(picture)
        limits = self.eyes.thresholds
        columns = [self._columns(phrase) for phrase in phrases]
        fits = (
            np.stack([look.names[:, c].sum(1) for c in columns], 1)
            if columns
            else np.zeros((len(look.scores), 0))
        )
        found: list[tuple[str, FloatArray, float]] = []
        missing = set(range(len(phrases)))
        alone = len(phrases) == 1 and not self._tagged(look, columns[0])
        line = limits.direct if alone else limits.named
        for slot in range(len(look.scores) if phrases else 0):
            best = int(fits[slot].argmax())
            if fits[slot, best] >= line:
                found.append((phrases[best], look.boxes[slot], float(fits[slot, best])))
                missing.discard(best)
        for number in sorted(missing):
            patch = self._patch(look, columns[number]) if columns[number] else None
            if patch is not None:
                found.append((phrases[number], patch[0], patch[1]))
        if not found:
            return Regions.empty()
        sides = np.array([picture.width, picture.height] * 2, dtype=np.float32)
        return Regions(
            tuple(name for name, _, _ in found),
            np.stack([box for _, box, _ in found]) * sides,
            np.array([score for _, _, score in found], dtype=np.float32),
        )

    def _columns(self, phrase: str) -> list[int]:
        """Numbers of the classes that a phrase names."""
        names = self.eyes.class_names
        if phrase in names:
            return [names.index(phrase)]
        senses = self.lexicon.senses_of(phrase)
        wanted = {name for sense in senses if sense.kind in ("object", "group") for name in sense.names}
        return [number for number, name in enumerate(names) if name in wanted]

    def _tagged(self, look: Look, columns: Sequence[int]) -> bool:
        """Whether the tagger saw one of these classes."""
        limits, names = self.eyes.thresholds, self.eyes.class_names
        return any(look.tags[column] >= limits.tags.get(names[column], limits.tag) for column in columns)

    def _patch(self, look: Look, columns: Sequence[int]) -> tuple[FloatArray, float] | None:
        """Box and score of the largest patch of the class map, for a class that is tagged but in no slot."""
        limits = self.eyes.thresholds
        if not self._tagged(look, columns):
            return None
        from scipy import ndimage  # seldom needed, and half a second of every start

        probability = look.classes[[column + 1 for column in columns]].sum(0)  # (h, w)
        labels, count = ndimage.label(probability >= limits.mask)
        if not count:
            return None
        sizes = np.bincount(labels.ravel())[1:]
        patch = labels == sizes.argmax() + 1
        score = float(probability[patch].mean())
        if sizes.max() < limits.patch_share * patch.size or score < limits.patch:
            return None
        height, width = patch.shape
        sides = np.array([width, height, width, height], dtype=np.float32)
        return mask_to_box(patch) / sides, score


@dataclass(frozen=True, eq=False)
class NanoSegmenter:
    """Boxes or points -> the masks of the objects that they mark."""

    eyes: NanoEyes

    def segment(self, picture: Picture, where: Regions | NDArray[Any]) -> Regions:
        """Masks in the size of the picture; of a box that marks no object, the figure inside it."""
        look = self.eyes.look(picture)
        if not isinstance(where, Regions):
            return self._at_points(picture, look, np.asarray(where, dtype=np.float32).reshape(-1, 2))
        if not len(where):
            return where
        sides = np.array([picture.width, picture.height] * 2, dtype=np.float32)
        overlaps = box_iou(where.boxes, look.boxes * sides)
        masks = [
            self._full(picture, look.masks[int(row.argmax())])
            if len(row) and row.max() >= SAME_BOX
            else self._inside(picture, look, box)
            for row, box in zip(overlaps, where.boxes, strict=True)
        ]
        return Regions(where.labels, where.boxes, where.scores, np.stack(masks))

    def _at_points(self, picture: Picture, look: Look, points: FloatArray) -> Regions:
        parts = []
        for x, y in points:
            column = min(max(int(x), 0), picture.width - 1)
            row = min(max(int(y), 0), picture.height - 1)
            masks = [self._full(picture, mask) for mask in look.masks]
            hits = [number for number, mask in enumerate(masks) if mask[row, column]]
            if hits:
                slot = min(hits, key=lambda number: int(masks[number].sum()))
                box = mask_to_box(masks[slot])[None]
                parts.append(Regions(("",), box, look.scores[slot : slot + 1], masks[slot][None]))
        return Regions.merge(parts)

    def segment_place(self, picture: Picture, place: Place) -> Regions:
        """The object at points or in a box; none where the eyes know of no object."""
        look = self.eyes.look(picture)
        fits = [self._fit(self._large(picture, mask), place) for mask in look.masks]
        slot = max(range(len(fits)), key=lambda number: fits[number], default=0)
        if not fits or fits[slot] <= 0:
            return Regions.empty()
        mask = self._full(picture, look.masks[slot])
        return Regions(("",), mask_to_box(mask)[None], look.scores[slot : slot + 1], mask[None])

    def _fit(self, probability: FloatArray, place: Place) -> float:
        """How well an object with this mask (H, W) answers to a place, 0 for not at all."""
        mask = probability >= self.eyes.thresholds.mask
        if not mask.any():
            return 0.0
        fit = 1.0
        for point in place.points:
            there = _at(probability, point)
            if not point.positive:
                fit *= float(there < self.eyes.thresholds.mask)
            elif there >= HIT:
                fit *= there
            else:  # less than that of any that is hit
                fit *= HIT * max(0.0, 1 - _distance(mask, point) / (NEAR_POINT * max(mask.shape)))
        return fit if place.box is None else fit * _box_fit(mask, np.array(place.box, np.float32))

    def _full(self, picture: Picture, probability: FloatArray) -> NDArray[np.bool_]:
        mask: NDArray[np.bool_] = self._large(picture, probability) >= self.eyes.thresholds.mask
        return mask

    def _large(self, picture: Picture, probability: FloatArray) -> FloatArray:
        large = F.interpolate(
            torch.from_numpy(probability)[None, None],
            size=picture.size_hw,
            mode="bilinear",
            align_corners=False,
        )
        array: FloatArray = large[0, 0].numpy()
        return array

    def _inside(self, picture: Picture, look: Look, box: FloatArray) -> NDArray[np.bool_]:
        """What the class map holds for more than background, cut at the box."""
        mask = self._full(picture, 1 - look.classes[0])
        x0, y0 = np.floor(box[:2]).astype(int)
        x1, y1 = np.ceil(box[2:]).astype(int)
        inside = np.zeros_like(mask)
        inside[y0:y1, x0:x1] = True
        return mask & inside


def _at(probability: FloatArray, point: Point) -> float:
    """The value of a map (H, W) at a point."""
    height, width = probability.shape
    return float(probability[min(int(point.y), height - 1), min(int(point.x), width - 1)])


def _distance(mask: NDArray[np.bool_], point: Point) -> float:
    """Pixels from a point to the nearest one of a mask (H, W) that has any."""
    rows, columns = np.nonzero(mask)
    return float(np.hypot(rows + 0.5 - point.y, columns + 0.5 - point.x).min())


def _box_fit(mask: NDArray[np.bool_], box: FloatArray) -> float:
    """How well a box fits a mask (H, W): IoU; 0 if it neither marks it, holds it nor lies in it."""
    x0, y0 = np.floor(box[:2]).astype(int)
    x1, y1 = np.ceil(box[2:]).astype(int)
    shared = int(np.count_nonzero(mask[y0:y1, x0:x1]))
    overlap = float(box_iou(mask_to_box(mask)[None], box[None])[0, 0])
    inside = max(shared / np.count_nonzero(mask), shared / max((x1 - x0) * (y1 - y0), 1))
    return overlap if overlap >= SAME_BOX or inside >= INSIDE else 0.0


def soft_box(mask: FloatArray, threshold: float) -> FloatArray:
    """The box (4,) in sides of the map (0 to 1) inside which mask probabilities (h, w) reach a threshold."""
    y0, y1 = _crossings(mask.max(axis=1), threshold)
    x0, x1 = _crossings(mask.max(axis=0), threshold)
    return np.array([x0, y0, x1, y1], dtype=np.float32)


def _crossings(profile: FloatArray, threshold: float) -> tuple[float, float]:
    """First and last place, 0 to 1, where a row of cells reaches a threshold, linear between centres."""
    inside = np.flatnonzero(profile >= threshold)
    if not len(inside):
        return 0.0, 0.0
    first, last, count = int(inside[0]), int(inside[-1]), len(profile)

    def between(outer: int, inner: int) -> float:
        low, high = float(profile[outer]), float(profile[inner])
        return (threshold - low) / max(high - low, 1e-6)

    start = 0.0 if first == 0 else first - 0.5 + between(first - 1, first)
    end = float(count) if last == count - 1 else last + 1.5 - between(last + 1, last)
    return start / count, end / count


def _array(tensor: Tensor) -> FloatArray:
    array: FloatArray = tensor.detach().float().cpu().numpy()
    return array
