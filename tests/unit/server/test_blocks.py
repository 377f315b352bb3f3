"""Markdown as nodes: what is shown is what was written, and phrases lie where their links say."""

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bubo.server.blocks import BlockTree, markdown_blocks

TAGS = {
    "p", "strong", "em", "del", "code", "pre", "ul", "ol", "li", "blockquote", "h1", "h2", "h3", "h4",
    "table", "thead", "tbody", "tr", "th", "td", "hr", "br", "a", "g",
}  # fmt: skip


def plain(nodes: Any) -> str:
    """The text that nodes show."""
    return "".join(node if isinstance(node, str) else plain(node[2]) for node in nodes)


def phrases(nodes: Any, entity: str) -> str:
    """The text within the phrases of an entity."""
    found = ""
    for node in nodes:
        if not isinstance(node, str):
            mine = node[0] == "g" and node[1]["entity"] == entity
            found += plain(node[2]) if mine else phrases(node[2], entity)
    return found


def check(nodes: Any) -> None:
    """Every node is of the kinds that clients know."""
    for node in nodes:
        if isinstance(node, str):
            assert node
            continue
        tag, attributes, children = node
        assert tag in TAGS
        allowed = {"a": {"href"}, "g": {"entity", "state"}, "ol": {"start"}, "code": {"lang"}}
        assert set(attributes) <= allowed.get(tag, {"align"} if tag in ("th", "td") else set())
        if tag == "a":
            assert attributes["href"].startswith(("http://", "https://", "mailto:"))
        check(children)


def link(start: int, end: int, entity: str = "e1", state: str = "ready") -> dict[str, Any]:
    return {"start": start, "end": end, "entity": entity, "state": state}


@pytest.mark.parametrize(
    ("text", "nodes"),
    [
        ("hello", [["p", {}, ["hello"]]]),
        ("a *b* **c** `d` ~~e~~", [["p", {}, ["a ", ["em", {}, ["b"]], " ", ["strong", {}, ["c"]], " ",
                                             ["code", {}, ["d"]], " ", ["del", {}, ["e"]]]]]),
        ("##### deep", [["h4", {}, ["deep"]]]),
        ("a  \nb\nc", [["p", {}, ["a", ["br", {}, []], "b\nc"]]]),
        ("3. x\n4. y", [["ol", {"start": 3}, [["li", {}, ["x"]], ["li", {}, ["y"]]]]]),
        ("- x\n\n- y", [["ul", {}, [["li", {}, [["p", {}, ["x"]]]], ["li", {}, [["p", {}, ["y"]]]]]]]),
        ("```py x\n1 < 2\n```", [["pre", {}, [["code", {"lang": "py"}, ["1 < 2\n"]]]]]),
        ("> q", [["blockquote", {}, [["p", {}, ["q"]]]]]),
        ("---", [["hr", {}, []]]),
        ("|a|b|\n|-|:-:|\n|1|2|", [["table", {}, [
            ["thead", {}, [["tr", {}, [["th", {}, ["a"]], ["th", {"align": "center"}, ["b"]]]]]],
            ["tbody", {}, [["tr", {}, [["td", {}, ["1"]], ["td", {"align": "center"}, ["2"]]]]]]]]]),
        ("&amp; &lt;b&gt; \\*", [["p", {}, ["& <b> *"]]]),
        ("<b>x</b>", [["p", {}, ["<b>x</b>"]]]),
        ("![a *dog*](http://x/y.png)", [["p", {}, ["a ", ["em", {}, ["dog"]]]]]),
        ("[x](https://a.org/b)", [["p", {}, [["a", {"href": "https://a.org/b"}, ["x"]]]]]),
        ("<mailto:a@b.org>", [["p", {}, [["a", {"href": "mailto:a@b.org"}, ["mailto:a@b.org"]]]]]),
        ("[x](javascript:alert(1))", [["p", {}, ["x"]]]),
        ("[x](data:text/html,y) [y](//evil.org) [z](/a)", [["p", {}, ["x y z"]]]),
        ("[x][y]\n\n[y]: http://evil.org", [["p", {}, ["[x][y]"]], ["p", {}, ["[y]: http://evil.org"]]]),
        ("", []),
    ],
)  # fmt: skip
def test_what_becomes_of_markdown(text: str, nodes: Any) -> None:
    assert markdown_blocks(text) == nodes
    check(nodes)


@pytest.mark.parametrize(
    ("text", "phrase", "children"),
    [
        ("A **brown dog** sits", "brown dog", [["g", [["strong", {}, ["brown dog"]]]]]),
        ("A **brown** dog sits", "**brown** dog", [["g", [["strong", {}, ["brown"]], " dog"]]]),
        ("the *big dog*", "the *big", [["g", "the "], ["em", {}, [["g", "big"], " dog"]]]),
        ("see 🐕‍🦺 dogs 🐕", "🐕‍🦺 dogs", [["g", "🐕‍🦺 dogs"]]),
        ("一只狗在叫", "狗", [["g", "狗"]]),
        ("cafe\u0301s and e\u0301", "e\u0301", [["g", "e\u0301"]]),
        ("x &amp; dog \\* dog", "dog", [["g", "dog"]]),
        (
            "[the dog](http://dog.org) dog",
            "the dog",
            [["g", [["a", {"href": "http://dog.org"}, ["the dog"]]]]],
        ),
        ("`a dog` b", "dog", [["code", {}, ["a ", ["g", "dog"]]]]),
    ],
)
def test_where_phrases_lie(text: str, phrase: str, children: Any) -> None:
    start = text.index(phrase)
    nodes = markdown_blocks(text, [link(start, start + len(phrase))])
    check(nodes)

    def expand(node: Any) -> Any:
        if isinstance(node, list) and node[0] == "g":
            return [
                "g",
                {"entity": "e1", "state": "ready"},
                [node[1]] if isinstance(node[1], str) else node[1],
            ]
        return [node[0], node[1], [expand(one) for one in node[2]]] if isinstance(node, list) else node

    for child in children:
        assert expand(child) in nodes[0][2]


