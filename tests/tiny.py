"""A complete Bubo of toy size, built in code: two layers, width 32, a byte-level tokenizer.

Nothing is downloaded.
"""

import numpy as np
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import CLIPImageProcessorPil, CLIPVisionConfig, LlamaConfig, PreTrainedTokenizerFast

import bubo.models  # noqa: F401  (registers the Auto classes)
from bubo.models.bubo import BuboConfig, BuboForConditionalGeneration, BuboProcessor
from bubo.models.imagebind import ImageBindAudioConfig, ImageBindFeatureExtractor

SPECIALS = [
    "<|pad|>",
    "<|begin|>",
    "<|end|>",
    "<|system|>",
    "<|user|>",
    "<|assistant|>",
    "<|image|>",
    "<|audio|>",
]
TEXTS = [
    "I see a dog and two cats on a beach.",
    "What do you see and hear? Where is the dog?",
    "a dog barking",
]
NUM_IMAGE_TOKENS, NUM_AUDIO_TOKENS = 4, 3


def tiny_tokenizer() -> PreTrainedTokenizerFast:
    """Byte-level BPE with a few merges; the special tokens of nano first."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=len(SPECIALS) + 256 + 40,
        special_tokens=SPECIALS,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(TEXTS * 3, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<|pad|>",
        bos_token="<|begin|>",
        eos_token="<|end|>",
        extra_special_tokens=SPECIALS[3:],
        clean_up_tokenization_spaces=False,
    )


def tiny_processor(**kwargs) -> BuboProcessor:
    """Processor over 32-pixel pictures and one-second clips."""
    image_processor = CLIPImageProcessorPil(
        size={"height": 32, "width": 32}, do_center_crop=False, crop_size={"height": 32, "width": 32}
    )
    feature_extractor = ImageBindFeatureExtractor(
        num_mel_bins=32, num_frames=104, clip_duration_s=1.0, clip_sampling="windows", max_clips=3
    )
    sizes = {"num_image_tokens": NUM_IMAGE_TOKENS, "num_audio_tokens": NUM_AUDIO_TOKENS}
    return BuboProcessor(image_processor, feature_extractor, tiny_tokenizer(), **{**sizes, **kwargs})


def tiny_vision_config(width: int = 32) -> CLIPVisionConfig:
    """Sixteen patches and a class token."""
    return CLIPVisionConfig(
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=2,
        num_attention_heads=4,
        image_size=32,
        patch_size=8,
    )


def tiny_audio_config(width: int = 32) -> ImageBindAudioConfig:
    """Twelve patches of a clip of 32 mel bins x 104 frames and a class token."""
    return ImageBindAudioConfig(
        hidden_size=width,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_mel_bins=32,
        num_frames=104,
        kernel_size=[16, 16],
        stride=[16, 16],
        drop_path_rate=0.0,
        token_norm=True,
    )


def tiny_qformer(width: int = 32) -> dict:
    """Fields of a Q-Former without dropout."""
    return {
        "hidden_size": width,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "intermediate_size": 2 * width,
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
    }


def tiny_text_config(width: int = 32, **kwargs) -> LlamaConfig:
    """A Llama over the words of `tiny_tokenizer`."""
    tokenizer = tiny_tokenizer()
    fields = {
        "vocab_size": len(tokenizer),
        "hidden_size": width,
        "intermediate_size": 2 * width,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "max_position_embeddings": 512,
        "tie_word_embeddings": True,
        "pad_token_id": tokenizer.pad_token_id,
        "bos_token_id": tokenizer.bos_token_id,
        "eos_token_id": tokenizer.eos_token_id,
    }
    return LlamaConfig(**{**fields, **kwargs})


def tiny_config(width: int = 32, **kwargs) -> BuboConfig:
    """Configuration that fits `tiny_processor`; keyword arguments replace fields."""
    fields = {
        "vision_config": tiny_vision_config(width),
        "audio_config": tiny_audio_config(width),
        "vision_qformer_config": tiny_qformer(width),
        "audio_qformer_config": tiny_qformer(width),
        "text_config": tiny_text_config(width),
        "image_token_id": SPECIALS.index("<|image|>"),
        "audio_token_id": SPECIALS.index("<|audio|>"),
        "num_image_tokens": NUM_IMAGE_TOKENS,
        "num_audio_tokens": NUM_AUDIO_TOKENS,
    }
    return BuboConfig(**{**fields, **kwargs})


def tiny_model(seed: int = 0, **kwargs) -> BuboForConditionalGeneration:
    """The model in evaluation mode, with random weights so large that all it is shown changes its answer."""
    torch.manual_seed(seed)
    model = BuboForConditionalGeneration(tiny_config(**kwargs)).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.ndim > 1 and "embed_tokens" not in name:
                parameter.mul_(8.0)
    return model


def tiny_pixels(seed: int = 0, height: int = 40, width: int = 48) -> np.ndarray:
    """A random picture (height, width, 3) uint8."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def tiny_samples(seed: int = 0, duration_s: float = 1.5) -> np.ndarray:
    """A random sound (samples,) float32 at 16 kHz."""
    samples = np.random.default_rng(seed).uniform(-0.5, 0.5, int(duration_s * 16000))
    return samples.astype(np.float32)
