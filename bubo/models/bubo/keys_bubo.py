"""What becomes of every key of the files that a BuboGPT is put together from: one table per file.

The names on our side are those of `BuboForConditionalGeneration`.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from bubo.models.conversion import Join, KeyMap
from bubo.models.imagebind.convert_imagebind import KEY_MAP as IMAGEBIND

QFORMER = r"Qformer\.bert\."
TEXT_BRANCH = {
    r"embeddings\.(?:word|position)_embeddings\.": "the Q-Former reads no text",
    r"embeddings\.position_ids$": "a buffer of the text branch",
    r"encoder\.layer\.\d+\.(?:intermediate|output)\.": "feed-forward of texts; queries have their own",
}
MLM_HEAD = "the head that predicts words is for the Q-Former's first training"


def _qformer_renames(prefix: str, bridge: str) -> tuple[tuple[str, str], ...]:
    return (
        (rf"^{prefix}query_tokens$", rf"{bridge}.query_tokens"),
        (rf"^{prefix}{QFORMER}embeddings\.LayerNorm\.", rf"{bridge}.qformer.layernorm."),
        (rf"^{prefix}{QFORMER}encoder\.", rf"{bridge}.qformer.encoder."),
        (r"(\.qformer\.encoder\..*attention)\.self\.", r"\1.attention."),
    )


def _qkv_bias(parts: Mapping[str, Tensor]) -> Tensor:
    """EVA learns biases of queries and values; keys have none, which is a bias of zero."""
    return torch.cat((parts["q"], torch.zeros_like(parts["q"]), parts["v"]))


def eva_map(num_layers: int = 39) -> KeyMap:
    """Of `eva_vit_g.pth`; blocks from `num_layers` on are left out."""
    kept = "|".join(map(str, range(num_layers)))
    return KeyMap(
        renames=(
            (r"^cls_token$", "model.vision_tower.embeddings.class_embedding"),
            (r"^pos_embed$", "model.vision_tower.embeddings.position_embedding"),
            (r"^patch_embed\.proj\.", "model.vision_tower.embeddings.patch_embedding."),
            (r"^blocks\.(\d+)\.norm([12])\.", r"blocks.\1.layer_norm\2."),
            (r"^blocks\.(\d+)\.attn\.proj\.", r"blocks.\1.self_attn.projection."),
            (r"^blocks\.(\d+)\.attn\.", r"blocks.\1.self_attn."),
            (r"^blocks\.", "model.vision_tower.encoder.layers."),
        ),
        drops={
            rf"blocks\.(?!(?:{kept})\.)\d+\.": f"BLIP-2 reads the states of block {num_layers}; "
            "what comes after it is never run",
            r"(?:norm|fc_norm|head)\.": "the classifier behind the last block",
        },
        joins=(Join(r"(.*\.self_attn\.)([qv])_bias", r"\1qkv.bias", _qkv_bias),),
    )


#: Of `blip2_pretrained_flant5xxl.pth`: the Q-Former and the LayerNorm behind the vision tower.
BLIP2_MAP = KeyMap(
    renames=(
        *_qformer_renames("", "model.vision_bridge"),
        (r"^ln_vision\.", "model.vision_tower.post_layernorm."),
    ),
    drops={
        **{QFORMER + pattern: reason for pattern, reason in TEXT_BRANCH.items()},
        r"Qformer\.cls\.": MLM_HEAD,
        r"t5_proj\.": "leads into BLIP-2's text model",
    },
)

#: Tensors of `Salesforce/blip2-*` on the hub that are worth opening a shard for.
HUB_KEYS = r"vision_model\.|qformer\.|query_tokens$"
#: Of those repositories: vision tower and Q-Former, under transformers' own names.
HUB_MAP = KeyMap(
    renames=(
        (r"^vision_model\.", "model.vision_tower."),
        (r"^qformer\.", "model.vision_bridge.qformer."),
        (r"^query_tokens$", "model.vision_bridge.query_tokens"),
    ),
    drops={
        r"language_model\.": "BLIP-2's text model; another one answers here",
        r"language_projection\.": "leads into BLIP-2's text model",
        r"(?:vision|text)_projection\.|itm_head\.|embeddings\.": "heads of other BLIP-2 models",
        **{r"qformer\." + pattern: reason for pattern, reason in TEXT_BRANCH.items()},
    },
)

_JOINER = r"multimodal_joiner\.modality_qformers\.(vision|audio)\."
#: Of `bubogpt_7b.pth` and of the checkpoints of both stages: Q-Formers and projectors.
BUBOGPT_MAP = KeyMap(
    renames=(
        *_qformer_renames(_JOINER, r"model.\1_bridge"),
        (
            r"^multimodal_joiner\.modality_post_projectors\.(vision|audio)\.fc\.",
            r"model.\1_bridge.projector.",
        ),
        (r"^multimodal_encoder\.modality_postprocessors\.audio\.1\.", "model.audio_tower."),
    ),
    drops={
        **{_JOINER + QFORMER + pattern: reason for pattern, reason in TEXT_BRANCH.items()},
        _JOINER + r"Qformer\.cls\.": MLM_HEAD,
        r"llama_model\..*\.rotary_emb\.inv_freq$": "computed from the configuration",
        r"llama_model\..*(?:SCB|weight_format)$": "by-product of loading the frozen language model as int8",
    },
)

#: Of MiniGPT-4's checkpoints, the projector of pictures that BuboGPT began with.
MINIGPT4_MAP = KeyMap(renames=((r"^llama_proj\.", "model.vision_bridge.projector."),))

#: Of `imagebind_huge.pth`: the audio tower and its scale.
IMAGEBIND_AUDIO_MAP = KeyMap(
    renames=(*IMAGEBIND.renames, (r"^audio_(?:model|head)\.", "model.audio_tower.")),
    drops={
        r"modality_heads\.audio\.": "BuboGPT reads the tokens of a sound, not its embedding",
        r"modality_\w+\.(?!audio\.)": "BuboGPT sees with EVA and reads with its language model",
    },
)


def llm_map(prefix: str, num_rows: int) -> KeyMap:
    """Of a causal language model as transformers saves it.

    Args:
        prefix: The name of its inner model, "model" for most.
        num_rows: Rows that embedding and head shall have; the new ones, of placeholders, are zero.
    """

    def grown(value: Tensor) -> Tensor:
        rows = num_rows - value.shape[0]
        return value if rows <= 0 else torch.cat((value, value.new_zeros(rows, value.shape[1])))

    return KeyMap(
        renames=((rf"^{prefix}\.", "model.language_model."),),
        drops={r".*\.rotary_emb\.inv_freq$": "computed from the configuration"},
        changes={r"(?:embed_tokens|wte|word_embeddings|embed_in|^lm_head)\.weight$": grown},
    )


__all__ = [
    "BLIP2_MAP",
    "BUBOGPT_MAP",
    "HUB_KEYS",
    "HUB_MAP",
    "IMAGEBIND_AUDIO_MAP",
    "MINIGPT4_MAP",
    "eva_map",
    "llm_map",
]
