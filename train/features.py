"""What frozen towers make of the pictures and sounds, computed once and memory-mapped.

``<data folder>/features/<key>/`` where key is a digest of a tower's weights:

    vision.npy       (P, L, D) float16    last_hidden_state of every picture
    vision_thing.npy (P, K) int16         which thing slot k shows (index into the record's objects), -1 none
    audio.npy        (F, D) float16       last_hidden_state of all sounds, one after the other
    audio_start.npy  (N + 1,) int64
    audio_event.npy  (N, E) int16         which event slot e is, -1 none
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from bubo.models.bubo_audio import BuboAudioModel
from bubo.models.bubo_vision import BuboVisionModel

from .arrays import WorldArrays, disk_array, exclusive, mel_values
from .oracle import place_events, place_things

FAST_BF16 = torch.cpu._is_avx512_bf16_supported()
AUDIO_FILES = ("audio", "audio_start", "audio_event")


@dataclass
class WorldFeatures:
    """The features of one data folder; arrays as in the module's table."""

    vision: np.ndarray
    vision_thing: np.ndarray
    audio: np.ndarray
    audio_start: np.ndarray
    audio_event: np.ndarray

    def read(self, world: WorldArrays, record: dict[str, Any]) -> Any:
        """A Reader (see rows.py): tower features, with the truth tokens in the order of the tower's slots."""
        picture = sound = None
        slots: dict[str, int] = {}
        if record["picture"] >= 0:
            row = record["picture"]
            order = self.vision_thing[row].tolist()
            picture = {**place_things(world, row, record, order), "vision": self.vision[row]}
            things = record["truth"]["objects"]
            slots |= {things[i]["id"]: slot for slot, i in enumerate(order) if i >= 0}
        if record["sound"] >= 0:
            row = record["sound"]
            order = self.audio_event[row].tolist()
            piece = self.audio[self.audio_start[row] : self.audio_start[row + 1]]
            sound = {**place_events(world, row, order), "audio": piece}
            events = record["truth"]["events"]
            slots |= {events[i]["id"]: slot for slot, i in enumerate(order) if i >= 0}
        return picture, sound, slots


def open_features(world: WorldArrays, vision: BuboVisionModel, audio: BuboAudioModel) -> WorldFeatures:
    """Opens a data folder's features under these towers and computes them first where they are missing."""
    seen, heard = look_all(world, vision), listen_all(world, audio)
    values = {name: np.load(seen / f"{name}.npy", mmap_mode="r") for name in ("vision", "vision_thing")}
    values |= {name: np.load(heard / f"{name}.npy", mmap_mode="r") for name in AUDIO_FILES}
    return WorldFeatures(**values)


def look_all(world: WorldArrays, tower: BuboVisionModel) -> Path:
    """The folder of the pictures' features."""
    tower.eval().to(memory_format=torch.channels_last)
    return _made(world, tower, lambda out: _see(world, tower, out))


def listen_all(world: WorldArrays, tower: BuboAudioModel) -> Path:
    """The folder of the sounds' features."""
    return _made(world, tower, lambda out: _hear(world, tower.eval(), out))


def _made(world: WorldArrays, tower: torch.nn.Module, make: Callable[[Path], None]) -> Path:
    digest = hashlib.sha256()
    for name, value in sorted(tower.state_dict().items()):
        digest.update(name.encode() + value.detach().float().contiguous().numpy().tobytes())
    target = world.folder / "features" / digest.hexdigest()[:12]
    if not target.is_dir():
        with exclusive(world.folder):
            if not target.is_dir():  # another process may have made it meanwhile
                scratch = target.with_suffix(".tmp")
                shutil.rmtree(scratch, ignore_errors=True)
                scratch.mkdir(parents=True)
                make(scratch)
                os.replace(scratch, target)  # the folder appears when it is whole
    return target


