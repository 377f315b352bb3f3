"""Where the matcher and the verdict draw their lines."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Where sure begins.

    Args:
        clear: A thing that the text denies but that is found with at least this score makes the phrase
            "unsure".
        unsure: A thing without a place whose best score reaches this is "unsure", below it "absent".
        unknown: Score of a thing that the lexicon does not know and the detector did not find.
        faint: A thing or a sound is there from this score on if the other sense backs it.
        missing: In a verdict, a sound without its source speaks against the others from this score on.
    """

    clear: float = 0.8
    unsure: float = 0.5
    unknown: float = 0.5
    faint: float = 0.2
    missing: float = 0.7
