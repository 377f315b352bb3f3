"""Nano's eye: dense class, centre and offset maps, and the objects they make.

Notable choices:
- Convolutions down to stride 16, a few transformer blocks on that grid, and a pyramid back to stride 4.
- Instances as in Panoptic-DeepLab (arXiv 1911.10194): every pixel points at its object's centre.
- The objects come out as tokens ("slots"), sorted from left to right, in front of the grid tokens, so that a
  language model can look a thing up by its name and read its place.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import initialization as init
from transformers.modeling_utils import PreTrainedModel
from transformers.utils import ModelOutput

from .configuration_bubo_vision import BuboVisionConfig


@dataclass
class BuboVisionOutput(ModelOutput):
    """What the eye sees. B pictures, K slots, C classes, P places; h = w = image_size / 4.

    Args:
        last_hidden_state: (B, K + 2 + G, D): slot tokens left to right (empty ones last), class token, place
            token, then the G = (image_size / 16)^2 grid tokens.
        class_logits: (B, C + 1, h, w), channel 0 is nothing; normalised: their exponential is a probability.
        tag_logits: (B, C), sigmoid gives "this class is in the picture".
        place_logits: (B, P).
        centre_logits: (B, 1, h, w), sigmoid gives "an object's box is centred here".
        offsets: (B, 2, h, w): (x, y) from a pixel to its object's centre, in picture sides.
        figure_logits: (B, 1, 2h, 2w), sigmoid gives "some object covers this pixel".
        slot_masks: (B, K, 2h, 2w) probabilities.
        slot_scores: (B, K), 0 marks an empty slot.
        slot_boxes: (B, K, 4) x0, y0, x1, y1 in picture sides (0..1).
        slot_class_probs: (B, K, C + 1).
    """

    last_hidden_state: Tensor | None = None
    class_logits: Tensor | None = None
    tag_logits: Tensor | None = None
    place_logits: Tensor | None = None
    centre_logits: Tensor | None = None
    offsets: Tensor | None = None
    figure_logits: Tensor | None = None
    slot_masks: Tensor | None = None
    slot_scores: Tensor | None = None
    slot_boxes: Tensor | None = None
    slot_class_probs: Tensor | None = None


class ConvNorm(nn.Sequential):
    """3x3 convolution, batch norm, ReLU."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1):
        super().__init__(
            nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
        )


class BuboVisionBlock(nn.Module):
    """Pre-norm transformer block. Attention is written out: on a CPU in bf16 that is faster than SDPA."""

    def __init__(self, config: BuboVisionConfig):
        super().__init__()
        width = config.hidden_size
        self.num_heads = config.num_attention_heads
        self.norm_1 = nn.LayerNorm(width, eps=config.layer_norm_eps)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.norm_2 = nn.LayerNorm(width, eps=config.layer_norm_eps)
        self.up = nn.Linear(width, config.intermediate_size)
        self.down = nn.Linear(config.intermediate_size, width)

    def forward(self, x: Tensor) -> Tensor:  # (B, L, D)
        batch, length, width = x.shape
        qkv = self.qkv(self.norm_1(x)).view(batch, length, 3, self.num_heads, -1).permute(2, 0, 3, 1, 4)
        query, key, value = qkv.unbind(0)  # (B, heads, L, D / heads)
        scores = query @ key.transpose(-1, -2) * query.shape[-1] ** -0.5
        mixed = scores.softmax(-1).to(value.dtype) @ value
        x = x + self.out(mixed.transpose(1, 2).reshape(batch, length, width))
        return x + self.down(F.relu(self.up(self.norm_2(x))))


class BuboVisionPreTrainedModel(PreTrainedModel):
    """Weights, names and capability flags."""

    config_class = BuboVisionConfig
    config: BuboVisionConfig
    base_model_prefix = "vision"
    main_input_name = "pixel_values"
    input_modalities = ("image",)
    supports_gradient_checkpointing = False
    _no_split_modules = ["BuboVisionBlock"]

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        super()._init_weights(module)
        if isinstance(module, nn.Conv2d):
            init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        elif isinstance(module, BuboVisionModel):
            for weight in (module.class_token, module.positions):
                init.normal_(weight, std=self.config.initializer_range)
            init.normal_(module.class_vectors, std=self.config.pixel_size**-0.5)
            init.zeros_(module.class_bias)
            init.constant_(module.tag_scale, 1.0)
            init.normal_(module.place_vectors, std=self.config.hidden_size**-0.5)
            last = module.centre_head[-1]  # offsets start at zero, where tanh is steep, and centres as rare
            init.normal_(last.weight, std=0.01)
            init.zeros_(last.bias)
            init.constant_(last.bias[:1], -3.0)


