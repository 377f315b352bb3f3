"""Detector over GroundingDINO or MM-GroundingDINO: every phrase is a sub-sentence of its own.

The prompt is "phrase . phrase . phrase ."; the models let words attend only inside their sub-sentence, so
phrases stay apart. What a box says of a phrase is read at that phrase's own tokens, so a label is the given
phrase, never a mixture of several. Phrases that do not fit into one prompt go into the next.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from bubo.errors import ModelError
from bubo.geometry import clip_boxes, nms
from bubo.grounding.thresholds import bent
from bubo.passes import Passes, fail_alone
from bubo.types import Picture, Regions

FloatArray = NDArray[np.float32]

# Questions in a pass. One about a picture of 800 x 1333 takes some 1.7 GB in float32 beside the weights, and
# the device has a language model to hold too.
BATCH = 2


@dataclass(frozen=True)
class Prompt:
    """Some phrases as the tokens of one question.

    Attributes:
        ids: Token ids with the ones at both ends.
        spans: (number of the phrase, its first token, the one behind its last).
    """

    ids: tuple[int, ...]
    spans: tuple[tuple[int, int, int], ...]


@dataclass(frozen=True, eq=False)
class Question:
    """A prompt about a picture.

    Attributes:
        pixels: What the image processor makes of the picture, by name, (1, ...).
        ids: The prompt's tokens.
    """

    pixels: dict[str, Tensor]
    ids: tuple[int, ...]


class GroundingDinoDetector:
    """Boxes for phrases.

    Threads may share it: questions about pictures of one shape share a pass. Those of other shapes do not:
    filled up with black and masked, a picture gets other boxes, since the backbone and the norms see the mask
    nowhere.

    A score is bent so that `box_threshold` lies at one half, as everywhere in grounding.

    Args:
        model: A `GroundingDinoForObjectDetection` or `MMGroundingDinoForObjectDetection`.
        processor: Its processor, or anything with an `image_processor` and a `tokenizer`.
        box_threshold: A box is a phrase's from this probability of one of the phrase's tokens on.
        text_threshold: The mean over all of the phrase's tokens must reach this.
        nms_iou: Of two boxes of one phrase that overlap by more, the surer is kept.
        max_boxes: Most boxes per phrase.
        batch: Most questions in a pass.

    Raises:
        ModelError: If the model would not see where a sub-sentence ends.
    """

    def __init__(
        self,
        model: Any,
        processor: Any,
        *,
        box_threshold: float = 0.3,
        text_threshold: float = 0.2,
        nms_iou: float = 0.5,
        max_boxes: int = 20,
        batch: int = BATCH,
    ):
        self.model = model
        self.image_processor = processor.image_processor
        self.tokenizer = processor.tokenizer
        self.box_threshold = box_threshold
        self.text_threshold = text_threshold
        self.nms_iou = nms_iou
        self.max_boxes = max_boxes
        self.max_tokens = int(model.config.max_text_len)
        self.stop = int(self.tokenizer.convert_tokens_to_ids("."))
        if self.stop not in model.model.special_tokens.tolist():
            raise ModelError(
                f"The tokenizer writes '.' as {self.stop}, but the detector separates phrases at "
                f"{model.model.special_tokens.tolist()}: give the tokenizer that belongs to the model."
            )
        self._passes: Passes[Question, tuple[FloatArray, FloatArray]] = Passes(
            fail_alone(self._ask), batch, alike=lambda one: one.pixels["pixel_values"].shape
        )

    def detect(self, picture: Picture, phrases: Sequence[str]) -> Regions:
        """Boxes of each phrase, best first; a phrase without one gets an empty box with its best score."""
        prompts = list(self.prompts(phrases))
        if not prompts:
            return Regions.empty()
        inputs = self.image_processor(images=[Image.fromarray(picture.pixels)], return_tensors="pt")
        size = np.array([picture.width, picture.height] * 2, np.float32)
        parts: dict[int, Regions] = {}
        for prompt in prompts:
            probabilities, boxes = self._passes.share(Question(dict(inputs), prompt.ids))
            boxes = clip_boxes(boxes * size, picture.size_hw)
            for number, start, end in prompt.spans:
                parts[number] = self._choose(phrases[number], probabilities[:, start:end], boxes)
        return Regions.merge([parts[number] for number in sorted(parts)])

    def prompts(self, phrases: Sequence[str]) -> Iterator[Prompt]:
        """Packs phrases into as few prompts as their order allows; one that is too long alone is cut off."""
        first, last = int(self.tokenizer.cls_token_id), int(self.tokenizer.sep_token_id)
        ids: list[int] = [first]
        spans: list[tuple[int, int, int]] = []
        for number, phrase in enumerate(phrases):
            # a full stop or question mark inside would end the sub-sentence
            plain = " ".join(phrase.lower().replace(".", " ").replace("?", " ").split())
            tokens = self.tokenizer.encode(plain, add_special_tokens=False)[: self.max_tokens - 3]
            if not tokens:
                continue
            if len(ids) + len(tokens) + 2 > self.max_tokens:
                yield Prompt((*ids, last), tuple(spans))
                ids, spans = [first], []
            spans.append((number, len(ids), len(ids) + len(tokens)))
            ids += [*tokens, self.stop]
        if spans:
            yield Prompt((*ids, last), tuple(spans))

    def _ask(self, questions: Sequence[Question]) -> list[tuple[FloatArray, FloatArray]]:
        """Probabilities (Q, tokens) and boxes (Q, 4), in sides of the picture, of all queries of each."""
        device, dtype = self.model.device, self.model.dtype
        inputs: dict[str, Tensor] = {}
        for name in questions[0].pixels:
            values = torch.cat([one.pixels[name] for one in questions])
            inputs[name] = values.to(device, dtype if values.is_floating_point() else None)
        ids = [torch.tensor(one.ids) for one in questions]
        mask = [torch.ones_like(one) for one in ids]
        padding = int(self.tokenizer.pad_token_id)
        inputs["input_ids"] = pad_sequence(ids, batch_first=True, padding_value=padding).to(device)
        inputs["attention_mask"] = pad_sequence(mask, batch_first=True).to(device)
        with torch.inference_mode():
            out = self.model(**inputs)
        probabilities = out.logits.float().sigmoid().cpu().numpy()
        centres, sides = np.split(out.pred_boxes.float().cpu().numpy(), 2, axis=-1)
        boxes = np.concatenate([centres - sides / 2, centres + sides / 2], axis=-1)
        return list(zip(probabilities, boxes, strict=True))

    def _choose(self, phrase: str, probabilities: FloatArray, boxes: FloatArray) -> Regions:
        """The boxes of one phrase out of all queries, from the probabilities (Q, n) of its tokens."""
        scores = probabilities.max(axis=1)
        sure = (scores >= self.box_threshold) & (probabilities.mean(axis=1) >= self.text_threshold)
        sure &= (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
        if not sure.any():
            best = min(float(scores.max(initial=0.0)), self.box_threshold * 0.999)
            score = np.array([bent(best, self.box_threshold)], np.float32)
            return Regions((phrase,), np.zeros((1, 4), np.float32), score)
        boxes, scores = boxes[sure], scores[sure]
        kept = nms(boxes, scores, self.nms_iou)[: self.max_boxes]
        bent_scores = np.array([bent(float(score), self.box_threshold) for score in scores[kept]], np.float32)
        return Regions((phrase,) * len(kept), boxes[kept], bent_scores)
