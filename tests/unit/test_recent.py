"""Values kept for a while: made once, the one unused for longest goes first."""

import pytest

from bubo.recent import Recent


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
