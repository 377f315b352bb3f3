"""BuboGPT's released files: every key of every manifest has its place, and toy files become a model."""

import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from tiny import tiny_text_config, tiny_tokenizer
from tiny_bubogpt import (
    CONFIG,
    bubogpt,
    eva,
    imagebind,
    write_hub_blip2,
    write_release,
    write_vicuna,
)
from transformers import (
    AutoProcessor,
    BitsAndBytesConfig,
    LlamaConfig,
    LlamaForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from bubo.models.bubo import BuboForConditionalGeneration
from bubo.models.bubo.convert_bubo import convert_bubogpt
from bubo.models.bubo.keys_bubo import (
    BLIP2_MAP,
    BUBOGPT_MAP,
    HUB_MAP,
    IMAGEBIND_AUDIO_MAP,
    MINIGPT4_MAP,
    eva_map,
    llm_map,
)
from bubo.models.bubo.released_bubo import NOT_QUANTISED, bubogpt_config
from bubo.models.checkpoints import ConversionError
from bubo.models.conversion import convert, merge_plans
from bubo.speaker import ModelSpeaker, Settings
from bubo.types import Picture, Sound, Turn

MAPS = {
    "eva_vit_g": eva_map(),
    "blip2_pretrained_flant5xxl": BLIP2_MAP,
    "imagebind_audio": IMAGEBIND_AUDIO_MAP,
    "minigpt4_proj": MINIGPT4_MAP,
    "bubogpt_7b": BUBOGPT_MAP,
    "stage1_audio_7b": BUBOGPT_MAP,
    "stage2_mm_7b": BUBOGPT_MAP,
}
AUDIO_BERT = "multimodal_joiner.modality_qformers.audio.Qformer.bert."
AUDIO_VALUE = AUDIO_BERT + "encoder.layer.1.attention.self.value.bias"
#: Manifest -> tensors that are used, tensors that are dropped.
COUNTS = {
    "eva_vit_g": (472, 0),
    "blip2_pretrained_flant5xxl": (257, 3),
    "imagebind_audio": (174, 3),
    "minigpt4_proj": (2, 0),
    "bubogpt_7b": (259, 82),
    "stage1_audio_7b": (258, 114),
    "stage2_mm_7b": (5, 36),
}


def manifest(name, width=4096):
    """Key -> (tensor without values, whether it is used or None, name in transformers' module)."""
    path = Path(__file__).parents[2] / "parity" / "manifests" / f"{name}.txt"
    keys = {}
    for line in path.read_text().splitlines()[1:]:
        given, _, ours = line.partition(" => ")
        pattern, shape, *unused = given.split()
        sizes = [] if shape == "scalar" else [int(size) for size in shape.split("x")]
        if "projectors" in pattern or "llama_proj" in pattern:
            sizes[0] = width
        numbers = re.search(r"\[(\d+):(\d+):(\d+)\]", pattern)
        for number in range(*map(int, numbers.groups())) if numbers else [0]:
            key = pattern.replace(numbers.group(), str(number)) if numbers else pattern
            empty = torch.empty(sizes, device="meta")
            keys[key] = (empty, False if unused else None, ours.replace("#", str(number)))
    return keys


@pytest.fixture(scope="module", params=["7b", "13b"])
def full(request):
    config = bubogpt_config(request.param)
    with torch.device("meta"):
        return BuboForConditionalGeneration(config), config.text_config.hidden_size


def test_every_key_of_every_manifest_has_its_place(full):
    model, width = full
    for name, key_map in MAPS.items():
        keys = manifest(name, width)
        plan = key_map.plan({key: empty for key, (empty, _, _) in keys.items()})
        comparison = plan.compare(model)
        assert not comparison.unexpected and not comparison.wrong, name
        assert (len(plan.entries), len(plan.dropped)) == COUNTS[name]
        assert all(len(reason) > 15 for reason in plan.dropped.values())
        if any(used is False for _, used, _ in keys.values()):
            assert {key for key, (_, used, _) in keys.items() if used is False} == plan.dropped.keys()
        origins = {origin: ours for ours, origin in plan.origin.items()}
        for key, (_, _, ours) in keys.items():
            assert key in plan.dropped or not ours or origins.get(key, ours).endswith(ours)


def test_together_they_are_the_whole_model(full):
    model, width = full
    llm = model.config.text_config
    rows = {"embed_tokens.weight", "lm_head.weight"}
    with torch.device("meta"):
        vicuna = LlamaForCausalLM(LlamaConfig(**{**llm.to_dict(), "vocab_size": 32001})).state_dict()
    vicuna["model.layers.0.self_attn.rotary_emb.inv_freq"] = torch.empty(64, device="meta")
    plans = {
        name: MAPS[name].plan({key: empty for key, (empty, _, _) in manifest(name, width).items()})
        for name in ("eva_vit_g", "blip2_pretrained_flant5xxl", "imagebind_audio", "bubogpt_7b")
    }
    plans["vicuna"] = llm_map("model", llm.vocab_size).plan(vicuna)
    plan = merge_plans(plans)
    comparison = plan.compare(model)
    assert (comparison.missing, comparison.unexpected, comparison.wrong) == ([], [], [])
    assert plan.entries.keys() == model.state_dict().keys()
    assert plan.dropped["vicuna: model.layers.0.self_attn.rotary_emb.inv_freq"].startswith("computed")
    grown = [name for name in vicuna if name.endswith(tuple(rows))]
    assert len(grown) == 2 and all(vicuna[name].shape[0] == 32001 for name in grown)
    del plans["blip2_pretrained_flant5xxl"]
    lacking = merge_plans(plans).compare(model)
    assert Counter(name.split(".")[1] for name in lacking.missing) == {
        "vision_bridge": 255,
        "vision_tower": 2,
    }
    with pytest.raises(ConversionError, match=r"lacks 257 tensors, such as model\.vision"):
        lacking.check("bubogpt")


def test_the_real_files_may_hold_more():
    keys = {
        "blocks.39.norm1.weight": "block 39",
        "norm.weight": "classifier",
        "fc_norm.bias": "classifier",
        "head.weight": "classifier",
    }
    plan = eva_map().plan({key: torch.empty(1, device="meta") for key in keys})
    assert not plan.entries and plan.dropped.keys() == keys.keys()
    for key, word in keys.items():
        assert word in plan.dropped[key]
    assert BLIP2_MAP.reason("Qformer.cls.predictions.bias")
    assert BUBOGPT_MAP.reason("llama_model.model.layers.3.mlp.up_proj.SCB")
    assert HUB_MAP.reason("language_model.decoder.block.0.layer.0.SelfAttention.q.weight")
    assert HUB_MAP.reason("qformer.encoder.layer.3.intermediate.dense.weight")
    assert not HUB_MAP.reason("qformer.encoder.layer.3.intermediate_query.dense.weight")
    assert not HUB_MAP.reason("qformer.encoder.layer.3.attention.output.dense.weight")


# --- toy files ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    return write_release(tmp_path_factory.mktemp("release"))


@pytest.fixture(scope="module")
def converted(release, tmp_path_factory):
    target = tmp_path_factory.mktemp("converted") / "model"
    report = convert("bubogpt", release, target, config=CONFIG)
    return target, report


def turn():
    rng = np.random.default_rng(0)
    picture = Picture(rng.integers(0, 256, (40, 60, 3), dtype=np.uint8))
    sound = Sound(rng.uniform(-0.5, 0.5, 16000).astype(np.float32), 16000)
    return Turn("user", "what is this?", (picture,), (sound,))


def answer(model, processor):
    speaker = ModelSpeaker(model, processor)
    text = "".join(speaker.stream([turn()], Settings(max_new_tokens=8)))
    assert speaker.last.encoder_calls == 2 and speaker.last.tokens_generated > 0
    return text


def load(folder, **options):
    model, report = BuboForConditionalGeneration.from_pretrained(folder, output_loading_info=True, **options)
    assert not any(report.values())
    return model.eval(), AutoProcessor.from_pretrained(folder)


def test_pickles_become_a_model_that_answers_and_can_be_saved(converted, tmp_path):
    target, report = converted
    assert not report.unexpected
    model, processor = load(target)
    said = answer(model, processor)
    model.save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    again, same_processor = load(tmp_path)
    assert answer(again, same_processor) == said != ""
    for name, value in model.state_dict().items():
        assert torch.equal(again.state_dict()[name], value)
    fields = [{**one.config.to_dict(), "_name_or_path": ""} for one in (model, again)]
    assert fields[0] == fields[1]


def test_values_arrive_where_they_belong(converted):
    state = load_file(converted[0] / "model.safetensors")
    tower = "model.vision_tower.encoder.layers."
    block = {name: eva()[f"blocks.1.attn.{name}"] for name in ("q_bias", "v_bias", "qkv.weight")}
    bias = torch.cat((block["q_bias"], torch.zeros(32), block["v_bias"]))
    assert torch.equal(state[tower + "1.self_attn.qkv.bias"], bias)
    assert torch.equal(state[tower + "1.self_attn.qkv.weight"], block["qkv.weight"])
    assert tower + "2.self_attn.qkv.weight" not in state
    scale = imagebind()["modality_postprocessors.audio.1.log_logit_scale"]
    assert torch.equal(state["model.audio_tower.log_logit_scale"], scale)
    key = AUDIO_BERT + "encoder.layer.2.crossattention.self.key.weight"
    name = "model.audio_bridge.qformer.encoder.layer.2.crossattention.attention.key.weight"
    assert torch.equal(state[name], bubogpt()[key])


def test_the_hubs_blip2_gives_the_same_without_its_text_model(release, converted, tmp_path):
    hub = write_hub_blip2(tmp_path / "blip2-flan-t5-xxl")
    report = convert_bubogpt(release, tmp_path / "model", vision=hub, config=CONFIG)
    assert report.dropped["blip2-flan-t5-xxl: language_projection.weight"]
    ours, theirs = (load_file(one / "model.safetensors") for one in (tmp_path / "model", converted[0]))
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_checkpoints_of_both_stages_and_minigpt4s_projector(release, tmp_path):
    """Stage 1 has what sounds need, MiniGPT-4 the projector of pictures, stage 2 both projectors again."""
    files = tmp_path / "files"
    files.mkdir()
    for path in release.iterdir():
        if path.name != "bubogpt_7b.pth":
            (files / path.name).symlink_to(path)
    own = bubogpt()
    audio = {name: value for name, value in own.items() if ".audio." in name}
    audio["llama_model.model.layers.0.self_attn.rotary_emb.inv_freq"] = torch.ones(6)
    torch.save({"model": audio, "optimizer": {"state": {}}, "epoch": 3}, files / "stage1.pth")
    projector = {"llama_proj.weight": torch.ones(64, 32), "llama_proj.bias": torch.zeros(64)}
    torch.save({"model": projector}, files / "prerained_minigpt4_7b.pth")
    stage1 = [files / "stage1.pth"]
    convert_bubogpt(files, tmp_path / "one", checkpoints=stage1, config=CONFIG)
    state = load_file(tmp_path / "one" / "model.safetensors")
    assert torch.equal(state["model.vision_bridge.projector.weight"], torch.ones(64, 32))
    name = "multimodal_joiner.modality_post_projectors.{}.fc.{}"
    later = {
        name.format(m, part): own[name.format(m, part)] + 1
        for m in ("vision", "audio")
        for part in ("weight", "bias")
    }
    torch.save({"model": later}, files / "stage2.pth")
    convert_bubogpt(files, tmp_path / "two", checkpoints=[*stage1, files / "stage2.pth"], config=CONFIG)
    state = load_file(tmp_path / "two" / "model.safetensors")
    for modality in ("vision", "audio"):
        expected = later[name.format(modality, "weight")]
        assert torch.equal(state[f"model.{modality}_bridge.projector.weight"], expected)


def test_another_language_model_needs_projectors_of_its_own(release, converted, tmp_path):
    llm = write_vicuna(tmp_path / "other", width=96)
    with pytest.raises(
        ConversionError, match="vision projector leads to a language model 64 wide, this one is 96"
    ):
        convert_bubogpt(release, tmp_path / "model", llm=llm, config=CONFIG)
    assert not (tmp_path / "model").exists()
    target = tmp_path / "new"
    convert_bubogpt(release, target, llm=llm, mode="better", new_projectors=True, config=CONFIG)
    model, processor = load(target)
    assert model.model.vision_bridge.projector.weight.shape == (96, 32)
    assert model.model.vision_bridge.projector.weight.detach().std() == pytest.approx(0.02, rel=0.1)
    assert not processor.whole_runs and not model.generation_config.do_sample
    assert answer(model, processor)


def test_a_qwen_with_a_tied_head(release, tmp_path):
    """Its tokenizer knows the placeholders already, and its head is not in the file."""
    tokenizer = tiny_tokenizer()
    fields = tiny_text_config().to_dict()
    names = ("vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads")
    config = Qwen3Config(
        **{name: fields[name] for name in names}, num_key_value_heads=2, tie_word_embeddings=True
    )
    for one in (Qwen3ForCausalLM(config), tokenizer):
        one.save_pretrained(tmp_path / "qwen")
    options = {"llm": tmp_path / "qwen", "mode": "better", "new_projectors": True, "config": CONFIG}
    convert_bubogpt(release, tmp_path / "model", **options)
    model, processor = load(tmp_path / "model")
    assert model.lm_head.weight is model.get_input_embeddings().weight
    assert model.config.image_token_id == tokenizer.convert_tokens_to_ids("<|image|>")
    assert set(processor.tokenizer.extra_special_tokens) == set(tokenizer.extra_special_tokens)
    assert answer(model, processor)


def test_weights_may_be_stored_in_another_type(release, tmp_path):
    convert_bubogpt(release, tmp_path / "model", dtype=torch.bfloat16, config=CONFIG)
    model, _ = load(tmp_path / "model")
    assert {value.dtype for value in model.parameters()} == {torch.bfloat16}


@pytest.mark.parametrize("bits", [8, 4])
def test_the_language_model_in_few_bits_answers(bits, converted):
    fields = {8: {"load_in_8bit": True}, 4: {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4"}}[bits]
    quantised = BitsAndBytesConfig(**fields, llm_int8_skip_modules=list(NOT_QUANTISED))
    model, processor = load(converted[0], quantization_config=quantised, dtype=torch.float32)
    few = {name for name, module in model.named_modules() if "bit" in type(module).__name__}
    assert len(few) == 14 and all(name.startswith("model.language_model.layers.") for name in few)
    assert answer(model, processor)


def without(tensors, name):
    return {key: value for key, value in tensors.items() if key != name}


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        (
            "bubogpt_7b.pth",
            lambda: without(bubogpt(), AUDIO_VALUE),
            "lacks 1 tensors, such as model.audio_bridge",
        ),
        ("eva_vit_g.pth", lambda: without(eva(), "blocks.1.attn.v_bias"), "needs a part 'v'"),
        ("eva_vit_g.pth", lambda: without(eva(), "pos_embed"), "None of the files gives 'model.vision_tower"),
        (
            "imagebind_huge.pth",
            lambda: {"other": torch.ones(2)},
            "None of the files gives 'model.audio_tower",
        ),
    ],
)
def test_what_is_missing_is_named(file, content, said, release, tmp_path):
    files = tmp_path / "files"
    files.mkdir()
    for path in release.iterdir():
        if path.name != file:
            (files / path.name).symlink_to(path)
    torch.save(content(), files / file)
    with pytest.raises(ConversionError, match=re.escape(said)):
        convert_bubogpt(files, tmp_path / "model", config=CONFIG)
    assert not (tmp_path / "model").exists()


def test_what_is_too_much_is_reported(release, tmp_path):
    files = tmp_path / "files"
    files.mkdir()
    for path in release.iterdir():
        if path.name != "bubogpt_7b.pth":
            (files / path.name).symlink_to(path)
    torch.save({"model": bubogpt() | {"multimodal_encoder.odd": torch.ones(3)}}, files / "bubogpt_7b.pth")
    report = convert_bubogpt(files, tmp_path / "model", config=CONFIG)
    assert report.unexpected == ["bubogpt_7b.pth: multimodal_encoder.odd"]


def test_wrong_choices_are_refused(release, tmp_path):
    target = tmp_path / "model"
    with pytest.raises(ConversionError, match="'parity' or 'better', but got 'best'"):
        convert_bubogpt(release, target, mode="best")
    with pytest.raises(ConversionError, match=r"shapes do not tell their number"):
        convert_bubogpt(release, target)
    with pytest.raises(ConversionError, match=r"holds none: put it there, or say where it is with llm=PATH"):
        convert_bubogpt(tmp_path, target)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConversionError, match="'empty' is no language model"):
        convert_bubogpt(release, target, llm=tmp_path / "empty")