class BuboVisionModel(BuboVisionPreTrainedModel):
    """Picture -> tokens, class map, objects.

    Args of `forward`:
        pixel_values: (B, 3, image_size, image_size), normalised by [`BuboVisionImageProcessor`].
        with_slots: False leaves the objects out (the dense maps alone, for training); `last_hidden_state` is
            then the class token and the grid only.
    """

    def __init__(self, config: BuboVisionConfig):
        super().__init__(config)
        width, pyramid, pixel = config.hidden_size, config.pyramid_size, config.pixel_size
        c2, c4, c8 = config.stem_channels
        classes, places = len(config.object_names), len(config.place_names)
        self.stem_2 = ConvNorm(config.num_channels, c2, 2)
        self.stem_4 = nn.Sequential(ConvNorm(c2, c4, 2), ConvNorm(c4, c4))
        self.stem_8 = nn.Sequential(ConvNorm(c4, c8, 2), ConvNorm(c8, c8))
        self.stem_16 = ConvNorm(c8, width, 2)
        side = config.image_size // 16
        self.class_token = nn.Parameter(torch.empty(1, 1, width))
        self.positions = nn.Parameter(torch.empty(1, 1 + side * side, width))
        self.blocks = nn.ModuleList(BuboVisionBlock(config) for _ in range(config.num_hidden_layers))
        self.norm = nn.LayerNorm(width, eps=config.layer_norm_eps)
        self.top = nn.Conv2d(width, pyramid, 1)
        self.lateral_8 = nn.Conv2d(c8, pyramid, 1)
        self.smooth_8 = ConvNorm(pyramid, pyramid)
        self.lateral_4 = nn.Conv2d(c4, pyramid, 1)
        self.smooth_4 = ConvNorm(pyramid, pyramid)
        self.pixel_head = nn.Conv2d(pyramid, pixel, 1)
        self.class_vectors = nn.Parameter(torch.empty(classes + 1, pixel))
        self.class_bias = nn.Parameter(torch.empty(classes + 1))
        self.centre_head = nn.Sequential(nn.Conv2d(pyramid, 48, 3, padding=1), nn.ReLU(), nn.Conv2d(48, 3, 1))
        self.figure_lateral = nn.Conv2d(c2, 8, 1)
        self.figure_pixel = nn.Conv2d(pyramid, 32, 1)
        self.figure_head = nn.Conv2d(8, 1, 3, padding=1)
        self.tag_head = nn.Linear(width, classes)
        self.tag_scale = nn.Parameter(torch.empty(2))
        self.place_head = nn.Linear(width, places)
        self.place_vectors = nn.Parameter(torch.empty(places, width))
        self.post_init()

    def forward(self, pixel_values: Tensor, with_slots: bool = True, **kwargs) -> BuboVisionOutput:
        """See the class."""
        side = self.config.image_size
        if pixel_values.ndim != 4 or tuple(pixel_values.shape[1:]) != (self.config.num_channels, side, side):
            raise ValueError(
                f"pixel_values has shape {tuple(pixel_values.shape)}, expected (B, "
                f"{self.config.num_channels}, {side}, {side}): prepare pictures with BuboVisionImageProcessor"
            )
        pixel_values = pixel_values.to(self.pixel_head.weight.dtype)
        f2 = self.stem_2(pixel_values.contiguous(memory_format=torch.channels_last))
        f4 = self.stem_4(f2)
        f8 = self.stem_8(f4)
        f16 = self.stem_16(f8)  # (B, D, s, s)
        batch, width, side, _ = f16.shape
        tokens = torch.cat([self.class_token.expand(batch, -1, -1), f16.flatten(2).transpose(1, 2)], 1)
        tokens = tokens + self.positions
        for block in self.blocks:
            tokens = block(tokens)
        tokens = self.norm(tokens)  # (B, 1 + s * s, D)
        grid = tokens[:, 1:].transpose(1, 2).reshape(batch, width, side, side)
        p8 = self.smooth_8(F.interpolate(self.top(grid), scale_factor=2.0) + self.lateral_8(f8))
        p4 = self.smooth_4(F.interpolate(p8, scale_factor=2.0) + self.lateral_4(f4))
        pixels = self.pixel_head(p4)  # (B, pixel_size, h, w)
        class_logits = F.conv2d(
            pixels, self.class_vectors[:, :, None, None].to(pixels.dtype), self.class_bias
        )
        class_logits = F.log_softmax(class_logits.float(), 1)
        centre = self.centre_head(p4)
        fine = F.pixel_shuffle(self.figure_pixel(p4), 2) + self.figure_lateral(f2)
        output = BuboVisionOutput(
            class_logits=class_logits,
            tag_logits=self._tags(tokens[:, 0], class_logits),
            place_logits=self.place_head(tokens[:, 0]),
            centre_logits=centre[:, :1],
            offsets=torch.tanh(centre[:, 1:]),
            figure_logits=self.figure_head(F.relu(fine)),
        )
        if not with_slots:
            output.last_hidden_state = tokens
            return output
        return self._add_slots(output, pixel_values, pixels, tokens)

    def _tags(self, class_token: Tensor, class_logits: Tensor) -> Tensor:
        """Tag logits (B, C) from the class token and the evidence of the class map: its mass and its peak."""
        evidence = class_logits[:, 1:].flatten(2)  # (B, C, h * w)
        mass = torch.logaddexp(evidence.logsumexp(-1), evidence.new_tensor(-4.6))
        return self.tag_head(class_token) + self.tag_scale[0] * mass + self.tag_scale[1] * evidence.amax(-1)

    def _add_slots(self, output: BuboVisionOutput, pixel_values: Tensor, pixels: Tensor, tokens: Tensor):
        with torch.no_grad():
            found = find_objects(
                output.class_logits.float(), output.centre_logits.float(), output.offsets.float(),
                output.figure_logits.float(), self.config.num_slots, self.config.slot_threshold,
            )  # fmt: skip
        output.slot_masks, output.slot_scores, output.slot_boxes, output.slot_class_probs = found
        slots = self._slot_tokens(output, pixel_values, pixels)
        place = output.place_logits.softmax(-1).to(tokens.dtype) @ self.place_vectors.to(tokens.dtype)
        output.last_hidden_state = torch.cat(
            [slots.to(tokens.dtype), tokens[:, :1], place[:, None], tokens[:, 1:]], 1
        )
        return output

    def _slot_tokens(self, output: BuboVisionOutput, pixel_values: Tensor, pixels: Tensor) -> Tensor:
        """Slot vectors (B, K, D): expected class vector, pooled pixel embedding, place and size, colour."""
        masks = F.avg_pool2d(output.slot_masks.float(), 2)  # (B, K, h, w)
        area = masks.sum((-1, -2)).clamp_min(1e-3)[..., None]  # (B, K, 1)
        pool = masks / area[..., None]
        thing_probs = output.slot_class_probs[..., 1:]
        thing_probs = thing_probs / thing_probs.sum(-1, keepdim=True).clamp_min(1e-6)
        name = unit_rms(thing_probs @ self.class_vectors[1:].float())
        look = unit_rms(torch.einsum("bkhw,bchw->bkc", pool, pixels.float()))
        small = F.avg_pool2d(pixel_values.float(), 4)  # (B, 3, h, w)
        colour = torch.einsum("bkhw,bchw->bkc", pool, small)
        spread = torch.einsum("bkhw,bchw->bkc", pool, small**2) - colour**2
        x0, y0, x1, y1 = output.slot_boxes.unbind(-1)
        geometry = torch.stack([(x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0], -1)  # (B, K, 4)
        waves = geometry[..., None] * torch.tensor([1.0, 2.0, 4.0], device=geometry.device) * torch.pi
        place = torch.cat([waves.sin(), waves.cos()], -1).flatten(-2)  # (B, K, 24)
        size = torch.cat([geometry[..., 2:] * 3, area.sqrt() / 8, output.slot_scores[..., None]], -1)
        vector = torch.cat([name, look, place, colour, spread.clamp_min(0).sqrt(), size], -1)
        vector = F.pad(vector, (0, self.config.hidden_size - vector.shape[-1]))
        return vector * (output.slot_scores > 0)[..., None]


def unit_rms(x: Tensor) -> Tensor:
    """Scales the last axis to a root mean square of one."""
    return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-6)


