"""Configuration of nano's eye."""

from huggingface_hub.dataclasses import strict
from transformers.configuration_utils import PreTrainedConfig


@strict
class BuboVisionConfig(PreTrainedConfig):
    """Sizes and vocabulary of [`BuboVisionModel`].

    Args:
        object_names: class names; channel ``i + 1`` of the class logits is ``object_names[i]``, channel 0 is
            nothing.
        place_names: names of the kinds of place.
        image_size: side of the square input in pixels; a multiple of 16. Pictures are squashed to it whole.
        stem_channels: widths at stride 2, 4, 8; the transformer's ``hidden_size`` follows at stride 16.
        pixel_size: width of the pixel embedding at stride 4, whose product with a class vector is the class
            logit.
        num_slots: objects that one picture can hold at most; the best centres win.
        slot_threshold: lowest centre score that opens a slot.
    """

    model_type = "bubo_vision"

    object_names: list[str] | None = None
    place_names: list[str] | None = None
    image_size: int = 128
    num_channels: int = 3
    stem_channels: list[int] | None = None
    hidden_size: int = 192
    num_hidden_layers: int = 4
    num_attention_heads: int = 3
    intermediate_size: int = 768
    pyramid_size: int = 96
    pixel_size: int = 64
    num_slots: int = 10
    slot_threshold: int | float = 0.2
    layer_norm_eps: int | float = 1e-6
    initializer_range: int | float = 0.02

    def __post_init__(self, **kwargs):
        """Fills the list defaults and checks that the slot vector fits into the hidden size."""
        self.object_names = list(self.object_names or [])
        self.place_names = list(self.place_names or [])
        self.stem_channels = list(self.stem_channels or [32, 64, 128])
        super().__post_init__(**kwargs)
        if self.image_size % 16:
            raise ValueError(f"image_size was {self.image_size}, expected a multiple of 16")
        if self.slot_width > self.hidden_size:
            raise ValueError(
                f"a slot needs {self.slot_width} numbers (2 x pixel_size + 40), hidden_size is "
                f"{self.hidden_size}: raise hidden_size or lower pixel_size"
            )

    @property
    def slot_width(self) -> int:
        """Numbers that one slot vector really uses; the rest of ``hidden_size`` is zero."""
        return 2 * self.pixel_size + 40

    @property
    def num_anchors(self) -> int:
        """Tokens in front of the grid: the slots, the class token and the place token."""
        return self.num_slots + 2


__all__ = ["BuboVisionConfig"]
