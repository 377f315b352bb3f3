"""What each golden case is, and how ours is computed: through our converters, models and front ends.

A case is known by what it holds, not by its name, so any sizes and seeds will do. Every function takes a
`Case` and yields (name of an output, ours, expected, absolute tolerance, relative tolerance).
"""

import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from safetensors import safe_open
from torch import Tensor

from bubo.models.conversion import convert
from bubo.models.imagebind import (
    ImageBindAudioModel,
    ImageBindFeatureExtractor,
    ImageBindImageProcessor,
    ImageBindModel,
    ImageBindTokenizer,
    ImageBindVisionModel,
)
from bubo.models.imagebind.image_processing_imagebind import clip_frames
from bubo.models.imagebind.tokenization_imagebind import find_vocabulary
from tests.parity.ram_cases import run_ram, run_ram_picture

Outputs = Iterator[tuple[str, Any, Any, float, float]]
# float32 rounding through a few layers, and through the head with its scale
LAYERS, EMBEDDING, TEXT_EMBEDDING = 1e-4, 2e-5, 2e-4
BUBOGPT_SOUND = {
    "clip_duration_s": 5.0,
    "num_clips": 6,
    "clip_sampling": "pytorchvideo-0.1.5",
    "fit": "resize",
    "use_global": True,
    "tile_short": True,
}


# Names of the front end's settings in a case's facts -> ours
SOUND_FACTS = {
    "target_rate": "sampling_rate",
    "mel_bins": "num_mel_bins",
    "target_frames": "num_frames",
    "clip_seconds": "clip_duration_s",
    "clips": "num_clips",
    "mean": "mean",
    "std": "std",
}


class NotHere(Exception):
    """Something that a case needs and that is not part of this project, such as CLIP's vocabulary."""


@dataclass
class Case:
    """One golden file.

    Attributes:
        name: Of the file.
        tensors: "inputs/...", "outputs/..." and "weights/...".
        facts: Its JSON.
    """

    name: str
    tensors: dict[str, Tensor]
    facts: dict[str, Any]

    @property
    def weights(self) -> dict[str, Tensor]:
        """The state dict under the released names."""
        return {k.removeprefix("weights/"): v for k, v in self.tensors.items() if k.startswith("weights/")}

    def outputs(self) -> Iterator[tuple[str, Tensor]]:
        """Name and value of every expected output."""
        for key, value in self.tensors.items():
            if key.startswith("outputs/"):
                yield key.removeprefix("outputs/"), value


def load_case(path: Path) -> Case:
    """Reads a case; its facts are in a JSON file beside it, or in the tensor file's own metadata."""
    with safe_open(path, "pt") as file:
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a dict)
        facts = {key: json.loads(value) for key, value in (file.metadata() or {}).items()}
    beside = path.with_suffix(".json")
    if beside.is_file():
        facts = json.loads(beside.read_text())
    source = facts.get("weights_from")
    if source is not None:
        tensors |= {
            f"weights/{k}": v for k, v in load_case(path.with_name(f"{source}.safetensors")).weights.items()
        }
    return Case(path.stem, tensors, facts)


def run_case(case: Case) -> Outputs:
    """Ours and theirs of every output.

    Raises:
        NotHere: If something is needed that is not part of the project.
        ValueError: If nobody knows this kind of case.
    """
    for known, compute in KINDS:
        if known(case):
            yield from compute(case)
            return
    raise ValueError(f"nobody knows what {case.name} is: it holds {sorted(case.tensors)[:4]}")


def thinned(name: str, value: Tensor) -> tuple[str, Tensor]:
    """The full output's name and, of our value for it, what a thinned copy keeps."""
    for suffix, step, axes in (("_every_7th_token", 7, 1), ("_every_7th_pixel", 7, 2)):
        if name.endswith(suffix):
            return name.removesuffix(suffix), value[(slice(None), *[slice(None, None, step)] * axes)]
    return name, value


def plain_name(name: str) -> str:
    """The name of the full output."""
    return thinned(name, torch.zeros(1, 1, 1))[0]


# --- ImageBind and BuboGPT's fork ---------------------------------------------------------------------------


