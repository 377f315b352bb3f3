"""The released BuboGPT: its configuration at full size, and its front end in two modes.

- "parity" does what the original does with a picture, a sound and a conversation, to the last token.
- "better" feeds the same weights with more of what was given: the whole picture, all channels and the tail of
  a sound, spectrograms squeezed without aliasing, picture and sound in one message, the sound first, as the
  weights were trained.
"""

from typing import Any, Literal

from transformers import Blip2QFormerConfig, LlamaConfig
from transformers.configuration_utils import PreTrainedConfig
from transformers.generation import GenerationConfig

from bubo.models.eva import EvaVisionConfig
from bubo.models.imagebind import (
    ImageBindAudioConfig,
    ImageBindFeatureExtractor,
    ImageBindImageProcessor,
)

from .configuration_bubo import BuboConfig
from .processing_bubo import BuboProcessor, vicuna_layout

Mode = Literal["parity", "better"]
MODES = ("parity", "better")

#: Vicuna v0 by size; what is not here is the same for both.
VICUNA_SIZES: dict[str, dict[str, int]] = {
    "7b": {
        "hidden_size": 4096,
        "intermediate_size": 11008,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
    },
    "13b": {
        "hidden_size": 5120,
        "intermediate_size": 13824,
        "num_hidden_layers": 40,
        "num_attention_heads": 40,
    },
}
#: Rows that Vicuna v0 was published with: LLaMA's 32,000 tokens and one for padding.
VICUNA_ROWS = 32001
VICUNA_SPECIALS = {"unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>"}
#: Parts that the original never quantises, beside the head: names for `llm_int8_skip_modules`.
NOT_QUANTISED = (
    "model.vision_tower",
    "model.vision_bridge",
    "model.audio_tower",
    "model.audio_bridge",
    "lm_head",
)
SOUND: dict[Mode, dict[str, Any]] = {
    "parity": {
        "clip_sampling": "pytorchvideo-0.1.5",
        "resize_antialias": False,
        "mix_channels": False,
        "parity": True,
    },
    "better": {
        "clip_sampling": "upstream",
        "resize_antialias": True,
        "mix_channels": True,
        "parity": False,
    },
}


def vicuna_config(size: str) -> LlamaConfig:
    """Configuration of Vicuna v0 with two rows more, for the placeholders of pictures and sounds.

    Raises:
        ValueError: If there is no such size.
    """
    if size not in VICUNA_SIZES:
        raise ValueError(f"Vicuna v0 came as {' and '.join(VICUNA_SIZES)}, but got {size!r}.")
    return LlamaConfig(
        vocab_size=VICUNA_ROWS + 2,
        rms_norm_eps=1e-6,
        max_position_embeddings=2048,
        tie_word_embeddings=False,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=2,
        **VICUNA_SIZES[size],
    )


def bubogpt_config(size_or_llm: str | PreTrainedConfig, **fields: Any) -> BuboConfig:
    """BuboGPT with Vicuna v0 of a size, or with another language model for those who train their own bridge.

    ImageBind's vision tower, which the original builds and throws away, is not part of it.

    Args:
        size_or_llm: "7b", "13b", or the configuration of a causal language model that has rows for the two
            placeholders.
        **fields: Of `BuboConfig`, instead of those here; `image_token_id` and `audio_token_id` belong to the
            tokenizer of another language model.

    Raises:
        ValueError: If there is no such size.
    """
    known = isinstance(size_or_llm, str)
    llm = vicuna_config(size_or_llm) if known else size_or_llm
    defaults: dict[str, Any] = {
        "vision_config": EvaVisionConfig(),
        "audio_config": ImageBindAudioConfig(token_norm=True, merge="mean"),
        "vision_qformer_config": Blip2QFormerConfig(),
        "audio_qformer_config": Blip2QFormerConfig(),
        "image_token_id": VICUNA_ROWS,
        "audio_token_id": VICUNA_ROWS + 1,
    }
    return BuboConfig(text_config=llm, **{**defaults, **fields})


def picture_processor(mode: Mode, size: int = 224) -> ImageBindImageProcessor:
    """Pictures to `pixel_values` (N, 3, size, size).

    "parity" resizes the shorter side and cuts the centre out; "better" squashes the whole picture, as BLIP-2
    itself is evaluated.
    """
    _check_mode(mode)
    crop = {"height": size, "width": size}
    if mode == "parity":
        return ImageBindImageProcessor(size={"shortest_edge": size}, crop_size=crop)
    return ImageBindImageProcessor(size=crop, crop_size=crop, do_center_crop=False)


def sound_extractor(mode: Mode, **fields: Any) -> ImageBindFeatureExtractor:
    """Sounds to `input_features` (N, 7, 1, 128, 204): six clips of five seconds, and the whole sound.

    Args:
        mode: "parity" or "better".
        **fields: Of `ImageBindFeatureExtractor`, instead of those here.
    """
    _check_mode(mode)
    common = {"clip_duration_s": 5.0, "num_clips": 6, "fit": "resize", "use_global": True, "tile_short": True}
    return ImageBindFeatureExtractor(**{**common, **SOUND[mode], **fields})


def bubogpt_processor(tokenizer: Any, mode: Mode, config: BuboConfig) -> BuboProcessor:
    """The processor of a BuboGPT.

    Args:
        tokenizer: Of the language model, with the placeholders "<|image|>" and "<|audio|>".
        mode: "parity" or "better".
        config: The model's.

    Raises:
        ValueError: If the mode is unknown, or the tokenizer lacks a placeholder.
    """
    audio = config.audio_config
    clip = {"num_mel_bins": audio.num_mel_bins, "num_frames": audio.num_frames}
    sizes = {"num_image_tokens": config.num_image_tokens, "num_audio_tokens": config.num_audio_tokens}
    layout = vicuna_layout(parity=mode == "parity")
    pictures = picture_processor(mode, config.vision_config.image_size)
    return BuboProcessor(pictures, sound_extractor(mode, **clip), tokenizer, **sizes, **layout)


def generation_config(mode: Mode, config: BuboConfig) -> GenerationConfig:
    """How `generate` answers: the original always samples; "better" takes the likeliest token."""
    _check_mode(mode)
    llm = config.get_text_config()
    sampling = {"do_sample": True, "temperature": 1.0, "top_p": 0.9, "top_k": 50} if mode == "parity" else {}
    return GenerationConfig(
        max_new_tokens=300,
        bos_token_id=llm.bos_token_id,
        eos_token_id=llm.eos_token_id,
        pad_token_id=llm.pad_token_id,
        suppress_tokens=[config.image_token_id, config.audio_token_id],
        **sampling,
    )


def _check_mode(mode: str) -> None:
    if mode not in MODES:
        raise ValueError(f"A BuboGPT's front end is {' or '.join(map(repr, MODES))}, but got {mode!r}.")


__all__ = [
    "MODES",
    "NOT_QUANTISED",
    "bubogpt_config",
    "bubogpt_processor",
    "generation_config",
    "picture_processor",
    "sound_extractor",
    "vicuna_config",
]
