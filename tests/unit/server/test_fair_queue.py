"""Whose turn it is."""

from hypothesis import given
from hypothesis import strategies as st

from bubo.server.fair_queue import FairQueue


def queue(max_running: int = 1, per_owner: int = 2, capacity: int = 100) -> FairQueue[str]:
    return FairQueue(max_running, per_owner, capacity)


def test_owners_take_turns() -> None:
    line = queue()
    for item in ("a1", "a2", "a3", "b1", "c1", "b2"):
        line.add(item[0], item)
    expected = ["a1", "b1", "c1", "a2", "b2", "a3"]
    assert list(line.waiting()) == expected
    started = []
    while (item := line.start()) is not None:
        assert line.start() is None
        started.append(item)
        line.end(item[0])
    assert started == expected


def test_one_owner_never_runs_more_than_allowed() -> None:
    line = queue(max_running=4, per_owner=2)
    for item in ("a1", "a2", "a3", "b1"):
        line.add(item[0], item)
    assert [line.start() for _ in range(4)] == ["a1", "b1", "a2", None]
    assert (line.num_running, line.num_waiting, line.count("a")) == (3, 1, 3)
    line.end("a")
    assert line.start() == "a3"


def test_it_is_full_when_nothing_runs_at_once_and_nothing_more_may_wait() -> None:
    line = queue(capacity=1)
    assert line.has_room("a")
    line.add("a", "a1")
    line.start()
    assert line.has_room("b")
    line.add("b", "b1")
    assert not any(map(line.has_room, "abc"))


def test_one_owner_cannot_fill_it() -> None:
    line = queue(max_running=8, per_owner=1, capacity=8)
    taken = dict.fromkeys("abcd", 0)
    for owner in taken:
        line.start()
        while line.has_room(owner):
            line.add(owner, f"{owner}{taken[owner]}")
            line.start()
            taken[owner] += 1
    assert taken == {"a": 1 + 4, "b": 1 + 2, "c": 1 + 1, "d": 1 + 1}
    assert line.num_waiting == 8 and line.num_running == 4
    assert line.has_room("e")  # it would run at once


def test_who_waits_can_go() -> None:
    line = queue()
    line.add("a", "a1")
    assert line.remove("a", "a1") and not line.remove("a", "a1") and not line.remove("b", "b1")
    assert line.num_waiting == 0 and line.start() is None


@given(st.lists(st.sampled_from("abcd"), max_size=30), st.integers(1, 4), st.integers(1, 3))
def test_everybody_comes_once_and_in_order(owners: list[str], max_running: int, per_owner: int) -> None:
    line, started, running = queue(max_running, per_owner), [], []
    for number, owner in enumerate(owners):
        line.add(owner, f"{owner}{number:02}")
    while line.num_waiting or running:
        while (item := line.start()) is not None:
            started.append(item)
            running.append(item)
        assert len(running) <= max_running
        assert all(sum(one[0] == owner for one in running) <= per_owner for owner in "abcd")
        line.end(running.pop(0)[0])
    assert sorted(started, key=lambda item: int(item[1:])) == [f"{o}{n:02}" for n, o in enumerate(owners)]
    for owner in "abcd":
        mine = [item for item in started if item[0] == owner]
        assert mine == sorted(mine)
