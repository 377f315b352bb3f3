"""Chooses nano's grounding thresholds on the validation split: where "there" begins."""

from __future__ import annotations

import numpy as np
import torch

from bubo.models.bubo_audio import BuboAudioModel
from bubo.models.bubo_vision import BuboVisionModel

from .arrays import WorldArrays
from .ears import SoundSet, collate_sounds
from .eyes import PictureSet, collate_pictures
from .features import match_things
from .figures import f1

#: How the listener cuts spans, chosen on 220 validation sounds: span F1 0.77 there, 0.59 with the defaults.
SPANS = {"frame": 0.2, "gap_s": 1.0}
GRID = np.round(np.arange(0.1, 0.95, 0.05), 2)


def best_threshold(scores: np.ndarray, truth: np.ndarray, missed: int = 0) -> float:
    """The threshold of GRID with the highest F1.

    Args:
        scores: (N,) of candidates.
        truth: (N,) bool, whether the candidate is right.
        missed: true things that no candidate stands for.
    """
    expected = int(truth.sum()) + missed
    values = [f1(float(truth[scores >= t].sum()), float((scores >= t).sum()), expected) for t in GRID]
    return float(GRID[int(np.argmax(values))])


@torch.inference_mode()
def calibrate(
    world: WorldArrays,
    vision: BuboVisionModel,
    audio: BuboAudioModel,
    limit: int = 1000,
    batch_size: int = 64,
) -> dict[str, float]:
    """Thresholds for grounding.json from a validation folder: ``tag``, ``slot`` and ``clip``."""
    tags, tag_truth, slots, slot_truth, missed = [], [], [], [], 0
    pictures = PictureSet([world], 0, mirror=False, limit=limit)
    for start in range(0, len(pictures), batch_size):
        batch = collate_pictures([pictures[i] for i in range(start, min(len(pictures), start + batch_size))])
        output = vision.eval()(batch["pixel_values"])
        classes = batch["classes"].long()
        truth = torch.zeros(len(classes), output.tag_logits.shape[1] + 1).scatter(1, classes + 1, 1.0)[:, 1:]
        tags.append(output.tag_logits.sigmoid().numpy().ravel())
        tag_truth.append(truth.numpy().ravel() > 0)
        found = match_things(output.slot_masks, output.slot_scores, batch["instances"], lowest=0.5)
        guess = output.slot_class_probs[..., 1:].argmax(-1)
        right = (found >= 0) & (classes.gather(1, found.clamp_min(0)) == guess)
        full = output.slot_scores > 0
        slots.append(output.slot_scores[full].numpy())
        slot_truth.append(right[full].numpy())
        missed += int((classes >= 0).sum() - right.sum())
    clips, clip_truth = [], []
    sounds = SoundSet([world], 0, augment=False, limit=limit)
    for start in range(0, len(sounds), batch_size):
        batch = collate_sounds([sounds[i] for i in range(start, min(len(sounds), start + batch_size))])
        heard = audio.eval()(
            batch["input_features"], batch["clip_mask"], batch["durations_s"], with_slots=False
        )
        truth = torch.zeros(len(batch["classes"]), heard.clip_logits.shape[1] + 1)
        truth = truth.scatter(1, batch["classes"] + 1, 1.0)[:, 1:]
        clips.append(heard.clip_logits.sigmoid().numpy().ravel())
        clip_truth.append(truth.numpy().ravel() > 0)
    return {
        "tag": best_threshold(np.concatenate(tags), np.concatenate(tag_truth)),
        "slot": max(0.2, best_threshold(np.concatenate(slots), np.concatenate(slot_truth), missed)),
        **SPANS,
        "clip": best_threshold(np.concatenate(clips), np.concatenate(clip_truth)),
    }
