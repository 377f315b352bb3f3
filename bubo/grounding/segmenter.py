"""Picture and boxes or points -> masks."""

from typing import Any, Protocol, runtime_checkable

from numpy.typing import NDArray

from bubo.types import Picture, Place, Regions


class Segmenter(Protocol):
    """Cuts things out of a picture."""

    def segment(self, picture: Picture, where: Regions | NDArray[Any]) -> Regions:
        """Regions with a mask each, in the size of the picture.

        Args:
            picture: The picture.
            where: Regions whose boxes mark the things (labels, boxes and scores stay as they are), or points
                (N, 2), x and y in pixels, each on one thing; the region then has an empty label and its
                mask's box.
        """
        ...


@runtime_checkable
class PlaceSegmenter(Protocol):
    """A segmenter that takes a whole place: several points, negative ones, a box with points."""

    def segment_place(self, picture: Picture, place: Place) -> Regions:
        """The region of the one thing that is meant, with an empty label; none if nothing is there."""
        ...