WORDS = st.sampled_from(
    ["dog", "**big** cat", "*a*", "🐕", "👩‍👩‍👧", "e\u0301tude", "狗", "&amp;", "\\*", "`x y`",
     "[l k](http://a.b)", "_u_", "1.", "~~d~~", "<b>", "\U000f1234", "a*b", "**", "_", "\\", "ſ", "٣",
     "&copy;", "![alt](u)", "<http://q.r>"]
)  # fmt: skip
LINES = st.lists(WORDS, min_size=1, max_size=6).map(" ".join)
BLOCKS = st.tuples(st.sampled_from(["", "# ", "- ", "> ", "1. ", "    ", "| "]), LINES).map("".join)
TEXTS = st.lists(BLOCKS, min_size=1, max_size=5).map(lambda blocks: "\n\n".join(blocks))
MARKS = st.text(alphabet="ab dog*_`[](){}<>!#-+.&;|~\\\n1🐕狗\u0301\t\"'", max_size=80)


@settings(max_examples=200, deadline=None)
@given(st.one_of(TEXTS, MARKS), st.integers(0, 200), st.integers(1, 30))
def test_phrases_change_no_text(text: str, start: int, length: int) -> None:
    start = start % max(1, len(text))
    links = [link(start, min(len(text), start + length))]
    bare, linked = markdown_blocks(text), markdown_blocks(text, links)
    check(linked)
    assert plain(bare) == plain(linked)


@settings(max_examples=200, deadline=None)
@given(
    LINES,
    st.sampled_from(["the dog", "🐕🐕", "狗叫", "e\u0301", "ΑΒΓ 7"]),
    LINES,
    st.sampled_from(["", "> ", "- ", "# "]),
)
def test_a_phrase_is_found_wherever_it_stands(before: str, phrase: str, after: str, prefix: str) -> None:
    text = f"{prefix}{before} {phrase} {after}"
    if "`" in before or "[" in before or "<" in before or before.endswith("\\"):
        before_is_open = before.count("`") % 2 == 1 or before.endswith("\\")
        if before_is_open:
            return
    start = len(prefix) + len(before) + 1
    nodes = markdown_blocks(text, [link(start, start + len(phrase))])
    assert phrases(nodes, "e1") == phrase


@settings(max_examples=100, deadline=None)
@given(st.one_of(TEXTS, MARKS), st.integers(0, 2**16))
def test_streaming_ends_where_a_fresh_start_does(text: str, seed: int) -> None:
    rng = random.Random(seed)
    links = [link(place, place + 2, f"e{place}", "ready") for place in range(0, max(0, len(text) - 2), 7)]
    tree, shown, at = BlockTree(), [], 0
    while at < len(text):
        at = min(len(text), at + rng.randint(1, 9))
        change = tree.update(text[:at], [one for one in links if one["end"] <= at])
        if change is not None:
            assert 0 <= change["from"] <= len(shown)
            shown = shown[: change["from"]] + change["blocks"]
    assert shown == markdown_blocks(text, links)
    assert tree.update(text, links) is None


def test_what_stands_is_not_sent_again() -> None:
    tree = BlockTree()
    text = "# One\n\nTwo is *long* enough.\n\nThree"
    assert tree.update(text) == {"from": 0, "blocks": markdown_blocks(text)}
    change = tree.update(text + " grows")
    assert change == {"from": 2, "blocks": [["p", {}, ["Three grows"]]]}
    late = tree.update(text + " grows", [link(7, 10)])
    assert late is not None and late["from"] == 1


def test_states_are_told() -> None:
    text = "a dog"
    tree = BlockTree()
    for state in ("pending", "ready", "none"):
        change = tree.update(text, [link(2, 5, "e1", state)])
        assert change == {
            "from": 0,
            "blocks": [["p", {}, ["a ", ["g", {"entity": "e1", "state": state}, ["dog"]]]]],
        }


def test_of_overlapping_phrases_the_first_counts() -> None:
    nodes = markdown_blocks("one two three", [link(4, 13, "b"), link(0, 7, "a"), link(8, 13, "c")])
    assert (phrases(nodes, "a"), phrases(nodes, "b"), phrases(nodes, "c")) == ("one two", "", "three")


def test_a_deep_text_is_no_danger() -> None:
    for text in (">" * 5_000 + "x", "- " * 3_000 + "x", "[" * 5_000, "*" * 10_000, "`" * 9_999 + "x"):
        check(markdown_blocks(text[:10_000]))
