"""BuboGPT's joiner against a computation from its description, in float64 and plain tensors.

There are no stored outputs of the released joiner. What is compared with here reads the original names and
uses nothing of ours: no module, no converted weight. Queries go through a LayerNorm, then per layer through
self-attention, on even layers cross-attention, and a feed-forward of their own, each with a LayerNorm behind
its residual; a linear projector ends it. The vision tower is computed the same way.
"""

import math

import numpy as np
import pytest
import torch
from tiny_bubogpt import (
    CONFIG,
    LLM_WIDTH,
    NUM_EVA_USED,
    PATCH,
    QFormerSize,
    Weights,
    blip2,
    bubogpt,
    eva,
    qformer,
    write_release,
)

from bubo.models.bubo import BuboForConditionalGeneration
from bubo.models.bubo.configuration_bubo import BuboConfig
from bubo.models.bubo.convert_bubo import convert_bubogpt
from bubo.models.bubo.keys_bubo import BUBOGPT_MAP
from bubo.models.bubo.modeling_bubo import BuboBridge

pytestmark = pytest.mark.parity

AUDIO = "multimodal_joiner.modality_qformers.audio."
PROJECTOR = "multimodal_joiner.modality_post_projectors.{}.fc"


class Plain:
    """A state dict as float64, and the few formulas."""

    def __init__(self, tensors: dict[str, torch.Tensor]):
        self.tensors = {name: value.double() for name, value in tensors.items()}

    def linear(self, name, states):
        return states @ self.tensors[f"{name}.weight"].T + self.tensors[f"{name}.bias"]

    def norm(self, name, states, eps):
        centred = states - states.mean(-1, keepdim=True)
        unit = centred / (centred.pow(2).mean(-1, keepdim=True) + eps).sqrt()
        return unit * self.tensors[f"{name}.weight"] + self.tensors[f"{name}.bias"]

    def qformer(self, prefix, states, size: QFormerSize):
        bert = f"{prefix}Qformer.bert."
        queries = self.tensors[f"{prefix}query_tokens"].expand(states.shape[0], -1, -1)
        queries = self.norm(f"{bert}embeddings.LayerNorm", queries, 1e-12)
        for number in range(size.layers):
            layer = f"{bert}encoder.layer.{number}"
            queries = self.block(f"{layer}.attention", queries, queries, size.heads)
            if number % 2 == 0:
                queries = self.block(f"{layer}.crossattention", queries, states, size.heads)
            inner = gelu(self.linear(f"{layer}.intermediate_query.dense", queries))
            inner = self.linear(f"{layer}.output_query.dense", inner)
            queries = self.norm(f"{layer}.output_query.LayerNorm", inner + queries, 1e-12)
        return queries

    def block(self, name, queries, states, heads):
        parts = (self.linear(f"{name}.self.query", queries),) + tuple(
            self.linear(f"{name}.self.{part}", states) for part in ("key", "value")
        )
        mixed = self.linear(f"{name}.output.dense", attend(*parts, heads))
        return self.norm(f"{name}.output.LayerNorm", mixed + queries, 1e-12)

    def eva(self, pixels, num_blocks, heads):
        """Pixels (N, 3, S, S) -> states (N, 1 + patches, D) behind `ln_vision`."""
        weight, bias = (self.tensors[f"patch_embed.proj.{part}"] for part in ("weight", "bias"))
        squares = pixels.unfold(2, PATCH, PATCH).unfold(3, PATCH, PATCH)  # (N, 3, rows, columns, P, P)
        squares = squares.permute(0, 2, 3, 1, 4, 5).flatten(3).flatten(1, 2)  # (N, patches, 3 P P)
        tokens = squares @ weight.flatten(1).T + bias
        states = torch.cat((self.tensors["cls_token"].expand(len(tokens), -1, -1), tokens), 1)
        states = states + self.tensors["pos_embed"]
        for number in range(num_blocks):
            block = f"blocks.{number}"
            normed = self.norm(f"{block}.norm1", states, 1e-6)
            query, key, value = (normed @ self.tensors[f"{block}.attn.qkv.weight"].T).chunk(3, -1)
            query = query + self.tensors[f"{block}.attn.q_bias"]
            value = value + self.tensors[f"{block}.attn.v_bias"]
            states = states + self.linear(f"{block}.attn.proj", attend(query, key, value, heads))
            normed = self.norm(f"{block}.norm2", states, 1e-6)
            states = states + self.linear(f"{block}.mlp.fc2", gelu(self.linear(f"{block}.mlp.fc1", normed)))
        return self.norm("ln_vision", states, 1e-5)


