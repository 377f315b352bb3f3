"""RAM and RAM++ against stored outputs of the released code (see goldens/README.md)."""

import gzip
import json
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors import safe_open
from safetensors.torch import save_file
from torch.nn import functional as F

from bubo.models.ram import RamConfig, RamImageProcessor, RamModel, asymmetric_loss, find_tags
from bubo.models.ram.convert_ram import KEY_MAP, convert_ram, infer_fields
from bubo.models.ram.swin_ram import relative_positions, shift_mask

HERE = Path(__file__).parent
TOLERANCE = {"atol": 1e-4, "rtol": 1e-4}  # float32 rounding through eight blocks and the head


def load(case: str) -> tuple[dict[str, torch.Tensor], dict]:
    with safe_open(HERE / "goldens" / "thinned" / f"{case}.safetensors", "pt") as file:
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a dict)
        return tensors, {key: json.loads(value) for key, value in (file.metadata() or {}).items()}


def released(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The state dict under its released names."""
    return {key[8:]: value for key, value in tensors.items() if key.startswith("weights/")}


def watch(outputs: dict[str, torch.Tensor], name: str):
    """A hook that remembers what a module gives."""

    def remember(module, inputs, output) -> None:
        outputs[name] = output if output.ndim == 3 else output.flatten(1, 2)

    return remember


@pytest.mark.parametrize("implementation", ["eager", "sdpa"])
@torch.no_grad()
def test_ram(tmp_path, implementation):
    """The converted folder, stage by stage."""
    tensors, facts = load("ram_tiny")
    save_file(released(tensors), tmp_path / "ram.safetensors")
    fields = {"deleted_tags": facts["delete_tag_index"], "tag_names": facts["tag_list"]}
    convert_ram(tmp_path / "ram.safetensors", tmp_path / "ram", config=fields)
    model = RamModel.from_pretrained(tmp_path / "ram", attn_implementation=implementation)
    tower, seen = model.vision_tower, {}
    for name, module in {
        "patch_embed": tower.patch_norm,
        "stage_0_block_1": tower.stages[0].blocks[1],
        **{f"stage_{number}": stage for number, stage in enumerate(tower.stages)},
        "visual_tokens": tower,
        "tag_layer_0": model.head[0],
        "tag_layer_1": model.head[1],
    }.items():
        module.register_forward_hook(watch(seen, name))
    output = model(tensors["inputs/image"].float())
    seen |= {"image_embeds": output.image_embeds}
    seen["label_queries"] = F.relu(model.label_projection(model.label_embeds))[None]
    for name, given in seen.items():
        key = f"outputs/{name}"
        if key not in tensors:
            given, key = given[:, ::7], f"{key}_every_7th_token"
        torch.testing.assert_close(given, tensors[key], **TOLERANCE, msg=lambda text, name=name: name + text)
    torch.testing.assert_close(output.logits, tensors["outputs/logits"][:1], **TOLERANCE)

    present = find_tags(output.logits, tensors["inputs/class_threshold"], tuple(model.config.deleted_tags))
    assert torch.equal(present.long(), tensors["outputs/tag_multihot"][:1])
    names = [name for name, there in zip(model.config.tag_names, present[0], strict=True) if there]
    assert " | ".join(names) == facts["tags"][0]

    others = model(tensors["inputs/image"].float(), label_embeds=tensors["inputs/openset_label_embed"]).logits
    torch.testing.assert_close(others, tensors["outputs/openset_logits"][:1], **TOLERANCE)
    present = find_tags(others, torch.full((9,), facts["openset_threshold"]))
    assert torch.equal(present.long(), tensors["outputs/openset_multihot"][:1])


def test_what_released_files_store_is_what_we_compute():
    tensors, facts = load("ram_tiny")
    window, compared = facts["window"], 0
    for key, value in released(tensors).items():
        if key.endswith(".relative_position_index"):
            assert torch.equal(relative_positions(window, value.device), value)
        elif key.endswith(".attn_mask"):
            grid = facts["image_size"] // 4 // 2 ** int(key.split(".")[2])
            assert torch.equal(shift_mask(grid, window, window // 2, value.device, value.dtype), value)
        else:
            continue
        compared += 1
    assert compared == 8 + 3


@pytest.mark.parametrize("implementation", ["eager", "sdpa"])
@torch.no_grad()
def test_ram_plus(implementation):
    """From the image tokens on; three tags are as good as all, since tags do not see each other."""
    tensors, facts = load("ram_plus_tiny")
    config = RamConfig(
        image_size=facts["image_size"],
        embed_dim=facts["embed_dim"],
        depths=facts["depths"],
        num_heads=facts["num_heads"],
        window_size=facts["window"],
        hidden_size=facts["head_hidden"],
        intermediate_size=facts["head_intermediate"],
        num_tags=3,
        descriptions_per_tag=facts["descriptions_per_tag"],
        reweight_descriptions=True,
    )
    model = RamModel._from_config(config, attn_implementation=implementation).eval()
    plan = KEY_MAP.plan(released(tensors))
    model.load_state_dict({name: entry.make() for name, entry in plan.entries.items()}, strict=False)
    compared = plan.compare(model)
    assert not compared.unexpected and not compared.wrong
    assert all(name.startswith(("vision_tower.", "image_projection.")) for name in compared.missing)
    image_embeds = tensors["outputs/image_embeds"]
    model.get_image_features = lambda pixel_values: image_embeds

    seen: dict[str, torch.Tensor] = {}
    for number, layer in enumerate(model.head):
        layer.register_forward_hook(watch(seen, f"tag_layer_{number}"))
    output = model(torch.zeros(2, 3, 128, 128))
    seen["description_weights"] = output.description_weights
    queries, _ = model.weigh_descriptions(image_embeds, model.label_embeds.unflatten(0, (3, -1)))
    seen["label_queries"] = F.relu(model.label_projection(queries))
    for name, given in seen.items():
        torch.testing.assert_close(given, tensors[f"outputs/{name}_first_3_tags"], **TOLERANCE)
    torch.testing.assert_close(output.logits, tensors["outputs/logits"][:, :3], **TOLERANCE)

    embeds = tensors["inputs/openset_label_embed"].unflatten(0, (-1, facts["openset_descriptions_per_tag"]))
    others = model(torch.zeros(2, 3, 128, 128), label_embeds=embeds).logits
    torch.testing.assert_close(others, tensors["outputs/openset_logits"], **TOLERANCE)
    present = find_tags(others, torch.full((9,), facts["openset_threshold"]))
    assert torch.equal(present.long(), tensors["outputs/openset_multihot"])

    output = model(
        torch.zeros(2, 3, 128, 128),
        clip_embeds=tensors["inputs/train_clip_feature"],
        caption_embeds=tensors["inputs/train_text_embed"],
    )
    torch.testing.assert_close(output.distillation_loss, tensors["outputs/loss_distill"], **TOLERANCE)
    torch.testing.assert_close(output.alignment_loss, tensors["outputs/loss_alignment"], **TOLERANCE)
    torch.testing.assert_close(output.loss, output.distillation_loss + output.alignment_loss)


@pytest.mark.parametrize("case", ["ram_tiny", "ram_plus_tiny"])
def test_tags_and_loss_of_logits(case):
    tensors, facts = load(case)
    logits = tensors["outputs/logits"]
    present = find_tags(logits, tensors["inputs/class_threshold"], tuple(facts["delete_tag_index"]))
    assert torch.equal(present.long(), tensors["outputs/tag_multihot"])
    loss = asymmetric_loss(logits, tensors["inputs/train_tag_targets"], gamma_negative=7)
    torch.testing.assert_close(loss, tensors["outputs/loss_tag"], **TOLERANCE)


def test_picture():
    tensors, _ = load("ram_preprocess")
    picture = Image.fromarray(tensors["inputs/image"].numpy())
    pixels = RamImageProcessor()(picture, return_tensors="pt")["pixel_values"][0]
    # one grey level is 0.018: another Pillow may round differently by one
    for name, given in (
        ("every_6th_row_and_column", pixels[:, ::6, ::6]),
        ("corner", pixels[:, :40, :40]),
    ):
        torch.testing.assert_close(given, tensors[f"outputs/pixels_{name}"], atol=0.02, rtol=0)


@pytest.mark.parametrize(
    ("name", "num_dropped", "descriptions"),
    [("ram_swin_large_14m", 35 + 641, 1), ("ram_plus_swin_large_14m", 35, 51)],
)
def test_every_key_of_the_released_files_has_its_place(name, num_dropped, descriptions):
    shapes = json.loads(gzip.decompress((HERE / "manifests" / f"{name}.json.gz").read_bytes()))
    plan = KEY_MAP.plan({key: torch.empty(shape, device="meta") for key, shape in shapes.items()})
    fields = infer_fields(plan, name, {})
    usual = RamConfig(descriptions_per_tag=descriptions, reweight_descriptions=descriptions > 1)
    for field, value in fields.items():
        usual_value = getattr(usual, field)
        assert value == (list(usual_value) if isinstance(usual_value, tuple) else usual_value), field
    with torch.device("meta"):
        model = RamModel(RamConfig(**fields))
    compared = plan.compare(model)
    assert (compared.missing, compared.unexpected, compared.wrong) == ([], [], [])
    assert len(plan.dropped) == num_dropped and len(plan.entries) + num_dropped == len(shapes)
    assert all(plan.dropped.values())
