"""RAM's picture encoder: a Swin transformer whose mean token stands in front of its grid.

Notable choices:
- Position indices and shift masks follow from the sizes and are computed when needed: a checkpoint holds
  trained weights only.
- Masked pairs get -100 rather than minus infinity, and windows as large as the grid are not shifted, as in
  the released model.

Source: Swin Transformer (arXiv 2103.14030, section 3).
"""

import torch
from torch import nn
from torch.nn import functional as F
from transformers.modeling_layers import GradientCheckpointingLayer

from .configuration_ram import RamConfig

MASKED = -100.0


def attend(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    bias: torch.Tensor | None = None,
    dropout: float = 0.0,
    implementation: str | None = None,
) -> torch.Tensor:
    """Scaled dot-product attention over (..., heads, tokens, head dim) -> same shape as `query`.

    Args:
        query: (..., L, d).
        key: (..., L', d).
        value: (..., L', d).
        bias: added to the scores (..., L, L').
        dropout: share of the weights that is dropped.
        implementation: "sdpa" for the fused kernel, otherwise matmul-softmax-matmul.
    """
    if implementation == "sdpa":
        return F.scaled_dot_product_attention(query, key, value, attn_mask=bias, dropout_p=dropout)
    scores = torch.matmul(query * query.shape[-1] ** -0.5, key.transpose(-2, -1))
    if bias is not None:
        scores = scores + bias
    weights = F.dropout(scores.softmax(dim=-1).to(value.dtype), dropout)
    return torch.matmul(weights, value)


def relative_positions(window: int, device: torch.device) -> torch.Tensor:
    """Row of the bias table for every pair of tokens of a window, (window ** 2, window ** 2)."""
    steps = torch.arange(window, device=device)
    rows, columns = (grid.flatten() for grid in torch.meshgrid(steps, steps, indexing="ij"))
    down = rows[:, None] - rows[None] + window - 1
    right = columns[:, None] - columns[None] + window - 1
    return down * (2 * window - 1) + right


def shift_mask(grid: int, window: int, shift: int, device: torch.device, dtype: torch.dtype) -> torch.Tensor:
    """What keeps tokens apart that only the cyclic shift put into one window.

    Returns:
        (windows, window ** 2, window ** 2), 0 for pairs of one region and `MASKED` for others.
    """
    steps = torch.arange(grid, device=device)
    bands = (steps >= grid - window).long() + (steps >= grid - shift).long()  # 0, 1, 2 along one side
    regions = bands[:, None] * 3 + bands[None]  # (grid, grid)
    regions = to_windows(regions[None, ..., None], window)[..., 0]  # (windows, window ** 2)
    apart = regions[:, :, None] != regions[:, None]
    return torch.zeros(apart.shape, device=device, dtype=dtype).masked_fill(apart, MASKED)


