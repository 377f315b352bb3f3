"""Released grounding models of toy size with random weights, built in code; nothing is downloaded."""

import gzip
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers
from transformers import (
    BertConfig,
    ClapConfig,
    ClapFeatureExtractor,
    ClapModel,
    CLIPTextConfig,
    GroundingDinoConfig,
    GroundingDinoForObjectDetection,
    GroundingDinoImageProcessorPil,
    MMGroundingDinoConfig,
    MMGroundingDinoForObjectDetection,
    PeAudioConfig,
    PeAudioFeatureExtractor,
    PeAudioFrameLevelModel,
    PreTrainedTokenizerFast,
    Sam2Config,
    Sam2Model,
    Sam3Config,
    Sam3Model,
    SamConfig,
    SamImageProcessorPil,
    SamModel,
    SwinConfig,
)

from bubo.models.imagebind import (
    ImageBindConfig,
    ImageBindFeatureExtractor,
    ImageBindModel,
    ImageBindTokenizer,
)
from bubo.models.sam_pil import Sam2ImageProcessorPil, Sam3ImageProcessorPil

WORDS = [
    *("a", "an", "the", "dog", "cat", "bird", "car", "tree", "house", "boat", "brown", "red", "small"),
    *("traffic", "light", "skateboard", "man", "woman", "barking", "rain", "music", "sound", "of", "this"),
    *("is", "silence", "background", "noise", "quiet", "room", "speech", "visual"),
]
# Where BERT has them; GroundingDINO's code knows these numbers.
BERT_SPECIALS = {"[PAD]": 0, "[UNK]": 100, "[CLS]": 101, "[SEP]": 102, ".": 1012, "?": 1029}


def grown(model: Any, factor: float = 3.0) -> Any:
    """A model in evaluation mode whose random weights are so large that its inputs matter."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.ndim > 1 and "relative" not in name:
                parameter.normal_(0, factor / max(parameter.shape[1:].numel(), 1) ** 0.5)
            elif "bias" in name and "bbox" not in name:
                parameter.normal_(0, 0.1)
    return model.eval()


def word_tokenizer(specials: dict[str, int] | None = None, **tokens: str) -> PreTrainedTokenizerFast:
    """One token per word; BERT's numbers for the special ones."""
    specials = BERT_SPECIALS if specials is None else specials
    free = (number for number in range(3, 100) if number not in specials.values())
    vocabulary = dict(specials) | dict(zip(WORDS, free, strict=False))
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=tokens.get("unk_token", "[UNK]")))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokens = tokens or {
        "pad_token": "[PAD]",
        "unk_token": "[UNK]",
        "cls_token": "[CLS]",
        "sep_token": "[SEP]",
    }
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **tokens)


def dino_config(kind: type = GroundingDinoConfig, max_text_len: int = 256) -> Any:
    """A layer or two each, width 64, 12 queries; MM-GroundingDINO takes all four stages of the backbone."""
    stages = (
        ["stage2", "stage3", "stage4"]
        if kind is GroundingDinoConfig
        else ["stage1", "stage2", "stage3", "stage4"]
    )
    return kind(
        backbone_config=SwinConfig(
            image_size=64,
            patch_size=4,
            embed_dim=8,
            depths=[1, 1, 1, 1],
            num_heads=[1, 1, 2, 2],
            window_size=4,
            out_features=stages,
        ),
        text_config=BertConfig(
            vocab_size=1040,
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=32,
            max_position_embeddings=max(max_text_len, 64),
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
        ),
        d_model=64,  # GroupNorm has 32 groups, and the smallest map one pixel
        num_queries=12,
        encoder_layers=1,
        decoder_layers=2,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=32,
        decoder_ffn_dim=32,
        num_feature_levels=5 if kind is MMGroundingDinoConfig else 4,
        max_text_len=max_text_len,
        dropout=0.0,
    )


def dino_processor() -> Any:
    """Pictures of 64 pixels and whole words."""
    size = {"shortest_edge": 64, "longest_edge": 64}
    return SimpleNamespace(
        image_processor=GroundingDinoImageProcessorPil(size=size), tokenizer=word_tokenizer()
    )


