"""RAM as a tagger: thousands of tags with a threshold each, or a list of one's own."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from huggingface_hub.errors import StrictDataclassError
from numpy.typing import NDArray
from PIL import Image
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor
from transformers import AutoConfig

from bubo.errors import InputError, ModelError
from bubo.grounding.tag_lists import check_tags, read_tags
from bubo.models.ram import RamConfig, RamImageProcessor, RamModel
from bubo.passes import Passes, fail_alone
from bubo.types import Picture, Tags

FloatArray = NDArray[np.float32]

#: Tags of RAM's own list that never become entities, one a line.
NOT_THINGS = Path(__file__).with_name("not_things.txt")
#: Threshold of tags that have none of their own.
OPEN_THRESHOLD = 0.5
#: Pictures in a pass. One of 384 x 384 takes some 0.3 GB beside RAM++'s weights.
BATCH = 4
_HALF = np.float32(0.5)
_BELOW = np.nextafter(_HALF, np.float32(0))


class RamTagger:
    """Picture -> all tags of a RAM or RAM++ model with their scores.

    Threads may share it: pictures that several ask about at once share a pass.

    Of the model's own tags those in not_things.txt are left out: acts, qualities and words about pictures
    ("see", "dark", "photo"), which name nothing that could be cut out. A list of one's own counts whole.

    Args:
        model: A `RamModel`.
        image_processor: Its `RamImageProcessor`.
        tags: What the model's columns stand for; by default the names of its config. With `label_embeds` any
            list of up to `tag_lists.MAX_TAGS` different tags.
        thresholds: Probability above which a tag is present: one for each tag or one for all. By default
            those of the config, and `OPEN_THRESHOLD` where there are none.
        label_embeds: CLIP ViT-B/16 embeddings of other tags than the model's own (an open set): (N, 512), or
            (N, K, 512) for RAM++ and K descriptions per tag.
        batch: Most pictures in a pass.

    Raises:
        InputError: If the tags or thresholds cannot be used.
        ModelError: If tags, embeddings, image processor and model do not fit each other.
    """

    def __init__(
        self,
        model: Any,
        image_processor: Any,
        tags: Sequence[str] | None = None,
        thresholds: float | Sequence[float] | NDArray[Any] | None = None,
        *,
        label_embeds: Tensor | None = None,
        batch: int = BATCH,
    ):
        config = model.config
        is_open = label_embeds is not None
        if tags is None:
            if is_open:
                raise InputError("Label embeddings were given without tags: give the tag of each of them.")
            tags = config.tag_names
            if tags is None:
                raise ModelError(
                    f"The model does not name its {config.num_tags} tags: convert it with its tag list, or "
                    "give tags."
                )
            left_out = things_left_out()
        else:
            left_out = frozenset()
        self.tags = check_tags(tags)
        if thresholds is None:
            thresholds = config.tag_thresholds if not is_open else None
        self.thresholds = _checked_thresholds(
            OPEN_THRESHOLD if thresholds is None else thresholds, len(self.tags)
        )
        self._deleted = [] if is_open else list(config.deleted_tags)
        self._label_embeds = None if label_embeds is None else _checked_embeds(label_embeds, self.tags, model)
        if not is_open and len(self.tags) != config.num_tags:
            raise ModelError(
                f"The model has {config.num_tags} tags, but {len(self.tags)} names were given: give one for "
                "each, or label embeddings for tags of your own."
            )
        size = image_processor.size
        if (size["height"], size["width"]) != (config.image_size, config.image_size):
            raise ModelError(
                f"The image processor makes {size['height']} x {size['width']} pixels, the model wants "
                f"{config.image_size} x {config.image_size}: use the processor saved with the model."
            )
        self._columns = [number for number, tag in enumerate(self.tags) if tag not in left_out]
        self.tags = tuple(self.tags[number] for number in self._columns)
        self.model = model.eval()
        self.image_processor = image_processor
        self._passes: Passes[Tensor, FloatArray] = Passes(fail_alone(self._look_at), batch)

    @classmethod
    def load(
        cls,
        folder: str | Path,
        *,
        tag_list: str | Path | None = None,
        label_embeds: str | Path | None = None,
        thresholds: float | Sequence[float] | None = None,
        batch: int = BATCH,
        device: str | torch.device = "cpu",
    ) -> Self:
        """Loads a converted model.

        Args:
            folder: What `bubo convert` or `save_pretrained` wrote.
            tag_list: File with one tag per line, in place of the names in the config.
            label_embeds: safetensors file that holds one tensor, the embeddings of the tags in `tag_list`.
            thresholds: See the class.
            batch: See the class.
            device: Where the model runs.

        Raises:
            InputError: If the list or the embeddings cannot be read or used.
            ModelError: If the folder holds no such model, or the parts do not fit each other.
        """
        tags = None if tag_list is None else read_tags(tag_list)
        embeds = None if label_embeds is None else read_label_embeds(label_embeds)
        model, processor = _load(Path(folder))
        return cls(model.to(device), processor, tags, thresholds, label_embeds=embeds, batch=batch)

    def tag(self, picture: Picture) -> Tags:
        """Scores of all tags; one half or more for those above their threshold.

        Raises:
            ModelError: If the model's output is not a number.
        """
        image = Image.fromarray(picture.pixels)
        inputs = self.image_processor(images=[image], return_tensors="pt")
        probabilities = self._passes.share(inputs["pixel_values"])
        if not np.isfinite(probabilities).all():
            raise ModelError(
                "The tagger's probabilities are not numbers: its weights are broken, or too large for their "
                "type. Convert it again, or use float32."
            )
        scores = tag_scores(probabilities, self.thresholds)
        scores[self._deleted] = 0
        return Tags(self.tags, scores[self._columns])

    def _look_at(self, pictures: Sequence[Tensor]) -> list[FloatArray]:
        """Probabilities (N,) of the tags of each picture (1, 3, H, W)."""
        values = torch.cat(list(pictures)).to(self.model.device)
        with torch.inference_mode():
            logits = self.model(values, label_embeds=self._label_embeds).logits
        return list(logits.float().sigmoid().cpu().numpy())


def things_left_out() -> frozenset[str]:
    """Tags of RAM's own list that name no thing."""
    return frozenset(NOT_THINGS.read_text(encoding="utf-8").split("\n")) - {""}