def find_objects(
    class_logits: Tensor,
    centre_logits: Tensor,
    offsets: Tensor,
    figure_logits: Tensor,
    num_slots: int,
    threshold: float,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Groups pixels into objects; shapes as in [`BuboVisionOutput`].

    Peaks of the centre map open slots; a pixel belongs to the slot whose centre its offset meets and whose
    class it shows; the finer figure map cuts the outline. Slots come sorted by the x of their box centre, the
    empty ones last.

    Returns:
        masks (B, K, 2h, 2w), scores (B, K), boxes (B, K, 4), class_probs (B, K, C + 1).

    Source: the grouping of Panoptic-DeepLab (arXiv 1911.10194, section 3.2), made soft and class-aware.
    """
    batch, _, height, width = class_logits.shape
    heat = centre_logits.sigmoid()
    peaks = heat * (heat == F.max_pool2d(heat, 3, 1, 1))
    scores, index = peaks.flatten(1).topk(num_slots)  # (B, K)
    scores = torch.where(scores >= threshold, scores, 0.0)
    centre_x = (index % width + 0.5) / width
    centre_y = (torch.div(index, width, rounding_mode="floor") + 0.5) / height
    grid_y = (torch.arange(height, device=heat.device) + 0.5) / height
    grid_x = (torch.arange(width, device=heat.device) + 0.5) / width
    toward_x = (grid_x[None, None] + offsets[:, 0]).flatten(1)  # (B, h * w)
    toward_y = (grid_y[None, :, None] + offsets[:, 1]).flatten(1)
    gap = (toward_x[:, None] - centre_x[..., None]) ** 2 + (toward_y[:, None] - centre_y[..., None]) ** 2
    empty = scores[..., None] == 0
    near = (-gap / 0.004).masked_fill(
        empty, -1e4
    )  # (B, K, h * w); 0.004 is a distance of about 1/16 of the side
    probs = class_logits.exp().flatten(2)  # (B, C + 1, h * w)
    figure = 1 - probs[:, :1]
    share = near.softmax(1) * figure
    for _ in range(2):  # the class of a slot, then which pixels it owns given that class
        class_probs = share @ probs.transpose(1, 2)
        class_probs[..., 0] = 0
        class_probs = class_probs / class_probs.sum(-1, keepdim=True).clamp_min(1e-6)
        fit = (class_probs**2 / (class_probs**2).sum(-1, keepdim=True).clamp_min(1e-6)) @ probs
        share = (near + torch.log(fit + 0.02)).masked_fill(empty, -1e4).softmax(1) * figure
    fine = F.interpolate(share.view(batch, num_slots, height, width), scale_factor=2.0, mode="bilinear")
    total = fine.sum(1, keepdim=True).clamp_min(1e-3)
    masks = fine / total * figure_logits.sigmoid()
    masks = masks * ((scores > 0) & (masks.amax((-1, -2)) > 0.5))[..., None, None]
    scores = scores * (masks.amax((-1, -2)) > 0.5)
    boxes = soft_boxes(masks)
    order = torch.where(scores > 0, boxes[..., 0] + boxes[..., 2], 9.0).argsort(-1)

    def take(values: Tensor) -> Tensor:
        shape = order.shape + (1,) * (values.ndim - 2)
        return values.gather(1, order.view(shape).expand(-1, -1, *values.shape[2:]))

    return take(masks), take(scores), take(boxes), take(class_probs)


def soft_boxes(masks: Tensor) -> Tensor:
    """Boxes (B, K, 4) in 0..1 around the pixels above one half of masks (B, K, H, W); zeros where none is."""
    inside = masks > 0.5
    sides = []
    for axis in (-2, -1):  # any over rows gives columns (x), then the other way round
        line = inside.any(axis).float()
        length = line.shape[-1]
        steps = torch.arange(length, device=masks.device)
        low = torch.where(line > 0, steps, length).amin(-1)
        high = torch.where(line > 0, steps + 1, 0).amax(-1)
        sides.append((torch.minimum(low, high) / length, high / length))
    (x0, x1), (y0, y1) = sides
    return torch.stack([x0, y0, x1, y1], -1)


__all__ = ["BuboVisionModel", "BuboVisionOutput", "BuboVisionPreTrainedModel"]
