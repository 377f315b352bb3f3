"""Picture and phrases -> boxes."""

from collections.abc import Sequence
from typing import Protocol

from bubo.types import Picture, Regions


class Detector(Protocol):
    """Finds the things that phrases name."""

    def detect(self, picture: Picture, phrases: Sequence[str]) -> Regions:
        """Boxes with scores of what each phrase names; labels are the given phrases, word for word.

        A phrase may have several boxes or none; only boxes that the detector is sure enough of are given. A
        detector that can tell what is not there gives such a phrase one empty box (all zeros) with its low
        score.
        """
        ...
