"""ImageBind: six transformer towers whose embeddings share one space.

Every modality runs through the same four stages: a stem makes tokens, a pre-norm transformer mixes them, a
head picks one token and projects it, and the result is L2-normalised and scaled. The towers also work alone
(`ImageBindAudioModel` and its siblings) and then return all tokens, which is what a Q-Former reads.

Notable choices:
- An input with a clip axis, (B, S, ...), is encoded clip by clip; averaging comes last, after normalisation.
- Attention is plain matmul-softmax-matmul ("eager") or the fused kernel ("sdpa"). Eager trains faster in
  bfloat16 on CPU.
- Depth, thermal, IMU and audio blocks append one learned key and value at the end, unprojected.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F
from transformers import initialization as init
from transformers.modeling_layers import GradientCheckpointingLayer
from transformers.modeling_utils import PreTrainedModel
from transformers.utils import ModelOutput

from .configuration_imagebind import (
    MODALITIES,
    ImageBindAudioConfig,
    ImageBindConfig,
    ImageBindDepthConfig,
    ImageBindIMUConfig,
    ImageBindTextConfig,
    ImageBindThermalConfig,
    ImageBindTowerConfig,
    ImageBindVisionConfig,
)

# The argument of `ImageBindModel.forward` that feeds each modality.
INPUT_NAMES = {
    "vision": "pixel_values",
    "text": "input_ids",
    "audio": "input_features",
    "depth": "depth_values",
    "thermal": "thermal_values",
    "imu": "imu_values",
}
MAX_LOGIT_SCALE = 100.0  # a trained scale is cut here, as in CLIP


@dataclass
class ImageBindTowerOutput(ModelOutput):
    """Output of one tower.

    Attributes:
        last_hidden_state: tokens after the last block, (B, L, D); (B, S, L, D) for clips with `merge="none"`.
        hidden_states: if asked for, tokens before the first and after every block, each (B * S, L, D),
            neither normalised nor merged.
    """

    last_hidden_state: torch.FloatTensor | None = None
    hidden_states: tuple[torch.FloatTensor, ...] | None = None


@dataclass
class ImageBindOutput(ModelOutput):
    """Output of `ImageBindModel`: one row per input for each modality given, None for the others.

    Attributes:
        vision_embeds: (B, projection_dim), of length 1 before clips are averaged.
        text_embeds: (B, projection_dim), scaled.
        audio_embeds: (B, projection_dim), scaled.
        depth_embeds: (B, projection_dim), scaled.
        thermal_embeds: (B, projection_dim), scaled.
        imu_embeds: (B, projection_dim), scaled.
    """

    vision_embeds: torch.FloatTensor | None = None
    text_embeds: torch.FloatTensor | None = None
    audio_embeds: torch.FloatTensor | None = None
    depth_embeds: torch.FloatTensor | None = None
    thermal_embeds: torch.FloatTensor | None = None
    imu_embeds: torch.FloatTensor | None = None


# --- stems --------------------------------------------------------------------------------------------------


class ImageBindTokenEmbeddings(nn.Module):
    """What follows every stem: the optional CLS token in front, then the position embedding."""

    position_std: float | None = None  # None: hidden_size ** -0.5

    def __init__(self, config: ImageBindTowerConfig, num_stem_tokens: int):
        super().__init__()
        num_tokens = num_stem_tokens + int(config.use_cls)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, config.hidden_size)) if config.use_cls else None
        self.position_embeddings = nn.Parameter(torch.zeros(1, num_tokens, config.hidden_size))

    def positions(self, num_stem_tokens: int) -> torch.Tensor:
        """Return the position embedding (1, L, D); subclasses may resample it to another token count."""
        expected = self.position_embeddings.shape[1] - int(self.cls_token is not None)
        if num_stem_tokens != expected:
            raise ValueError(
                f"The input makes {num_stem_tokens} tokens, but this tower has positions for {expected}: "
                "give it inputs of the size named in its config."
            )
        return self.position_embeddings

    def add_positions(self, tokens: torch.Tensor) -> torch.Tensor:
        """Prepend CLS to stem tokens (N, P, D) and add positions -> (N, L, D)."""
        positions = self.positions(tokens.shape[1]).to(tokens.dtype)
        if self.cls_token is None:
            return tokens + positions
        cls_token = self.cls_token.to(tokens.dtype).expand(tokens.shape[0], -1, -1)
        return torch.cat((cls_token, tokens), dim=1) + positions


class ImageBindPatchEmbeddings(ImageBindTokenEmbeddings):
    """Square one-channel pictures (depth, thermal) to normalised patch tokens."""

    def __init__(self, config: ImageBindDepthConfig | ImageBindThermalConfig):
        super().__init__(config, (config.image_size // config.patch_size) ** 2)
        self.num_channels, self.patch_size = config.num_channels, config.patch_size
        self.projection = nn.Conv2d(
            config.num_channels, config.hidden_size, config.patch_size, stride=config.patch_size, bias=False
        )
        self.norm = nn.LayerNorm(config.hidden_size, eps=config.stem_norm_eps)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Pictures (N, channels, H, W) -> tokens (N, L, D)."""
        check_shape(values, (None, self.num_channels, None, None), "(N, channels, height, width)")
        check_square(values)
        patches = self.projection(values.to(self.projection.weight.dtype))  # (N, D, rows, columns)
        return self.add_positions(self.norm(patches.flatten(2).transpose(1, 2)))  # (N, L, D)

    def positions(self, num_stem_tokens: int) -> torch.Tensor:
        """Return positions resampled to the size of the picture."""
        return resample_positions(self.position_embeddings, num_stem_tokens, int(self.cls_token is not None))


