"""Bubo: a picture and a sound become soft tokens of a causal language model.

    pixel_values ----> vision tower -> Q-Former -> Linear --+
    input_features --> audio tower --> Q-Former -> Linear --+--> placeholders of input_ids -> language model

Notable choices: one bridge (Q-Former and projector) per modality, learned queries owned by the bridge; towers
and language model are whatever the configuration names; soft tokens replace placeholder embeddings in reading
order, row by row, so pictures and sounds may stand anywhere and any number of times.
"""

import inspect
from dataclasses import dataclass

import torch
from torch import nn
from transformers import AutoModel, Blip2QFormerModel, Blip2VisionModel
from transformers import initialization as init
from transformers.cache_utils import Cache
from transformers.configuration_utils import PreTrainedConfig
from transformers.generation import GenerationMixin
from transformers.modeling_outputs import BaseModelOutputWithPast, ModelOutput
from transformers.modeling_utils import PreTrainedModel
from transformers.utils import can_return_tuple

from .configuration_bubo import BuboConfig

# Inputs whose first dimension counts pictures or sounds, not rows of the batch.
IMAGE_INPUTS = ("pixel_values", "vision_hidden_states", "image_features")
AUDIO_INPUTS = ("input_features", "clip_mask", "audio_hidden_states", "audio_features")


@dataclass
class BuboModelOutputWithPast(BaseModelOutputWithPast):
    """Output of `BuboModel`.

    Fields:
        last_hidden_state: (B, T, H) states of the language model.
        past_key_values: `Cache`, when `use_cache`.
        hidden_states: tuple of (B, T, H), when `output_hidden_states`.
        attentions: tuple of (B, heads, T, T_all), when `output_attentions` (needs eager attention).
        image_features: (num_images, num_image_tokens, H) soft tokens that were used.
        audio_features: (num_sounds, num_audio_tokens, H).
    """

    image_features: torch.Tensor | None = None
    audio_features: torch.Tensor | None = None


@dataclass
class BuboCausalLMOutputWithPast(ModelOutput):
    """Output of `BuboForConditionalGeneration`.

    Fields:
        loss: () mean next-token loss, when `labels` are given.
        logits: (B, T, vocabulary), or fewer positions with `logits_to_keep`.
        past_key_values, hidden_states, attentions, image_features, audio_features: as in
            `BuboModelOutputWithPast`.
    """

    loss: torch.Tensor | None = None
    logits: torch.Tensor | None = None
    past_key_values: Cache | None = None
    hidden_states: tuple[torch.Tensor, ...] | None = None
    attentions: tuple[torch.Tensor, ...] | None = None
    image_features: torch.Tensor | None = None
    audio_features: torch.Tensor | None = None


