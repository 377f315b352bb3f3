"""Bytes for people."""


def size_of(number: int | None) -> str:
    """The number with a unit, such as 4.8 GB; a question mark for None."""
    if number is None:
        return "?"
    for unit, name in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if number >= unit:
            return f"{number / unit:.1f} {name}" if number < 100 * unit else f"{number / unit:.0f} {name}"
    return f"{number} bytes"
