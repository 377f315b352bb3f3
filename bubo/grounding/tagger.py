"""Picture -> what is in it."""

from typing import Protocol

from bubo.types import Picture, Tags


class Tagger(Protocol):
    """Names the things that a picture shows."""

    def tag(self, picture: Picture) -> Tags:
        """Scores names of things, 0 to 1; one half or more means that the picture shows it.

        Names that it knows but does not see should be given too, with their low score.
        """
        ...