def dino(mm: bool = False, max_text_len: int = 256, seed: int = 0) -> Any:
    """A detector's model."""
    torch.manual_seed(seed)
    if mm:
        return grown(MMGroundingDinoForObjectDetection(dino_config(MMGroundingDinoConfig, max_text_len)), 1.5)
    return grown(GroundingDinoForObjectDetection(dino_config(max_text_len=max_text_len)), 1.5)


def sam(seed: int = 0) -> tuple[Any, Any]:
    """SAM over pictures of 64 pixels, and its image processor."""
    torch.manual_seed(seed)
    config = SamConfig(
        vision_config={
            "hidden_size": 16,
            "output_channels": 16,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "image_size": 64,
            "patch_size": 8,
            "window_size": 4,
            "global_attn_indexes": [1],
            "num_pos_feats": 8,
            "mlp_dim": 32,
        },
        prompt_encoder_config={
            "hidden_size": 16,
            "image_size": 64,
            "patch_size": 8,
            "image_embedding_size": 8,
            "mask_input_channels": 4,
        },
        mask_decoder_config={
            "hidden_size": 16,
            "mlp_dim": 32,
            "num_attention_heads": 2,
            "iou_head_hidden_dim": 16,
        },
    )
    processor = SamImageProcessorPil(size={"longest_edge": 64}, pad_size={"height": 64, "width": 64})
    return grown(SamModel(config)), processor


def sam2(seed: int = 0) -> tuple[Any, Any]:
    """SAM 2 over pictures of 64 pixels, and our image processor."""
    torch.manual_seed(seed)
    config = Sam2Config(
        vision_config={
            "backbone_config": {
                "model_type": "sam2_hiera_det_model",
                "hidden_size": 8,
                "num_attention_heads": 1,
                "image_size": [64, 64],
                "window_positional_embedding_background_size": [4, 4],
                "blocks_per_stage": [1, 1, 2, 1],
                "embed_dim_per_stage": [8, 16, 32, 64],
                "num_attention_heads_per_stage": [1, 2, 2, 2],
                "window_size_per_stage": [4, 4, 4, 4],
                "global_attention_blocks": [3],
            },
            "backbone_channel_list": [64, 32, 16, 8],
            "backbone_feature_sizes": [[16, 16], [8, 8], [4, 4]],
            "fpn_hidden_size": 32,
        },
        prompt_encoder_config={"hidden_size": 32, "image_size": 64, "mask_input_channels": 4},
        mask_decoder_config={
            "hidden_size": 32,
            "mlp_dim": 32,
            "num_attention_heads": 2,
            "iou_head_hidden_dim": 32,
        },
    )
    return grown(Sam2Model(config)), Sam2ImageProcessorPil(size={"height": 64, "width": 64})


def sam3(seed: int = 0) -> tuple[Any, Any, Any]:
    """SAM 3 over pictures of 56 pixels, our image processor and a tokenizer."""
    torch.manual_seed(seed)
    small = {"hidden_size": 32, "num_attention_heads": 2, "intermediate_size": 32, "dropout": 0.0}
    config = Sam3Config(
        vision_config={
            "backbone_config": {
                "model_type": "sam3_vit_model",
                "hidden_size": 32,
                "intermediate_size": 32,
                "num_hidden_layers": 2,
                "num_attention_heads": 2,
                "image_size": 56,
                "patch_size": 14,
                "pretrain_image_size": 56,
                "window_size": 2,
                "global_attn_indexes": [1],
            },
            "fpn_hidden_size": 32,
            "backbone_feature_sizes": [[16, 16], [8, 8], [4, 4]],
        },
        text_config=CLIPTextConfig(
            vocab_size=1040,
            hidden_size=32,
            intermediate_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            max_position_embeddings=16,
            projection_dim=32,
            bos_token_id=101,
            eos_token_id=102,
            pad_token_id=0,
        ).to_dict(),
        geometry_encoder_config={**small, "num_layers": 1},
        detr_encoder_config={**small, "num_layers": 1},
        detr_decoder_config={**small, "num_layers": 2, "num_queries": 8},
        mask_decoder_config={"hidden_size": 32, "num_attention_heads": 2},
    )
    processor = Sam3ImageProcessorPil(size={"height": 56, "width": 56})
    return grown(Sam3Model(config), 1.0), processor, word_tokenizer()


