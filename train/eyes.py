"""Stage "eyes": trains the vision tower on pictures with exact masks.

Losses (names in `loss_weights`): `classes` per-pixel cross-entropy, `figure` object outline, `centres` and
`offsets` (instances, as Panoptic-DeepLab), `tags` multi-label, `places`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bubo.models.bubo_vision import BuboVisionConfig, BuboVisionImageProcessor, BuboVisionModel

from .arrays import WorldArrays, open_arrays
from .config import RunConfig
from .figures import mean_average_precision
from .job import Job, run_on
from .options import parse_options

#: Chosen so that no part's gradient on the shared layers drowns the class map's.
WEIGHTS = {"classes": 1.0, "figure": 0.5, "centres": 0.3, "offsets": 0.25, "tags": 6.0, "places": 0.2}


@dataclass(frozen=True, kw_only=True)
class EyesOptions:
    """Sizes that a run may change; the rest is BuboVisionConfig's default."""

    image_size: int = 128
    num_hidden_layers: int = 4
    hidden_size: int = 192


class PictureSet:
    """Pictures with their instance maps; every second look at a picture is mirrored."""

    def __init__(self, arrays: list[WorldArrays], seed: int, mirror: bool, limit: int | None = None):
        self.arrays = arrays
        self.rows = [(a, row) for a, world in enumerate(arrays) for row in range(len(world.place))][:limit]
        self.seed, self.mirror, self.epoch = seed, mirror, 0

    def set_epoch(self, epoch: int) -> None:
        """Chooses which pictures are mirrored in this epoch."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> dict[str, np.ndarray]:
        which, row = self.rows[index]
        world = self.arrays[which]
        item = {
            "images": world.images[row], "instances": world.instances[row], "classes": world.thing_class[row],
            "boxes": world.thing_boxes[row], "place": world.place[row],
        }  # fmt: skip
        if self.mirror and (index * 2654435761 + self.epoch * 40503 + self.seed) >> 7 & 1:
            item["images"] = item["images"][:, ::-1]
            item["instances"] = item["instances"][:, ::-1]
            item["boxes"] = np.stack([1 - item["boxes"][:, 2], item["boxes"][:, 1], 1 - item["boxes"][:, 0],
                                      item["boxes"][:, 3]], 1)  # fmt: skip
        return item


def collate_pictures(items: list[dict[str, np.ndarray]]) -> dict[str, Tensor]:
    """Stacks items; images become (B, 3, S, S) in -1..1, as the image processor makes them."""
    batch = {key: torch.from_numpy(np.stack([item[key] for item in items])) for key in items[0]}
    images = batch.pop("images").permute(0, 3, 1, 2).float() / 127.5 - 1
    return {**batch, "pixel_values": images.contiguous(memory_format=torch.channels_last)}


class EyeTraining(nn.Module):
    """The vision tower with its losses."""

    def __init__(self, tower: BuboVisionModel, weights: dict[str, float]):
        super().__init__()
        self.tower = tower
        self.weights = weights

    def forward(
        self, pixel_values: Tensor, instances: Tensor, classes: Tensor, boxes: Tensor, place: Tensor
    ) -> dict[str, Tensor]:
        """Losses of a batch; `instances` (B, S/2, S/2), `classes` (B, T), `boxes` (B, T, 4), `place` (B,)."""
        output = self.tower(pixel_values, with_slots=False)
        instances = instances.long()
        coarse = coarse_instances(instances)  # (B, S/4, S/4)
        lookup = F.pad(classes.long() + 1, (1, 0))  # (B, T + 1): instance number -> class channel
        class_map = lookup.gather(1, coarse.flatten(1)).view_as(coarse)
        losses = {
            "classes": class_loss(output.class_logits, class_map),
            "figure": F.binary_cross_entropy_with_logits(
                output.figure_logits[:, 0].float(), (instances > 0).float()
            ),
            "centres": centre_loss(output.centre_logits[:, 0].float(), boxes, classes),
            "offsets": offset_loss(output.offsets.float(), coarse, boxes),
            "places": F.cross_entropy(output.place_logits.float(), place.long(), ignore_index=-1)
            if bool((place >= 0).any()) else output.place_logits.sum() * 0,
        }  # fmt: skip
        tags = torch.zeros(len(classes), output.class_logits.shape[1], device=pixel_values.device)
        tags = tags.scatter(1, classes.long() + 1, 1.0)[
            :, 1:
        ]  # class -1 falls on the channel that is cut off
        losses["tags"] = F.binary_cross_entropy_with_logits(output.tag_logits.float(), tags)
        losses["loss"] = sum(self.weights[name] * value for name, value in losses.items())
        return losses


def class_loss(log_probs: Tensor, class_map: Tensor, background: float = 0.4) -> Tensor:
    """Cross-entropy of the class map (B, C + 1, h, w), nothing-pixels weighted down."""
    weight = torch.where(class_map == 0, background, 1.0)
    picked = log_probs.gather(1, class_map[:, None])[:, 0]
    return -(picked * weight).sum() / weight.sum()


def coarse_instances(instances: Tensor) -> Tensor:
    """(B, 2h, 2w) instance numbers -> (B, h, w), each the upper median of its four."""
    batch, height, width = instances.shape
    fours = instances.view(batch, height // 2, 2, width // 2, 2).permute(0, 1, 3, 2, 4).flatten(3)
    return fours.sort(-1).values[..., 2]


def centre_loss(logits: Tensor, boxes: Tensor, classes: Tensor) -> Tensor:
    """Penalty-reduced focal loss of the centre map (B, h, w).

    Source: CenterNet (arXiv 1904.07850, equation 1).
    """
    batch, height, width = logits.shape
    x = (boxes[..., 0] + boxes[..., 2]) / 2 * width - 0.5  # (B, T)
    y = (boxes[..., 1] + boxes[..., 3]) / 2 * height - 0.5
    side = torch.minimum((boxes[..., 2] - boxes[..., 0]) * width, (boxes[..., 3] - boxes[..., 1]) * height)
    sigma = (0.14 * side).clamp_min(0.7)[..., None, None]
    grid_y = torch.arange(height, device=logits.device)[None, None, :, None]
    grid_x = torch.arange(width, device=logits.device)[None, None, None, :]
    near_y, near_x = y.round()[..., None, None], x.round()[..., None, None]
    blob = torch.exp(-((grid_x - near_x) ** 2 + (grid_y - near_y) ** 2) / (2 * sigma**2))
    target = (blob * (classes >= 0)[..., None, None]).amax(1)  # (B, h, w), 1 at a centre
    positive = target > 0.999
    log_p, log_q = F.logsigmoid(logits), F.logsigmoid(-logits)
    p = logits.sigmoid()
    gain = torch.where(positive, (1 - p) ** 2 * log_p, (1 - target) ** 4 * p**2 * log_q)
    return -gain.sum() / positive.sum().clamp_min(1)


def offset_loss(offsets: Tensor, coarse: Tensor, boxes: Tensor) -> Tensor:
    """Mean distance (L1, in picture sides) of the vectors (B, 2, h, w) to the true centre, on objects."""
    batch, height, width = coarse.shape
    centres = torch.stack(
        [(boxes[..., 0] + boxes[..., 2]) / 2, (boxes[..., 1] + boxes[..., 3]) / 2], -1
    )  # (B, T, 2)
    owner = (coarse - 1).clamp_min(0).flatten(1)
    goal = centres.gather(1, owner[..., None].expand(-1, -1, 2)).view(batch, height, width, 2)
    grid_y = (torch.arange(height, device=coarse.device) + 0.5) / height
    grid_x = (torch.arange(width, device=coarse.device) + 0.5) / width
    here = torch.stack(torch.broadcast_tensors(grid_x[None, :], grid_y[:, None]), -1)
    error = (offsets.permute(0, 2, 3, 1) - (goal - here)).abs().sum(-1)
    inside = coarse > 0
    return (error * inside).sum() / inside.sum().clamp_min(1)


@torch.no_grad()
def measure_eyes(tower: BuboVisionModel, pictures: PictureSet, batch_size: int = 64) -> dict[str, float]:
    """Validation figures: tag mAP, region recall (IoU 0.5) and mean IoU by class, slot precision, places."""
    tower.eval()
    scores, truth, ious, matched, opened, places = [], [], [], 0, 0, []
    for start in range(0, len(pictures), batch_size):
        items = [pictures[i] for i in range(start, min(len(pictures), start + batch_size))]
        batch = collate_pictures(items)
        output = run_on(tower, batch["pixel_values"])
        classes, instances = batch["classes"].long(), batch["instances"].long()
        scores.append(output.tag_logits.float().numpy())
        row = np.zeros_like(scores[-1], dtype=bool)
        for i in range(len(classes)):
            row[i, classes[i][classes[i] >= 0].numpy()] = True
        truth.append(row)
        places.append((output.place_logits.argmax(-1) == batch["place"].long())[batch["place"] >= 0])
        masks = output.slot_masks > 0.5
        guess = output.slot_class_probs[..., 1:].argmax(-1)
        opened += int((output.slot_scores > 0).sum())
        for i in range(len(classes)):
            for t in range(int((classes[i] >= 0).sum())):
                mask = instances[i] == t + 1
                same = (guess[i] == classes[i, t]) & (output.slot_scores[i] > 0)
                if not mask.any():
                    continue
                overlap = (masks[i] & mask).sum((-1, -2)) / (masks[i] | mask).sum((-1, -2)).clamp_min(1)
                best = float((overlap * same).max())
                ious.append(best)
                matched += best >= 0.5
    iou = np.array(ious)
    return {
        "tags_map": mean_average_precision(np.concatenate(scores), np.concatenate(truth)),
        "region_recall50": float((iou >= 0.5).mean()), "region_miou": float(iou.mean()),
        "slot_precision": matched / max(opened, 1), "place_acc": float(torch.cat(places).float().mean()),
    }  # fmt: skip


def build(config: RunConfig) -> Job:
    """The job of stage "eyes"."""
    options = parse_options(EyesOptions, config.model)
    train = [open_arrays(folder, options.image_size) for folder in config.data.train]
    valid = [open_arrays(folder, options.image_size) for folder in config.data.validation]
    names = train[0]
    tower = BuboVisionModel(
        BuboVisionConfig(
            object_names=names.object_names,
            place_names=names.place_names,
            image_size=options.image_size,
            num_hidden_layers=options.num_hidden_layers,
            hidden_size=options.hidden_size,
        )  # fmt: skip
    ).to(memory_format=torch.channels_last)
    held = PictureSet(valid, config.seed, mirror=False, limit=config.data.limit)

    def save(model: nn.Module, folder: Path) -> None:
        model.tower.save_pretrained(folder)  # type: ignore[union-attr, operator]
        size = {"height": options.image_size, "width": options.image_size}
        BuboVisionImageProcessor(size=size).save_pretrained(folder)

    def evaluate(model: Any) -> dict[str, float]:
        return measure_eyes(model.tower, held)

    return Job(
        model=EyeTraining(tower, {**WEIGHTS, **config.loss_weights}),
        train_set=PictureSet(train, config.seed, mirror=True, limit=config.data.limit),
        collate=collate_pictures, save=save, evaluate=evaluate,
    )  # fmt: skip
