"""A set of ways to say one thing, split into those of training and those of the held-out split."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Phrasings:
    """Ways to ask one thing: those of the train and validation splits, and those of the held-out split."""

    train: tuple[str, ...]
    heldout: tuple[str, ...]

    def of(self, split: str) -> tuple[str, ...]:
        """Return the phrasings which the split may use."""
        return self.heldout if split == "heldout" else self.train


def ways(train: str, heldout: str) -> Phrasings:
    """Build from two texts of one phrasing per line."""

    def lines(text: str) -> tuple[str, ...]:
        return tuple(line.strip() for line in text.strip().splitlines())

    return Phrasings(lines(train), lines(heldout))