def to_windows(grid: torch.Tensor, window: int) -> torch.Tensor:
    """(B, H, W, C) -> (B * windows, window ** 2, C)."""
    batch, height, width, channels = grid.shape
    grid = grid.reshape(batch, height // window, window, width // window, window, channels)
    return grid.transpose(2, 3).reshape(-1, window * window, channels)


def from_windows(windows: torch.Tensor, window: int, side: int) -> torch.Tensor:
    """The inverse of `to_windows` for square grids: (B * windows, window ** 2, C) -> (B, side, side, C)."""
    count = side // window
    grid = windows.reshape(-1, count, count, window, window, windows.shape[-1])
    return grid.transpose(2, 3).reshape(-1, side, side, windows.shape[-1])


class RamWindowAttention(nn.Module):
    """Multi-head self-attention inside windows, with a learned bias per relative position."""

    def __init__(self, config: RamConfig, width: int, num_heads: int, window: int):
        super().__init__()
        self.config = config
        self.num_heads = num_heads
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.position_bias = nn.Parameter(torch.zeros((2 * window - 1) ** 2, num_heads))

    def forward(
        self, windows: torch.Tensor, positions: torch.Tensor, mask: torch.Tensor | None
    ) -> torch.Tensor:
        """Tokens (B * windows, L, C), `relative_positions`, `shift_mask` or None -> (B * windows, L, C)."""
        length = windows.shape[1]
        bias = self.position_bias[positions.flatten()].view(length, length, -1).permute(2, 0, 1)
        bias = bias[None]  # (1, heads, L, L)
        if mask is not None:
            bias = (bias + mask[:, None]).repeat(len(windows) // len(mask), 1, 1, 1)
        qkv = self.qkv(windows).unflatten(-1, (3, self.num_heads, -1))
        query, key, value = qkv.permute(2, 0, 3, 1, 4).unbind(0)  # (B * windows, heads, L, head dim)
        implementation = self.config._attn_implementation
        mixed = attend(query, key, value, bias.to(query.dtype), implementation=implementation)
        return self.out(mixed.transpose(1, 2).flatten(2))


class RamBlock(GradientCheckpointingLayer):
    """Pre-norm Swin block; in training, a branch is skipped for whole samples (drop path)."""

    def __init__(
        self, config: RamConfig, width: int, num_heads: int, window: int, shift: int, drop_path_rate: float
    ):
        super().__init__()
        self.window, self.shift, self.drop_path_rate = window, shift, drop_path_rate
        self.norm_1 = nn.LayerNorm(width, eps=config.layer_norm_eps)
        self.attention = RamWindowAttention(config, width, num_heads, window)
        self.norm_2 = nn.LayerNorm(width, eps=config.layer_norm_eps)
        self.fc1 = nn.Linear(width, int(width * config.mlp_ratio))
        self.fc2 = nn.Linear(int(width * config.mlp_ratio), width)

    def forward(
        self, tokens: torch.Tensor, positions: torch.Tensor, mask: torch.Tensor | None
    ) -> torch.Tensor:
        """Grid (B, H, W, C) -> (B, H, W, C); `mask` is used by shifted blocks only."""
        grid = self.norm_1(tokens)
        if self.shift:
            grid = grid.roll((-self.shift, -self.shift), (1, 2))
        windows = self.attention(to_windows(grid, self.window), positions, mask if self.shift else None)
        grid = from_windows(windows, self.window, tokens.shape[1])
        if self.shift:
            grid = grid.roll((self.shift, self.shift), (1, 2))
        tokens = tokens + self.drop_path(grid)
        return tokens + self.drop_path(self.fc2(F.gelu(self.fc1(self.norm_2(tokens)))))

    def drop_path(self, branch: torch.Tensor) -> torch.Tensor:
        """Zero `branch` (B, ...) for a random share of the samples; scale the rest to keep the mean."""
        if self.drop_path_rate == 0.0 or not self.training:
            return branch
        keep = 1.0 - self.drop_path_rate
        return branch * branch.new_empty(branch.shape[0], 1, 1, 1).bernoulli_(keep) / keep


class RamMerging(nn.Module):
    """Four neighbouring tokens to one of twice the width: (B, H, W, C) -> (B, H / 2, W / 2, 2 C)."""

    def __init__(self, config: RamConfig, width: int):
        super().__init__()
        self.norm = nn.LayerNorm(4 * width, eps=config.layer_norm_eps)
        self.reduction = nn.Linear(4 * width, 2 * width, bias=False)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Down first, then right: (even row, even column), (odd, even), (even, odd), (odd, odd)."""
        corners = [tokens[:, row::2, column::2] for column in (0, 1) for row in (0, 1)]
        return self.reduction(self.norm(torch.cat(corners, dim=-1)))


class RamStage(nn.Module):
    """Blocks on one grid, every second one shifted by half a window; then the merging, but in the last."""

    def __init__(self, config: RamConfig, stage: int):
        super().__init__()
        width, heads = config.stage_widths[stage], config.num_heads[stage]
        self.side = config.grid_sizes[stage]
        self.window = min(config.window_size, self.side)
        self.shift = config.window_size // 2 if self.side > config.window_size else 0
        before, total = sum(config.depths[:stage]), sum(config.depths)
        self.blocks = nn.ModuleList(
            RamBlock(
                config,
                width,
                heads,
                self.window,
                self.shift * (number % 2),
                config.drop_path_rate * (before + number) / max(total - 1, 1),
            )
            for number in range(config.depths[stage])
        )
        is_last = stage == len(config.depths) - 1
        self.merging = None if is_last else RamMerging(config, width)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Grid (B, H, W, C) -> (B, H / 2, W / 2, 2 C), or (B, H, W, C) in the last stage."""
        device, dtype = tokens.device, tokens.dtype
        positions = relative_positions(self.window, device)
        mask = shift_mask(self.side, self.window, self.shift, device, dtype) if self.shift else None
        for block in self.blocks:
            tokens = block(tokens, positions, mask)
        return tokens if self.merging is None else self.merging(tokens)


class RamVisionTower(nn.Module):
    """Pictures -> the mean of all tokens, then the tokens row by row."""

    def __init__(self, config: RamConfig):
        super().__init__()
        self.input_shape = (config.num_channels, config.image_size, config.image_size)
        self.patches = nn.Conv2d(
            config.num_channels, config.embed_dim, config.patch_size, stride=config.patch_size
        )
        self.patch_norm = nn.LayerNorm(config.embed_dim, eps=config.layer_norm_eps)
        self.stages = nn.ModuleList(RamStage(config, stage) for stage in range(len(config.depths)))
        self.norm = nn.LayerNorm(config.stage_widths[-1], eps=config.layer_norm_eps)

    def forward(self, pixel_values: torch.Tensor) -> torch.Tensor:
        """(B, 3, image_size, image_size) -> (B, num_image_tokens, C)."""
        if pixel_values.ndim != 4 or tuple(pixel_values.shape[1:]) != self.input_shape:
            raise ValueError(
                f"pixel_values has shape {tuple(pixel_values.shape)}, expected "
                f"(B, {', '.join(map(str, self.input_shape))}): prepare pictures with RamImageProcessor."
            )
        tokens = self.patches(pixel_values.to(self.patches.weight.dtype)).permute(0, 2, 3, 1)
        tokens = self.patch_norm(tokens)  # (B, H, W, C)
        for stage in self.stages:
            tokens = stage(tokens)
        tokens = self.norm(tokens).flatten(1, 2)
        return torch.cat((tokens.mean(dim=1, keepdim=True), tokens), dim=1)
