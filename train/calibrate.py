"""Chooses nano's grounding thresholds on the validation split: where "there" begins."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bubo.grounding.ears import Hearing, find_stretches
from bubo.grounding.identity import EntityBook
from bubo.grounding.lexicon import Lexicon
from bubo.grounding.nano import nano_grounder
from bubo.grounding.perception import Perception
from bubo.grounding.thresholds import Thresholds
from bubo.grounding.verdict import judge
from bubo.models.bubo_audio import BuboAudioModel
from bubo.models.bubo_vision import BuboVisionModel
from bubo.records import read_shards, read_vocabulary

from .arrays import WorldArrays
from .ears import SoundSet, collate_sounds
from .eyes import PictureSet, collate_pictures
from .features import match_things
from .figures import f1, paired

FRAMES = (0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5)
GAPS_S = (0.2, 0.35, 0.5, 0.75, 1.0)
FAINT = (0.1, 0.15, 0.2, 0.25, 0.3, 0.4)
MISSING = (0.5, 0.6, 0.7, 0.8, 0.9)
VERDICTS = ("match", "partly", "mismatch")
#: Class and (start, end) in seconds of something that sounds.
Event = tuple[int, tuple[float, float]]
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
    """Thresholds for grounding.json from a validation folder: tag, slot, clip, frame and gap_s."""
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
    hearings, events = _listen(world, audio, limit, batch_size)
    probabilities = np.stack([hearing.clip for hearing in hearings])
    sounding = np.zeros(probabilities.shape, bool)
    for row, own in zip(sounding, events, strict=True):
        row[[number for number, _ in own]] = True
    clip = best_threshold(probabilities.ravel(), sounding.ravel())
    return {
        "tag": best_threshold(np.concatenate(tags), np.concatenate(tag_truth)),
        "slot": max(0.2, best_threshold(np.concatenate(slots), np.concatenate(slot_truth), missed)),
        **best_spans(hearings, events, clip),
        "clip": clip,
    }


def _listen(
    world: WorldArrays, audio: BuboAudioModel, limit: int, batch_size: int
) -> tuple[list[Hearing], list[list[Event]]]:
    """What is heard in each sound, and what is true of it."""
    hearings: list[Hearing] = []
    events: list[list[Event]] = []
    sounds = SoundSet([world], 0, augment=False, limit=limit)
    for start in range(0, len(sounds), batch_size):
        batch = collate_sounds([sounds[i] for i in range(start, min(len(sounds), start + batch_size))])
        heard = audio.eval()(
            batch["input_features"], batch["clip_mask"], batch["durations_s"], with_slots=False
        )
        frames = heard.frame_logits.float().sigmoid().numpy()
        clips = heard.clip_logits.float().sigmoid().numpy()
        durations = batch["durations_s"].tolist()
        for i, length in enumerate(heard.frame_mask.sum(1).tolist()):
            hearings.append(Hearing(frames[i, :length], clips[i], audio.config.frame_s, durations[i]))
            spans = zip(batch["classes"][i].tolist(), batch["times"][i].tolist(), strict=True)
            events.append([(number, (begin, end)) for number, (begin, end) in spans if number >= 0])
    return hearings, events


def best_spans(hearings: list[Hearing], events: list[list[Event]], clip: float) -> dict[str, float]:
    """``frame`` and ``gap_s`` with the highest span F1 at IoU 0.5.

    Args:
        hearings: one per sound.
        events: class and (start, end) in seconds of what is true of each sound.
        clip: probability from which on a class is heard.
    """
    best, chosen = -1.0, {}
    expected = sum(len(own) for own in events)
    for frame in FRAMES:
        for gap_s in GAPS_S:
            limits = Thresholds(frame=frame, gap_s=gap_s)
            hits = found = 0
            for hearing, own in zip(hearings, events, strict=True):
                for column in np.flatnonzero(hearing.clip >= clip):
                    stretches = find_stretches(hearing, int(column), limits)
                    found += len(stretches)
                    hits += paired(stretches, [span for name, span in own if name == column])
            value = f1(hits, found, expected)
            if value > best:
                best, chosen = value, {"frame": frame, "gap_s": gap_s}
    return chosen


def calibrate_verdict(
    folder: Path,
    vision: BuboVisionModel,
    audio: BuboAudioModel,
    processor: Any,
    thresholds: dict[str, Any],
    limit: int = 1000,
) -> dict[str, float]:
    """Thresholds for grounding.json from the pairs of a validation folder: faint and missing.

    Args:
        folder: shards with pictures and sounds.
        vision: the vision tower.
        audio: the audio tower.
        processor: has their image processor and feature extractor.
        thresholds: what `calibrate` chose.
        limit: how many records are read.
    """
    lexicon = Lexicon.from_dict(read_vocabulary(folder))
    widest = Thresholds(**thresholds, faint=min(FAINT))
    grounder, _, _ = nano_grounder(vision, audio, processor, lexicon, widest)
    found: list[Perception] = []
    pairs: list[str] = []
    for record in islice(read_shards(folder), limit):
        if record.truth["pair"] in VERDICTS and record.picture is not None and record.sound is not None:
            found.append(grounder.perceive("", [record.picture], [record.sound])[0])
            pairs.append(record.truth["pair"])
    return best_verdicts(found, pairs, lexicon)


def best_verdicts(found: list[Perception], pairs: list[str], lexicon: Lexicon) -> dict[str, float]:
    """``faint`` and ``missing`` with which the most verdicts are right.

    Args:
        found: what is seen and heard in each pair, with everything from the lowest `FAINT` on.
        pairs: what is true of each, one of `VERDICTS`.
        lexicon: which things make which sound.
    """
    best, chosen = -1, {}
    for faint in FAINT:
        kept = [_from(perception, faint) for perception in found]
        for missing in MISSING:
            limits = Thresholds(faint=faint, missing=missing).limits
            right = 0
            for perception, pair in zip(kept, pairs, strict=True):
                verdict = judge(perception, lexicon, EntityBook(), limits)
                right += verdict is not None and verdict.value == pair
            if right > best:
                best, chosen = right, {"faint": faint, "missing": missing}
    return chosen


def _from(perception: Perception, faint: float) -> Perception:
    """The perception without what is fainter than `faint`."""
    scores = perception.shown_scores
    return replace(
        perception,
        faint_heard=tuple(one for one in perception.faint_heard if one.span.score >= faint),
        faint_instances=tuple(
            one for one in perception.faint_instances if scores.get(one.name, 0.0) >= faint
        ),
    )
