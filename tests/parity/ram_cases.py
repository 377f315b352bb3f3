"""RAM and RAM++: a case's weights are converted as a released file, and every stage is compared."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from bubo.models.conversion import convert
from bubo.models.ram import RamImageProcessor, RamModel, asymmetric_loss, find_tags

TOLERANCE = 1e-4


def converted(case: Any) -> RamModel:
    """The case's weights, written as a released file, converted and loaded."""
    facts = case.facts
    fields = {
        "num_attention_heads": facts["head_heads"],
        "descriptions_per_tag": facts["descriptions_per_tag"],
        "deleted_tags": facts["delete_tag_index"],
        "tag_names": facts["tag_list"],
    }
    with tempfile.TemporaryDirectory() as folder:
        released, target = Path(folder) / "released.pth", Path(folder) / "converted"
        torch.save({"model": case.weights}, released)
        convert("ram", released, target, config=fields)
        model: RamModel = RamModel.from_pretrained(target).eval()
    return model


def watched(model: RamModel) -> dict[str, Tensor]:
    """What the stages of the next run will have given, by the names of the goldens."""
    seen: dict[str, Tensor] = {}
    tower = model.vision_tower
    modules: dict[str, nn.Module] = {
        "patch_embed": tower.patch_norm,
        "stage_0_block_1": tower.stages[0].blocks[1],
        "visual_tokens": tower,
        **{f"stage_{number}": stage for number, stage in enumerate(tower.stages)},
        **{f"tag_layer_{number}": layer for number, layer in enumerate(model.head)},
    }
    for name, module in modules.items():
        module.register_forward_hook(lambda *given, name=name: seen.update({name: _tokens(given[2])}))
    return seen


def _tokens(value: Tensor) -> Tensor:
    return value if value.ndim == 3 else value.flatten(1, 2)


@torch.no_grad()
def run_ram(case: Any) -> Iterator[tuple[str, Any, Any, float, float]]:
    """All outputs of a case; tags are compared as strings and as columns, both exactly."""
    model, facts, inputs = converted(case), case.facts, case.tensors
    seen = watched(model)
    images = inputs["inputs/image"].float()
    output = model(images)
    made = dict(seen)  # an open set that is asked for later goes through the same stages
    made |= {"image_embeds": output.image_embeds, "logits": output.logits}
    embeds = model.label_embeds.unflatten(0, (facts["num_tags"], -1))  # (N, K, 512)
    queries = embeds[:, 0]
    if model.config.reweight_descriptions:
        queries, _ = model.weigh_descriptions(output.image_embeds, embeds)
        made["description_weights"] = output.description_weights
    made["label_queries"] = F.relu(model.label_projection(queries))
    present = find_tags(output.logits, inputs["inputs/class_threshold"], tuple(facts["delete_tag_index"]))
    made["tag_multihot"] = present
    made["loss_tag"] = asymmetric_loss(output.logits, inputs["inputs/train_tag_targets"], gamma_negative=7)
    others = inputs["inputs/openset_label_embed"]
    if facts["openset_descriptions_per_tag"] > 1:
        others = others.unflatten(0, (-1, facts["openset_descriptions_per_tag"]))
    made["openset_logits"] = model(images, label_embeds=others).logits
    limits = torch.full((others.shape[0],), facts["openset_threshold"])
    made["openset_multihot"] = find_tags(made["openset_logits"], limits)
    if "inputs/train_clip_feature" in inputs:
        trained = model(
            images,
            clip_embeds=inputs["inputs/train_clip_feature"],
            caption_embeds=inputs["inputs/train_text_embed"],
        )
        made |= {"loss_distill": trained.distillation_loss, "loss_alignment": trained.alignment_loss}
    for name, expected in case.outputs():
        exact = name.endswith("multihot")
        ours = made[name].expand(expected.shape) if name == "label_queries" else made[name]
        yield name, ours.double(), expected, 0 if exact else TOLERANCE, 0 if exact else TOLERANCE
    texts = [" | ".join(facts["tag_list"][i] for i in row.nonzero()[:, 0].tolist()) for row in present]
    wrong = [float(ours != theirs) for ours, theirs in zip(texts, facts["tags"], strict=True)]
    yield "tags that differ", wrong, [0.0] * len(wrong), 0, 0


def run_ram_picture(case: Any) -> Iterator[tuple[str, Any, Any, float, float]]:
    """A picture to pixels; another Pillow may round a grey level (0.018) differently."""
    picture = Image.fromarray(case.tensors["inputs/image"].numpy())
    pixels = RamImageProcessor()(picture, return_tensors="pt")["pixel_values"][0]
    atol = 1e-5 if case.facts.get("pillow") == Image.__version__ else 0.02
    for name, expected in case.outputs():
        if name == "pixels_corner":
            yield name, pixels[:, : expected.shape[1], : expected.shape[2]], expected, atol, 0
        else:
            step = -(-pixels.shape[1] // expected.shape[1])
            yield name, pixels[:, ::step, ::step], expected, atol, 0
