"""Configuration of Bubo: two towers, one Q-Former and projector per modality, one language model."""

from huggingface_hub.dataclasses import strict
from transformers import Blip2QFormerConfig
from transformers.configuration_utils import PreTrainedConfig, SubConfigSpec
from transformers.models.auto import AutoConfig


@strict
class BuboConfig(PreTrainedConfig):
    """Configuration of `BuboModel` and `BuboForConditionalGeneration`.

    Either modality may be left out: with `vision_config=None` (or `audio_config=None`) the model is built
    without that tower and its Q-Former. Sub-configurations are configuration objects, or dicts that name
    their `model_type`.

    Args:
        vision_config: Any transformers vision configuration with a `hidden_size`; the tower's
            `last_hidden_state` (N, L, D) is what the Q-Former reads. Full size: `Blip2VisionConfig`.
        audio_config: An audio tower that reads `input_features` (N, S, 1, M, F), S clips of M mel bins by
            F frames. Full size: ImageBind's audio trunk.
        vision_qformer_config: Q-Former between vision tower and language model. Its `encoder_hidden_size`
            always follows the tower's `hidden_size`, and it reads no text.
        audio_qformer_config: The same for audio.
        text_config: Any configuration that `AutoModelForCausalLM` knows.
        image_token_id: Id of the placeholder that stands for one soft token of a picture.
        audio_token_id: Id of the placeholder that stands for one soft token of a sound.
        num_image_tokens: Soft tokens, so placeholders, per picture.
        num_audio_tokens: Soft tokens per sound, whatever its length.
        anchored_queries: Add a projection of the tower's first `num_*_tokens` states to the learned
            queries, so that each query starts from "its" slot of the tower. False is plain BLIP-2.
        anchored_residual: Add a projection of the same states to the soft tokens themselves.
        max_prompt_length: Longest conversation, in tokens with those of media, that the language model has
            been trained on: a speaker feeds no longer ones if it can help it. None: the whole context.
        initializer_range: Standard deviation of new weights.
        tie_word_embeddings: Follows `text_config.tie_word_embeddings`.
    """

    model_type = "bubo"
    sub_configs_defaults = {
        "vision_config": SubConfigSpec(
            config_class=AutoConfig, model_type="blip_2_vision_model", optional=True
        ),
        # The model type of a tower given as a dict is always written in it (checked below), so this default
        # is never built; it only has to be a type that transformers knows.
        "audio_config": SubConfigSpec(
            config_class=AutoConfig, model_type="audio-spectrogram-transformer", optional=True
        ),
        "vision_qformer_config": SubConfigSpec(config_class=Blip2QFormerConfig, optional=True),
        "audio_qformer_config": SubConfigSpec(config_class=Blip2QFormerConfig, optional=True),
        "text_config": SubConfigSpec(config_class=AutoConfig, model_type="llama"),
    }

    vision_config: dict | PreTrainedConfig | None = None
    audio_config: dict | PreTrainedConfig | None = None
    vision_qformer_config: dict | PreTrainedConfig | None = None
    audio_qformer_config: dict | PreTrainedConfig | None = None
    text_config: dict | PreTrainedConfig | None = None
    image_token_id: int = 32001
    audio_token_id: int = 32002
    num_image_tokens: int = 32
    num_audio_tokens: int = 32
    anchored_queries: bool = False
    anchored_residual: bool = False
    max_prompt_length: int | None = None
    initializer_range: float = 0.02
    tie_word_embeddings: bool = False

    def __post_init__(self, **kwargs):
        """Build the sub-configurations and make their widths agree."""
        for name in ("vision_config", "audio_config"):
            given = getattr(self, name)
            if isinstance(given, dict) and "model_type" not in given:
                raise ValueError(
                    f"{name} was given as a dict without `model_type`; write which tower it configures, "
                    'for example {"model_type": "blip_2_vision_model", ...}.'
                )
        for modality in ("vision", "audio"):
            self._default_qformer(modality)
        super().__post_init__(**kwargs)
        for modality in ("vision", "audio"):
            self._match_qformer(modality)
        self.tie_word_embeddings = bool(getattr(self.text_config, "tie_word_embeddings", False))

    def _default_qformer(self, modality: str) -> None:
        """A modality with a tower has a Q-Former; one without has none."""
        has_tower = getattr(self, f"{modality}_config") is not None
        name = f"{modality}_qformer_config"
        if has_tower and getattr(self, name) is None:
            setattr(self, name, Blip2QFormerConfig())
        elif not has_tower and getattr(self, name) is not None:
            raise ValueError(f"{name} was given but {modality}_config is None; give both or neither.")

    def _match_qformer(self, modality: str) -> None:
        """Set the width of the encoder that a Q-Former reads."""
        tower = getattr(self, f"{modality}_config")
        if tower is None:
            return
        width = getattr(tower, "hidden_size", None)
        if not isinstance(width, int):
            raise ValueError(
                f"{modality}_config of type {tower.model_type!r} has hidden_size {width!r}; "
                "an integer is needed, the width of the tower's last_hidden_state."
            )
        qformer = getattr(self, f"{modality}_qformer_config")
        qformer.encoder_hidden_size = width
        qformer.use_qformer_text_input = False


__all__ = ["BuboConfig"]