@torch.inference_mode()
def _see(world: WorldArrays, tower: BuboVisionModel, out: Path, batch_size: int = 64) -> None:
    count = len(world.place)
    config = tower.config
    length = config.num_anchors + (config.image_size // 16) ** 2
    vision = disk_array(out / "vision.npy", np.float16, (count, length, config.hidden_size))
    things = np.full((count, config.num_slots), -1, np.int16)
    for start in tqdm(range(0, count, batch_size), desc="pictures", unit="batch"):
        rows = slice(start, min(count, start + batch_size))
        pixels = torch.from_numpy(np.array(world.images[rows])).permute(0, 3, 1, 2).float() / 127.5 - 1
        with torch.autocast("cpu", torch.bfloat16, enabled=FAST_BF16):
            output = tower(pixels)
        vision[rows] = output.last_hidden_state.half().numpy()
        instances = torch.from_numpy(np.array(world.instances[rows]))
        things[rows] = match_things(output.slot_masks, output.slot_scores, instances).numpy()
    vision.flush()
    np.save(out / "vision_thing.npy", things)


def match_things(masks: Tensor, scores: Tensor, instances: Tensor, lowest: float = 0.3) -> Tensor:
    """Which thing each slot shows, greedy by mask IoU.

    Args:
        masks: (B, K, h, w) probabilities.
        scores: (B, K), 0 for an empty slot.
        instances: (B, h, w), 0 nothing, i + 1 the i-th thing.
        lowest: least IoU of a match.

    Returns:
        (B, K) index of the thing, -1 for none.
    """
    batch, slots = scores.shape
    most = 12
    truth = instances.long()[:, None] == torch.arange(1, most + 1)[None, :, None, None]  # (B, T, h, w)
    guess = (masks > 0.5).flatten(2).float()
    truth = truth.flatten(2).float()
    shared = guess @ truth.transpose(1, 2)  # (B, K, T)
    iou = shared / (guess.sum(-1)[..., None] + truth.sum(-1)[:, None] - shared).clamp_min(1)
    iou = iou * (scores > 0)[..., None]
    found = torch.full((batch, slots), -1, dtype=torch.long)
    rows = torch.arange(batch)
    for _ in range(min(slots, most)):
        best, flat = iou.flatten(1).max(-1)
        slot, thing = flat // most, flat % most
        good = best >= lowest
        found[rows[good], slot[good]] = thing[good]
        iou[rows[good], slot[good]] = 0
        iou[rows[good], :, thing[good]] = 0
    return found


@torch.inference_mode()
def _hear(world: WorldArrays, tower: BuboAudioModel, out: Path, batch_size: int = 32) -> None:
    count = len(world.duration)
    keep, config = tower.config.frames_per_clip, tower.config
    frames = np.diff(world.window_start) * keep
    starts = np.concatenate([[0], np.cumsum(frames + config.num_anchors)]).astype(np.int64)
    audio = disk_array(out / "audio.npy", np.float16, (int(starts[-1]), config.hidden_size))
    events = np.full((count, config.num_slots), -1, np.int16)
    order = np.argsort(frames, kind="stable")  # sounds of one length together: no padding
    for start in tqdm(range(0, count, batch_size), desc="sounds", unit="batch"):
        for length in sorted(set(frames[order[start : start + batch_size]].tolist())):
            rows = [int(r) for r in order[start : start + batch_size] if frames[r] == length]
            windows = [
                mel_values(world.windows[world.window_start[r] : world.window_start[r + 1]]) for r in rows
            ]
            with torch.autocast("cpu", torch.bfloat16, enabled=FAST_BF16):
                output = tower(torch.from_numpy(np.stack(windows))[:, :, None])
            for i, row in enumerate(rows):
                audio[starts[row] : starts[row + 1]] = output.last_hidden_state[i].half().numpy()
                true = world.event_class[row].tolist()
                for e, guess in enumerate(output.slot_classes[i].tolist()):
                    if guess >= 0 and guess in true:
                        events[row, e] = true.index(guess)
    audio.flush()
    np.save(out / "audio_start.npy", starts)
    np.save(out / "audio_event.npy", events)