class ImageBindVisionEmbeddings(ImageBindTokenEmbeddings):
    """Square pictures or clips of `num_frames` frames to tube tokens; a lone frame is repeated."""

    def __init__(self, config: ImageBindVisionConfig):
        super().__init__(config, (config.image_size // config.patch_size) ** 2)
        self.num_channels, self.num_frames = config.num_channels, config.num_frames
        size = (config.num_frames, config.patch_size, config.patch_size)
        self.projection = nn.Conv3d(config.num_channels, config.hidden_size, size, stride=size, bias=False)

    def forward(self, pixel_values: torch.Tensor) -> torch.Tensor:
        """Pictures (N, 3, H, W) or clips (N, 3, T, H, W) -> tokens (N, L, D)."""
        if pixel_values.ndim == 4:
            pixel_values = pixel_values.unsqueeze(2)  # (N, C, 1, H, W)
        expected = (None, self.num_channels, None, None, None)
        check_shape(pixel_values, expected, "(N, channels, frames, height, width)")
        check_square(pixel_values)
        if pixel_values.shape[2] == 1:
            pixel_values = pixel_values.expand(-1, -1, self.num_frames, -1, -1)
        if pixel_values.shape[2] != self.num_frames:
            raise ValueError(
                f"A vision clip must have 1 or {self.num_frames} frames, got {pixel_values.shape[2]}: give "
                "longer videos as several clips, (B, S, channels, frames, height, width)."
            )
        tubes = self.projection(pixel_values.to(self.projection.weight.dtype))  # (N, D, 1, rows, columns)
        return self.add_positions(tubes.flatten(2).transpose(1, 2))  # (N, L, D)

    def positions(self, num_stem_tokens: int) -> torch.Tensor:
        """Return positions resampled to the size of the picture."""
        return resample_positions(self.position_embeddings, num_stem_tokens, int(self.cls_token is not None))


class ImageBindAudioEmbeddings(ImageBindTokenEmbeddings):
    """Log-mel clips to normalised patch tokens, through optional convolutions that halve the clip each."""

    def __init__(self, config: ImageBindAudioConfig):
        super().__init__(config, config.grid_size[0] * config.grid_size[1])
        self.clip_size = (config.num_mel_bins, config.num_frames)
        self.stem = nn.Sequential()
        channels = 1
        for index, width in enumerate(config.stem_channels):
            self.stem.add_module(f"conv_{index}", nn.Conv2d(channels, width, 3, stride=2, padding=1))
            self.stem.add_module(f"relu_{index}", nn.ReLU())
            channels = width
        self.projection = nn.Conv2d(
            channels, config.hidden_size, tuple(config.kernel_size), stride=tuple(config.stride), bias=False
        )
        self.norm = nn.LayerNorm(config.hidden_size, eps=config.stem_norm_eps)

    def forward(self, input_features: torch.Tensor) -> torch.Tensor:
        """Clips (N, 1, mel bins, frames) -> tokens (N, L, D)."""
        check_shape(input_features, (None, 1, *self.clip_size), "(N, 1, mel bins, frames)")
        input_features = input_features.to(self.projection.weight.dtype)
        patches = self.projection(self.stem(input_features))  # (N, D, mel patches, time patches)
        tokens = patches.flatten(2).transpose(1, 2)  # (N, P, D), mel-major; no copy for channels_last weights
        return self.add_positions(self.norm(tokens))


class ImageBindIMUEmbeddings(ImageBindTokenEmbeddings):
    """Motion channels to normalised window tokens."""

    position_std = 0.01

    def __init__(self, config: ImageBindIMUConfig):
        super().__init__(config, config.num_samples // config.window_size)
        self.num_channels, self.num_samples = config.num_channels, config.num_samples
        self.window_size = config.window_size
        self.projection = nn.Linear(config.num_channels * config.window_size, config.hidden_size, bias=False)
        self.norm = nn.LayerNorm(config.hidden_size, eps=config.stem_norm_eps)

    def forward(self, imu_values: torch.Tensor) -> torch.Tensor:
        """Recordings (N, channels, samples) -> tokens (N, L, D)."""
        check_shape(imu_values, (None, self.num_channels, self.num_samples), "(N, channels, samples)")
        windows = imu_values.unfold(2, self.window_size, self.window_size)  # (N, C, P, W)
        windows = windows.transpose(1, 2).flatten(2)  # (N, P, C * W), channel-major
        return self.add_positions(self.norm(self.projection(windows.to(self.projection.weight.dtype))))


class ImageBindTextEmbeddings(ImageBindTokenEmbeddings):
    """Token ids to embeddings with positions."""

    position_std = 0.01

    def __init__(self, config: ImageBindTextConfig):
        super().__init__(config, config.max_position_embeddings)
        self.token_embedding = nn.Embedding(config.vocab_size, config.hidden_size)

    def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
        """Ids (N, L) -> tokens (N, L, D)."""
        check_shape(input_ids, (None, None), "(N, tokens)")
        return self.add_positions(self.token_embedding(input_ids))


def check_shape(values: torch.Tensor, expected: tuple[int | None, ...], names: str) -> None:
    """Raise ValueError unless `values` has the expected shape; None stands for any size."""
    shape = tuple(values.shape)
    if len(shape) != len(expected) or any(e not in (None, s) for e, s in zip(expected, shape, strict=True)):
        wanted = ", ".join("any" if size is None else str(size) for size in expected)
        raise ValueError(
            f"Expected clips of shape {names} = ({wanted}), got {shape}: check the axes and the config."
        )


def check_square(values: torch.Tensor) -> None:
    """Raise ValueError unless the last two axes are equal."""
    if values.shape[-1] != values.shape[-2]:
        height, width = values.shape[-2:]
        raise ValueError(f"Pictures must be square, got {height}x{width}: crop them first.")


def resample_positions(positions: torch.Tensor, num_stem_tokens: int, num_extra: int) -> torch.Tensor:
    """Resize the square map inside `positions` (1, num_extra + P, D) to `num_stem_tokens` patches.

    Bicubic. The first `num_extra` positions (CLS) stay as they are. The map is scaled by the exact ratio of
    the side lengths rather than by the rounded target size, as the released model does.
    """
    stored = positions.shape[1] - num_extra
    if num_stem_tokens == stored:
        return positions
    side = math.isqrt(stored)
    grid = positions[:, num_extra:].float().reshape(1, side, side, -1)
    grid = grid.permute(0, 3, 1, 2)  # (1, D, side, side)
    scale = math.sqrt(num_stem_tokens / stored)
    grid = F.interpolate(grid, scale_factor=scale, mode="bicubic", align_corners=False)
    resized = grid.flatten(2).transpose(1, 2).to(positions.dtype)  # (1, P', D)
    return torch.cat((positions[:, :num_extra], resized), dim=1)


# --- transformer --------------------------------------------------------------------------------------------


def attend(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, *, causal: bool, implementation: str | None
) -> torch.Tensor:
    """Scaled dot-product attention over (N, heads, tokens, head dim) -> same shape as `query`."""
    if implementation == "sdpa":
        return F.scaled_dot_product_attention(query, key, value, is_causal=causal)
    scores = torch.matmul(query * query.shape[-1] ** -0.5, key.transpose(-2, -1))  # (N, heads, L, L')
    if causal:
        future = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).triu(1)
        scores = scores.masked_fill(future, float("-inf"))
    return torch.matmul(scores.softmax(dim=-1).to(value.dtype), value)


class ImageBindAttention(nn.Module):
    """Multi-head self-attention with a fused projection and an optional learned extra key and value."""

    def __init__(self, config: ImageBindTowerConfig, causal: bool):
        super().__init__()
        self.config = config
        self.num_heads = config.num_attention_heads
        self.causal = causal
        self.in_proj = nn.Linear(config.hidden_size, 3 * config.hidden_size)
        self.out_proj = nn.Linear(config.hidden_size, config.hidden_size)
        self.bias_k = nn.Parameter(torch.zeros(1, 1, config.hidden_size)) if config.add_bias_kv else None
        self.bias_v = nn.Parameter(torch.zeros(1, 1, config.hidden_size)) if config.add_bias_kv else None

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        """Tokens (N, L, D) -> mixed tokens (N, L, D)."""
        size = hidden_states.shape
        query, key, value = self.in_proj(hidden_states).chunk(3, dim=-1)  # (N, L, D) each
        if self.bias_k is not None and self.bias_v is not None:
            key = torch.cat((key, self.bias_k.to(key.dtype).expand(size[0], -1, -1)), dim=1)  # (N, L + 1, D)
            value = torch.cat((value, self.bias_v.to(value.dtype).expand(size[0], -1, -1)), dim=1)
        query, key, value = (
            part.unflatten(-1, (self.num_heads, -1)).transpose(1, 2) for part in (query, key, value)
        )  # (N, heads, L, head dim)
        mixed = attend(query, key, value, causal=self.causal, implementation=self.config._attn_implementation)
        return self.out_proj(mixed.transpose(1, 2).reshape(size))


class ImageBindMLP(nn.Module):
    """Two linear layers with an exact GELU between them."""

    def __init__(self, config: ImageBindTowerConfig):
        super().__init__()
        self.fc1 = nn.Linear(config.hidden_size, config.intermediate_size)
        self.fc2 = nn.Linear(config.intermediate_size, config.hidden_size)

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        """Tokens (N, L, D) -> (N, L, D)."""
        return self.fc2(F.gelu(self.fc1(hidden_states)))


class ImageBindBlock(GradientCheckpointingLayer):
    """Pre-norm transformer block with drop path (in training, a branch is skipped for whole samples)."""

    def __init__(self, config: ImageBindTowerConfig, drop_path_rate: float, causal: bool):
        super().__init__()
        self.drop_path_rate = drop_path_rate
        self.norm_1 = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.attention = ImageBindAttention(config, causal)
        self.norm_2 = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.mlp = ImageBindMLP(config)

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        """Tokens (N, L, D) -> (N, L, D)."""
        hidden_states = hidden_states + self.drop_path(self.attention(self.norm_1(hidden_states)))
        return hidden_states + self.drop_path(self.mlp(self.norm_2(hidden_states)))

    def drop_path(self, branch: torch.Tensor) -> torch.Tensor:
        """Zero `branch` (N, L, D) for a random share of the samples; scale the rest to keep the mean."""
        if self.drop_path_rate == 0.0 or not self.training:
            return branch
        keep = 1.0 - self.drop_path_rate
        mask = torch.empty(branch.shape[0], 1, 1, dtype=branch.dtype, device=branch.device).bernoulli_(keep)
        return branch * mask / keep


class ImageBindHead(nn.Module):
    """LayerNorm, projection to the shared space, L2 normalisation and scale of picked tokens."""

    def __init__(self, config: ImageBindTowerConfig, projection_dim: int):
        super().__init__()
        self.config = config
        self.norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.head_dropout)
        self.projection = nn.Linear(config.hidden_size, projection_dim, bias=False)
        register_logit_scale(self, config)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """(..., D) -> (..., projection_dim)."""
        return scaled_unit(self.projection(self.dropout(self.norm(tokens))), self.log_logit_scale)


def register_logit_scale(module: nn.Module, config: ImageBindTowerConfig) -> None:
    """Give `module` a 0-d `log_logit_scale`: a parameter, a buffer, or None for unit vectors."""
    value = None if config.logit_scale is None else torch.tensor(math.log(config.logit_scale))
    if value is not None and config.learnable_logit_scale:
        module.register_parameter("log_logit_scale", nn.Parameter(value))
    else:
        module.register_buffer("log_logit_scale", value)


def scaled_unit(vectors: torch.Tensor, log_scale: torch.Tensor | None) -> torch.Tensor:
    """L2-normalise the last axis and multiply by exp(log_scale), at most `MAX_LOGIT_SCALE`."""
    vectors = F.normalize(vectors, dim=-1, eps=1e-12)
    if log_scale is None:
        return vectors
    return vectors * log_scale.exp().clamp(max=MAX_LOGIT_SCALE).to(vectors.dtype)


def split_clips(values: torch.Tensor) -> tuple[torch.Tensor, int | None]:
    """Merge the clip axis of (B, S, ...) inputs into the batch.

    Returns (B * S, ...) and S, or the input as it is and None. Inputs of five and more axes have a clip axis:
    (B, S, 1, M, F) for sound, (B, S, C, H, W) or (B, S, C, T, H, W) for pictures and video.
    """
    if values.ndim < 5:
        return values, None
    return values.flatten(0, 1), values.shape[1]


def average_clips(values: torch.Tensor, clip_mask: torch.Tensor | None) -> torch.Tensor:
    """Average (B, S, ...) over the clips that `clip_mask` (B, S) marks as real; None counts all."""
    if clip_mask is None:
        return values.mean(dim=1)
    if clip_mask.shape != values.shape[:2]:
        raise ValueError(
            f"clip_mask must have shape (batch, clips) = {tuple(values.shape[:2])}, "
            f"got {tuple(clip_mask.shape)}."
        )
    weights = clip_mask.to(values.dtype)
    weights = weights / weights.sum(dim=1, keepdim=True).clamp(min=1)  # (B, S)
    return (values * weights.reshape(*weights.shape, *[1] * (values.ndim - 2))).sum(dim=1)


# --- towers -------------------------------------------------------------------------------------------------


class ImageBindPreTrainedModel(PreTrainedModel):
    """Weight initialisation and capability flags of all ImageBind models."""

    config: ImageBindConfig
    base_model_prefix = "imagebind"
    supports_gradient_checkpointing = True
    _supports_sdpa = True
    _no_split_modules = ["ImageBindBlock"]

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        if isinstance(module, nn.Linear):
            init.xavier_uniform_(module.weight)
            if module.bias is not None:
                init.zeros_(module.bias)
        elif isinstance(module, nn.Conv2d | nn.Conv3d):
            # Patch projections as torch makes them; stem layers (they have a bias) for the ReLU behind them.
            if module.bias is None:
                init.kaiming_uniform_(module.weight, a=math.sqrt(5))
            else:
                init.kaiming_normal_(module.weight, nonlinearity="relu")
                init.zeros_(module.bias)
        elif isinstance(module, nn.LayerNorm):
            init.ones_(module.weight)
            init.zeros_(module.bias)
        elif isinstance(module, nn.Embedding):
            init.normal_(module.weight, std=0.02)
        elif isinstance(module, ImageBindTokenEmbeddings):
            width_std = module.position_embeddings.shape[-1] ** -0.5
            init.normal_(module.position_embeddings, std=module.position_std or width_std)
            if module.cls_token is not None:
                init.normal_(module.cls_token, std=width_std)
        elif isinstance(module, ImageBindAttention) and module.bias_k is not None:
            init.xavier_normal_(module.bias_k)
            init.xavier_normal_(module.bias_v)
        elif isinstance(module, ImageBindHead):
            init.kaiming_uniform_(module.projection.weight, a=math.sqrt(5))
        if getattr(module, "log_logit_scale", None) is not None:
            init.constant_(module.log_logit_scale, math.log(module.config.logit_scale))


class ImageBindTowerModel(ImageBindPreTrainedModel):
    """One modality's stem and transformer, without a head. Use the subclasses."""

    config: ImageBindTowerConfig
    base_model_prefix = "tower"
    embeddings_class: type[ImageBindTokenEmbeddings]
    causal = False

    def __init__(self, config: ImageBindTowerConfig):
        super().__init__(config)
        self.embeddings = self.embeddings_class(config)  # type: ignore[call-arg]
        self.pre_norm = None
        if config.pre_norm:
            self.pre_norm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        depth = config.num_hidden_layers
        self.blocks = nn.ModuleList(
            ImageBindBlock(config, config.drop_path_rate * index / max(depth - 1, 1), self.causal)
            for index in range(depth)
        )
        if config.token_norm:
            register_logit_scale(self, config)
        self.post_init()

    def get_input_embeddings(self) -> nn.Module:
        """Return the stem; its output are the tokens of the first block."""
        return self.embeddings

    def encode(
        self, clips: torch.Tensor, output_hidden_states: bool = False
    ) -> tuple[torch.Tensor, tuple[torch.Tensor, ...] | None]:
        """Encode clips (N, ...) to tokens (N, L, D), without merging or normalising them."""
        hidden_states = self.embeddings(clips)
        if self.pre_norm is not None:
            hidden_states = self.pre_norm(hidden_states)
        collected = [hidden_states]
        for block in self.blocks:
            hidden_states = block(hidden_states)
            if output_hidden_states:
                collected.append(hidden_states)
        return hidden_states, tuple(collected) if output_hidden_states else None

    def run(
        self,
        values: torch.Tensor,
        clip_mask: torch.Tensor | None = None,
        output_hidden_states: bool | None = None,
    ) -> ImageBindTowerOutput:
        """Encode (B, ...) or (B, S, ...) inputs, then normalise and merge as the config says."""
        clips, num_clips = split_clips(values)
        tokens, hidden_states = self.encode(clips, bool(output_hidden_states))
        if self.config.token_norm:
            tokens = scaled_unit(tokens, self.log_logit_scale)
        if num_clips is not None:
            tokens = tokens.unflatten(0, (-1, num_clips))  # (B, S, L, D)
            if self.config.merge == "mean":
                tokens = average_clips(tokens, clip_mask)  # (B, L, D)
        return ImageBindTowerOutput(last_hidden_state=tokens, hidden_states=hidden_states)


class ImageBindVisionModel(ImageBindTowerModel):
    """Vision tower."""

    config: ImageBindVisionConfig
    main_input_name = "pixel_values"
    embeddings_class = ImageBindVisionEmbeddings

    def forward(
        self, pixel_values: torch.Tensor, output_hidden_states: bool | None = None, **kwargs
    ) -> ImageBindTowerOutput:
        """Encode pictures (B, 3, H, W), (B, S, 3, H, W) or clips (B, S, 3, T, H, W)."""
        return self.run(pixel_values, output_hidden_states=output_hidden_states)


class ImageBindTextModel(ImageBindTowerModel):
    """Text tower."""

    config: ImageBindTextConfig
    main_input_name = "input_ids"
    embeddings_class = ImageBindTextEmbeddings
    causal = True

    def get_input_embeddings(self) -> nn.Module:
        """Return the token table."""
        return self.embeddings.token_embedding

    def set_input_embeddings(self, value: nn.Module) -> None:
        """Replace the token table."""
        self.embeddings.token_embedding = value

    def forward(
        self, input_ids: torch.Tensor, output_hidden_states: bool | None = None, **kwargs
    ) -> ImageBindTowerOutput:
        """Encode token ids (B, max_position_embeddings), zero-padded behind the end token."""
        return self.run(input_ids, output_hidden_states=output_hidden_states)


class ImageBindAudioModel(ImageBindTowerModel):
    """Audio tower."""

    config: ImageBindAudioConfig
    main_input_name = "input_features"
    embeddings_class = ImageBindAudioEmbeddings

    def forward(
        self,
        input_features: torch.Tensor,
        clip_mask: torch.Tensor | None = None,
        output_hidden_states: bool | None = None,
        **kwargs,
    ) -> ImageBindTowerOutput:
        """Encode log-mel clips.

        Args:
            input_features: (B, S, 1, mel bins, frames), or (B, 1, mel bins, frames) for one clip each.
            clip_mask: (B, S), true for real clips; padding clips are left out of the average. With
                `merge="none"` it changes nothing: the caller masks.
            output_hidden_states: whether to return the tokens of every block.
            **kwargs: ignored, for callers that pass the outputs of a processor on.
        """
        return self.run(input_features, clip_mask, output_hidden_states)


class ImageBindDepthModel(ImageBindTowerModel):
    """Depth tower."""

    config: ImageBindDepthConfig
    main_input_name = "depth_values"
    embeddings_class = ImageBindPatchEmbeddings

    def forward(
        self, depth_values: torch.Tensor, output_hidden_states: bool | None = None, **kwargs
    ) -> ImageBindTowerOutput:
        """Encode disparity maps (B, 1, H, W)."""
        return self.run(depth_values, output_hidden_states=output_hidden_states)


class ImageBindThermalModel(ImageBindTowerModel):
    """Thermal tower."""

    config: ImageBindThermalConfig
    main_input_name = "thermal_values"
    embeddings_class = ImageBindPatchEmbeddings

    def forward(
        self, thermal_values: torch.Tensor, output_hidden_states: bool | None = None, **kwargs
    ) -> ImageBindTowerOutput:
        """Encode infrared pictures (B, 1, H, W)."""
        return self.run(thermal_values, output_hidden_states=output_hidden_states)


class ImageBindIMUModel(ImageBindTowerModel):
    """Motion tower."""

    config: ImageBindIMUConfig
    main_input_name = "imu_values"
    embeddings_class = ImageBindIMUEmbeddings

    def forward(
        self, imu_values: torch.Tensor, output_hidden_states: bool | None = None, **kwargs
    ) -> ImageBindTowerOutput:
        """Encode motion recordings (B, 6, samples)."""
        return self.run(imu_values, output_hidden_states=output_hidden_states)


TOWER_CLASSES: Mapping[str, type[ImageBindTowerModel]] = {
    "vision": ImageBindVisionModel,
    "text": ImageBindTextModel,
    "audio": ImageBindAudioModel,
    "depth": ImageBindDepthModel,
    "thermal": ImageBindThermalModel,
    "imu": ImageBindIMUModel,
}


# --- the joint model ----------------------------------------------------------------------------------------


class ImageBindModel(ImageBindPreTrainedModel):
    """The towers named in the config, each with its head into the shared space.

    Example: how likely each sound goes with each text is
    `model.similarity(outputs.audio_embeds, outputs.text_embeds).softmax(-1)`.
    """

    main_input_name = "pixel_values"

    def __init__(self, config: ImageBindConfig):
        super().__init__(config)
        for name in config.modalities:
            tower_config = getattr(config, f"{name}_config")
            if name != "text" and not tower_config.use_cls:
                raise ValueError(f"{name}_config.use_cls must be true: the head reads the CLS token.")
            self.add_module(f"{name}_model", TOWER_CLASSES[name]._from_config(tower_config))
            self.add_module(f"{name}_head", ImageBindHead(tower_config, config.projection_dim))
        self.post_init()

    def get_modality_features(
        self,
        modality: str,
        values: torch.Tensor,
        clip_mask: torch.Tensor | None = None,
        all_tokens: bool = False,
    ) -> torch.Tensor:
        """Embed the inputs of one modality.

        Args:
            modality: one of `MODALITIES` that the config has.
            values: (B, ...) or, with a clip axis, (B, S, ...).
            clip_mask: (B, S), true for real clips.
            all_tokens: project every token rather than the pooled one, as BuboGPT's variant with heads does.

        Returns:
            (B, projection_dim), or (B, L, projection_dim) with `all_tokens`.
        """
        if modality not in self.config.modalities:
            raise ValueError(
                f"This model has no {modality!r} tower, it has {', '.join(self.config.modalities)}: give "
                f"{modality}_config when building it."
            )
        clips, num_clips = split_clips(values)
        tokens, _ = getattr(self, f"{modality}_model").encode(clips)  # (N, L, D)
        if not all_tokens:
            if modality == "text":
                ends = clips.argmax(dim=-1)  # the end token has the largest id
                tokens = tokens[torch.arange(tokens.shape[0], device=tokens.device), ends]
            else:
                tokens = tokens[:, 0]
        embeds = getattr(self, f"{modality}_head")(tokens)
        return embeds if num_clips is None else average_clips(embeds.unflatten(0, (-1, num_clips)), clip_mask)

    def get_image_features(self, pixel_values: torch.Tensor) -> torch.Tensor:
        """Embed pictures (B, 3, H, W) or video clips (B, S, 3, T, H, W) -> (B, projection_dim)."""
        return self.get_modality_features("vision", pixel_values)

    def get_text_features(self, input_ids: torch.Tensor) -> torch.Tensor:
        """Embed token ids (B, max_position_embeddings) -> (B, projection_dim)."""
        return self.get_modality_features("text", input_ids)

    def get_audio_features(
        self, input_features: torch.Tensor, clip_mask: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Embed log-mel clips (B, S, 1, M, F) or (B, 1, M, F) -> (B, projection_dim)."""
        return self.get_modality_features("audio", input_features, clip_mask)

    def get_depth_features(self, depth_values: torch.Tensor) -> torch.Tensor:
        """Embed disparity maps (B, 1, H, W) -> (B, projection_dim)."""
        return self.get_modality_features("depth", depth_values)

    def get_thermal_features(self, thermal_values: torch.Tensor) -> torch.Tensor:
        """Embed infrared pictures (B, 1, H, W) -> (B, projection_dim)."""
        return self.get_modality_features("thermal", thermal_values)

    def get_imu_features(self, imu_values: torch.Tensor) -> torch.Tensor:
        """Embed motion recordings (B, 6, samples) -> (B, projection_dim)."""
        return self.get_modality_features("imu", imu_values)

    @staticmethod
    def similarity(embeds: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
        """Scores of every pair of embeddings, (A, D) and (B, D) -> (A, B).

        Their softmax over the last axis says which of `others` each is most likely to go with; the scale of
        one side is its temperature, and no further one is needed.
        """
        return embeds @ others.T

    def forward(
        self,
        pixel_values: torch.Tensor | None = None,
        input_ids: torch.Tensor | None = None,
        input_features: torch.Tensor | None = None,
        depth_values: torch.Tensor | None = None,
        thermal_values: torch.Tensor | None = None,
        imu_values: torch.Tensor | None = None,
        clip_mask: torch.Tensor | None = None,
        **kwargs,
    ) -> ImageBindOutput:
        """Embed every modality that is given; the shapes are those of the `get_*_features` methods.

        `clip_mask` (B, S) belongs to `input_features`.
        """
        inputs = (pixel_values, input_ids, input_features, depth_values, thermal_values, imu_values)
        given = {name: values for name, values in zip(MODALITIES, inputs, strict=True) if values is not None}
        if not given:
            raise ValueError(f"Nothing to embed: give at least one of {', '.join(INPUT_NAMES.values())}.")
        embeds = {
            f"{name}_embeds": self.get_modality_features(name, values, clip_mask if name == "audio" else None)
            for name, values in given.items()
        }
        return ImageBindOutput(**embeds)


__all__ = [
    "ImageBindAudioModel",
    "ImageBindDepthModel",
    "ImageBindIMUModel",
    "ImageBindModel",
    "ImageBindOutput",
    "ImageBindPreTrainedModel",
    "ImageBindTextModel",
    "ImageBindThermalModel",
    "ImageBindTowerOutput",
    "ImageBindVisionModel",
]
