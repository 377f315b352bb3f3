"""Original GroundingDINO and SAM files become folders that load: all names at full size, values at toy."""

import pytest
import tiny_grounding
import torch
from released_layouts import DinoSizes, SamSizes, grounding_dino_keys, sam_keys
from transformers import GroundingDinoForObjectDetection, SamModel

from bubo.grounding.released import released_grounder
from bubo.models.conversion import ConversionError, convert
from bubo.models.grounding_dino import convert_grounding_dino as dino
from bubo.models.sam_pil import convert_sam as sam

TINY_DINO = DinoSizes(
    swin=8,
    depths=(1, 1, 2, 1),
    heads=(1, 1, 2, 2),
    window=4,
    text=32,
    text_ffn=48,
    text_layers=2,
    words=1040,
    positions=64,
    width=64,
    ffn=32,
    layers=2,
    queries=12,
    attention_heads=2,
)
TINY_DINO_CONFIG = {
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "max_text_len": 64,
    "text_config": {"num_attention_heads": 2},
}
TINY_SAM = SamSizes(
    width=16,
    layers=2,
    heads=2,
    everywhere=(1,),
    window=4,
    grid=8,
    patch=8,
    hidden=16,
    mask_channels=4,
    ffn=32,
)
TINY_SAM_CONFIG = {"mask_decoder_config": {"num_attention_heads": 2}}


def empty(keys):
    return {name: torch.empty(shape, device="meta") for name, shape in keys}


def random(keys):
    """Values by name; what is one module under two names has one value."""
    torch.manual_seed(0)
    found = {}
    for name, shape in keys:
        twin = found.get(name.removeprefix("transformer.decoder.")) if ".bbox_embed." in name else None
        found[name] = twin if twin is not None else torch.randn(shape) * 0.2
    return found


@pytest.mark.parametrize(
    ("sizes", "parts"),
    [
        (DinoSizes(), {"depths": [2, 2, 6, 2], "num_heads": [3, 6, 12, 24], "image_size": 224}),
        (
            DinoSizes(swin=128, depths=(2, 2, 18, 2), heads=(4, 8, 16, 32), window=12),
            {"depths": [2, 2, 18, 2], "window_size": 12, "image_size": 384},
        ),
    ],
)
def test_every_tensor_of_grounding_dino_has_a_place(sizes, parts):
    start = "module." if sizes == DinoSizes() else ""
    released = {start + name: value for name, value in empty(grounding_dino_keys(sizes)).items()}
    config = dino.infer_config(released, "file", {})
    assert {name: getattr(config.backbone_config, name) for name in parts} == parts
    assert (config.num_queries, config.d_model, config.text_config.num_attention_heads) == (900, 256, 12)
    with torch.device("meta"):
        model = GroundingDinoForObjectDetection(config)
    plan = dino.KEY_MAP.plan(released)
    compared = plan.compare(model)
    assert (compared.missing, compared.unexpected, compared.wrong) == ([], [], [])
    kinds = {key.removeprefix(start).split(".")[0] for key in plan.dropped}
    assert kinds == {"label_enc", "bert", "backbone"}
    assert plan.entries.keys() == model.state_dict().keys()


def test_every_tensor_of_sam_has_a_place():
    for sizes in (SamSizes(), SamSizes(width=768, layers=12, heads=12, everywhere=(2, 5, 8, 11))):
        released = empty(sam_keys(sizes))
        config = sam.infer_config(released, "file", {})
        vision = config.vision_config
        assert (vision.num_attention_heads, vision.window_size, vision.image_size) == (sizes.heads, 14, 1024)
        assert tuple(vision.global_attn_indexes) == sizes.everywhere
        with torch.device("meta"):
            model = SamModel(config)
        plan = sam.KEY_MAP.plan(released)
        compared = plan.compare(model)
        assert (compared.missing, compared.unexpected, compared.wrong) == ([], [], [])
        assert plan.entries.keys() == model.state_dict().keys() and not plan.dropped


