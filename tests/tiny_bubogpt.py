"""The files of a released BuboGPT at toy size: the original names, random values, nothing downloaded."""

import io
import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import sentencepiece
import torch
from safetensors.torch import save_file
from transformers import LlamaConfig, LlamaForCausalLM

WIDTH, FFN, QUERIES, LAYERS = 32, 64, 4, 3
LLM_WIDTH, LLM_ROWS = 64, 420  # bitsandbytes wants multiples of 32
NUM_EVA_BLOCKS, NUM_EVA_USED, NUM_AUDIO_BLOCKS = 3, 2, 2
PATCH, GRID, AUDIO_TOKENS = 8, 4, 229
WORDS = 50  # of the Q-Formers' text branch, which nobody reads
#: What shapes do not tell.
CONFIG = {
    "vision_config": {"num_attention_heads": 2, "num_hidden_layers": NUM_EVA_USED},
    "vision_qformer_config": {"num_attention_heads": 4},
    "audio_config": {"num_attention_heads": 4},
    "audio_qformer_config": {"num_attention_heads": 4},
}
LINES = [
    "###Human: what is this ###Assistant: it is a dog",
    "Give the following image: <Vision>ImageContent</Vision> or audio: <Audio>AudioContent</Audio>. You will "
    "be able to see the image/audio once I provide it to you. Please answer my questions.",
    "describe the image in detail, and the sound? Yes. No! ### ## #",
]


class Weights:
    """Random tensors by name, large enough that every one of them changes what comes out."""

    def __init__(self, seed: int):
        self.generator = torch.Generator().manual_seed(seed)
        self.tensors: dict[str, torch.Tensor] = {}

    def add(self, name: str, *shape: int, around: float = 0.0) -> None:
        scale = 1.5 * shape[-1] ** -0.5 if len(shape) == 2 else 0.3
        self.tensors[name] = around + scale * torch.randn(shape, generator=self.generator)

    def linear(self, name: str, out: int, inner: int, bias: bool = True) -> None:
        self.add(f"{name}.weight", out, inner)
        if bias:
            self.add(f"{name}.bias", out)

    def norm(self, name: str, width: int = WIDTH) -> None:
        self.add(f"{name}.weight", width, around=1.0)
        self.add(f"{name}.bias", width)


def eva(seed: int = 1) -> dict[str, torch.Tensor]:
    """`eva_vit_g.pth`: one block more than is used, and a head."""
    weights = Weights(seed)
    weights.add("cls_token", 1, 1, WIDTH)
    weights.add("pos_embed", 1, GRID * GRID + 1, WIDTH)
    weights.add("patch_embed.proj.weight", WIDTH, 3, PATCH, PATCH)
    weights.add("patch_embed.proj.bias", WIDTH)
    for number in range(NUM_EVA_BLOCKS):
        block = f"blocks.{number}"
        weights.norm(f"{block}.norm1")
        weights.linear(f"{block}.attn.qkv", 3 * WIDTH, WIDTH, bias=False)
        weights.add(f"{block}.attn.q_bias", WIDTH)
        weights.add(f"{block}.attn.v_bias", WIDTH)
        weights.linear(f"{block}.attn.proj", WIDTH, WIDTH)
        weights.norm(f"{block}.norm2")
        weights.linear(f"{block}.mlp.fc1", FFN, WIDTH)
        weights.linear(f"{block}.mlp.fc2", WIDTH, FFN)
    weights.norm("norm")
    weights.linear("head", 7, WIDTH)
    return weights.tensors


@dataclass(frozen=True)
class QFormerSize:
    """How large a Q-Former is; heads are not in the file."""

    encoder_width: int = WIDTH
    width: int = WIDTH
    ffn: int = FFN
    queries: int = QUERIES
    layers: int = LAYERS
    heads: int = 4


