"""Configuration of nano's ear."""

from huggingface_hub.dataclasses import strict
from transformers.configuration_utils import PreTrainedConfig

from bubo.models.imagebind.configuration_imagebind import ImageBindAudioConfig


@strict
class BuboAudioConfig(PreTrainedConfig):
    """Sizes and vocabulary of [`BuboAudioModel`].

    Args:
        trunk_config: the ImageBind audio trunk that reads each two-second window.
        sound_names: class names; channel ``i`` of the frame logits is ``sound_names[i]``.
        frames_per_clip: trunk tokens kept of each window (tokens beyond them cover padding only).
        frame_s: seconds of sound that one frame stands for.
        event_size: width of the frame embedding, whose product with a class vector is the frame logit.
        num_slots: events that one sound can hold at most; the surest win.
        max_clips: windows of the longest sound that fits in one pass.
    """

    model_type = "bubo_audio"
    sub_configs = {"trunk_config": ImageBindAudioConfig}

    trunk_config: dict | ImageBindAudioConfig | None = None
    sound_names: list[str] | None = None
    frames_per_clip: int = 25
    frame_s: int | float = 0.08
    event_size: int = 64
    num_slots: int = 4
    slot_threshold: int | float = 0.4
    kernel_size: int = 5
    num_mixers: int = 2
    max_clips: int = 6
    initializer_range: int | float = 0.02

    def __post_init__(self, **kwargs):
        """Build the trunk's configuration from a dict and check that the slot vector fits into its width."""
        self.sound_names = list(self.sound_names or [])
        if self.trunk_config is None:
            self.trunk_config = ImageBindAudioConfig(**NANO_TRUNK)
        elif isinstance(self.trunk_config, dict):
            self.trunk_config = ImageBindAudioConfig(**self.trunk_config)
        super().__post_init__(**kwargs)
        if 2 * self.event_size + 40 > self.hidden_size:
            raise ValueError(
                f"a slot needs {2 * self.event_size + 40} numbers (2 x event_size + 40), the trunk has "
                f"hidden_size {self.hidden_size}: raise it or lower event_size"
            )
        if self.frames_per_clip > self.trunk_config.num_tokens:
            raise ValueError(
                f"frames_per_clip is {self.frames_per_clip}, but the trunk makes only "
                f"{self.trunk_config.num_tokens} tokens of a window: lower it, or change the trunk"
            )

    @property
    def hidden_size(self) -> int:
        """Width of the tokens."""
        return self.trunk_config.hidden_size

    @property
    def num_anchors(self) -> int:
        """Tokens in front of the frames: the event slots and one token for the whole sound."""
        return self.num_slots + 1


#: The ImageBind audio trunk at nano's size: a small convolution stem, one token per 80 ms, no class token.
NANO_TRUNK = {
    "hidden_size": 192,
    "num_hidden_layers": 3,
    "num_attention_heads": 3,
    "num_mel_bins": 64,
    "num_frames": 204,
    "stem_channels": [24, 48, 96],
    "kernel_size": [8, 1],
    "stride": [8, 1],
    "use_cls": False,
    "merge": "none",
    "token_norm": False,
    "drop_path_rate": 0.0,
}

__all__ = ["BuboAudioConfig"]
