"""Nano's ear: ImageBind's audio trunk over consecutive windows, frame logits, and the events they make.

Notable choices:
- Windows follow each other without overlap and keep their order; a few convolutions over time join them.
- The events come out as tokens ("slots") in the order of their beginning, in front of the frame tokens, so
  that a language model can look a sound up by its name and read when it is heard.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import initialization as init
from transformers.modeling_utils import PreTrainedModel
from transformers.utils import ModelOutput

from bubo.models.bubo_vision.modeling_bubo_vision import unit_rms
from bubo.models.imagebind.modeling_imagebind import ImageBindAudioModel

from .configuration_bubo_audio import BuboAudioConfig


@dataclass
class BuboAudioOutput(ModelOutput):
    """What the ear hears. B sounds, S windows, T = S * frames_per_clip frames, E slots, N sound classes.

    Args:
        last_hidden_state: (B, E + 1 + T, D): event tokens by their start (empty ones last), one token for the
            whole sound, then the frames.
        frame_logits: (B, T, N), sigmoid gives "this class sounds in this frame".
        clip_logits: (B, N), sigmoid gives "this class is in the sound".
        frame_mask: (B, T) bool, False where there is only padding.
        slot_scores: (B, E), 0 marks an empty slot.
        slot_times: (B, E, 2) start and end in seconds.
        slot_classes: (B, E) class index, -1 in an empty slot.
    """

    last_hidden_state: Tensor | None = None
    frame_logits: Tensor | None = None
    clip_logits: Tensor | None = None
    frame_mask: Tensor | None = None
    slot_scores: Tensor | None = None
    slot_times: Tensor | None = None
    slot_classes: Tensor | None = None


class BuboAudioPreTrainedModel(PreTrainedModel):
    """Weights, names and capability flags."""

    config_class = BuboAudioConfig
    config: BuboAudioConfig
    base_model_prefix = "audio"
    main_input_name = "input_features"
    input_modalities = ("audio",)
    supports_gradient_checkpointing = False
    _no_split_modules = ["ImageBindBlock"]

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        super()._init_weights(module)
        if isinstance(module, BuboAudioModel):
            init.normal_(module.class_vectors, std=self.config.event_size**-0.5)
            init.constant_(module.class_bias, -3.0)
            init.constant_(module.clip_scale, 1.0)


class BuboAudioModel(BuboAudioPreTrainedModel):
    """Sound -> tokens, frame logits, events.

    Args of `forward`:
        input_features: (B, S, 1, M, F) log-mel clips of ImageBindFeatureExtractor, clip_sampling "windows".
        clip_mask: (B, S) bool, False for windows that are only batch padding.
        durations_s: (B,) seconds of real sound, where known: frames beyond it are masked.
        with_slots: False leaves the events out, for training the frame logits.
        window_states: (B, S, frames_per_clip, D), what `read_windows` gave for these clips: the trunk is not
            run again.
    """

    def __init__(self, config: BuboAudioConfig):
        super().__init__(config)
        width = config.hidden_size
        self.trunk = ImageBindAudioModel(config.trunk_config)
        self.mixers = nn.ModuleList(
            nn.Conv1d(width, width, config.kernel_size, padding=config.kernel_size // 2)
            for _ in range(config.num_mixers)
        )
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.event_head = nn.Linear(width, config.event_size)
        self.class_vectors = nn.Parameter(torch.empty(len(config.sound_names), config.event_size))
        self.class_bias = nn.Parameter(torch.empty(len(config.sound_names)))
        self.clip_head = nn.Linear(width, len(config.sound_names))
        self.clip_scale = nn.Parameter(torch.empty(1))
        self.post_init()

    def read_windows(self, input_features: Tensor) -> Tensor:
        """The trunk's states (B, S, frames_per_clip, D) of clips (B, S, 1, M, F), each window by itself.

        Raises:
            ValueError: If `input_features` has another shape.
        """
        window = (1, self.config.trunk_config.num_mel_bins, self.config.trunk_config.num_frames)
        if input_features.ndim != 5 or tuple(input_features.shape[2:]) != window:
            raise ValueError(
                f"input_features has shape {tuple(input_features.shape)}, expected (B, S, 1, {window[1]}, "
                f"{window[2]}): prepare sounds with the feature extractor saved beside the model"
            )
        keep = self.config.frames_per_clip
        tokens = self.trunk(input_features.flatten(0, 1)).last_hidden_state[:, :keep]  # (B * S, keep, D)
        return tokens.unflatten(0, input_features.shape[:2])  # type: ignore[no-any-return]

    def forward(
        self,
        input_features: Tensor | None = None,
        clip_mask: Tensor | None = None,
        durations_s: Tensor | None = None,
        with_slots: bool = True,
        window_states: Tensor | None = None,
        **kwargs,
    ) -> BuboAudioOutput:
        """See the class."""
        if window_states is None:
            window_states = self.read_windows(input_features)
        batch, clips, keep, width = window_states.shape
        if clip_mask is None:
            clip_mask = window_states.new_ones((batch, clips), dtype=torch.bool)
        elif tuple(clip_mask.shape) != (batch, clips):
            raise ValueError(f"clip_mask has shape {tuple(clip_mask.shape)}, expected {(batch, clips)}")
        frames = window_states.reshape(batch, clips * keep, width)
        frame_mask = clip_mask.repeat_interleave(keep, 1)  # (B, T)
        if durations_s is not None:
            ends = torch.arange(clips * keep, device=frames.device) * self.config.frame_s
            frame_mask = frame_mask & (ends[None] < durations_s[:, None])
        for mixer in self.mixers:
            silent = frames * frame_mask[..., None]
            frames = frames + F.relu(mixer(silent.transpose(1, 2))).transpose(1, 2)
        frames = self.norm(frames)
        events = self.event_head(frames)  # (B, T, event_size)
        frame_logits = events @ self.class_vectors.to(events.dtype).T + self.class_bias
        weight = frame_mask[..., None].to(frames.dtype)
        pooled = (frames * weight).sum(1) / weight.sum(1).clamp_min(1)
        hidden = frame_logits.float().masked_fill(~frame_mask[..., None], -1e4)
        peak = hidden.topk(min(4, hidden.shape[1]), dim=1).values.clamp_min(-20).mean(1)  # (B, N)
        output = BuboAudioOutput(
            frame_logits=frame_logits,
            clip_logits=self.clip_head(pooled) + self.clip_scale * peak,
            frame_mask=frame_mask,
        )
        if not with_slots:
            output.last_hidden_state = frames
            return output
        return self._add_slots(output, frames, events, pooled)

    def _add_slots(
        self, output: BuboAudioOutput, frames: Tensor, events: Tensor, pooled: Tensor
    ) -> BuboAudioOutput:
        with torch.no_grad():
            found = find_events(
                output.frame_logits.float(),
                output.clip_logits.float(),
                output.frame_mask,
                self.config.frame_s,
                self.config.num_slots,
                self.config.slot_threshold,
            )
        output.slot_classes, output.slot_scores, output.slot_times, spans = found
        seconds = output.frame_mask.sum(1).float() * self.config.frame_s  # (B,)
        slots = self._slot_tokens(output, events.float(), spans, seconds)
        output.last_hidden_state = torch.cat([slots.to(frames.dtype), pooled[:, None], frames], 1)
        return output

    def _slot_tokens(self, output: BuboAudioOutput, events: Tensor, spans: Tensor, seconds: Tensor) -> Tensor:
        """Event vectors (B, E, D): class vector, pooled frame embedding, start, end and length."""
        full = output.slot_scores > 0
        name = unit_rms(self.class_vectors.float())[output.slot_classes.clamp_min(0)]
        weight = spans.float() / spans.float().sum(-1, keepdim=True).clamp_min(1)
        look = weight @ events
        look = look * torch.rsqrt(look.square().mean(-1, keepdim=True) + 1e-6)
        start, end = output.slot_times.unbind(-1)  # (B, E)
        times = torch.stack([start, end, end - start], -1)
        periods = torch.tensor([32.0, 16.0, 8.0, 4.0, 2.0], device=times.device)
        waves = times[..., None] * 2 * torch.pi / periods
        clock = torch.cat([waves.sin(), waves.cos()], -1).flatten(-2)  # (B, E, 30)
        share = times / seconds.clamp_min(0.1)[:, None, None]
        vector = torch.cat([name, look, clock, times / 4, share, output.slot_scores[..., None]], -1)
        vector = F.pad(vector, (0, self.config.hidden_size - vector.shape[-1]))
        return vector * full[..., None]


def find_events(
    frame_logits: Tensor,
    clip_logits: Tensor,
    frame_mask: Tensor,
    frame_s: float,
    num_slots: int,
    threshold: float,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The surest classes of each sound with their first and last frame, in the order of their beginning.

    Returns:
        classes (B, E) with -1 for an empty slot, scores (B, E), times (B, E, 2) in seconds, spans (B, E, T)
        bool.
    """
    if (missing := num_slots - clip_logits.shape[-1]) > 0:  # fewer classes than slots: the rest stay empty
        frame_logits = F.pad(frame_logits, (0, missing), value=-1e4)
        clip_logits = F.pad(clip_logits, (0, missing), value=-1e4)
    real = frame_mask[:, None].to(frame_logits.dtype)  # (B, 1, T)
    probs = frame_logits.sigmoid().transpose(1, 2) * real  # (B, N, T)
    share = F.avg_pool1d(real, 3, 1, 1, count_include_pad=False)  # of the three frames, those that are sound
    smooth = F.avg_pool1d(probs, 3, 1, 1, count_include_pad=False) / share.clamp_min(0.1) * real
    scores, classes = clip_logits.sigmoid().topk(num_slots)
    smooth = smooth.gather(1, classes[..., None].expand(-1, -1, smooth.shape[-1]))  # (B, E, T)
    active = smooth > 0.5 * smooth.amax(-1, keepdim=True).clamp(0.2, 1.0)
    scores = scores * (scores >= threshold) * active.any(-1)
    length = active.shape[-1]
    steps = torch.arange(length, device=active.device)
    first = torch.where(active, steps, length).amin(-1)
    last = torch.where(active, steps + 1, 0).amax(-1)
    times = torch.stack([torch.minimum(first, last), last], -1) * frame_s
    times = times * (scores > 0)[..., None]
    spans = (steps >= first[..., None]) & (steps < last[..., None]) & (scores > 0)[..., None]
    order = torch.where(scores > 0, first, length + 1).argsort(dim=-1, stable=True)
    classes = torch.where(scores > 0, classes, -1)

    def take(values: Tensor) -> Tensor:
        return values.gather(
            1, order.view(order.shape + (1,) * (values.ndim - 2)).expand(-1, -1, *values.shape[2:])
        )

    return take(classes), take(scores), take(times), take(spans)


__all__ = ["BuboAudioModel", "BuboAudioOutput", "BuboAudioPreTrainedModel"]
