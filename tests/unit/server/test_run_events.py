"""The events of a run: what is kept of them, and what a reader knows who comes late or comes back."""

import asyncio
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bubo.server.blocks import BlockTree
from bubo.server.run import Run

Update = tuple[str, Any]
BLOCKS = st.lists(st.sampled_from(["a", "b", "c"]), max_size=6)
#: What a run says: words, or all blocks as they are now; and after which of these one reader reads on.
UPDATES = st.lists(
    st.one_of(st.tuples(st.just("word"), st.sampled_from("xyz")), st.tuples(st.just("blocks"), BLOCKS)),
    max_size=25,
)


def change(before: list[Any], now: list[Any]) -> dict[str, Any] | None:
    """As `BlockTree.update` puts it."""
    same = 0
    while same < min(len(before), len(now)) and before[same] == now[same]:
        same += 1
    return None if same == len(before) == len(now) else {"from": same, "blocks": now[same:]}


def read(run: Run, after: int) -> list[tuple[int, Any]]:
    """What there is behind an event, without waiting for more."""

    async def follow() -> list[tuple[int, str]]:
        found = []
        async for batch in run.follow(after, ping_s=0):
            if not batch:
                break
            found += batch
        return found

    return [(number, json.loads(text) if text[0] == "{" else text) for number, text in asyncio.run(follow())]


class Client:
    """What a page knows: the text, the blocks, and the number of the last event."""

    def __init__(self) -> None:
        self.text, self.blocks, self.number, self.ended = "", list[Any](), 0, False

    def read(self, run: Run, most: int = 10**6) -> None:
        for number, event in read(run, self.number)[:most]:
            if number == self.number:
                assert event == "[DONE]"
                continue
            assert number == self.number + 1
            self.number = number
            if event == "[DONE]":
                self.ended = True
                continue
            self.text += event.get("word", "")
            if "ui" in event:
                assert event["ui"]["from"] <= len(self.blocks)
                self.blocks = self.blocks[: event["ui"]["from"]] + event["ui"]["blocks"]

    @property
    def state(self) -> tuple[str, list[Any], int, bool]:
        return self.text, self.blocks, self.number, self.ended


@settings(max_examples=300, deadline=None)
@given(UPDATES, st.lists(st.integers(0, 4), max_size=25))
def test_every_reader_comes_to_the_same_end(updates: list[Update], pace: list[int]) -> None:
    run = Run("me", lambda run: None)
    live, slow, stopped = Client(), Client(), [Client()]
    now: list[Any] = []
    for step, (kind, value) in enumerate(updates):
        if kind == "word":
            run.send({"word": value})
        elif (ui := change(now, value)) is not None:
            now = value
            run.send({"ui": ui})
        live.read(run)
        assert live.blocks == now
        slow.read(run, pace[step % len(pace)] if pace else 0)
        left = Client()  # reads to here, and goes away until the end
        left.read(run)
        stopped.append(left)
        copy = Client()  # has read everything as it came, and goes away until the end
        copy.text, copy.blocks, copy.number = live.text, list(live.blocks), live.number
        stopped.append(copy)
    run.end()
    text = "".join(value for kind, value in updates if kind == "word")
    for client in (live, slow, *stopped):
        client.read(run)
        assert client.state == (text, now, run.num_events, True)
    kept = [event["ui"]["blocks"] for _, event in read(run, 0) if "ui" in event]
    assert sum(map(len, kept)) == len(now)  # of every block there is one


def test_a_long_answer_is_kept_once() -> None:
    """A table of thousands of words, each of which sent the whole table again."""
    run, tree, text = Run("me", lambda run: None), BlockTree(), "| a | b |\n|---|---|\n"
    sent = 0
    for number in range(300):
        text += f"| word{number} | and more |\n"
        ui = tree.update(text)
        run.send({"ui": ui, "model": "x" * 100})
        sent += len(json.dumps(ui))
    run.end()
    events = read(run, 0)
    assert len(events) == 301 and [number for number, _ in events] == list(range(1, 302))
    kept = sum(len(json.dumps(event)) for _, event in events)
    assert sent > 2_000_000 and kept < 100_000
    texts = run._events[:-2]
    assert len({id(one) for one in texts}) == 1