def test_a_grounding_dino_file_is_converted_and_detects(tmp_path, picture):
    values = random(grounding_dino_keys(TINY_DINO))
    file, folder = tmp_path / "groundingdino_swint_ogc.pth", tmp_path / "dino"
    torch.save({"model": {f"module.{name}": value for name, value in values.items()}}, file)
    words = ["[PAD]"] + [f"[unused{n}]" for n in range(1, 1040)]
    for token, number in tiny_grounding.BERT_SPECIALS.items():
        words[number] = token
    words[200:203] = ["dog", "traffic", "light"]
    (tmp_path / "vocab.txt").write_text("\n".join(words) + "\n")
    report = convert(
        "grounding-dino", file, folder, config=TINY_DINO_CONFIG, vocabulary=tmp_path / "vocab.txt"
    )
    assert report.unexpected == []
    part = {"kind": "grounding-dino", "model": "dino", "box_threshold": 0.01, "text_threshold": 0.0}
    detector = released_grounder({"detector": part}, lambda name: tmp_path / name).detector
    made = detector.model.state_dict()
    for ours, theirs, rows in (
        (
            "model.decoder.layers.1.self_attn.key.weight",
            "transformer.decoder.layers.1.self_attn.in_proj_weight",
            1,
        ),
        (
            "model.decoder.layers.0.encoder_attn_text.value.bias",
            "transformer.decoder.layers.0.ca_text.in_proj_bias",
            2,
        ),
        (
            "model.encoder.layers.1.text_enhancer_layer.self_attn.query.weight",
            "transformer.encoder.text_layers.1.self_attn.in_proj_weight",
            0,
        ),
    ):
        assert torch.equal(made[ours], values[theirs].chunk(3)[rows])
    for ours, theirs in (
        (
            "model.decoder.layers.0.encoder_attn_layer_norm.weight",
            "transformer.decoder.layers.0.norm1.weight",
        ),
        ("model.decoder.layers.0.self_attn_layer_norm.weight", "transformer.decoder.layers.0.norm2.weight"),
        (
            "model.encoder.layers.0.fusion_layer.attn.out_text_proj.bias",
            "transformer.encoder.fusion_layers.0.attn.out_l_proj.bias",
        ),
        ("model.encoder.layers.0.deformable_layer.fc2.weight", "transformer.encoder.layers.0.linear2.weight"),
        ("model.backbone.conv_encoder.model.hidden_states_norms.stage3.bias", "backbone.0.norm2.bias"),
        ("bbox_embed.1.layers.2.weight", "bbox_embed.1.layers.2.weight"),
        ("model.encoder_output_bbox_embed.layers.0.bias", "transformer.enc_out_bbox_embed.layers.0.bias"),
    ):
        assert torch.equal(made[ours], values[theirs]), ours
    detector.image_processor.size = {"shortest_edge": 64, "longest_edge": 64}
    assert detector.tokenizer("Dog.")["input_ids"] == [101, 200, 1012, 102]
    assert set(detector.detect(picture, ["dog", "traffic light"]).labels) == {"dog", "traffic light"}


def test_a_sam_file_is_converted_and_segments(tmp_path, picture):
    values = random(sam_keys(TINY_SAM))
    torch.save(values | {"pixel_mean": torch.zeros(3, 1, 1)}, tmp_path / "sam_vit_h_4b8939.pth")
    report = convert("sam", tmp_path / "sam_vit_h_4b8939.pth", tmp_path / "sam", config=TINY_SAM_CONFIG)
    assert list(report.dropped) == ["pixel_mean"] and report.unexpected == []
    part = {"kind": "sam", "model": "sam"}
    segmenter = released_grounder({"segmenter": part}, lambda name: tmp_path / name).segmenter
    made = segmenter.model.state_dict()
    for ours, theirs in (
        (
            "mask_decoder.iou_prediction_head.proj_in.weight",
            "mask_decoder.iou_prediction_head.layers.0.weight",
        ),
        ("mask_decoder.iou_prediction_head.layers.0.bias", "mask_decoder.iou_prediction_head.layers.1.bias"),
        (
            "mask_decoder.output_hypernetworks_mlps.3.proj_out.bias",
            "mask_decoder.output_hypernetworks_mlps.3.layers.2.bias",
        ),
        ("vision_encoder.neck.layer_norm2.weight", "image_encoder.neck.3.weight"),
        ("vision_encoder.layers.1.layer_norm2.bias", "image_encoder.blocks.1.norm2.bias"),
        (
            "shared_image_embedding.positional_embedding",
            "prompt_encoder.pe_layer.positional_encoding_gaussian_matrix",
        ),
        (
            "prompt_encoder.shared_embedding.positional_embedding",
            "prompt_encoder.pe_layer.positional_encoding_gaussian_matrix",
        ),
        ("mask_decoder.upscale_conv2.weight", "mask_decoder.output_upscaling.3.weight"),
    ):
        assert torch.equal(made[ours], values[theirs]), ours
    found = segmenter.segment(picture, torch.tensor([[30.0, 20.0]]).numpy())
    assert found.masks.shape == (1, *picture.size_hw)


@pytest.mark.parametrize(
    ("kind", "keys", "gone"),
    [
        ("grounding-dino", grounding_dino_keys(TINY_DINO), "transformer.encoder.fusion_layers.1.gamma_v"),
        ("sam", sam_keys(TINY_SAM), "mask_decoder.iou_token.weight"),
    ],
)
def test_a_file_that_is_not_whole_or_another_model_is_refused(kind, keys, gone, tmp_path):
    values = random(keys)
    config = TINY_DINO_CONFIG if kind == "grounding-dino" else TINY_SAM_CONFIG
    del values[gone]
    torch.save(values, tmp_path / "file.pth")
    with pytest.raises(ConversionError, match="lacks 1 tensors, such as"):
        convert(kind, tmp_path / "file.pth", tmp_path / "model", config=config)
    torch.save({"other": torch.ones(2)}, tmp_path / "other.pth")
    with pytest.raises(ConversionError, match="has no tensor .* it is another kind of checkpoint"):
        convert(kind, tmp_path / "other.pth", tmp_path / "model")
    assert not (tmp_path / "model").exists()
