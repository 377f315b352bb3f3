"""Values kept for a while: made once, the one unused for longest goes first."""

import pytest

from bubo.recent import Recent, Shared


def test_a_value_is_made_once_and_the_oldest_goes() -> None:
    made = []

    def make(key: str) -> str:
        made.append(key)
        return key.upper()

    kept: Recent[str] = Recent(2)
    for key in ("a", "b", "a", "c", "a", "b"):
        assert kept.get(key, lambda: make(key)) == key.upper()  # noqa: B023
    assert made == ["a", "b", "c", "b"]
    kept.clear()
    kept.get("a", lambda: make("a"))
    assert made[-1] == "a"


def test_a_value_that_cannot_be_made_leaves_the_others() -> None:
    kept: Recent[float] = Recent(1)
    kept.get("a", lambda: 1.0)
    with pytest.raises(ZeroDivisionError):
        kept.get("b", lambda: 1 / 0)
    assert kept.get("a", lambda: 2.0) == 1.0


def test_heavy_values_make_room_but_the_last_one_stays() -> None:
    kept: Recent[list[int]] = Recent(9, weigh=len, budget=5)
    first = kept.get("a", lambda: [1, 2])
    second = kept.get("b", lambda: [1, 2])
    assert kept.get("a", list) is first and kept.get("b", list) is second
    first += [3, 4]  # grew after it was kept
    assert kept.get("b", list) is second
    assert kept.get("a", list) == []
    huge = kept.get("c", lambda: [0] * 99)
    assert kept.get("c", list) is huge
    assert kept.get("b", lambda: [7]) == [7]


def test_what_is_forgotten_while_it_is_made_is_not_kept() -> None:
    kept: Shared[str] = Shared(9)

    def make() -> str:
        kept.clear()
        return "made"

    assert kept.get("a", make) == "made"
    assert kept.get("a", lambda: "made anew") == "made anew"
    assert kept.get("a", lambda: "not needed") == "made anew"