def merges_file(folder: Path) -> Path:
    """A merge list in CLIP's format that joins nothing but a few letters."""
    path = folder / "bpe_simple_vocab_16e6.txt.gz"
    with gzip.open(path, "wt", encoding="utf-8") as stream:
        stream.write("#version: 0.2\n" + "\n".join(("d o", "do g</w>", "r a", "ra i", "rai n</w>")) + "\n")
    return path


def imagebind(folder: Path, seed: int = 0) -> tuple[Any, Any, Any]:
    """ImageBind with audio and text, its feature extractor (clips of one second) and tokenizer."""
    torch.manual_seed(seed)
    tokenizer = ImageBindTokenizer(merges_file(folder), max_length=40)
    small = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = ImageBindConfig(
        text_config={
            **small,
            "vocab_size": len(tokenizer),
            "max_position_embeddings": 40,
            "add_bias_kv": False,
        },
        audio_config={
            **small,
            "num_mel_bins": 32,
            "num_frames": 104,
            "kernel_size": [16, 16],
            "stride": [16, 16],
            "drop_path_rate": 0.0,
        },
        projection_dim=16,
    )
    extractor = ImageBindFeatureExtractor(num_mel_bins=32, num_frames=104, clip_duration_s=1.0)
    return grown(ImageBindModel(config)), extractor, tokenizer


def clap(seed: int = 0) -> tuple[Any, Any]:
    """CLAP over two seconds at 8 kHz, and its processor's parts."""
    torch.manual_seed(seed)
    config = ClapConfig(
        text_config={
            "vocab_size": 1040,
            "hidden_size": 16,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "intermediate_size": 16,
            "max_position_embeddings": 40,
            "projection_dim": 16,
            "pad_token_id": 0,
        },
        audio_config={
            "window_size": 4,
            "num_mel_bins": 16,
            "spec_size": 64,
            "patch_size": 4,
            "patch_stride": [4, 4],
            "hidden_size": 32,
            "projection_dim": 16,
            "depths": [1, 1],
            "num_attention_heads": [1, 2],
            "patch_embeds_hidden_size": 16,
            "num_hidden_layers": 2,
            "enable_fusion": True,
            "aff_block_r": 1,
        },
        projection_dim=16,
    )
    extractor = ClapFeatureExtractor(
        feature_size=16,
        sampling_rate=8000,
        max_length_s=2,
        fft_window_size=256,
        hop_length=80,
        frequency_max=4000,
    )
    return grown(ClapModel(config)), SimpleNamespace(feature_extractor=extractor, tokenizer=word_tokenizer())


def pe_audio(seed: int = 0) -> tuple[Any, Any, Any]:
    """PE-A-Frame with frames of 10 ms at 8 kHz, its feature extractor and a tokenizer."""
    torch.manual_seed(seed)
    config = PeAudioConfig(
        text_config={
            "model_type": "modernbert",
            "vocab_size": 1040,
            "hidden_size": 16,
            "intermediate_size": 16,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "pad_token_id": 0,
            "cls_token_id": 101,
            "sep_token_id": 102,
            "bos_token_id": 101,
            "eos_token_id": 102,
        },
        audio_config={
            "dac_config": {
                "model_type": "dac",
                "downsampling_ratios": [2, 4, 10],
                "encoder_hidden_size": 4,
                "codebook_dim": 4,
                "hidden_size": 32,
                "n_codebooks": 2,
                "codebook_size": 8,
                "decoder_hidden_size": 16,
                "upsampling_ratios": [10, 4, 2],
                "sampling_rate": 8000,
            },
            "hidden_size": 32,
            "intermediate_size": 32,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "head_dim": 16,
        },
    )
    extractor = PeAudioFeatureExtractor(sampling_rate=8000, hop_length=80)
    model = grown(PeAudioFrameLevelModel(config))
    model.text_audio_logit_scale.data.fill_(2.0)  # starts at 0
    return model, extractor, word_tokenizer()