def _load(folder: Path) -> tuple[RamModel, RamImageProcessor]:
    """The model of a folder, every tensor from its file, and its image processor."""
    if not (folder / "config.json").is_file():
        raise ModelError(f"There is no model in {str(folder)!r}: give a folder that bubo convert ram made.")
    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True)
        if not isinstance(config, RamConfig):
            raise ValueError(f"its model is of type {config.model_type!r}, expected 'ram'")
        model, report = RamModel.from_pretrained(
            folder, config=config, local_files_only=True, use_safetensors=True, output_loading_info=True
        )
        processor = RamImageProcessor.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, RuntimeError, SafetensorError, StrictDataclassError) as error:
        detail = " ".join(str(error).split())[:300]
        raise ModelError(f"Cannot load the RAM tagger in {str(folder)!r}: {detail}") from error
    absent = sorted(report["missing_keys"])
    if absent:  # transformers would leave them random
        raise ModelError(
            f"The weights in {str(folder)!r} lack {len(absent)} tensors, such as {absent[0]}: convert the "
            "checkpoint again."
        )
    return model, processor


def tag_scores(probabilities: FloatArray, thresholds: FloatArray) -> FloatArray:
    """Probabilities bent in two straight pieces so that one half or more means present.

    0 becomes 0, the threshold one half, 1 stays 1. RAM takes a tag as present only above its threshold, so
    what lies at the threshold itself gets the number next to one half; a threshold of 1 is never passed.

    Args:
        probabilities: (N,), 0 to 1.
        thresholds: (N,), 0 to 1.
    """
    given, limit = probabilities.astype(np.float64), thresholds.astype(np.float64)
    low = 0.5 * given / np.where(limit > 0, limit, 1)
    high = 0.5 + 0.5 * (given - limit) / np.where(limit < 1, 1 - limit, 1)
    below, above = np.minimum(low, _BELOW), np.maximum(high, _HALF)
    scores: FloatArray = np.where(given > limit, above, below).astype(np.float32)
    return scores


def read_label_embeds(path: str | Path) -> Tensor:
    """Reads the one tensor of a safetensors file.

    Raises:
        InputError: If it cannot be read, or holds none or several.
    """
    try:
        tensors = load_file(path)
    except (OSError, ValueError, SafetensorError) as error:
        raise InputError(f"Cannot read the label embeddings {str(path)!r}: {error}.") from error
    if len(tensors) != 1:
        raise InputError(
            f"The label embeddings {str(path)!r} must be one tensor, but are {len(tensors)}: "
            f"{', '.join(sorted(tensors)[:5])}."
        )
    return next(iter(tensors.values()))


def _checked_thresholds(thresholds: float | Sequence[float] | NDArray[Any], count: int) -> FloatArray:
    try:
        array = np.asarray(thresholds, dtype=np.float32)
        array = np.full(count, array) if array.ndim == 0 else array
    except (TypeError, ValueError):
        raise InputError("The thresholds must be numbers from 0 to 1, one for all tags or each.") from None
    if array.shape != (count,):
        raise InputError(f"There must be one threshold for each of {count} tags, but there are {array.size}.")
    if not ((array >= 0) & (array <= 1)).all():  # written so that NaN fails too
        wrong = array[~((array >= 0) & (array <= 1))][0]
        raise InputError(f"A threshold must lie between 0 and 1, but one is {wrong}.")
    return array


def _checked_embeds(embeds: Tensor, tags: Sequence[str], model: Any) -> Tensor:
    """The embeddings in the type and place of the model's own."""
    width, own = model.config.projection_dim, model.label_embeds
    if embeds.ndim not in (2, 3) or len(embeds) != len(tags) or embeds.shape[-1] != width:
        raise ModelError(
            f"The label embeddings have shape {tuple(embeds.shape)}, expected ({len(tags)}, {width}) for "
            f"{len(tags)} tags, or ({len(tags)}, descriptions, {width}): make one per tag with CLIP ViT-B/16."
        )
    if embeds.ndim == 3 and embeds.shape[1] != 1 and not model.config.reweight_descriptions:
        raise ModelError(
            f"The label embeddings hold {embeds.shape[1]} descriptions per tag, but this is RAM, which takes "
            "one: give their mean, or use RAM++."
        )
    if not torch.isfinite(embeds).all():
        raise ModelError("The label embeddings hold NaN or infinite numbers: make them again.")
    return embeds.to(own)
