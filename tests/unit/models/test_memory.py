"""What a model is said to take is what it takes."""

import pytest
import torch
from tiny import tiny_config, tiny_text_config
from transformers import BitsAndBytesConfig

from bubo.models.bubo import BuboForConditionalGeneration
from bubo.models.bubo.released_bubo import NOT_QUANTISED, bubogpt_config
from bubo.models.memory import KINDS, PARTS, memory_table, weight_bytes

TIED = {"tied": True, "untied": False}


def allocated(model):
    """Bytes of every storage of the model, once each, and of what bitsandbytes keeps beside weights."""
    storages = {}
    for value in [*model.parameters(), *model.buffers()]:
        held = [value.data]
        if getattr(value, "SCB", None) is not None:
            held.append(value.SCB)
        state = getattr(value, "quant_state", None)
        held += [state.absmax, state.code] if state is not None else []
        for tensor in held:
            storages[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
    return sum(storages.values())


@pytest.mark.parametrize("tied", TIED.values(), ids=TIED)
@pytest.mark.parametrize("kind", ["float32", "float16", "bfloat16"])
def test_plain_weights(kind, tied, tmp_path):
    config = tiny_config(text_config=tiny_text_config(tie_word_embeddings=tied))
    BuboForConditionalGeneration(config).save_pretrained(tmp_path)
    model = BuboForConditionalGeneration.from_pretrained(tmp_path, dtype=getattr(torch, kind))
    counts = weight_bytes(model.config, kind)
    assert sum(counts.values()) == allocated(model)
    assert (counts["lm_head"] == 0) == tied
    assert tuple(counts) == PARTS


@pytest.mark.parametrize("kind", ["8-bit", "4-bit"])
def test_weights_of_few_bits(kind, tmp_path):
    config = tiny_config(text_config=tiny_text_config(tie_word_embeddings=False))
    BuboForConditionalGeneration(config).save_pretrained(tmp_path)
    bits = {"8-bit": {"load_in_8bit": True}, "4-bit": {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4"}}
    quantised = BitsAndBytesConfig(**bits[kind], llm_int8_skip_modules=list(NOT_QUANTISED))
    model = BuboForConditionalGeneration.from_pretrained(
        tmp_path, quantization_config=quantised, dtype=torch.float16
    )
    assert sum(weight_bytes(config, kind).values()) == allocated(model)


def test_a_model_without_a_tower_has_no_such_part():
    config = tiny_config(audio_config=None, audio_qformer_config=None)
    assert "audio_tower" not in weight_bytes(config, "float32")


def test_the_table_of_the_released_sizes():
    lines = memory_table({"7B": bubogpt_config("7b")}).splitlines()
    assert len(lines) == 2 + len(PARTS) + 1
    total = [float(cell) for cell in lines[-1].split("|")[3:-1]]
    assert total == [32.08, 16.04, 16.04, 9.57, 6.73] and len(total) == len(KINDS)


def test_unknown_types_are_refused():
    with pytest.raises(ValueError, match="float32, float16, bfloat16, 8-bit, 4-bit, but got 'int3'"):
        weight_bytes(tiny_config(), "int3")