class BuboBridge(nn.Module):
    """One modality's way into the language model: queries -> Q-Former -> linear projector.

    Args:
        config: The whole model's configuration.
        qformer_config: This modality's Q-Former.
        num_tokens: N, soft tokens per picture or sound.
    """

    def __init__(self, config: BuboConfig, qformer_config: PreTrainedConfig, num_tokens: int):
        super().__init__()
        width, encoder_width = qformer_config.hidden_size, qformer_config.encoder_hidden_size
        text_width = config.get_text_config().hidden_size
        self.num_tokens = num_tokens
        self.query_tokens = nn.Parameter(torch.zeros(1, num_tokens, width))
        self.qformer = Blip2QFormerModel._from_config(qformer_config)
        self.projector = nn.Linear(width, text_width)
        self.anchor = nn.Linear(encoder_width, width) if config.anchored_queries else None
        self.residual = nn.Linear(encoder_width, text_width) if config.anchored_residual else None

    def forward(
        self, hidden_states: torch.Tensor, attention_mask: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Soft tokens (num, N, H) of tower states (num, L, D); a mask (num, L) hides states that are padding.

        Raises:
            ValueError: If anchors are configured and the tower gives fewer states than queries.
        """
        hidden_states = hidden_states.to(self.query_tokens.dtype)
        queries = self.query_tokens.expand(hidden_states.shape[0], -1, -1)  # (num, N, Dq)
        anchors = hidden_states[:, : self.num_tokens]  # (num, N, D)
        if (self.anchor is not None or self.residual is not None) and anchors.shape[1] < self.num_tokens:
            raise ValueError(
                f"The tower gives {hidden_states.shape[1]} states but {self.num_tokens} queries start "
                "from its first states; use a tower with more states or fewer image and audio tokens."
            )
        if self.anchor is not None:
            queries = queries + self.anchor(anchors)
        states = self.qformer(
            query_embeds=queries, encoder_hidden_states=hidden_states, encoder_attention_mask=attention_mask
        ).last_hidden_state
        tokens = self.projector(states)  # (num, N, H)
        if self.residual is not None:
            tokens = tokens + self.residual(anchors)
        return tokens


class BuboPreTrainedModel(PreTrainedModel):
    """Capability flags and the initialisation of the bridges."""

    config: BuboConfig
    config_class = BuboConfig
    base_model_prefix = "model"
    input_modalities = ("image", "audio", "text")
    supports_gradient_checkpointing = True
    _no_split_modules = ["BuboBridge"]
    _skip_keys_device_placement = ["past_key_values"]
    _supports_sdpa = True
    # A Q-Former has no flash attention: choose it per part, attn_implementation={"text_config": "..."}.
    _supports_flash_attn = True
    _supports_flex_attn = True
    _supports_attention_backend = True

    @torch.no_grad()
    def _init_weights(self, module):
        """Initialise what is ours; towers, Q-Formers and language model initialise themselves."""
        super()._init_weights(module)
        if isinstance(module, BuboBridge):
            init.normal_(module.query_tokens, mean=0.0, std=self.config.initializer_range)


def build_tower(config: PreTrainedConfig) -> PreTrainedModel:
    """The model of a tower's configuration; `AutoModel` does not list BLIP-2's vision tower."""
    if config.model_type == "blip_2_vision_model":
        return Blip2VisionModel._from_config(config)
    return AutoModel.from_config(config)


class BuboModel(BuboPreTrainedModel):
    """Towers, bridges and language model, without the head."""

    def __init__(self, config: BuboConfig):
        super().__init__(config)
        self.vision_tower = self.vision_bridge = self.audio_tower = self.audio_bridge = None
        if config.vision_config is not None:
            self.vision_tower = build_tower(config.vision_config)
            self.vision_bridge = BuboBridge(config, config.vision_qformer_config, config.num_image_tokens)
        self._clips_masked = False
        if config.audio_config is not None:
            self.audio_tower = build_tower(config.audio_config)
            self.audio_bridge = BuboBridge(config, config.audio_qformer_config, config.num_audio_tokens)
            self._clips_masked = "clip_mask" in inspect.signature(self.audio_tower.forward).parameters
        self.language_model = AutoModel.from_config(config.text_config)
        self.post_init()

    def get_image_features(
        self, pixel_values: torch.Tensor | None = None, vision_hidden_states: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Soft tokens of pictures.

        Args:
            pixel_values: (num_images, 3, height, width), or
            vision_hidden_states: (num_images, L, D), the vision tower's states computed before.

        Returns:
            (num_images, num_image_tokens, H).

        Raises:
            ValueError: If the model has no vision tower, or not exactly one input is given.
        """
        if self.vision_bridge is None:
            raise ValueError(
                "Pictures were given to a model without a vision tower (config.vision_config is None)."
            )
        if (pixel_values is None) == (vision_hidden_states is None):
            raise ValueError("Give exactly one of pixel_values and vision_hidden_states.")
        if vision_hidden_states is None:
            pixel_values = pixel_values.to(self.vision_tower.dtype)
            vision_hidden_states = self.vision_tower(
                pixel_values=pixel_values, return_dict=True
            ).last_hidden_state
        return self.vision_bridge(vision_hidden_states)

    def get_audio_features(
        self,
        input_features: torch.Tensor | None = None,
        clip_mask: torch.Tensor | None = None,
        audio_hidden_states: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Soft tokens of sounds.

        Args:
            input_features: (num_sounds, S, 1, M, F), S clips of M mel bins by F frames, or
            clip_mask: (num_sounds, S) bool, False where a clip is padding; goes with `input_features`.
            audio_hidden_states: (num_sounds, L, D) or (num_sounds, S, L, D), the tower's states made before.

        Returns:
            (num_sounds, num_audio_tokens, H).

        Raises:
            ValueError: If the model has no audio tower, or not exactly one input is given.
        """
        if self.audio_bridge is None:
            raise ValueError(
                "Sounds were given to a model without an audio tower (config.audio_config is None)."
            )
        if (input_features is None) == (audio_hidden_states is None):
            raise ValueError("Give exactly one of input_features and audio_hidden_states.")
        if audio_hidden_states is None:
            masks = {"clip_mask": clip_mask} if self._clips_masked else {}
            input_features = input_features.to(self.audio_tower.dtype)
            outputs = self.audio_tower(input_features, return_dict=True, **masks)
            audio_hidden_states = outputs.last_hidden_state
            frame_mask = getattr(outputs, "frame_mask", None)  # (num_sounds, T): what lies before is real
            if audio_hidden_states.ndim == 3 and frame_mask is not None:
                ahead = audio_hidden_states.shape[1] - frame_mask.shape[1]
                return self.audio_bridge(
                    audio_hidden_states, nn.functional.pad(frame_mask, (ahead, 0), value=True)
                )
        if audio_hidden_states.ndim == 3:
            return self.audio_bridge(audio_hidden_states)
        # (num_sounds, S, L, D): a tower that keeps its clips apart; read them in one row
        mask = None if clip_mask is None else clip_mask.repeat_interleave(audio_hidden_states.shape[2], dim=1)
        return self.audio_bridge(audio_hidden_states.flatten(1, 2), mask)

    @can_return_tuple
    def forward(
        self,
        input_ids: torch.LongTensor | None = None,
        pixel_values: torch.Tensor | None = None,
        input_features: torch.Tensor | None = None,
        clip_mask: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        position_ids: torch.LongTensor | None = None,
        past_key_values: Cache | None = None,
        inputs_embeds: torch.Tensor | None = None,
        vision_hidden_states: torch.Tensor | None = None,
        audio_hidden_states: torch.Tensor | None = None,
        image_features: torch.Tensor | None = None,
        audio_features: torch.Tensor | None = None,
        **kwargs,
    ) -> BuboModelOutputWithPast:
        """Run the language model over text with pictures and sounds spliced in.

        Media are given in one of three forms (raw, tower states, soft tokens), in the order in which their
        placeholders stand when the rows of `input_ids` are read one after the other.

        Args:
            input_ids: (B, T), with `num_image_tokens` placeholders per picture, `num_audio_tokens` per sound.
            pixel_values: (num_images, 3, height, width).
            input_features: (num_sounds, S, 1, M, F).
            clip_mask: (num_sounds, S) bool.
            attention_mask: (B, T_all) 1 = attend, or a 4-D mask (B, 1, T, T_all) that reaches the language
                model as it is.
            position_ids: (B, T).
            past_key_values: Cache of the tokens before these.
            inputs_embeds: (B, T, H) instead of `input_ids`; media are then spliced in already.
            vision_hidden_states: (num_images, L, D) instead of `pixel_values`.
            audio_hidden_states: (num_sounds, L, D) instead of `input_features`.
            image_features: (num_images, num_image_tokens, H) instead of both.
            audio_features: (num_sounds, num_audio_tokens, H) instead of both.
            **kwargs: Go to the language model (`use_cache`, `output_attentions`, ...).

        Raises:
            ValueError: If the number of placeholders is not the number of soft tokens.
        """
        if (input_ids is None) == (inputs_embeds is None):
            raise ValueError("Give exactly one of input_ids and inputs_embeds.")
        if image_features is None and (pixel_values is not None or vision_hidden_states is not None):
            image_features = self.get_image_features(pixel_values, vision_hidden_states)
        if audio_features is None and (input_features is not None or audio_hidden_states is not None):
            audio_features = self.get_audio_features(input_features, clip_mask, audio_hidden_states)
        if inputs_embeds is None:
            inputs_embeds = self.get_input_embeddings()(input_ids)  # (B, T, H)
            inputs_embeds = splice(
                inputs_embeds, input_ids, image_features, self.config.image_token_id, "Image"
            )
            inputs_embeds = splice(
                inputs_embeds, input_ids, audio_features, self.config.audio_token_id, "Audio"
            )
        elif image_features is not None or audio_features is not None:
            raise ValueError(
                "Media need input_ids, whose placeholders say where they go; inputs_embeds was given."
            )

        outputs = self.language_model(
            inputs_embeds=inputs_embeds,
            attention_mask=attention_mask,
            position_ids=position_ids,
            past_key_values=past_key_values,
            **kwargs,
        )
        return BuboModelOutputWithPast(
            last_hidden_state=outputs.last_hidden_state,
            past_key_values=outputs.past_key_values,
            hidden_states=outputs.hidden_states,
            attentions=outputs.attentions,
            image_features=image_features,
            audio_features=audio_features,
        )


def splice(
    inputs_embeds: torch.Tensor,
    input_ids: torch.Tensor,
    features: torch.Tensor | None,
    token_id: int,
    name: str,
) -> torch.Tensor:
    """Replace the embeddings (B, T, H) of placeholders by soft tokens (num, N, H), in reading order.

    Raises:
        ValueError: If the counts differ; the text names both.
    """
    if features is None and input_ids.shape[1] == 1:
        return inputs_embeds  # a decoding step: nothing to splice, and counting would stall an accelerator
    places = input_ids == token_id  # (B, T)
    num_places = int(places.sum())
    num_features = 0 if features is None else features.shape[0] * features.shape[1]
    if num_places != num_features:
        raise ValueError(
            f"{name} features and {name.lower()} placeholders do not match: input_ids holds {num_places} "
            f"placeholders (id {token_id}), the media given make {num_features} soft tokens. "
            "Build the inputs with BuboProcessor, and give every picture and sound that the text mentions."
        )
    if features is None:
        return inputs_embeds
    features = features.to(inputs_embeds.device, inputs_embeds.dtype)
    places = places.to(inputs_embeds.device).unsqueeze(-1)  # (B, T, 1)
    return inputs_embeds.masked_scatter(places, features)


class BuboForConditionalGeneration(BuboPreTrainedModel, GenerationMixin):
    """Bubo with its language-model head: loss, logits, `generate`.

    Example:
        >>> inputs = processor.apply_chat_template(messages, images=[image], tokenize=True, return_dict=True)
        >>> ids = model.generate(**inputs, max_new_tokens=32)
        >>> processor.decode(ids[0, inputs["input_ids"].shape[1]:], skip_special_tokens=True)
    """

    # Declared for the class; an instance names its own embedding (not all models call it embed_tokens).
    _tied_weights_keys = {"lm_head.weight": "model.language_model.embed_tokens.weight"}

    def __init__(self, config: BuboConfig):
        super().__init__(config)
        self.model = BuboModel(config)
        embedding = self.model.get_input_embeddings()
        name = next(name for name, module in self.model.named_modules() if module is embedding)
        # A placeholder is no word: generated, it would ask for a medium that nobody gave.
        self.generation_config.suppress_tokens = [config.image_token_id, config.audio_token_id]
        self._tied_weights_keys = {"lm_head.weight": f"model.{name}.weight"}
        text_config = config.get_text_config()
        self.lm_head = nn.Linear(text_config.hidden_size, text_config.vocab_size, bias=False)
        self.post_init()

    def get_output_embeddings(self) -> nn.Module:
        """The language-model head."""
        return self.lm_head

    def get_image_features(self, *args, **kwargs) -> torch.Tensor:
        """See `BuboModel.get_image_features`."""
        return self.model.get_image_features(*args, **kwargs)

    def get_audio_features(self, *args, **kwargs) -> torch.Tensor:
        """See `BuboModel.get_audio_features`."""
        return self.model.get_audio_features(*args, **kwargs)

    @can_return_tuple
    def forward(
        self,
        input_ids: torch.LongTensor | None = None,
        pixel_values: torch.Tensor | None = None,
        input_features: torch.Tensor | None = None,
        clip_mask: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        position_ids: torch.LongTensor | None = None,
        past_key_values: Cache | None = None,
        inputs_embeds: torch.Tensor | None = None,
        vision_hidden_states: torch.Tensor | None = None,
        audio_hidden_states: torch.Tensor | None = None,
        image_features: torch.Tensor | None = None,
        audio_features: torch.Tensor | None = None,
        labels: torch.LongTensor | None = None,
        logits_to_keep: int | torch.Tensor = 0,
        **kwargs,
    ) -> BuboCausalLMOutputWithPast:
        """Next-token logits, and the loss when labels are given.

        Inputs are those of `BuboModel.forward`, and `labels` (B, T), the ids to predict, not shifted, -100
        where ignored, and `logits_to_keep`: compute logits only for the last so many positions (0: all), or
        for these.
        """
        outputs = self.model(
            input_ids=input_ids,
            pixel_values=pixel_values,
            input_features=input_features,
            clip_mask=clip_mask,
            attention_mask=attention_mask,
            position_ids=position_ids,
            past_key_values=past_key_values,
            inputs_embeds=inputs_embeds,
            vision_hidden_states=vision_hidden_states,
            audio_hidden_states=audio_hidden_states,
            image_features=image_features,
            audio_features=audio_features,
            return_dict=True,
            **kwargs,
        )
        kept = slice(-logits_to_keep, None) if isinstance(logits_to_keep, int) else logits_to_keep
        logits = self.lm_head(outputs.last_hidden_state[:, kept])  # (B, T or kept, vocabulary)
        loss = None
        if labels is not None:
            vocab_size = self.config.get_text_config().vocab_size
            loss = self.loss_function(logits=logits, labels=labels, vocab_size=vocab_size, **kwargs)
        return BuboCausalLMOutputWithPast(
            loss=loss,
            logits=logits,
            past_key_values=outputs.past_key_values,
            hidden_states=outputs.hidden_states,
            attentions=outputs.attentions,
            image_features=outputs.image_features,
            audio_features=outputs.audio_features,
        )

    def prepare_inputs_for_generation(
        self, input_ids, next_sequence_length=None, past_key_values=None, is_first_iteration=False, **kwargs
    ):
        """Feed media with the tokens that hold their placeholders: once, and not those in the cache."""
        inputs = super().prepare_inputs_for_generation(
            input_ids,
            next_sequence_length=next_sequence_length,
            past_key_values=past_key_values,
            is_first_iteration=is_first_iteration,
            **kwargs,
        )
        for names, token_id, tokens_each in self._media_groups():
            if not is_first_iteration and kwargs.get("use_cache", True):
                for name in names:
                    inputs.pop(name, None)
            elif next_sequence_length is not None and next_sequence_length < input_ids.shape[1]:
                counts = (input_ids == token_id).sum(1) // tokens_each  # (B,) media of each row
                cached = (input_ids[:, :-next_sequence_length] == token_id).sum(1) // tokens_each
                left = [range(*row) for row in zip(cached.tolist(), counts.tolist(), strict=True)]
                self._select_media(inputs, names, left, counts)
        return inputs

    def _expand_inputs_for_generation(
        self, expand_size=1, is_encoder_decoder=False, input_ids=None, **model_kwargs
    ):
        """Repeat rows for beams; a row's media are repeated as a group, since a row may hold several."""
        if expand_size == 1 or input_ids is None:
            return super()._expand_inputs_for_generation(
                expand_size, is_encoder_decoder, input_ids, **model_kwargs
            )
        media = {
            name: model_kwargs.pop(name) for name in (*IMAGE_INPUTS, *AUDIO_INPUTS) if name in model_kwargs
        }
        for names, token_id, tokens_each in self._media_groups():
            counts = (input_ids == token_id).sum(1) // tokens_each
            repeated = [list(range(count)) * expand_size for count in counts.tolist()]
            self._select_media(media, names, repeated, counts)
        input_ids, model_kwargs = super()._expand_inputs_for_generation(
            expand_size, is_encoder_decoder, input_ids, **model_kwargs
        )
        return input_ids, {**model_kwargs, **media}

    def _media_groups(self) -> tuple[tuple[tuple[str, ...], int, int], ...]:
        """(input names, placeholder id, placeholders per medium) of each modality."""
        config = self.config
        return (
            (IMAGE_INPUTS, config.image_token_id, config.num_image_tokens),
            (AUDIO_INPUTS, config.audio_token_id, config.num_audio_tokens),
        )

    @staticmethod
    def _select_media(inputs: dict, names: tuple[str, ...], picks: list, counts: torch.Tensor) -> None:
        """Keep, in `inputs`, of each row's media those picked: per row, numbers within the row."""
        starts = [0, *counts.cumsum(0).tolist()]
        index = [start + number for start, row in zip(starts, picks, strict=False) for number in row]
        for name in names:
            if inputs.get(name) is not None:
                inputs[name] = inputs[name][index] if index else None


__all__ = ["BuboForConditionalGeneration", "BuboModel", "BuboPreTrainedModel"]
