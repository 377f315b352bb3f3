"""Text that a tokenizer reads as text: nothing in it becomes a special token."""

import re
from typing import Any

from bubo.errors import QuestionError

# A token broken up may let another one show; texts in which that goes on are refused.
_ROUNDS = 8
_MEDIA_TOKENS = (
    "image_token",
    "audio_token",
    "video_token",
    "boi_token",
    "eoi_token",
    "boa_token",
    "eoa_token",
)


class PlainText:
    """Breaks up the special tokens of a processor in texts: "<|end|>" becomes "< |end|>".

    Chat templates paste what was said between their own marks, and the tokenizer cannot tell the two apart.
    Marks that are no special tokens, such as the "USER:" of older templates, cannot be told from text either.

    Args:
        processor: A processor of transformers with its `tokenizer`.
    """

    def __init__(self, processor: Any):
        self._tokenizer = processor.tokenizer
        added = self._tokenizer.added_tokens_decoder
        tokens = {str(token) for token in added.values() if token.special}
        tokens |= {str(token) for token in self._tokenizer.all_special_tokens}
        tokens |= {str(getattr(processor, name, None) or "") for name in _MEDIA_TOKENS}
        marks = sorted((token for token in tokens if token.strip()), key=len, reverse=True)
        self._marks = re.compile("|".join(map(re.escape, marks))) if marks else None
        ids = self._tokenizer.convert_tokens_to_ids(marks)
        self._ids = {i for i in ids if i is not None} - {self._tokenizer.unk_token_id}

    def __call__(self, text: str) -> str:
        """The text with its special tokens broken up.

        Raises:
            QuestionError: If the tokenizer still finds one in it.
        """
        for _ in range(_ROUNDS):
            if self._marks is None or not self._marks.search(text):
                break
            text = self._marks.sub(lambda mark: f"{mark[0][0]} {mark[0][1:]}" if mark[0][1:] else " ", text)
        if self._ids.intersection(self._tokenizer(text, add_special_tokens=False)["input_ids"]):
            raise QuestionError(
                "The text holds signs that steer this model; leave out what looks like <|end|>."
            )
        return text
