"""Sound and phrases -> seconds."""

from collections.abc import Sequence
from typing import Protocol

from bubo.types import Sound, Spans


class Listener(Protocol):
    """Finds when the sounds that phrases name are heard."""

    def listen(self, sound: Sound, phrases: Sequence[str]) -> Spans:
        """Stretches with scores of what each phrase names; labels are the given phrases, word for word.

        A phrase may have several stretches. One that is not heard should be given as one empty stretch (start
        equal to end) with its low score.
        """
        ...
