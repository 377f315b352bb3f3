"""Markdown as a tree of nodes for the browser, with the linked phrases in it: never HTML.

A node is a string or [tag, attributes, children]; tags are p strong em del code pre ul ol li blockquote h1 h2
h3 h4 table thead tbody tr th td hr br a g. A `g` is a linked phrase. Links count code points of the text as
it was written, markdown signs included; `bubo.server.origins` says where each shown character stood in it.

Pictures are shown as their description, links lead to http, https and mailto only, HTML is text. Reference
definitions ("[x]: address") are not supported: one at the end would change what was sent long before.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

from markdown_it import MarkdownIt
from markdown_it.token import Token

from bubo.server.origins import Leaf, mark, place_leaves, unmark

__all__ = ["BlockTree", "Node", "markdown_blocks"]

#: A string, or [tag, attributes, children].
Node = str | list[Any]

_TAGS = {
    "paragraph": "p",
    "strong": "strong",
    "em": "em",
    "s": "del",
    "bullet_list": "ul",
    "ordered_list": "ol",
    "list_item": "li",
    "blockquote": "blockquote",
    "table": "table",
    "thead": "thead",
    "tbody": "tbody",
    "tr": "tr",
    "th": "th",
    "td": "td",
}
_SCHEMES = ("http", "https", "mailto")
_MAX_URL = 2_000
_LANGUAGE = 30
# Deeper quotes and lists than this are shown at this depth; hostile text could exhaust the stack.
_MAX_NESTING = 20


@dataclass(frozen=True, order=True)
class _Phrase:
    """A link within a piece of text: code points, the entity and its state."""

    start: int
    end: int
    entity: str
    state: str


@dataclass
class _Element:
    """A node whose text is still to be searched for phrases."""

    tag: str
    attributes: dict[str, Any] = field(default_factory=dict)
    children: "list[_Element | Leaf]" = field(default_factory=list)

    def leaves(self) -> Iterator[Leaf]:
        for child in self.children:
            if isinstance(child, Leaf):
                yield child
            else:
                yield from child.leaves()


@dataclass
class _Piece:
    """One top-level block: where it starts in the text, what it says, and how it was shown last."""

    start: int
    text: str
    phrases: tuple[_Phrase, ...] | None = None
    nodes: list[Node] = field(default_factory=list)

    def show(self, phrases: tuple[_Phrase, ...]) -> list[Node]:
        if phrases != self.phrases:
            self.phrases, self.nodes = phrases, _render(self.text, phrases)
        return self.nodes


class BlockTree:
    """The blocks of a text that grows; what is behind stays as it is and is not read again."""

    def __init__(self) -> None:
        self._settled: list[_Piece] = []
        self._tail = 0  # where in the text the pieces that may still change begin
        self._sent: list[Node] = []
        self._loose: dict[tuple[int, str], _Piece] = {}  # those that may change, as they were last

    @property
    def blocks(self) -> list[Node]:
        """All blocks as of the last update."""
        return list(self._sent)

    def update(self, text: str, links: Iterable[Mapping[str, Any]] = ()) -> dict[str, Any] | None:
        """What has changed: {"from": k, "blocks": the blocks from number k on}, or None.

        Args:
            text: The whole text; it begins with what it was at the last call.
            links: All links so far, with "start", "end", "entity" and "state".
        """
        phrases = _sorted_phrases(links)
        tail = text[self._tail :].replace("\r", "\n")
        cut = [(self._tail + start, tail[start:end]) for start, end in _cut(tail)]
        pieces = [self._loose.get(place) or _Piece(*place) for place in cut]
        self._loose = dict(zip(cut, pieces, strict=True))
        blocks = [
            node
            for piece in (*self._settled, *pieces)
            for node in piece.show(_within(phrases, piece.start, len(piece.text)))
        ]
        # the last block may merge into the one before it while its first line grows, but no further
        for piece in pieces[:-2]:
            self._settled.append(piece)
        if len(pieces) > 2:
            self._tail = pieces[-2].start
        same = 0
        while same < min(len(blocks), len(self._sent)) and blocks[same] == self._sent[same]:
            same += 1
        if same == len(blocks) == len(self._sent):
            return None
        self._sent = blocks
        return {"from": same, "blocks": blocks[same:]}


def markdown_blocks(text: str, links: Iterable[Mapping[str, Any]] = ()) -> list[Node]:
    """The blocks of a finished text; see `BlockTree.update`."""
    tree = BlockTree()
    tree.update(text, links)
    return tree.blocks


def _sorted_phrases(links: Iterable[Mapping[str, Any]]) -> list[_Phrase]:
    """Phrases in order; of those that overlap the first, and of two that begin together the longer."""
    phrases = [
        _Phrase(int(link["start"]), int(link["end"]), str(link["entity"]), str(link["state"]))
        for link in links
    ]
    kept: list[_Phrase] = []
    for phrase in sorted(phrases, key=lambda phrase: (phrase.start, -phrase.end)):
        if not kept or phrase.start >= kept[-1].end:
            kept.append(phrase)
    return kept


def _within(phrases: Sequence[_Phrase], start: int, length: int) -> tuple[_Phrase, ...]:
    """The phrases that touch a piece, counted from its start."""
    return tuple(
        _Phrase(max(0, p.start - start), min(length, p.end - start), p.entity, p.state)
        for p in phrases
        if p.start < start + length and p.end > start
    )


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "maxNesting": _MAX_NESTING})
    parser.enable(["table", "strikethrough"]).disable(["reference", "html_block", "html_inline"])
    parser.validateLink = lambda url: True  # type: ignore[method-assign]  # judged when the tree is made
    parser.normalizeLink = lambda url: url  # type: ignore[method-assign]
    parser.normalizeLinkText = lambda link: link  # type: ignore[method-assign]
    return parser


_PARSER = _parser()


def _cut(text: str) -> list[tuple[int, int]]:
    """Where the top-level blocks of a text begin and end."""
    lines = [0]
    for line in text.split("\n"):
        lines.append(lines[-1] + len(line) + 1)
    env: dict[str, Any] = {}
    tokens: list[Token] = []
    _PARSER.block.parse(mark(text), _PARSER, env, tokens)
    starts = [lines[t.map[0]] for t in tokens if t.level == 0 and t.nesting >= 0 and t.map]
    return list(zip(starts, [*starts[1:], len(text)], strict=False))


def _render(text: str, phrases: tuple[_Phrase, ...]) -> list[Node]:
    root = _Element("")
    stack = [root]
    for token in _PARSER.parse(mark(text)):
        _add(token, stack, text)
    place_leaves(text, root.leaves())
    return _finish(root.children, phrases)


def _add(token: Token, stack: list[_Element], text: str) -> None:
    """Adds a block token to the tree; `stack` has the elements that are open."""
    top = stack[-1]
    if token.type == "inline":
        inner = [top]
        for child in token.children or ():
            _add_inline(child, inner, text)
    elif token.type in ("fence", "code_block"):
        language = unmark(token.info, text).split()[:1]
        attributes = {"lang": language[0][:_LANGUAGE]} if language else {}
        top.children.append(_Element("pre", {}, [_Element("code", attributes, [Leaf(token.content)])]))
    elif token.type == "hr":
        top.children.append(_Element("hr"))
    elif token.nesting == 1:
        element = _Element("" if token.hidden else _tag(token), _attributes(token))
        top.children.append(element)
        stack.append(element)
    elif token.nesting == -1:
        stack.pop()


def _tag(token: Token) -> str:
    if token.type == "heading_open":
        return f"h{min(4, int(token.tag[1:]))}"
    return _TAGS.get(token.type.removesuffix("_open"), "")


def _attributes(token: Token) -> dict[str, Any]:
    if token.type == "ordered_list_open" and (start := token.attrGet("start")) is not None:
        return {"start": int(start)}
    style = token.attrGet("style") if token.type in ("th_open", "td_open") else None
    return {"align": str(style).removeprefix("text-align:")} if style else {}


def _add_inline(token: Token, stack: list[_Element], text: str) -> None:
    top = stack[-1]
    if token.type in ("text", "text_special"):
        top.children.append(Leaf(token.content))
    elif token.type == "code_inline":
        top.children.append(_Element("code", {}, [Leaf(token.content)]))
    elif token.type == "softbreak":
        top.children.append(Leaf("\n"))
    elif token.type == "hardbreak":
        top.children.append(_Element("br"))
    elif token.type == "image":
        for child in token.children or ():
            _add_inline(child, stack, text)
    elif token.nesting == 1:
        element = _Element(_tag(token))
        if token.type == "link_open" and (url := _safe_url(unmark(str(token.attrGet("href")), text))):
            element = _Element("a", {"href": url})
        top.children.append(element)
        stack.append(element)
    elif token.nesting == -1:
        stack.pop()
    elif token.content:
        top.children.append(Leaf(token.content))


def _safe_url(url: str) -> str:
    """The address with everything quoted that could be read in two ways; "" if it may not be followed."""
    try:
        parts = urlsplit(url.strip())
        named = bool(parts.hostname) if parts.scheme != "mailto" else "@" in parts.path
    except ValueError:
        return ""
    if parts.scheme.lower() not in _SCHEMES or not named or len(url) > _MAX_URL:
        return ""
    return quote(parts.geturl(), safe="!#$%&'()*+,/:;=?@[]~")


def _finish(children: "Sequence[_Element | Leaf]", phrases: Sequence[_Phrase]) -> list[Node]:
    """The nodes of a level, phrases set: neighbours that belong to one phrase lie in one `g`."""
    nodes: list[Node] = []
    inside: list[Node] = []
    last: _Phrase | None = None
    for child, phrase in _split(children, phrases):
        made: list[Node]
        if isinstance(child, Leaf):
            made = [child.text] if child.text else []
        elif child.tag:
            made = [[child.tag, child.attributes, _finish(child.children, () if phrase else phrases)]]
        else:
            made = _finish(child.children, () if phrase else phrases)
        if phrase is None:
            _join(nodes, made)
        elif phrase == last:
            _join(inside, made)
        elif made:
            inside = []
            _join(inside, made)
            nodes.append(["g", {"entity": phrase.entity, "state": phrase.state}, inside])
        last = phrase if made else last
    return nodes


def _join(nodes: list[Node], more: Iterable[Node]) -> None:
    """Adds nodes; strings beside each other become one."""
    for node in more:
        if isinstance(node, str) and nodes and isinstance(nodes[-1], str):
            nodes[-1] += node
        else:
            nodes.append(node)


def _split(
    children: "Sequence[_Element | Leaf]", phrases: Sequence[_Phrase]
) -> "Iterator[tuple[_Element | Leaf, _Phrase | None]]":
    """The children, leaves cut at the borders of phrases, each with the phrase that it lies in as a whole."""
    for child in children:
        if isinstance(child, Leaf):
            yield from _split_leaf(child, phrases)
            continue
        places = [place for leaf in child.leaves() for place in leaf.places]
        inside = None
        if places and child.tag in ("strong", "em", "del", "code", "a"):
            inside = next((p for p in phrases if p.start <= min(places) and max(places) < p.end), None)
        yield child, inside


def _split_leaf(leaf: Leaf, phrases: Sequence[_Phrase]) -> Iterator[tuple[Leaf, _Phrase | None]]:
    owners = [next((p for p in phrases if p.start <= place < p.end), None) for place in leaf.places]
    start = 0
    for end in range(1, len(owners) + 1):
        if end == len(owners) or owners[end] != owners[start]:
            yield Leaf(leaf.text[start:end], leaf.places[start:end]), owners[start]
            start = end
