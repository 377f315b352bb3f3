"""Conversations to token ids, pictures and sounds to tensors."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import BatchFeature
from transformers.processing_utils import ProcessorMixin
from transformers.utils.chat_template_utils import render_jinja_template

from .layout_bubo import ChatLayout, Piece


def read_template(name: str) -> str:
    """Text of a chat template of this folder.

    Args:
        name: "chat_template.jinja" (nano), "vicuna_template.jinja" or "bubogpt_template.jinja".
    """
    return (Path(__file__).parent / name).read_text(encoding="utf-8")


def vicuna_layout(parity: bool = False) -> dict[str, Any]:
    """Arguments of `BuboProcessor` for the layout of the released BuboGPT weights.

    Args:
        parity: Lay a conversation out, and tokenise it, exactly as the original demo does: every picture and
            sound a message of its own. False puts a turn into one message, sounds first, as in training.
    """
    return {
        "chat_template": read_template("bubogpt_template.jinja" if parity else "vicuna_template.jinja"),
        "whole_runs": parity,
        "markers": ["###", "Human:", "Assistant:", "<Vision>", "</Vision>", "<Audio>", "</Audio>"],
        "stop_strings": ["###"],
    }


class BuboProcessor(ProcessorMixin):
    """Image processor, feature extractor and tokenizer behind one door.

    Args:
        image_processor: Pictures to `pixel_values` (num_images, 3, H, W).
        feature_extractor: Waveforms to `input_features` (num_sounds, S, 1, M, F) and `clip_mask`.
        tokenizer: Any tokenizer that knows the placeholders; a fast one also gives `Piece.offsets`.
        chat_template: Jinja text; None is Bubo's own layout.
        num_image_tokens: Placeholders per picture, as in `BuboConfig`.
        num_audio_tokens: Placeholders per sound.
        image_token: The placeholder of pictures.
        audio_token: The placeholder of sounds.
        markers: Plain-text strings that have a meaning in the template ("###"); inside texts they are spelt
            out character by character, so that they never form the tokens that the template makes.
        stop_strings: Plain-text strings that end an answer, beside the tokenizer's end token.
        whole_runs: Tokenise all that stands between two media in one go, see `ChatLayout`.

    Raises:
        ValueError: If the tokenizer does not know a placeholder.
    """

    # Not keyword-only: transformers reads the names of positional arguments when it loads a processor.
    def __init__(
        self,
        image_processor,
        feature_extractor,
        tokenizer,
        chat_template=None,
        num_image_tokens=32,
        num_audio_tokens=32,
        image_token="<|image|>",
        audio_token="<|audio|>",
        markers=None,
        stop_strings=None,
        whole_runs=False,
    ):
        self.num_image_tokens = num_image_tokens
        self.num_audio_tokens = num_audio_tokens
        self.image_token = image_token
        self.audio_token = audio_token
        self.markers = list(markers or [])
        self.stop_strings = list(stop_strings or [])
        self.whole_runs = whole_runs
        chat_template = read_template("chat_template.jinja") if chat_template is None else chat_template
        super().__init__(image_processor, feature_extractor, tokenizer, chat_template=chat_template)
        self.image_token_id = self._placeholder_id(image_token)
        self.audio_token_id = self._placeholder_id(audio_token)

    def _placeholder_id(self, token: str) -> int:
        known = self.tokenizer.get_vocab()
        if token not in known:
            raise ValueError(
                f"The tokenizer does not know the placeholder {token!r}; "
                "add it with tokenizer.add_special_tokens before building the processor."
            )
        return known[token]

    @property
    def model_input_names(self) -> list[str]:
        """Names that `apply_chat_template` and `__call__` may return."""
        return ["input_ids", "attention_mask", "pixel_values", "input_features", "clip_mask"]

    @property
    def layout(self) -> ChatLayout:
        """The rule from conversation to ids, by the present tokenizer and template."""
        return ChatLayout(
            self.tokenizer,
            self.chat_template,
            image=(self.image_token_id, self.num_image_tokens),
            audio=(self.audio_token_id, self.num_audio_tokens),
            markers=self.markers,
            whole_runs=self.whole_runs,
        )

    def encode_pieces(self, messages: Sequence[dict], add_generation_prompt: bool = False) -> list[Piece]:
        """As `encode_turns`, with the origin of every run of ids."""
        return self.layout.pieces(messages, add_generation_prompt)

    def encode_turns(self, messages: Sequence[dict], add_generation_prompt: bool = False) -> list[int]:
        """Token ids of a conversation. The ids of its first turns are a prefix of the ids of all of them.

        Args:
            messages: [{"role": "system" | "user" | "assistant", "content": text or parts}], where parts are
                {"type": "text", "text": ...}, {"type": "image"} and {"type": "audio"} in any order.
            add_generation_prompt: End with what precedes an answer.

        Raises:
            ValueError: If a message has another role or part.
        """
        return [i for piece in self.encode_pieces(messages, add_generation_prompt) for i in piece.ids]

    def apply_chat_template(
        self,
        conversation: Sequence[dict] | Sequence[Sequence[dict]],
        chat_template: str | None = None,
        *,
        images: Sequence | None = None,
        audio: Sequence | None = None,
        add_generation_prompt: bool = True,
        tokenize: bool = True,
        return_dict: bool = True,
        return_tensors: str | None = "pt",
        sampling_rate: int | None = None,
        **kwargs,
    ) -> BatchFeature | list | str:
        """Inputs of the model for one conversation or a batch of them, padded on the left.

        Args:
            conversation: Messages as in `encode_turns`, or a list of such lists. A part may carry its medium:
                {"type": "image", "image": picture}, {"type": "audio", "audio": waveform (T,)}.
            chat_template: Another Jinja text for this call.
            images: Pictures in reading order, for parts that carry none.
            audio: Waveforms in reading order, likewise.
            add_generation_prompt: End with what precedes an answer.
            tokenize: False gives the text, for looking at; it is not what the model is fed, since in a text
                special tokens and what users wrote cannot be told apart.
            return_dict: False gives the ids alone.
            return_tensors: "pt", or None for lists of ids.
            sampling_rate: Rate of the waveforms in Hz; None is the feature extractor's.
            **kwargs: `padding`, `padding_side`, `return_attention_mask` change nothing; others are refused.

        Raises:
            ValueError: If messages are malformed, or media and placeholders do not match.
            TypeError: If a keyword is unknown.
        """
        if unknown := sorted(set(kwargs) - ALREADY_SO):
            raise TypeError(
                f"BuboProcessor does not know {', '.join(unknown)}; media are `images` and `audio`."
            )
        batched = bool(conversation) and not isinstance(conversation[0], dict)
        conversations = list(conversation) if batched else [conversation]
        template = self.chat_template if chat_template is None else chat_template
        if not tokenize:
            texts = self._show(conversations, template, add_generation_prompt)
            return texts if batched else texts[0]
        layout = self.layout
        layout.template = template
        pieces = [layout.pieces(messages, add_generation_prompt) for messages in conversations]
        ids = [[i for piece in row for i in piece.ids] for row in pieces]
        counts = {
            kind: sum(piece.kind == kind for row in pieces for piece in row) for kind in ("image", "audio")
        }
        media = self._media(
            _collect(conversations, "image", images, counts["image"]),
            _collect(conversations, "audio", audio, counts["audio"]),
            sampling_rate,
        )
        data = (
            self._padded(ids)
            if return_tensors
            else {"input_ids": ids, "attention_mask": [[1] * len(r) for r in ids]}
        )
        if not return_dict:
            return data["input_ids"] if batched or return_tensors else data["input_ids"][0]
        return BatchFeature({**data, **media})

    def __call__(
        self,
        images: Any = None,
        text: str | Sequence[str] | None = None,
        videos: None = None,
        audio: Any = None,
        **kwargs,
    ) -> BatchFeature:
        """Inputs for questions, each a conversation of one user turn: its pictures, its sounds, its text.

        The text is what somebody wrote: placeholders and role markers in it mean nothing.

        Args:
            images: Per question a picture, a list of pictures or None; for one question also a plain list.
            text: A question, or a list of them.
            videos: Not supported.
            audio: Per question a waveform, a list of them or None, likewise.
            **kwargs: As in `apply_chat_template`.

        Raises:
            ValueError: If there is no text, or the number of media lists is not that of the questions.
        """
        if text is None or videos is not None:
            raise ValueError(
                "BuboProcessor needs text, with or without images and audio; videos are not supported."
            )
        questions = [text] if isinstance(text, str) else list(text)
        pictures = _per_question(images, questions, isinstance(text, str), "images")
        sounds = _per_question(audio, questions, isinstance(text, str), "audio")
        conversations = [
            [
                {
                    "role": "user",
                    "content": [{"type": "image", "image": one} for one in some_pictures]
                    + [{"type": "audio", "audio": one} for one in some_sounds]
                    + [{"type": "text", "text": question}],
                }
            ]
            for question, some_pictures, some_sounds in zip(questions, pictures, sounds, strict=True)
        ]
        return self.apply_chat_template(conversations, **kwargs)

    def _media(self, images: list, audio: list, sampling_rate: int | None) -> dict[str, torch.Tensor]:
        media = {}
        if images:
            media["pixel_values"] = self.image_processor(images=images, return_tensors="pt")["pixel_values"]
        if audio:
            rate = self.feature_extractor.sampling_rate if sampling_rate is None else sampling_rate
            features = self.feature_extractor(audio, sampling_rate=rate, return_tensors="pt")
            media |= {name: features[name] for name in ("input_features", "clip_mask") if name in features}
        return media

    def _padded(self, ids: list[list[int]]) -> dict[str, torch.Tensor]:
        """Rows of ids as (B, T) tensors, padded on the left so that generation continues every row."""
        pad = next(i for i in (self.tokenizer.pad_token_id, self.tokenizer.eos_token_id, 0) if i is not None)
        length = max(len(row) for row in ids)
        return {
            "input_ids": torch.tensor([[pad] * (length - len(row)) + row for row in ids]),
            "attention_mask": torch.tensor([[0] * (length - len(row)) + [1] * len(row) for row in ids]),
        }

    def _show(self, conversations: list, template: str, add_generation_prompt: bool) -> list[str]:
        texts, _ = render_jinja_template(
            conversations,
            chat_template=template,
            add_generation_prompt=add_generation_prompt,
            bos_token=self.tokenizer.bos_token or "",
            eos_token=self.tokenizer.eos_token or "",
            image_token=self.image_token,
            audio_token=self.audio_token,
        )
        return texts


# Options of other processors that ask for what this one always does.
ALREADY_SO = frozenset({"padding", "padding_side", "return_attention_mask"})


def _collect(conversations: list, kind: str, given: Sequence | None, count: int) -> list:
    """Media of one kind in reading order: those in the parts, and `given` for parts without one.

    Raises:
        ValueError: If some media are missing or left over; none at all is allowed (features may come later).
    """
    parts = [
        part
        for messages in conversations
        for message in messages
        if not isinstance(message["content"], str)
        for part in message["content"]
        if part["type"] == kind
    ]
    rest = list(given if given is not None else ())
    carried = sum(part.get(kind) is not None for part in parts)
    if carried + len(rest) == 0:
        return []
    if carried + len(rest) != count:
        raise ValueError(
            f"The conversation has {count} {kind} parts but {carried} carry their medium and {len(rest)} "
            "more were given; give one medium for every part."
        )
    others = iter(rest)
    return [part[kind] if part.get(kind) is not None else next(others) for part in parts]


def _per_question(media: Any, questions: list[str], single: bool, name: str) -> list[list]:
    """Media as one list per question.

    Raises:
        ValueError: If their number does not fit.
    """
    if media is None:
        return [[] for _ in questions]
    if single:
        return [list(media) if isinstance(media, list | tuple) else [media]]
    if not isinstance(media, list | tuple) or len(media) != len(questions):
        raise ValueError(f"{name} for {len(questions)} questions must be a list of {len(questions)} entries.")
    return [[] if one is None else list(one) if isinstance(one, list | tuple) else [one] for one in media]


__all__ = ["BuboProcessor", "read_template", "vicuna_layout"]
