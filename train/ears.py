"""Stage "ears": trains the audio tower on sounds with exact event times.

Losses (names in `loss_weights`): `frames` per-frame multi-label, `clips` per-sound multi-label.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bubo.models.bubo_audio import BuboAudioConfig, BuboAudioModel

from .arrays import WorldArrays, mel_extractor, mel_values, open_arrays
from .config import RunConfig
from .figures import f1, interval_iou, mean_average_precision
from .job import Job, run_on
from .options import parse_options

WEIGHTS = {"frames": 20.0, "clips": 8.0}


@dataclass(frozen=True, kw_only=True)
class EarsOptions:
    """Sizes that a run may change; the rest is BuboAudioConfig's default."""

    num_mel_bins: int = 64


class SoundSet:
    """Sounds as log-mel windows with their events; training shifts the level and masks stripes."""

    def __init__(self, arrays: list[WorldArrays], seed: int, augment: bool, limit: int | None = None):
        self.arrays = arrays
        self.rows = [(a, row) for a, world in enumerate(arrays) for row in range(len(world.duration))][:limit]
        self.seed, self.augment, self.epoch = seed, augment, 0

    def set_epoch(self, epoch: int) -> None:
        """Chooses the augmentation of this epoch."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> dict[str, np.ndarray]:
        which, row = self.rows[index]
        world = self.arrays[which]
        windows = mel_values(
            world.windows[world.window_start[row] : world.window_start[row + 1]]
        )  # (S, M, F)
        if self.augment:
            rng = np.random.default_rng([self.seed, self.epoch, index])
            windows = windows + np.float32(rng.normal(0, 0.1))  # a change of loudness
            low, height = rng.integers(0, windows.shape[1]), rng.integers(0, 7)
            windows[:, low : low + height] = windows.mean()
        return {"windows": windows, "classes": world.event_class[row], "times": world.event_times[row],
                "duration": world.duration[row]}  # fmt: skip


def collate_sounds(items: list[dict[str, np.ndarray]]) -> dict[str, Tensor]:
    """Pads sounds to the longest: input_features (B, S, 1, M, F) and clip_mask (B, S)."""
    longest = max(len(item["windows"]) for item in items)
    shape = items[0]["windows"].shape[1:]
    features = np.zeros((len(items), longest, 1, *shape), np.float32)
    mask = np.zeros((len(items), longest), bool)
    for i, item in enumerate(items):
        features[i, : len(item["windows"]), 0] = item["windows"]
        mask[i, : len(item["windows"])] = True
    return {
        "input_features": torch.from_numpy(features), "clip_mask": torch.from_numpy(mask),
        "classes": torch.from_numpy(np.stack([item["classes"] for item in items])).long(),
        "times": torch.from_numpy(np.stack([item["times"] for item in items])),
        "durations_s": torch.tensor([float(item["duration"]) for item in items]),
    }  # fmt: skip


class EarTraining(nn.Module):
    """The audio tower with its losses."""

    def __init__(self, tower: BuboAudioModel, weights: dict[str, float]):
        super().__init__()
        self.tower = tower
        self.weights = weights

    def forward(
        self, input_features: Tensor, clip_mask: Tensor, classes: Tensor, times: Tensor, durations_s: Tensor
    ) -> dict[str, Tensor]:
        """Losses of a batch; `classes` (B, E) with -1 for none, `times` (B, E, 2) seconds."""
        output = self.tower(input_features, clip_mask, durations_s, with_slots=False)
        batch, frames, count = output.frame_logits.shape
        middle = (torch.arange(frames, device=times.device) + 0.5) * self.tower.config.frame_s
        sounding = (
            (middle >= times[..., :1]) & (middle < times[..., 1:]) & (classes >= 0)[..., None]
        )  # (B, E, T)
        goal = torch.zeros(batch, count + 1, frames, device=times.device)
        goal = goal.scatter_reduce(
            1, (classes + 1)[..., None].expand(-1, -1, frames), sounding.float(), "amax"
        )
        goal = goal[:, 1:].transpose(1, 2)  # (B, T, N)
        clip_goal = torch.zeros(batch, count + 1, device=times.device).scatter(1, classes + 1, 1.0)[:, 1:]
        error = F.binary_cross_entropy_with_logits(output.frame_logits.float(), goal, reduction="none").mean(
            -1
        )
        kept = output.frame_mask
        losses = {
            "frames": (error * kept).sum() / kept.sum().clamp_min(1),
            "clips": F.binary_cross_entropy_with_logits(output.clip_logits.float(), clip_goal),
        }
        losses["loss"] = sum(self.weights[name] * value for name, value in losses.items())
        return losses


@torch.no_grad()
def measure_ears(tower: BuboAudioModel, sounds: SoundSet, batch_size: int = 64) -> dict[str, float]:
    """Validation figures: clip mAP; F1 of the event slots, right if class and time (IoU 0.5) are."""
    tower.eval()
    scores, truth, hits, found, expected = [], [], 0, 0, 0
    for start in range(0, len(sounds), batch_size):
        items = [sounds[i] for i in range(start, min(len(sounds), start + batch_size))]
        batch = collate_sounds(items)
        output = run_on(tower, batch["input_features"], batch["clip_mask"], durations_s=batch["durations_s"])
        scores.append(output.clip_logits.float().numpy())
        row = np.zeros_like(scores[-1], dtype=bool)
        for i, classes in enumerate(batch["classes"]):
            known = {int(c): t.tolist() for c, t in zip(classes, batch["times"][i], strict=True) if c >= 0}
            row[i, list(known)] = True
            expected += len(known)
            for c, span in zip(output.slot_classes[i].tolist(), output.slot_times[i].tolist(), strict=True):
                found += c >= 0
                hits += c in known and interval_iou(span, known[c]) >= 0.5
        truth.append(row)
    return {
        "sound_map": mean_average_precision(np.concatenate(scores), np.concatenate(truth)),
        "span_f1": f1(hits, found, expected),
    }


def build(config: RunConfig) -> Job:
    """The job of stage "ears"."""
    options = parse_options(EarsOptions, config.model)
    train = [open_arrays(folder, num_mel_bins=options.num_mel_bins) for folder in config.data.train]
    valid = [open_arrays(folder, num_mel_bins=options.num_mel_bins) for folder in config.data.validation]
    tower = BuboAudioModel._from_config(
        BuboAudioConfig(sound_names=train[0].sound_names), attn_implementation="eager"
    )
    held = SoundSet(valid, config.seed, augment=False, limit=config.data.limit)

    def save(model: nn.Module, folder: Path) -> None:
        model.tower.save_pretrained(folder)  # type: ignore[union-attr, operator]
        mel_extractor(options.num_mel_bins).save_pretrained(folder)

    def evaluate(model: Any) -> dict[str, float]:
        return measure_ears(model.tower, held)

    return Job(
        model=EarTraining(tower, {**WEIGHTS, **config.loss_weights}),
        train_set=SoundSet(train, config.seed, augment=True, limit=config.data.limit),
        collate=collate_sounds, save=save, evaluate=evaluate,
    )  # fmt: skip