def qformer(weights: Weights, prefix: str, text_branch: bool, size: QFormerSize = QFormerSize()) -> None:
    """A Q-Former under the original names, with or without all that reads text."""
    width, ffn = size.width, size.ffn
    bert = f"{prefix}Qformer.bert."
    weights.add(f"{prefix}query_tokens", 1, size.queries, width)
    weights.tensors[f"{bert}embeddings.position_ids"] = torch.arange(16).unsqueeze(0)
    weights.norm(f"{bert}embeddings.LayerNorm", width)
    for number in range(size.layers):
        layer = f"{bert}encoder.layer.{number}"
        for kind, inner in (("attention", width), ("crossattention", size.encoder_width))[: 2 - number % 2]:
            weights.linear(f"{layer}.{kind}.self.query", width, width)
            weights.linear(f"{layer}.{kind}.self.key", width, inner)
            weights.linear(f"{layer}.{kind}.self.value", width, inner)
            weights.linear(f"{layer}.{kind}.output.dense", width, width)
            weights.norm(f"{layer}.{kind}.output.LayerNorm", width)
        for ending in ("_query", "") if text_branch else ("_query",):
            weights.linear(f"{layer}.intermediate{ending}.dense", ffn, width)
            weights.linear(f"{layer}.output{ending}.dense", width, ffn)
            weights.norm(f"{layer}.output{ending}.LayerNorm", width)
    if text_branch:
        weights.add(f"{bert}embeddings.word_embeddings.weight", WORDS, width)
        weights.add(f"{bert}embeddings.position_embeddings.weight", 16, width)
        head = f"{prefix}Qformer.cls.predictions"
        weights.add(f"{head}.bias", WORDS)
        weights.linear(f"{head}.transform.dense", width, width)
        weights.norm(f"{head}.transform.LayerNorm", width)
        weights.linear(f"{head}.decoder", WORDS, width)


def blip2(seed: int = 2) -> dict[str, torch.Tensor]:
    """`blip2_pretrained_flant5xxl.pth`."""
    weights = Weights(seed)
    qformer(weights, "", text_branch=False)
    weights.norm("ln_vision")
    weights.linear("t5_proj", 40, WIDTH)
    return weights.tensors


def bubogpt(seed: int = 3) -> dict[str, torch.Tensor]:
    """`bubogpt_7b.pth`."""
    weights = Weights(seed)
    qformer(weights, "multimodal_joiner.modality_qformers.audio.", text_branch=True)
    for modality in ("audio", "vision"):
        weights.linear(f"multimodal_joiner.modality_post_projectors.{modality}.fc", LLM_WIDTH, WIDTH)
    return weights.tensors


def imagebind(seed: int = 4) -> dict[str, torch.Tensor]:
    """`imagebind_huge.pth`: the audio tower with its head, and a little of another modality."""
    weights = Weights(seed)
    stem = "modality_preprocessors.audio."
    weights.add(f"{stem}cls_token", 1, 1, WIDTH)
    weights.add(f"{stem}rgbt_stem.proj.weight", WIDTH, 1, 16, 16)
    weights.norm(f"{stem}rgbt_stem.norm_layer")
    weights.add(f"{stem}pos_embedding_helper.pos_embed", 1, AUDIO_TOKENS, WIDTH)
    for number in range(NUM_AUDIO_BLOCKS):
        block = f"modality_trunks.audio.blocks.{number}"
        weights.add(f"{block}.attn.in_proj_weight", 3 * WIDTH, WIDTH)
        weights.add(f"{block}.attn.in_proj_bias", 3 * WIDTH)
        weights.add(f"{block}.attn.bias_k", 1, 1, WIDTH)
        weights.add(f"{block}.attn.bias_v", 1, 1, WIDTH)
        weights.linear(f"{block}.attn.out_proj", WIDTH, WIDTH)
        weights.norm(f"{block}.norm_1")
        weights.linear(f"{block}.mlp.fc1", FFN, WIDTH)
        weights.linear(f"{block}.mlp.fc2", WIDTH, FFN)
        weights.norm(f"{block}.norm_2")
    weights.norm("modality_heads.audio.0")
    weights.add("modality_heads.audio.2.weight", 24, WIDTH)
    weights.tensors["modality_postprocessors.audio.1.log_logit_scale"] = torch.tensor(20.0).log()
    weights.add("modality_preprocessors.vision.cls_token", 1, 1, 40)
    return weights.tensors


