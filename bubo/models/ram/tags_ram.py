"""What the columns of the released RAM and RAM++ stand for, and the probabilities above which they count."""

from pathlib import Path

HERE = Path(__file__).parent


def released_tags() -> list[str]:
    """The 4,585 tags, in the order of the logits."""
    return (HERE / "tags.txt").read_text(encoding="utf-8").splitlines()


def released_thresholds() -> list[float]:
    """The threshold of each tag, 0.45 to 1; those of ten tags are 1, which nothing passes."""
    return [float(line) for line in (HERE / "thresholds.txt").read_text(encoding="utf-8").splitlines()]


__all__ = ["released_tags", "released_thresholds"]
