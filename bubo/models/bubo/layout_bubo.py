"""From the structure of a conversation to token ids.

Nothing that somebody wrote is ever parsed: the chat template is rendered with private stand-ins where texts
and media go, the result is cut at the stand-ins, and each piece is tokenised by its own rule. Template pieces
may hold special tokens; texts never do, whatever they contain.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from transformers.utils.chat_template_utils import render_jinja_template

ROLES = ("system", "user", "assistant")
PARTS = ("text", "image", "audio")
# A stand-in: a letter (Text, Image, Audio, End of message) and a number between private-use characters.
STAND_IN = re.compile("\ue000([TIAE])([0-9]*)\ue001")
# Put before a piece that must not start like a new sentence, and taken away from its ids again.
ANCHOR = "\n"
# Texts whose ids are remembered.
NUM_KEPT = 512


@dataclass(frozen=True)
class Piece:
    """A run of token ids with one origin.

    Fields:
        ids: Token ids.
        kind: "template", "text", "image" or "audio".
        message: Index of the message it belongs to (for the generation prompt: the number of messages).
        target: Whether the assistant writes it: its text and the end mark, what training is about.
        offsets: Of a text, the half-open code-point span of each token; empty for other kinds and for slow
            tokenizers. Spans refer to the message's text parts, joined where they are neighbours.
    """

    ids: tuple[int, ...]
    kind: str
    message: int
    target: bool
    offsets: tuple[tuple[int, int], ...] = ()


class ChatLayout:
    """How a conversation becomes ids; it remembers those of the latest texts, which come again every turn.

    Args:
        tokenizer: A transformers tokenizer.
        template: Jinja text of the chat template.
        image: (placeholder id, placeholders per picture).
        audio: (placeholder id, placeholders per sound).
        markers: Plain-text strings with a meaning in the template; texts spell them out.
    """

    def __init__(
        self,
        tokenizer: Any,
        template: str,
        image: tuple[int, int],
        audio: tuple[int, int],
        markers: Sequence[str] = (),
    ):
        self.tokenizer = tokenizer
        self.template = template
        self.media = {"I": ("image", image), "A": ("audio", audio)}
        self.special_ids = {token.content: number for number, token in tokenizer.added_tokens_decoder.items()}
        self.reserved_ids = set(self.special_ids.values()) - {tokenizer.unk_token_id}
        self._specials = _any_of(self.special_ids)
        plain = [token.content for token in tokenizer.added_tokens_decoder.values() if not token.special]
        self._markers = _any_of([*markers, *plain])
        first = tokenizer.convert_ids_to_tokens(self._tokenize("a")[0])
        self._starts_with_space = bool(first) and first[0][:1] in ("\u2581", "\u0120")
        self._known_template = lru_cache(NUM_KEPT)(self._template_ids)
        self._known_text = lru_cache(NUM_KEPT)(self._text_ids)

    def pieces(self, messages: Sequence[dict], add_generation_prompt: bool = False) -> list[Piece]:
        """The conversation as pieces, in order.

        Raises:
            ValueError: If a message has an unknown role or part.
        """
        messages = [_normalised(message, number) for number, message in enumerate(messages)]
        texts = [
            part["text"] for message in messages for part in message["content"] if part["type"] == "text"
        ]
        rendered, targets = self._render(messages, add_generation_prompt)
        return list(self._cut(rendered, targets, texts))

    def _render(self, messages: list[dict], add_generation_prompt: bool) -> tuple[str, list[tuple[int, int]]]:
        """The template filled with stand-ins, and the spans of it that the assistant writes."""
        numbers = iter(range(10**9))
        stand_ins = [
            {"role": message["role"], "content": [_stand_in(part, numbers) for part in message["content"]]}
            for message in messages
        ]
        rendered, targets = render_jinja_template(
            [stand_ins],
            chat_template=self.template,
            add_generation_prompt=add_generation_prompt,
            return_assistant_tokens_mask="endgeneration" in self.template,
            bos_token=self.tokenizer.bos_token or "",
            eos_token=self.tokenizer.eos_token or "",
            image_token="\ue000I\ue001",
            audio_token="\ue000A\ue001",
            message_end="\ue000E\ue001",
        )
        return rendered[0], (targets[0] if targets else [])

    def _cut(self, rendered: str, targets: list[tuple[int, int]], texts: list[str]) -> Iterator[Piece]:
        message, fresh = (
            0,
            True,
        )  # fresh: the next piece starts like a new sentence (after a medium, or first of all)
        for start, end, stand_in in _runs(rendered, targets):
            target = any(first <= start and end <= last for first, last in targets)
            if stand_in is None:
                ids, fresh = self._known_template(rendered[start:end], fresh)
                if ids:
                    yield Piece(ids, "template", message, target)
            elif stand_in.group(1) in self.media:
                kind, (token_id, count) = self.media[stand_in.group(1)]
                yield Piece((token_id,) * count, kind, message, target)
                fresh = True
            elif stand_in.group(1) == "T":
                text = texts[int(stand_in.group(2))]
                space = " " if rendered[start - 1 : start] == " " else ""
                ids, offsets = self._known_text(text, space, fresh)
                if ids:
                    yield Piece(ids, "text", message, target, offsets)
                    fresh = False
            else:
                message += 1

    def _template_ids(self, text: str, fresh: bool) -> tuple[tuple[int, ...], bool]:
        """Ids of a template piece: special tokens by name, the rest as text."""
        ids: list[int] = []
        for part in self._specials.split(text):
            if part in self.special_ids:
                ids.append(self.special_ids[part])
            elif part:
                ids += self._joined(part, fresh)[0]
                fresh = False
        return tuple(ids), fresh

    def _text_ids(
        self, text: str, space: str, fresh: bool
    ) -> tuple[tuple[int, ...], tuple[tuple[int, int], ...]]:
        """Ids and offsets of a text, free of special tokens and of the template's markers.

        Raises:
            ValueError: If the tokenizer insists on a special token for a single character.
        """
        if not text:
            return (), ()
        ids, offsets = self._spelt(space + text, fresh, self._markers)
        if not self.reserved_ids.isdisjoint(ids):  # an odd tokenizer: spell everything
            ids, offsets = self._spelt(space + text, fresh, re.compile("(.+)", re.DOTALL))
        if not self.reserved_ids.isdisjoint(ids):
            names = self.tokenizer.convert_ids_to_tokens(sorted(self.reserved_ids & set(ids)))
            raise ValueError(f"The tokenizer turns plain characters of a text into special tokens {names}.")
        shift = len(space)
        return tuple(ids), tuple((max(0, start - shift), max(0, end - shift)) for start, end in offsets)

    def _spelt(self, text: str, fresh: bool, markers: re.Pattern) -> tuple[list[int], list[tuple[int, int]]]:
        """Tokenise a text; what `markers` matches goes character by character."""
        ids: list[int] = []
        offsets: list[tuple[int, int]] = []
        place = 0
        for number, part in enumerate(markers.split(text)):
            for run in part if number % 2 else [part]:  # odd parts are matches
                if not run:
                    continue
                more, spans = self._joined(run, fresh and place == 0)
                ids += more
                offsets += [(start + place, end + place) for start, end in spans]
                place += len(run)
        return ids, offsets

    def _joined(self, text: str, fresh: bool) -> tuple[list[int], list[tuple[int, int]]]:
        """Tokenise a piece; one that continues a line gets no space that tokenizers put before a sentence."""
        if not self._starts_with_space:
            return self._tokenize(text)
        if fresh:
            own = int(text.startswith(" "))  # the tokenizer's space stands for it
            ids, offsets = self._tokenize(text[own:])
            return ids, [(start + own, end + own) for start, end in offsets]
        ids, offsets = self._tokenize(ANCHOR + text)
        prefix, _ = self._tokenize(ANCHOR)
        if ids[: len(prefix)] != prefix:  # the anchor melted into the text
            return self._tokenize(text)
        spans = [
            (max(0, start - len(ANCHOR)), max(0, end - len(ANCHOR))) for start, end in offsets[len(prefix) :]
        ]
        return ids[len(prefix) :], spans

    def _tokenize(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        # Always with specials split: the switch is a state of the tokenizer, and threads may share it.
        fast = self.tokenizer.is_fast
        encoded = self.tokenizer(
            text,
            add_special_tokens=False,
            split_special_tokens=True,
            return_attention_mask=False,
            return_offsets_mapping=fast,
            verbose=False,
        )
        return list(encoded["input_ids"]), list(encoded["offset_mapping"]) if fast else []


def _any_of(strings) -> re.Pattern:
    """A pattern that captures any of these strings, the longest first; without any it never matches."""
    choices = "|".join(re.escape(string) for string in sorted(set(strings), key=len, reverse=True))
    return re.compile(f"({choices})" if choices else "((?!))")


def _runs(rendered: str, targets: list[tuple[int, int]]) -> Iterator[tuple[int, int, re.Match | None]]:
    """Spans of the rendered template: stand-ins, and literals, cut where the assistant starts or ends.

    A literal's last space goes to the text that follows it: words are tokenised with the space before them.
    """
    edges = sorted({edge for span in targets for edge in span})
    place = 0
    for match in [*STAND_IN.finditer(rendered), None]:
        end = match.start() if match else len(rendered)
        if match and match.group(1) == "T" and end > place and rendered[end - 1] == " ":
            end -= 1
        cuts = [place, *(edge for edge in edges if place < edge < end), end]
        for first, last in zip(cuts, cuts[1:], strict=False):
            if first < last:
                yield first, last, None
        if match:
            yield match.start(), match.end(), match
            place = match.end()


def _stand_in(part: dict, numbers: Iterator[int]) -> dict:
    if part["type"] != "text":
        return {"type": part["type"]}
    return {"type": "text", "text": f"\ue000T{next(numbers)}\ue001"}


def _normalised(message: dict, number: int) -> dict:
    """A message with a list of known parts, neighbouring texts joined.

    Raises:
        ValueError: If the role or a part is unknown.
    """
    role, content = message.get("role"), message.get("content")
    if role not in ROLES:
        raise ValueError(f"Message {number} has role {role!r}; expected one of {', '.join(ROLES)}.")
    if isinstance(content, str):
        content = [{"type": "text", "text": content}]
    if not isinstance(content, Sequence):
        raise ValueError(f"Message {number} has content {content!r}; expected a text or a list of parts.")
    parts: list[dict] = []
    for part in content:
        kind = part.get("type") if isinstance(part, dict) else None
        if kind not in PARTS or (kind == "text" and not isinstance(part.get("text"), str)):
            raise ValueError(
                f"Message {number} has part {part!r}; expected "
                '{"type": "text", "text": ...}, {"type": "image"} or {"type": "audio"}.'
            )
        if kind == "text" and parts and parts[-1]["type"] == "text":
            parts[-1] = {"type": "text", "text": parts[-1]["text"] + part["text"]}
        else:
            parts.append(part)
    return {"role": role, "content": parts}
