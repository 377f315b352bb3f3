"""Lists of tags that a user brings: which things a tagger asks for, and what else they are called.

Plain text in UTF-8. A tag list has one tag per line; a list of synonyms has lines like `sofa, couch, settee`,
the tag first.
"""

from collections.abc import Sequence
from pathlib import Path

from bubo.errors import InputError

#: Most tags of one list: a tagger scores all of them at once, and every one costs memory and time.
MAX_TAGS = 20_000
_MAX_BYTES = 4_000_000


def check_tags(tags: Sequence[str], source: str = "The tag list") -> tuple[str, ...]:
    """The tags, without the spaces around them.

    Args:
        tags: Names of things, each once.
        source: What the list is called in messages.

    Raises:
        InputError: If there are none or more than `MAX_TAGS`, or one is empty, no string or there twice.
    """
    if isinstance(tags, str):
        raise InputError(f"{source} must be a list of tags, but is one string: {tags[:80]!r}.")
    if not 0 < len(tags) <= MAX_TAGS:
        raise InputError(
            f"{source} holds {len(tags)} tags; expected 1 to {MAX_TAGS}. Leave out what is not needed."
        )
    seen: dict[str, int] = {}
    for number, tag in enumerate(tags, 1):
        name = tag.strip() if isinstance(tag, str) else ""
        if not name:
            raise InputError(f"{source}: tag {number} is {tag!r}; expected a word or a few.")
        if name in seen:
            raise InputError(
                f"{source} holds {name!r} twice, as tags {seen[name]} and {number}: leave one of them out."
            )
        seen[name] = number
    return tuple(seen)


def read_tags(path: str | Path) -> tuple[str, ...]:
    """Reads a tag list, one tag per line; empty lines are passed over.

    Raises:
        InputError: If it cannot be read, or is not a list as `check_tags` wants it.
    """
    lines = [line for _, line in _lines(path)]
    return check_tags(lines, f"The tag list {str(path)!r}")


def read_synonyms(path: str | Path) -> dict[str, tuple[str, ...]]:
    """Reads lines of a tag and its synonyms, for `Lexicon.with_synonyms`; empty lines are passed over.

    Returns:
        Tag -> other words for it, in the order of the file.

    Raises:
        InputError: If it cannot be read, is empty or too long, or a line has no tag or one that had a line.
    """
    found: dict[str, tuple[str, ...]] = {}
    for number, line in _lines(path):
        tag, *others = (word.strip() for word in line.split(","))
        where = f"The list of synonyms {str(path)!r}, line {number}"
        if not tag:
            raise InputError(f"{where}: there is no tag before the first comma. Write: tag, synonym, synonym")
        if tag in found:
            raise InputError(f"{where}: {tag!r} has a line already. Put all its synonyms into one line.")
        found[tag] = tuple(dict.fromkeys(word for word in others if word and word != tag))
    check_tags(tuple(found), f"The list of synonyms {str(path)!r}")
    return found


def _lines(path: str | Path) -> list[tuple[int, str]]:
    """Numbers and content of the lines that are not empty."""
    try:
        with open(path, "rb") as stream:
            data = stream.read(_MAX_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a path with a zero byte
        raise InputError(f"Cannot read the list {str(path)!r}: {error}.") from error
    if len(data) > _MAX_BYTES:
        raise InputError(
            f"The list {str(path)!r} has more than {_MAX_BYTES} bytes; expected at most {MAX_TAGS} lines."
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"The list {str(path)!r} is not UTF-8 (byte {error.start}): save it as plain text in UTF-8."
        ) from None
    return [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
