"""What tagger, detector with segmenter, and listener find by themselves, against the truth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from bubo.geometry import mask_iou
from bubo.types import Picture, Regions, Sound, Spans, Tags

from .evaluate_truth import SAME, Truth
from .figures import NOTHING, Figure, map_figure, paired, ratio_figure

HEARD = 0.5
"""Score from which a stretch of the listener says that the sound is there."""


@dataclass(frozen=True)
class Senses:
    """The tools of an assistant as functions; None where it has none.

    Args:
        tag: Picture -> scores of names.
        locate: Picture and names -> regions labelled with these names, with masks if there is a segmenter.
        listen: Sound and names -> stretches labelled with these names.
    """

    tag: Callable[[Picture], Tags] | None = None
    locate: Callable[[Picture, Sequence[str]], Regions] | None = None
    listen: Callable[[Sound, Sequence[str]], Spans] | None = None


class PictureTally:
    """Collects what tagger and detector say of pictures.

    Args:
        senses: The tools.
        names: Names of all object classes.
    """

    def __init__(self, senses: Senses, names: Sequence[str]):
        self.senses = senses
        self.names = tuple(names)
        self._scores: list[list[float]] = []
        self._truth: list[list[bool]] = []
        # picture, best overlap, that of the whole picture; picture, region is right, whole picture would be
        self._things: list[tuple[str, float, float]] = []
        self._regions: list[tuple[str, bool, bool]] = []

    def add(self, picture: Picture, truth: Truth) -> None:
        """Looks at one picture."""
        present = tuple(dict.fromkeys(truth.names[id_] for id_ in truth.things))
        if self.senses.tag is not None:
            scores = self.senses.tag(picture).scores_by_label
            self._scores.append([scores.get(name, 0.0) for name in self.names])
            self._truth.append([name in present for name in self.names])
        if self.senses.locate is None or not present:
            return
        found = self.senses.locate(picture, present)
        for name in present:
            ids = truth.named(name, truth.things)
            goals = np.stack([truth.mask(id_) for id_ in ids])
            own = found[[i for i, label in enumerate(found.labels) if label == name]]
            whole = goals.mean((1, 2))
            overlaps = mask_iou(goals, masks_of(own, picture.size_hw))  # (things, regions)
            best = overlaps.max(1, initial=0.0)
            self._things += [(truth.key, float(b), float(w)) for b, w in zip(best, whole, strict=True)]
            self._regions += [
                (truth.key, bool(right), bool(whole.max() >= SAME))
                for right in overlaps.max(0, initial=0.0) >= SAME
            ]

    def figures(self) -> dict[str, Figure]:
        """tags_map, region_recall50, region_miou, region_precision50."""
        groups = [row[0] for row in self._things]
        best, whole = (np.array([row[i] for row in self._things]) for i in (1, 2))
        ones = np.ones(len(groups))
        right = [row[1] for row in self._regions]
        tags = NOTHING
        if self._scores:
            tags = map_figure(np.array(self._scores), np.array(self._truth))
        return {
            "tags_map": tags,
            "region_recall50": ratio_figure(best >= SAME, ones, groups, _mean(whole >= SAME)),
            "region_miou": ratio_figure(best, ones, groups, _mean(whole)),
            "region_precision50": ratio_figure(
                right,
                np.ones(len(right)),
                [row[0] for row in self._regions],
                _mean([row[2] for row in self._regions]),
            ),
        }


class SoundTally:
    """Collects what the listener says of sounds.

    Args:
        senses: The tools.
        names: Names of all sound classes.
    """

    def __init__(self, senses: Senses, names: Sequence[str]):
        self.senses = senses
        self.names = tuple(names)
        self._scores: list[list[float]] = []
        self._truth: list[list[bool]] = []
        self._counts: list[tuple[str, int, int, int, int, int]] = []

    def add(self, sound: Sound, truth: Truth) -> None:
        """Listens to one sound for all classes."""
        if self.senses.listen is None:
            return
        spans = self.senses.listen(sound, self.names)
        scores = dict.fromkeys(self.names, 0.0)
        heard: dict[str, list[tuple[float, float]]] = {}
        for label, (start, end), score in zip(spans.labels, spans.times, spans.scores, strict=True):
            scores[label] = max(scores.get(label, 0.0), float(score))
            if end > start and score >= HEARD:
                heard.setdefault(label, []).append((float(start), float(end)))
        present = tuple(dict.fromkeys(truth.names[id_] for id_ in truth.events))
        self._scores.append([scores[name] for name in self.names])
        self._truth.append([name in present for name in self.names])
        hits = naive = 0
        for name in present:
            goals = [truth.span(id_) for id_ in truth.named(name, truth.events)]
            hits += paired(heard.get(name, []), goals)
            naive += paired([(0.0, truth.duration_s)], goals)
        found = sum(len(stretches) for stretches in heard.values())
        self._counts.append((truth.key, hits, found, len(truth.events), naive, len(present)))

    def figures(self) -> dict[str, Figure]:
        """sound_map, span_f1."""
        if not self._counts:
            return {"sound_map": NOTHING, "span_f1": NOTHING}
        hits, found, expected, naive, present = np.array([row[1:] for row in self._counts], np.float64).T
        baseline = 2 * naive.sum() / max(present.sum() + expected.sum(), 1)
        return {
            "sound_map": map_figure(np.array(self._scores), np.array(self._truth)),
            "span_f1": ratio_figure(
                2 * hits, found + expected, [row[0] for row in self._counts], baseline, int(expected.sum())
            ),
        }


def masks_of(regions: Regions, size_hw: tuple[int, int]) -> np.ndarray:
    """The masks (N, H, W) of regions; filled boxes where there are none."""
    if regions.masks is not None:
        return regions.masks
    masks = np.zeros((len(regions), *size_hw), bool)
    for mask, (x0, y0, x1, y1) in zip(masks, regions.boxes.round().astype(int), strict=True):
        mask[max(y0, 0) : y1, max(x0, 0) : x1] = True
    return masks


def _mean(values: Sequence[bool] | np.ndarray) -> float:
    return float(np.mean(values)) if len(values) else float("nan")
