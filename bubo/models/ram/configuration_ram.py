"""Configuration of RAM and RAM++, the taggers of recognize-anything.

The defaults are the sizes of the published RAM file (Swin-L at 384 pixels, 4,585 tags); RAM++ differs in
`descriptions_per_tag=51` and `reweight_descriptions=True` only.
"""

from huggingface_hub.dataclasses import strict
from transformers.configuration_utils import PreTrainedConfig


@strict
class RamConfig(PreTrainedConfig):
    """Sizes of [`RamModel`], and the tags that its columns stand for.

    Args:
        image_size: side of the square input in pixels. Pictures are squashed to it whole.
        patch_size: side of the patches that the first convolution cuts.
        embed_dim: width of the first stage of the Swin transformer; every later stage is twice as wide.
        depths: blocks of each stage.
        num_heads: attention heads of each stage.
        window_size: side of the attention windows, in tokens.
        mlp_ratio: width of a block's feed-forward layer divided by the width of its stage.
        drop_path_rate: chance of skipping the last block's branches in training; 0 for the first block,
            linear between them.
        projection_dim: width of the image tokens that the tag head reads, and of the label embeddings.
        hidden_size: width of the tag head.
        num_hidden_layers: layers of the tag head.
        num_attention_heads: heads of each of its layers.
        intermediate_size: width of its feed-forward layers.
        hidden_dropout: dropout of the tag head in training.
        layer_norm_eps: epsilon of the LayerNorms of the Swin transformer.
        head_norm_eps: epsilon of the LayerNorms of the tag head.
        num_tags: columns of the logits.
        descriptions_per_tag: label embeddings of each tag: 1 in RAM, 51 in RAM++.
        reweight_descriptions: weigh the descriptions of a tag by their likeness to the picture, as RAM++
            does. Needed for more than one description.
        reweight_scale: factor on that likeness at the start of a training; the learned one is a weight.
        tag_names: what the columns stand for, or None if that is kept elsewhere.
        tag_thresholds: a tag is in the picture if its probability is greater than its threshold; None for
            one half everywhere.
        deleted_tags: columns that never count as present.
    """

    model_type = "ram"

    image_size: int = 384
    patch_size: int = 4
    num_channels: int = 3
    embed_dim: int = 192
    depths: list[int] | tuple[int, ...] = (2, 2, 18, 2)
    num_heads: list[int] | tuple[int, ...] = (6, 12, 24, 48)
    window_size: int = 12
    mlp_ratio: int | float = 4
    drop_path_rate: int | float = 0.1
    projection_dim: int = 512
    hidden_size: int = 768
    num_hidden_layers: int = 2
    num_attention_heads: int = 4
    intermediate_size: int = 3072
    hidden_dropout: int | float = 0.1
    layer_norm_eps: float = 1e-5
    head_norm_eps: float = 1e-12
    initializer_range: int | float = 0.02
    num_tags: int = 4585
    descriptions_per_tag: int = 1
    reweight_descriptions: bool = False
    reweight_scale: int | float = 1 / 0.07
    tag_names: list[str] | None = None
    tag_thresholds: list[float | int] | None = None
    deleted_tags: list[int] | tuple[int, ...] = ()

    def validate_architecture(self) -> None:
        """Check the fields against each other; called by `@strict` when a config is made."""
        if not self.depths or len(self.depths) != len(self.num_heads):
            raise ValueError(
                f"depths and num_heads must have one entry per stage, got {tuple(self.depths)} and "
                f"{tuple(self.num_heads)}."
            )
        for width, heads in zip(self.stage_widths, self.num_heads, strict=True):
            if heads < 1 or width % heads:
                raise ValueError(
                    f"A stage of width {width} cannot have {heads} heads: num_heads must divide embed_dim "
                    "doubled at every stage."
                )
        if self.hidden_size % self.num_attention_heads:
            raise ValueError(
                f"hidden_size must be a multiple of num_attention_heads, got {self.hidden_size} and "
                f"{self.num_attention_heads}: change one of them."
            )
        self._validate_grids()
        if min(self.num_tags, self.descriptions_per_tag) < 1:
            raise ValueError(
                f"num_tags and descriptions_per_tag must be positive, got {self.num_tags} and "
                f"{self.descriptions_per_tag}."
            )
        if self.descriptions_per_tag > 1 and not self.reweight_descriptions:
            raise ValueError(
                f"descriptions_per_tag was {self.descriptions_per_tag}: more than one needs "
                "reweight_descriptions=True."
            )
        for name in ("tag_names", "tag_thresholds"):
            values = getattr(self, name)
            if values is not None and len(values) != self.num_tags:
                raise ValueError(f"{name} must have num_tags = {self.num_tags} entries, got {len(values)}.")
        if self.tag_names is not None and len(set(self.tag_names)) < self.num_tags:
            twice = next(name for name in self.tag_names if self.tag_names.count(name) > 1)
            raise ValueError(f"tag_names must differ from each other, but {twice!r} stands there twice.")
        if self.tag_thresholds is not None and not all(0 <= number <= 1 for number in self.tag_thresholds):
            raise ValueError("tag_thresholds must lie between 0 and 1.")
        if any(not 0 <= column < self.num_tags for column in self.deleted_tags):
            raise ValueError(
                f"deleted_tags must be columns from 0 to {self.num_tags - 1}, got {list(self.deleted_tags)}."
            )

    def _validate_grids(self) -> None:
        last = 2 ** (len(self.depths) - 1)
        if self.image_size % (self.patch_size * last):
            raise ValueError(
                f"image_size must be a multiple of {self.patch_size * last} (patch_size, halved "
                f"{len(self.depths) - 1} times), got {self.image_size}."
            )
        for grid in self.grid_sizes:
            if grid > self.window_size and grid % self.window_size:
                raise ValueError(
                    f"image_size {self.image_size} makes a grid of {grid} tokens a side, which windows of "
                    f"{self.window_size} do not tile: change image_size or window_size."
                )

    @property
    def stage_widths(self) -> tuple[int, ...]:
        """Width of the tokens in each stage."""
        return tuple(self.embed_dim * 2**stage for stage in range(len(self.depths)))

    @property
    def grid_sizes(self) -> tuple[int, ...]:
        """Tokens on a side of the picture in each stage."""
        return tuple(self.image_size // self.patch_size // 2**stage for stage in range(len(self.depths)))

    @property
    def num_image_tokens(self) -> int:
        """Tokens that the tag head reads: the mean of the last grid, then the grid."""
        return 1 + self.grid_sizes[-1] ** 2


__all__ = ["RamConfig"]
