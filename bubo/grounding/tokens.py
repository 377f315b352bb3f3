"""Text -> words with code-point offsets, and the sentences they stand in.

Every rule looks back or a few characters ahead only, so the words of a finished sentence do not change when
more text
follows: that is what lets links be given out while an answer is still being written.
"""

import re
import unicodedata
from dataclasses import dataclass

# Latin letters with the combining accents that may follow them, so that a decomposed "café" is one word.
_LATIN = "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u0300-\u036f"
_WORD = re.compile(
    rf"\d+(?:st|nd|rd|th)\b|\d+(?:[.,:]\d+)*|[{_LATIN}]+(?:['’][{_LATIN}]+)*|[^\W\d_{_LATIN}]+"
)
# Addresses, file names, tags and fenced code are not prose: a "dog" in them names nothing.
_NOT_PROSE = re.compile(
    r"```.*?(?:```|\Z)|(?:https?://|www\.)\S+|\S+@\S+\.\w+|</?[A-Za-z](?:[^<>\n.!?]|[.!?](?!\s)){0,80}>"
    r"|\b[\w-]+\.(?:png|jpe?g|gif|webp|bmp|tiff?|wav|mp3|flac|ogg|m4a|webm|mp4|bubo|py|json)\b",
    re.DOTALL | re.IGNORECASE,
)
# Without one of these there is none of them, and looking for them costs more than all the rest.
_MARKS = re.compile(r"[`@<]|://|www\.|\.\w", re.IGNORECASE)
_CLOSER = r"[\"'”’)\]*_`]*"
_END = re.compile(rf"[.!?…]+{_CLOSER}(?=\s)|[。！？]+{_CLOSER}(?=.)|\n", re.DOTALL)
_CLAUSE_END = re.compile(r"[,;:](?=\s)|(?<=\w)(?=\s+(?:and|but)\s)", re.IGNORECASE)
_CONTRACTIONS = "it's that's there's here's what's who's where's he's she's let's how's this's"
_KEEP_APOSTROPHE = frozenset(_CONTRACTIONS.split())


@dataclass(frozen=True, slots=True)
class Token:
    """One word.

    Args:
        start: Offset of its first code point.
        end: Offset behind its last one; a possessive 's is left out.
        key: The word as it is looked up: composed, case folded, without a possessive 's.
        gap: The text between the word before and this one (a possessive 's belongs to it).
        sentence: Number of the sentence it stands in, from 0.
    """

    start: int
    end: int
    key: str
    gap: str
    sentence: int


def word_key(word: str) -> str:
    """A word as it is looked up: NFC, case folded, with the plain apostrophe."""
    return unicodedata.normalize("NFC", word).replace("’", "'").casefold()


def split_words(text: str) -> tuple[str, ...]:
    """The look-up keys of the words of a short text such as a name in a vocabulary."""
    return tuple(token.key for token in tokenise(text))


def sentence_ends(text: str) -> list[int]:
    """Offsets behind each finished sentence; the last one may be less than the length of the text."""
    return [match.end() for match in _END.finditer(_prose(text))]


def closed_length(text: str) -> int:
    """How much of a growing text is made of finished sentences and clauses; its phrases are complete."""
    prose = _prose(text)
    return max((match.end() for ends in (_END, _CLAUSE_END) for match in ends.finditer(prose)), default=0)


def tokenise(text: str) -> list[Token]:
    """The words of a text in reading order."""
    prose = _prose(text)
    ends = [match.end() for match in _END.finditer(prose)]
    tokens: list[Token] = []
    sentence, last = 0, 0
    for match in _WORD.finditer(prose):
        start, end = match.span()
        while sentence < len(ends) and ends[sentence] <= start:
            sentence += 1
        key = word_key(match.group())
        if key.endswith("'s") and key not in _KEEP_APOSTROPHE:
            key, end = key[:-2], end - 2
        tokens.append(Token(start, end, key, text[last:start], sentence))
        last = end
    return tokens


def _prose(text: str) -> str:
    """The text with all that is not prose blanked out, each offset kept."""
    if _MARKS.search(text) is None:
        return text
    return _NOT_PROSE.sub(lambda match: " " * len(match.group()), text)