def gelu(states):
    return states * 0.5 * (1 + torch.erf(states / math.sqrt(2)))


def attend(query, key, value, heads):
    query, key, value = (
        part.reshape(*part.shape[:2], heads, -1).transpose(1, 2) for part in (query, key, value)
    )
    scores = query @ key.transpose(-1, -2) / math.sqrt(query.shape[-1])
    weights = (scores - scores.amax(-1, keepdim=True)).exp()
    mixed = weights / weights.sum(-1, keepdim=True) @ value
    return mixed.transpose(1, 2).flatten(2)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bubogpt")
    convert_bubogpt(write_release(folder / "release"), folder / "model", config=CONFIG)
    return BuboForConditionalGeneration.from_pretrained(folder / "model").eval()


def assert_agrees(given, expected, tolerance=1e-5):
    scale = expected.abs().max()
    assert scale > 0.1  # comparing zeros would prove nothing
    error = (given.double() - expected).abs().max() / scale
    assert error < tolerance


def states(*shape):
    return torch.from_numpy(np.random.default_rng(0).standard_normal(shape))


def test_sounds(model):
    plain, heard = Plain(bubogpt()), states(2, 29, 32)
    expected = plain.linear(PROJECTOR.format("audio"), plain.qformer(AUDIO, heard, QFormerSize()))
    assert expected.shape == (2, 4, LLM_WIDTH)
    with torch.no_grad():
        assert_agrees(model.get_audio_features(audio_hidden_states=heard.float()), expected)


def test_pictures_from_pixels(model):
    plain, own = Plain({**eva(), **blip2()}), Plain(bubogpt())
    pixels = states(2, 3, 32, 32)
    seen = plain.eva(pixels, NUM_EVA_USED, heads=2)
    expected = own.linear(PROJECTOR.format("vision"), plain.qformer("", seen, QFormerSize()))
    with torch.no_grad():
        tower = model.model.vision_tower(pixel_values=pixels.float(), return_dict=True).last_hidden_state
        assert_agrees(tower, seen)
        assert_agrees(model.get_image_features(pixels.float()), expected)


def test_pictures_in_double_precision(model):
    """In float64 nothing is left but rounding; an epsilon of 1e-6 in the last norm would show."""
    plain, pixels = Plain({**eva(), **blip2()}), states(1, 3, 32, 32)
    expected = plain.eva(pixels, NUM_EVA_USED, heads=2)
    tower = model.model.vision_tower.double()
    try:
        with torch.no_grad():
            given = tower(pixel_values=pixels, return_dict=True).last_hidden_state
            assert_agrees(given, expected, tolerance=1e-12)
            tower.post_layernorm.eps = 1e-6
            other = tower(pixel_values=pixels, return_dict=True).last_hidden_state
        assert (other - expected).abs().max() > 1e-8
    finally:
        tower.float()
        tower.post_layernorm.eps = 1e-5


@pytest.mark.parametrize("encoder_width", [768, 1408])
def test_a_joiner_of_the_released_size(encoder_width):
    size = QFormerSize(encoder_width, width=768, ffn=3072, queries=32, layers=12, heads=12)
    weights = Weights(0)
    qformer(weights, AUDIO, text_branch=True, size=size)
    weights.linear(PROJECTOR.format("audio"), 512, 768)
    plan = BUBOGPT_MAP.plan(weights.tensors)
    ours = {name.removeprefix("model.audio_bridge."): entry.make() for name, entry in plan.entries.items()}
    config = BuboConfig(
        audio_config={
            "model_type": "imagebind_audio",
            "hidden_size": encoder_width,
            "num_attention_heads": 16,
        },
        text_config={"model_type": "llama", "hidden_size": 512, "num_hidden_layers": 1},
    )
    bridge = BuboBridge(config, config.audio_qformer_config, 32).eval()
    bridge.load_state_dict(ours)
    heard = states(1, 57, encoder_width)
    plain = Plain(weights.tensors)
    expected = plain.linear(PROJECTOR.format("audio"), plain.qformer(AUDIO, heard, size))
    with torch.no_grad():
        assert_agrees(bridge(heard.float()), expected)