@lru_cache(1)
def sentencepiece_model() -> bytes:
    """A byte-pair model with the settings of LLaMA's."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(LINES * 4),
        model_writer=model,
        model_type="bpe",
        vocab_size=LLM_ROWS - 1,
        byte_fallback=True,
        character_coverage=1.0,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        allow_whitespace_only_pieces=True,
        split_digits=True,
        minloglevel=2,
        num_threads=1,
    )
    return model.getvalue()


def write_vicuna(folder: Path, seed: int = 5, width: int = LLM_WIDTH) -> Path:
    """A folder as the first conversions of LLaMA were: no special tokens, wrong ids, a row for padding."""
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=LLM_ROWS,
        hidden_size=width,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=1024,
        rms_norm_eps=1e-6,
        tie_word_embeddings=False,
    )
    model = LlamaForCausalLM(config)
    for parameter in model.parameters():
        if parameter.ndim > 1:
            parameter.data.mul_(8.0)
    model.save_pretrained(folder)
    fields = json.loads((folder / "config.json").read_text())
    fields |= {"bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 0}
    (folder / "config.json").write_text(json.dumps(fields))
    (folder / "generation_config.json").unlink()
    (folder / "tokenizer.model").write_bytes(sentencepiece_model())
    nothing = {"bos_token": "", "eos_token": "", "unk_token": "", "tokenizer_class": "LLaMATokenizer"}
    (folder / "tokenizer_config.json").write_text(json.dumps(nothing))
    (folder / "special_tokens_map.json").write_text("{}")
    return folder


def write_release(folder: Path) -> Path:
    """All files of a BuboGPT in one folder, pickles as they were published."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.save(eva(), folder / "eva_vit_g.pth")
    torch.save({"model": blip2()}, folder / "blip2_pretrained_flant5xxl.pth")
    torch.save(imagebind(), folder / "imagebind_huge.pth")
    torch.save({"model": bubogpt()}, folder / "bubogpt_7b.pth")
    write_vicuna(folder / "vicuna-7b-v0")
    return folder


def write_hub_blip2(folder: Path) -> Path:
    """A folder as Salesforce/blip2-*: two shards, of which the second, only text, is not there."""
    folder.mkdir(parents=True)
    tensors = {}
    for name, value in eva().items():
        if name.startswith(("blocks.2.", "norm.", "head.")) or name.endswith("_bias"):
            continue
        for old, new in (
            ("cls_token", "embeddings.class_embedding"),
            ("pos_embed", "embeddings.position_embedding"),
            ("patch_embed.proj", "embeddings.patch_embedding"),
            ("blocks", "encoder.layers"),
            ("norm1", "layer_norm1"),
            ("norm2", "layer_norm2"),
            ("attn.proj", "self_attn.projection"),
            (".attn.", ".self_attn."),
        ):
            name = name.replace(old, new)
        tensors[f"vision_model.{name}"] = value
    for number in range(NUM_EVA_USED):
        query, value = (eva()[f"blocks.{number}.attn.{part}_bias"] for part in "qv")
        name = f"vision_model.encoder.layers.{number}.self_attn.qkv.bias"
        tensors[name] = torch.cat((query, torch.zeros(WIDTH), value))
    for name, value in blip2().items():
        if name.startswith("ln_vision"):
            tensors[name.replace("ln_vision", "vision_model.post_layernorm")] = value
        elif name == "query_tokens":
            tensors[name] = value
        elif name.startswith("Qformer") and not name.endswith("position_ids"):
            name = name.removeprefix("Qformer.bert.").replace("embeddings.LayerNorm", "layernorm")
            tensors["qformer." + name.replace("attention.self", "attention.attention")] = value
    tensors["language_projection.weight"] = torch.zeros(40, WIDTH)
    first, second = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"
    places = dict.fromkeys(tensors, first) | {"language_model.lm_head.weight": second}
    save_file({name: value.contiguous() for name, value in tensors.items()}, folder / first)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": places}))
    return folder