def settings(case: Case) -> dict[str, Any]:
    """What shapes cannot tell: the number of heads."""
    modality, sizes = case.facts["modality"], case.facts["model_kwargs"]
    return {f"{modality}_config": {"num_attention_heads": sizes[f"{modality}_num_heads"]}}


def converted(case: Case) -> ImageBindModel:
    """The case's weights, written as a released file, converted and loaded."""
    with tempfile.TemporaryDirectory() as folder:
        released, target = Path(folder) / "released.pth", Path(folder) / "converted"
        torch.save(case.weights, released)
        convert("imagebind", released, target, config=settings(case))
        model: ImageBindModel = ImageBindModel.from_pretrained(target).eval()
    return model


@torch.no_grad()
def run_imagebind(case: Case) -> Outputs:
    """One modality with its head: tokens, layers, embedding."""
    modality = case.facts["modality"]
    values = case.tensors[f"inputs/{modality}"]
    values = values if modality == "text" else values.float()
    model = converted(case)
    tower, head = getattr(model, f"{modality}_model"), getattr(model, f"{modality}_head")
    made: dict[str, Tensor] = {}
    hooks = [
        tower.embeddings.register_forward_hook(lambda *given: made.update(tokens=given[2])),
        head.projection.register_forward_hook(lambda *given: made.update(head=given[2])),
        head.register_forward_hook(lambda *given: made.update(per_clip_embedding=given[2])),
        tower.blocks[0].attention.register_forward_hook(lambda *given: made.update(block_0_attn=given[2])),
    ]
    for number, block in enumerate(tower.blocks):
        name = f"block_{number}"
        hooks.append(block.register_forward_hook(lambda *given, name=name: made.update({name: given[2]})))
    if tower.pre_norm is not None:
        hook = tower.pre_norm.register_forward_hook(
            lambda *given: made.update(after_pre_transformer=given[2])
        )
        hooks.append(hook)
    made["embedding"] = model.get_modality_features(modality, values)
    for hook in hooks:
        hook.remove()
    made["trunk"] = made[f"block_{len(tower.blocks) - 1}"]
    for name, expected in case.outputs():
        full = plain_name(name)
        scaled = full in ("embedding", "per_clip_embedding")
        atol = (TEXT_EMBEDDING if modality == "text" else EMBEDDING) if scaled else LAYERS
        yield name, thinned(name, made[full])[1], expected, atol, 1e-4


@torch.no_grad()
def run_bubogpt_trunk(case: Case) -> Outputs:
    """Token features as BuboGPT's joiner gets them."""
    modality = case.facts["modality"]
    values = case.tensors[f"inputs/{modality}"].float()
    model = converted(case)
    config = getattr(model.config, f"{modality}_config")
    config.token_norm = True
    tower_class = ImageBindAudioModel if modality == "audio" else ImageBindVisionModel
    tower: Any = tower_class(config).eval()
    weights = dict(getattr(model, f"{modality}_model").state_dict())
    scale = getattr(getattr(model, f"{modality}_head"), "log_logit_scale", None)
    tower.load_state_dict(weights if scale is None else weights | {"log_logit_scale": scale})
    made = {"features": tower(values).last_hidden_state}
    clips = values.flatten(0, 1) if values.ndim == 5 else values
    made["trunk"], layers = tower.encode(clips, True)
    made["tokens"] = layers[0]
    tower.config.merge = "none"
    made["normed_tokens"] = tower(values).last_hidden_state.reshape(made["trunk"].shape)
    made["features_with_head"] = model.get_modality_features(modality, values, all_tokens=True)
    for name, expected in case.outputs():
        yield name, thinned(name, made[plain_name(name)])[1], expected, LAYERS, 1e-4


def run_texts(case: Case) -> Outputs:
    """Words of texts, and their ids where CLIP's vocabulary is at hand."""
    try:
        path = find_vocabulary()
    except FileNotFoundError as error:
        raise NotHere(str(error)) from None
    if find_spec("ftfy") is None:
        raise NotHere("the package ftfy is not installed: pip install ftfy")
    strings = case.facts["strings"]
    for name, expected in case.outputs():
        if name == "body_length":
            tokenizer = ImageBindTokenizer(path)
            ours: Any = [len(tokenizer.encode(text)) for text in strings]
        else:
            ours = ImageBindTokenizer(path, keep_end=name == "ids")(strings)["input_ids"]
        yield name, np.asarray(ours), expected.numpy(), 0, 0


