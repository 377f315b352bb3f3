"""Configurations of ImageBind: one per modality tower, and the model that joins any subset of them.

The defaults describe the one published model ("huge"). Every tower config has the same transformer fields
(`ImageBindTowerConfig`); only the stem fields differ. Widths, depths and stems can be changed for small
builds.
"""

from typing import Literal

from huggingface_hub.dataclasses import strict
from transformers.configuration_utils import PreTrainedConfig, SubConfigSpec


@strict
class ImageBindTowerConfig(PreTrainedConfig):
    """Fields that every tower shares: the transformer, the head and the final scale.

    Args:
        hidden_size: width of the tokens.
        num_hidden_layers: number of transformer blocks.
        num_attention_heads: heads per block; must divide `hidden_size`.
        mlp_ratio: width of the feed-forward layer divided by `hidden_size`.
        layer_norm_eps: epsilon of the LayerNorms in the blocks and in the head.
        stem_norm_eps: epsilon of the LayerNorm behind the stem (the released model uses another value there).
        use_cls: put one learned token in front of the others. The head of `ImageBindModel` needs it.
        pre_norm: LayerNorm before the first block.
        add_bias_kv: one learned key and value per block, seen by every query.
        drop_path_rate: chance of skipping the last block's branches in training; 0 for the first block,
            linear between them.
        head_dropout: dropout before the head's projection.
        logit_scale: factor applied after the L2 normalisation of an embedding; None for unit vectors.
        learnable_logit_scale: whether the factor is trained (text) or a constant stored with the weights.
        merge: what a tower used alone does with the clips of one input: "mean" averages their tokens, "none"
            keeps the clip axis. `ImageBindModel` always averages embeddings.
        token_norm: L2-normalise every output token of a tower used alone and multiply it by `logit_scale`,
            before merging, as BuboGPT does. Without effect inside `ImageBindModel`.
    """

    hidden_size: int = 768
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    mlp_ratio: int | float = 4
    layer_norm_eps: float = 1e-6
    stem_norm_eps: float = 1e-5
    use_cls: bool = True
    pre_norm: bool = False
    add_bias_kv: bool = True
    drop_path_rate: int | float = 0.0
    head_dropout: int | float = 0.0
    logit_scale: int | float | None = None
    learnable_logit_scale: bool = False
    merge: Literal["mean", "none"] = "mean"
    token_norm: bool = False

    def validate_architecture(self) -> None:
        """Check the fields against each other; called by `@strict` when a config is made."""
        if self.hidden_size % self.num_attention_heads != 0:
            raise ValueError(
                f"hidden_size must be a multiple of num_attention_heads, got {self.hidden_size} and "
                f"{self.num_attention_heads}: change one of them."
            )
        if not 0 <= self.drop_path_rate < 1:
            raise ValueError(f"drop_path_rate must lie in [0, 1), got {self.drop_path_rate}.")
        if self.logit_scale is not None and self.logit_scale <= 0:
            raise ValueError(f"logit_scale must be positive or None, got {self.logit_scale}.")

    @property
    def intermediate_size(self) -> int:
        """Width of the feed-forward layers."""
        return int(self.hidden_size * self.mlp_ratio)


@strict
class ImageBindVisionConfig(ImageBindTowerConfig):
    """Vision tower: pictures and clips, cut into tubes of `num_frames` x patch x patch."""

    model_type = "imagebind_vision"
    base_config_key = "vision_config"

    hidden_size: int = 1280
    num_hidden_layers: int = 32
    num_attention_heads: int = 16
    pre_norm: bool = True
    add_bias_kv: bool = False
    num_channels: int = 3
    image_size: int = 224
    patch_size: int = 14
    num_frames: int = 2


@strict
class ImageBindTextConfig(ImageBindTowerConfig):
    """Text tower: causal transformer over CLIP tokens, pooled at the largest id (the end token)."""

    model_type = "imagebind_text"
    base_config_key = "text_config"

    hidden_size: int = 1024
    num_hidden_layers: int = 24
    num_attention_heads: int = 16
    use_cls: bool = False
    add_bias_kv: bool = False
    logit_scale: int | float | None = 1 / 0.07
    learnable_logit_scale: bool = True
    vocab_size: int = 49408
    max_position_embeddings: int = 77


