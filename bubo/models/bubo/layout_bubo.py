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
# Shapes of conversations whose rendered template is remembered.
NUM_RENDERED = 128


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


@dataclass(frozen=True)
class Item:
    """A literal of the template, or a text, before it is tokenised.

    Fields:
        kind: "template" or "text".
        text: Its characters.
        message: Index of its message.
        target: Whether the assistant writes it.
        space: The space of the template that goes with a text, or nothing.
    """

    kind: str
    text: str
    message: int
    target: bool
    space: str = ""


class ChatLayout:
    """How a conversation becomes ids; it remembers those of the latest texts, which come again every turn.

    Args:
        tokenizer: A transformers tokenizer.
        template: Jinja text of the chat template.
        image: (placeholder id, placeholders per picture).
        audio: (placeholder id, placeholders per sound).
        markers: Plain-text strings with a meaning in the template; texts spell them out.
        whole_runs: Tokenise all that stands between two media in one go, so that tokens may reach over the
            edge of a text, as in a program that puts strings together. Texts with markers still stand alone.
            Needs a fast tokenizer; with a slow one every text stands alone.
    """

    def __init__(
        self,
        tokenizer: Any,
        template: str,
        image: tuple[int, int],
        audio: tuple[int, int],
        markers: Sequence[str] = (),
        whole_runs: bool = False,
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
        self.whole_runs = whole_runs and tokenizer.is_fast
        self._known_render = lru_cache(NUM_RENDERED)(self._render)
        self._known_run = lru_cache(NUM_KEPT)(self._joined)
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
        # the template sees stand-ins only: conversations of one shape render alike, unless it tells the time
        render = self._render if "strftime_now" in self.template else self._known_render
        shape = tuple(
            (message["role"], tuple(part["type"] for part in message["content"])) for message in messages
        )
        rendered, targets = render(shape, add_generation_prompt)
        return list(self._cut(rendered, targets, texts))

    def _render(
        self, shape: Sequence[tuple[str, Sequence[str]]], add_generation_prompt: bool
    ) -> tuple[str, list[tuple[int, int]]]:
        """The template filled with stand-ins, and the spans of it that the assistant writes.

        Args:
            shape: The role of each message, and the types of its parts.
            add_generation_prompt: Whether the assistant is to go on.
        """
        numbers = iter(range(10**9))
        stand_ins = [
            {"role": role, "content": [_stand_in(kind, numbers) for kind in kinds]} for role, kinds in shape
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
        # fresh: the next piece starts like a new sentence (after a medium, or first of all)
        message, fresh = 0, True
        run: list[Item] = []
        for start, end, stand_in in [*_runs(rendered, targets), (len(rendered), len(rendered), None)]:
            target = any(first <= start and end <= last for first, last in targets)
            if stand_in is None and start < end:
                run.append(Item("template", rendered[start:end], message, target))
            elif stand_in is not None and stand_in.group(1) == "T":
                space = " " if rendered[start - 1 : start] == " " else ""
                text = texts[int(stand_in.group(2))]
                run += [Item("text", text, message, target, space)] if text else []
            elif stand_in is not None and stand_in.group(1) == "E":
                message += 1
            else:  # a medium, or the end
                yield from (self._whole(run, fresh) if self.whole_runs else self._apart(run, fresh))
                run, fresh = [], True
                if stand_in is not None:
                    kind, (token_id, count) = self.media[stand_in.group(1)]
                    yield Piece((token_id,) * count, kind, message, target)

    def _apart(self, run: list[Item], fresh: bool) -> Iterator[Piece]:
        """The pieces of a run between two media, each tokenised by itself."""
        for item in run:
            offsets: tuple[tuple[int, int], ...] = ()
            if item.kind == "template":
                ids, fresh = self._known_template(item.text, fresh)
            else:
                ids, offsets = self._known_text(item.text, item.space, fresh)
                fresh = fresh and not ids
            if ids:
                yield Piece(ids, item.kind, item.message, item.target, offsets)

    def _whole(self, run: list[Item], fresh: bool) -> Iterator[Piece]:
        """The pieces of a run between two media, tokenised as one string where no text forms a marker."""
        edges = [0]
        for item in run:
            edges.append(edges[-1] + len(item.space + item.text))
        whole = "".join(item.space + item.text for item in run)
        marked = [match.span() for match in self._markers.finditer(whole)]
        together: list[Item] = []
        for item, start, end in zip(run, edges, edges[1:], strict=False):
            special = item.kind == "template" and self._specials.search(item.text)
            alone = item.kind == "text" and any(a < end and start < b for a, b in marked)
            if not special and not alone:
                together.append(item)
                continue
            yield from self._together(together, fresh)
            fresh, together = fresh and not together, []
            if not special:
                yield from self._apart([item], fresh)
                fresh = False
                continue
            *others, last = self._specials.split(item.text)  # the words behind the last special token go on
            ids, fresh = self._known_template("".join(others), fresh)
            yield Piece(ids, "template", item.message, item.target)
            together = [Item("template", last, item.message, item.target)] if last else []
        yield from self._together(together, fresh)

    def _together(self, items: list[Item], fresh: bool) -> Iterator[Piece]:
        """Items tokenised as one string; a token belongs to the item that its first character is in."""
        if not items:
            return
        ids, spans = self._known_run("".join(item.space + item.text for item in items), fresh)
        if not self.reserved_ids.isdisjoint(ids):
            yield from self._apart(items, fresh)
            return
        token, end = 0, 0
        for item in items:
            start, end = end + len(item.space), end + len(item.space + item.text)
            first = token
            while token < len(ids) and (spans[token][0] < end or item is items[-1]):
                token += 1
            if first == token:
                continue
            offsets = tuple((max(0, a - start), max(0, min(b, end) - start)) for a, b in spans[first:token])
            kept = offsets if item.kind == "text" else ()
            yield Piece(tuple(ids[first:token]), item.kind, item.message, item.target, kept)

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


def _stand_in(kind: str, numbers: Iterator[int]) -> dict:
    if kind != "text":
        return {"type": kind}
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
