"""Multimodal models of transformers of toy size with random weights: one that sees, one that hears."""

from typing import Any

import torch
from tiny import tiny_text_config, tiny_tokenizer, tiny_vision_config
from transformers import (
    CLIPImageProcessorPil,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    Qwen2AudioConfig,
    Qwen2AudioForConditionalGeneration,
    Qwen2AudioProcessor,
    Qwen2Config,
    WhisperFeatureExtractor,
)

TEMPLATE = (
    "{% for message in messages %}{{ '<|' + message.role + '|>' }}{% for part in message.content %}"
    "{% if part.type == 'image' %}<|image|>{% elif part.type == 'audio' %}<|audio|>"
    "{% else %}{{ part.text }}{% endif %}{% endfor %}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def _loud(model: Any) -> Any:
    """Weights so large that all that is fed changes the answer."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.ndim > 1 and "embed" not in name:
                parameter.mul_(20.0)
    return model.eval()


def tiny_llava() -> tuple[Any, Any]:
    """Sees pictures of 32 pixels, 16 tokens each; takes no sounds."""
    torch.manual_seed(0)
    tokenizer = tiny_tokenizer()
    config = LlavaConfig(
        vision_config=tiny_vision_config(),
        text_config=tiny_text_config(),
        image_token_index=tokenizer.convert_tokens_to_ids("<|image|>"),
        image_seq_length=16,
    )
    image_processor = CLIPImageProcessorPil(
        size={"height": 32, "width": 32}, do_center_crop=False, crop_size={"height": 32, "width": 32}
    )
    processor = LlavaProcessor(
        image_processor, tokenizer, patch_size=8, vision_feature_select_strategy="default",
        chat_template=TEMPLATE, image_token="<|image|>", num_additional_image_tokens=1,
    )  # fmt: skip
    return _loud(LlavaForConditionalGeneration(config)), processor


def tiny_qwen_audio() -> tuple[Any, Any]:
    """Hears up to two seconds at 8 kHz; takes no pictures."""
    torch.manual_seed(0)
    tokenizer = tiny_tokenizer()
    extractor = WhisperFeatureExtractor(feature_size=16, sampling_rate=8_000, chunk_length=2)
    config = Qwen2AudioConfig(
        audio_config={
            "num_mel_bins": 16, "d_model": 32, "encoder_layers": 2, "encoder_attention_heads": 4,
            "encoder_ffn_dim": 64, "max_source_positions": extractor.nb_max_frames // 2,
        },
        text_config=Qwen2Config(
            vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=2,
            num_attention_heads=4, num_key_value_heads=4, max_position_embeddings=512,
        ).to_dict(),
        audio_token_index=tokenizer.convert_tokens_to_ids("<|audio|>"),
    )  # fmt: skip
    processor = Qwen2AudioProcessor(
        extractor, tokenizer, chat_template=TEMPLATE, audio_token="<|audio|>",
        audio_bos_token="<|begin|>", audio_eos_token="<|end|>",
    )  # fmt: skip
    return _loud(Qwen2AudioForConditionalGeneration(config)), processor
