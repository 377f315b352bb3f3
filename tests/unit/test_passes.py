"""The line before something that one thread may use at a time: order, sharing, failures, absence."""

import threading
import time

import pytest
from threads import at_once

from bubo.errors import BuboError
from bubo.passes import Passes, fail_alone


class Doubler:
    """Doubles numbers; remembers the passes; the first one waits for a gate."""

    def __init__(self):
        self.passes = []
        self.gate = threading.Event()

    def __call__(self, items):
        self.passes.append(list(items))
        if len(self.passes) == 1:
            self.gate.wait(10)
        return [ValueError(f"{item} is odd") if item % 2 else 2 * item for item in items]


def once_it_runs(passes, double, item):
    """Work that waits until the first pass runs, and then shares the next."""

    def work():
        while not double.passes:
            time.sleep(0.001)
        return passes.share(item)

    return work


def waiting(passes, count):
    """Waits until so many tickets stand in the line."""
    end = time.monotonic() + 10
    while len(passes._line) < count and time.monotonic() < end:
        time.sleep(0.001)
    assert len(passes._line) == count


def test_who_waits_at_once_shares_a_pass_and_one_failure_is_one_caller_s():
    double = Doubler()
    passes = Passes(double, most=3)

    def open_gate():
        waiting(passes, 5)
        double.gate.set()

    results = at_once(
        lambda: passes.share(0), *(once_it_runs(passes, double, item) for item in (2, 4, 5, 6, 8)), open_gate
    )
    assert results[:3] == [0, 4, 8]
    assert isinstance(results[3], ValueError) and str(results[3]) == "5 is odd"
    assert results[4:6] == [12, 16]
    assert [len(items) for items in double.passes] == [1, 3, 2]  # never more than three
    assert passes.share(10) == 20


def test_only_what_is_alike_shares_a_pass():
    double = Doubler()
    passes = Passes(double, most=8, alike=lambda number: number >= 10)

    def open_gate():
        waiting(passes, 4)
        double.gate.set()

    def once(item, before):
        """Comes when so many wait."""

        def work():
            while not double.passes:
                time.sleep(0.001)
            waiting(passes, before)
            return passes.share(item)

        return work

    results = at_once(lambda: passes.share(0), once(10, 0), once(2, 1), once(12, 2), once(4, 3), open_gate)
    assert results[:5] == [0, 20, 4, 24, 8]
    assert double.passes == [[0], [10, 12], [2, 4]]  # those like the one that waits longest come first


def test_where_a_pass_fails_only_those_fail_that_cannot_be_computed(caplog):
    calls = []

    def run(items):
        calls.append(list(items))
        if 3 in items:
            raise ValueError("3 is not for me")
        return [2 * item for item in items]

    attempt = fail_alone(run)
    results = attempt([1, 3, 5])
    assert results[::2] == [2, 10] and isinstance(results[1], ValueError)
    assert calls == [[1, 3, 5], [1], [3], [5]] and "3 items go one by one: 3 is not for me" in caplog.text
    with pytest.raises(ValueError, match="3 is not"):
        Passes(attempt, most=4).share(3)


def test_a_pass_has_room_for_something():
    with pytest.raises(ValueError, match="takes 0 items; give a number of at least 1"):
        Passes(list, most=0)


def test_an_error_of_the_pass_goes_to_all_and_blocks_nobody():
    calls = []

    def run(items):
        calls.append(items)
        raise RuntimeError("broken")

    passes = Passes(run, most=8)
    results = at_once(*[lambda: passes.share(1)] * 4)
    assert all(isinstance(result, RuntimeError) for result in results)
    assert sum(len(items) for items in calls) == 4
    assert passes.alone(lambda: 7) == 7


def test_an_interrupted_leader_tells_those_it_computed_for():
    entered, others = threading.Event(), threading.Event()

    def run(items):
        if items == ["first"]:
            entered.set()
            others.wait(10)
            return items
        raise KeyboardInterrupt

    passes = Passes(run, most=8)

    def second():
        entered.wait(10)
        return passes.share("second")

    def release():
        entered.wait(10)
        waiting(passes, 3)
        others.set()

    results = at_once(lambda: passes.share("first"), second, second, second, release)
    assert results[0] == "first"
    kinds = sorted(type(result).__name__ for result in results[1:4])
    assert kinds == ["BuboError", "BuboError", "KeyboardInterrupt"]
    assert any(isinstance(result, BuboError) and "ask again" in str(result) for result in results)
    assert passes.alone(lambda: 7) == 7


def test_what_runs_alone_runs_alone_and_takes_turns():
    inside, seen = [], []
    passes = Passes(lambda items: [enter(item) for item in items], most=8)

    def enter(name):
        inside.append(name)
        time.sleep(0.002)
        seen.append(tuple(inside))
        inside.remove(name)
        return name

    def many(name):
        return [passes.alone(lambda: enter(name)) for _ in range(10)]

    at_once(lambda: many("a"), lambda: many("b"), lambda: [passes.share("c") for _ in range(10)])
    assert len(seen) == 30
    assert all(len(group) == 1 for group in seen)
    with pytest.raises(ZeroDivisionError):
        passes.alone(lambda: 1 / 0)
    assert passes.alone(lambda: 7) == 7
    order = [group[0] for group in seen]
    assert "aaaaa" not in "".join(order)  # nobody goes five times while others wait


def test_a_pass_waits_for_the_members_of_the_last_one_but_not_for_those_who_left_or_stay_away():
    sizes = []

    def run(items):
        sizes.append(len(items))
        time.sleep(0.2)
        return items

    passes = Passes(run, most=8, patience_s=5)
    start = threading.Barrier(2)

    def prompt():
        start.wait(10)
        for _ in range(4):
            passes.share("prompt", "prompt")

    def slow():
        start.wait(10)
        for _ in range(2):
            passes.share("slow", "slow")
            time.sleep(0.05)
        passes.leave("slow")

    at_once(prompt, slow)
    assert sizes.count(2) >= 1 and sum(sizes) == 6
    assert len(sizes) <= 5  # by itself the first one would have run ahead: six passes of one each
    started = time.perf_counter()
    passes.share("slow", "slow")
    passes.share("prompt", "prompt")  # waits for the absent one, but no longer than a pass takes
    passes.share("prompt", "prompt")  # and only once
    assert time.perf_counter() - started < 5  # its patience
    assert sizes[-3:] == [1, 1, 1]


def test_a_pass_takes_no_more_than_its_room_and_the_rest_comes_next():
    double = Doubler()
    passes = Passes(double, most=8, weigh=lambda item: item / 100)

    def open_gate():
        waiting(passes, 5)
        double.gate.set()

    results = at_once(
        lambda: passes.share(0), *(once_it_runs(passes, double, item) for item in (60, 50, 2, 400)), open_gate
    )
    assert results[:5] == [0, 120, 100, 4, 800]
    assert sorted(item for items in double.passes for item in items) == [0, 2, 50, 60, 400]
    assert [400] in double.passes or [400, 0] in double.passes  # by itself, as nothing is besides
    assert all(sum(items) <= 100 or items == [400] for items in double.passes)