# --- front ends ---------------------------------------------------------------------------------------------


def run_sound(case: Case) -> Outputs:
    """Waveform to clips: ranges are exact, cells near the log floor react to rounding."""
    bubogpt = case.facts.get("use_global", "bubogpt" in case.name)
    kind = dict(BUBOGPT_SOUND) if bubogpt else {}
    kind |= {ours: case.facts[theirs] for theirs, ours in SOUND_FACTS.items() if theirs in case.facts}
    extractor = ImageBindFeatureExtractor(**kind)
    waveform = case.tensors["inputs/waveform_int16"].numpy().astype(np.float32) / 32768
    rate = case.facts["sample_rate"]
    prepared = extractor.prepare(waveform, rate)
    clips = extractor(waveform, rate)["input_features"][0]
    made = {
        "clips": clips,
        "first_clip": clips[0],
        "last_clip": clips[-1],
        "last_two_clips": clips[1:],
        "resampled": prepared,
    }
    if bubogpt:
        smooth = ImageBindFeatureExtractor(**kind, resize_antialias=True)(waveform, rate)
        soft = smooth["input_features"][0]
        made |= {"clips_antialias": soft[[0, -1]], "last_clip_antialias": soft[-1]}
    for name, expected in case.outputs():
        if name == "sample_ranges":
            ours = np.asarray(extractor.clip_ranges(prepared.shape[1]))
            yield name, ours, expected.numpy(), 0, 0
        elif name == "resampled":
            yield name, made[name], expected, 2e-5, 0
        else:
            errors = np.abs(made[name] - expected.numpy())
            yield name, made[name], expected, 3e-3, 0
            yield f"{name} (mean)", errors.mean(), np.zeros(()), 3e-5, 0


def run_picture(case: Case) -> Outputs:
    """Pictures to pixels; another Pillow may round a grey level (0.0146) differently."""
    same_pillow = case.facts.get("pillow") == Image.__version__
    for name, expected in case.outputs():
        source = case.tensors[f"inputs/{name.removesuffix('_every_7th_pixel')}"].numpy()
        pixels = ImageBindImageProcessor()(Image.fromarray(source), return_tensors="pt")["pixel_values"][0]
        yield name, thinned(name, pixels)[1], expected, 1e-5 if same_pillow else 0.02, 0


def run_video(case: Case) -> Outputs:
    """Frames to crops."""
    frames = case.tensors["inputs/frames_uint8"].permute(1, 2, 3, 0).numpy()
    facts = case.facts
    choice = {"num_clips": facts["clips"], "clip_duration_s": facts["clip_seconds"],
              "frames_per_clip": facts["frames_per_clip"]}  # fmt: skip
    crops = ImageBindImageProcessor().preprocess_video(frames, facts["fps"], **choice)["pixel_values"][0]
    for name, expected in case.outputs():
        if name == "frame_indices":
            ours = np.stack(clip_frames(len(frames), facts["fps"], *choice.values()))
            yield name, ours, expected.numpy(), 0, 0
        else:
            step = facts["stride"]
            yield name, crops[..., ::step, ::step], expected, 1e-4, 0


KINDS: list[tuple[Callable[[Case], bool], Callable[[Case], Outputs]]] = [
    (lambda case: "descriptions_per_tag" in case.facts, run_ram),
    (lambda case: "outputs/pixels_corner" in case.tensors, run_ram_picture),
    (lambda case: any("features" in key for key in case.tensors), run_bubogpt_trunk),
    (lambda case: "out_embed_dim" in case.facts.get("model_kwargs", {}), run_imagebind),
    (lambda case: "outputs/ids" in case.tensors, run_texts),
    (lambda case: "inputs/waveform_int16" in case.tensors, run_sound),
    (lambda case: "inputs/frames_uint8" in case.tensors, run_video),
    (lambda case: all(value.dtype == torch.uint8 for key, value in case.tensors.items() if "inputs/" in key),
     run_picture),
]  # fmt: skip