@strict
class ImageBindAudioConfig(ImageBindTowerConfig):
    """Audio tower: log-mel clips as one-channel pictures of mel bins x frames.

    Args:
        num_mel_bins: height of a clip.
        num_frames: width of a clip.
        stem_channels: output channels of optional 3x3 convolutions (stride 2, padding 1, each with a ReLU)
            before the patch projection. Empty in the released model.
        kernel_size: (mel, time) size of the patch projection, counted in cells of its input.
        stride: (mel, time) stride of the patch projection; smaller than the kernel makes patches overlap.
    """

    model_type = "imagebind_audio"
    base_config_key = "audio_config"

    drop_path_rate: int | float = 0.1
    logit_scale: int | float | None = 20.0
    num_mel_bins: int = 128
    num_frames: int = 204
    stem_channels: list[int] | tuple[int, ...] = ()
    kernel_size: list[int] | tuple[int, int] = (16, 16)
    stride: list[int] | tuple[int, int] = (10, 10)

    def validate_architecture(self) -> None:
        """Check that the stem fits the clip, and the shared fields."""
        super().validate_architecture()
        if len(self.kernel_size) != 2 or len(self.stride) != 2:
            raise ValueError(
                "kernel_size and stride must be (mel, time) pairs, got "
                f"{tuple(self.kernel_size)} and {tuple(self.stride)}."
            )
        if min(self.grid_size) < 1:
            raise ValueError(
                f"kernel_size {tuple(self.kernel_size)} does not fit the {self.stem_size} cells that "
                f"{len(self.stem_channels)} stem layers leave of a {self.num_mel_bins}x{self.num_frames} "
                "clip: make the kernel smaller or use fewer stem layers."
            )

    @property
    def stem_size(self) -> tuple[int, int]:
        """(mel, time) size of a clip behind the stem layers; each halves it, rounding up."""
        size = (self.num_mel_bins, self.num_frames)
        for _ in self.stem_channels:
            size = ((size[0] + 1) // 2, (size[1] + 1) // 2)
        return size

    @property
    def grid_size(self) -> tuple[int, int]:
        """(mel, time) number of patch tokens of one clip."""
        mel, time = (
            (size - kernel) // stride + 1
            for size, kernel, stride in zip(self.stem_size, self.kernel_size, self.stride, strict=True)
        )
        return mel, time

    @property
    def num_tokens(self) -> int:
        """Tokens of one clip, the CLS token included."""
        return self.grid_size[0] * self.grid_size[1] + int(self.use_cls)


@strict
class ImageBindDepthConfig(ImageBindTowerConfig):
    """Depth tower: one-channel disparity maps."""

    model_type = "imagebind_depth"
    base_config_key = "depth_config"

    hidden_size: int = 384
    num_attention_heads: int = 8
    logit_scale: int | float | None = 5.0
    num_channels: int = 1
    image_size: int = 224
    patch_size: int = 16


@strict
class ImageBindThermalConfig(ImageBindTowerConfig):
    """Thermal tower: one-channel infrared pictures."""

    model_type = "imagebind_thermal"
    base_config_key = "thermal_config"

    logit_scale: int | float | None = 10.0
    num_channels: int = 1
    image_size: int = 224
    patch_size: int = 16


@strict
class ImageBindIMUConfig(ImageBindTowerConfig):
    """Motion tower: accelerometer and gyroscope channels, cut into windows of `window_size` samples."""

    model_type = "imagebind_imu"
    base_config_key = "imu_config"

    hidden_size: int = 512
    num_hidden_layers: int = 6
    num_attention_heads: int = 8
    drop_path_rate: int | float = 0.7
    head_dropout: int | float = 0.5
    logit_scale: int | float | None = 5.0
    num_channels: int = 6
    num_samples: int = 2000
    window_size: int = 8

    def validate_architecture(self) -> None:
        """Check that the windows tile the recording, and the shared fields."""
        super().validate_architecture()
        if self.num_samples % self.window_size != 0:
            raise ValueError(
                "num_samples must be a multiple of window_size, "
                f"got {self.num_samples} and {self.window_size}."
            )


MODALITIES = ("vision", "text", "audio", "depth", "thermal", "imu")


@strict
class ImageBindConfig(PreTrainedConfig):
    """ImageBind with any subset of its six modalities.

    A modality whose config is None is not built. Naming no modality at all means all six with default values;
    `ImageBindConfig(audio_config={})` has audio alone.

    Args:
        projection_dim: width of the embeddings that all modalities share.
    """

    model_type = "imagebind"
    sub_configs_defaults = {
        "vision_config": SubConfigSpec(ImageBindVisionConfig, optional=True),
        "text_config": SubConfigSpec(ImageBindTextConfig, optional=True),
        "audio_config": SubConfigSpec(ImageBindAudioConfig, optional=True),
        "depth_config": SubConfigSpec(ImageBindDepthConfig, optional=True),
        "thermal_config": SubConfigSpec(ImageBindThermalConfig, optional=True),
        "imu_config": SubConfigSpec(ImageBindIMUConfig, optional=True),
    }

    vision_config: dict | PreTrainedConfig | None = None
    text_config: dict | PreTrainedConfig | None = None
    audio_config: dict | PreTrainedConfig | None = None
    depth_config: dict | PreTrainedConfig | None = None
    thermal_config: dict | PreTrainedConfig | None = None
    imu_config: dict | PreTrainedConfig | None = None
    projection_dim: int = 1024

    def __post_init__(self, **kwargs):
        if all(getattr(self, f"{name}_config") is None for name in MODALITIES):
            for name in MODALITIES:
                setattr(self, f"{name}_config", {})
        super().__post_init__(**kwargs)

    @property
    def modalities(self) -> tuple[str, ...]:
        """Names of the modalities that are built, in the fixed order of `MODALITIES`."""
        return tuple(name for name in MODALITIES if getattr(self, f"{name}_config") is not None)


__all__ = [
    "MODALITIES",
    "ImageBindAudioConfig",
    "ImageBindConfig",
    "ImageBindDepthConfig",
    "ImageBindIMUConfig",
    "ImageBindTextConfig",
    "ImageBindThermalConfig",
    "ImageBindTowerConfig",
    "ImageBindVisionConfig",
]
