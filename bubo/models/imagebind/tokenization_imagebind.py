"""CLIP's byte-pair tokenizer, as the text tower expects it.

The vocabulary is CLIP's `bpe_simple_vocab_16e6.txt.gz` (one header line, then one merge per line); it is not
shipped here, but the package open_clip_torch brings it. Ids: 256 byte symbols, the same with the word-end
mark, the merges in the file's order, then start and end.
"""

import gzip
import html
import json
import os
import shutil
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import regex
from transformers.feature_extraction_utils import BatchFeature

START, END = "<|startoftext|>", "<|endoftext|>"
WORD_END = "</w>"
MAX_MERGES = 49152 - 256 - 2  # the file holds more; the released model stops here
VOCABULARY_VARIABLE = "BUBO_CLIP_VOCABULARY"
CLIP_FILE = "bpe_simple_vocab_16e6.txt.gz"
CONFIG_FILE, VOCABULARY_FILE = "tokenizer_config.json", "bpe_vocabulary.txt.gz"
WORD = regex.compile(
    r"<\|startoftext\|>|<\|endoftext\|>|'(?:s|t|re|ve|m|ll|d)|\p{L}+|\p{N}|[^\s\p{L}\p{N}]+", regex.IGNORECASE
)

QUOTES = str.maketrans("\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f", "''''" + '""""')
# Latin ligatures and full-width forms.
FOLDED_CHARS = frozenset(map(chr, [*range(0xFB00, 0xFB07), *range(0xFF01, 0xFFEF)]))


@lru_cache(maxsize=1)
def byte_symbols() -> dict[int, str]:
    """Byte value -> printable character, in vocabulary order.

    Printable Latin-1 bytes stand for themselves, the rest get the code points from 256 on.
    """
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [value for value in range(256) if value not in set(printable)]
    symbols = {value: chr(value) for value in printable}
    return symbols | {value: chr(256 + index) for index, value in enumerate(others)}


def clean_text(text: str) -> str:
    """Repair encoding damage, resolve HTML entities, collapse whitespace and lower the case."""
    try:
        from ftfy import fix_text
    except ImportError:
        fix_text = plain_characters
    text = html.unescape(html.unescape(fix_text(text)))
    return " ".join(text.split()).lower()


def plain_characters(text: str) -> str:
    """Straighten quotes, ligatures and full-width forms and compose accents.

    Stands in for ftfy where that is not installed; text decoded with a wrong encoding stays as it is.
    """
    if text.isascii():
        return text
    folded = (
        unicodedata.normalize("NFKC", char) if char in FOLDED_CHARS else char
        for char in text.translate(QUOTES)
    )
    return unicodedata.normalize("NFC", "".join(folded))


class ImageBindTokenizer:
    """Texts to id rows of fixed length: start, words, end, zeros.

    Args:
        vocabulary_path: CLIP's merge list, gzip; None looks for it, see `find_vocabulary`.
        max_length: length of a row.
        keep_end: end rows that are too long with the end id. False cuts them off without it, as older
            releases and BuboGPT do; pooling then lands on the largest id left.
    """

    model_input_names = ["input_ids"]

    def __init__(
        self, vocabulary_path: str | Path | None = None, max_length: int = 77, keep_end: bool = True
    ):
        self.vocabulary_path = Path(vocabulary_path or find_vocabulary())
        self.max_length = max_length
        self.keep_end = keep_end
        merges = read_merges(self.vocabulary_path)
        symbols = list(byte_symbols().values())
        tokens = symbols + [symbol + WORD_END for symbol in symbols] + ["".join(pair) for pair in merges]
        self.tokens = [*tokens, START, END]
        self.ids = {token: index for index, token in enumerate(self.tokens)}
        self.ranks = {pair: rank for rank, pair in enumerate(merges)}
        self._words: dict[str, list[int]] = {START: [self.ids[START]], END: [self.ids[END]]}

    @classmethod
    def from_pretrained(cls, folder: str | Path) -> "ImageBindTokenizer":
        """Load what `save_pretrained` wrote."""
        settings = json.loads((Path(folder) / CONFIG_FILE).read_text(encoding="utf-8"))
        return cls(
            Path(folder) / VOCABULARY_FILE,
            max_length=settings["max_length"],
            keep_end=settings["keep_end"],
        )

    def save_pretrained(self, folder: str | Path) -> None:
        """Write the settings and a copy of the vocabulary into `folder`."""
        Path(folder).mkdir(parents=True, exist_ok=True)
        settings = {
            "tokenizer_class": "ImageBindTokenizer",
            "max_length": self.max_length,
            "keep_end": self.keep_end,
        }
        (Path(folder) / CONFIG_FILE).write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
        target = Path(folder) / VOCABULARY_FILE
        if not (target.exists() and target.samefile(self.vocabulary_path)):
            shutil.copyfile(self.vocabulary_path, target)

    def __len__(self) -> int:
        return len(self.tokens)

    def __call__(self, texts: str | Sequence[str], return_tensors: str | None = None) -> BatchFeature:
        """Return `input_ids` (B, max_length) int64 of one text or several."""
        texts = [texts] if isinstance(texts, str) else list(texts)
        rows = np.zeros((len(texts), self.max_length), dtype=np.int64)
        for row, text in zip(rows, texts, strict=True):
            ids = [self.ids[START], *self.encode(text), self.ids[END]]
            if len(ids) > self.max_length:
                ids = ids[: self.max_length]
                if self.keep_end:
                    ids[-1] = self.ids[END]
            row[: len(ids)] = ids
        return BatchFeature({"input_ids": rows}, tensor_type=return_tensors)

    def encode(self, text: str) -> list[int]:
        """Ids of the words of a text, without start and end."""
        return [index for word in WORD.findall(clean_text(text)) for index in self.word_ids(word)]

    def decode(self, ids: Sequence[int]) -> str:
        """Text of some ids, one space behind every word; start and end appear literally."""
        byte_values = {symbol: value for value, symbol in byte_symbols().items()}
        pieces = []
        for index in ids:
            token = self.tokens[index]
            if token in (START, END):
                pieces.append(token.encode())
            else:
                stem = token.removesuffix(WORD_END)
                pieces.append(bytes(byte_values[symbol] for symbol in stem) + b" " * (stem != token))
        return b"".join(pieces).decode("utf-8", errors="replace")

    def word_ids(self, word: str) -> list[int]:
        """Ids of one word: its bytes, joined by the best-ranked merge until none applies."""
        if word not in self._words:
            pieces = [byte_symbols()[value] for value in word.encode("utf-8")]
            pieces[-1] += WORD_END
            while len(pieces) > 1:
                pairs = zip(pieces, pieces[1:], strict=False)
                best = min(pairs, key=lambda pair: self.ranks.get(pair, MAX_MERGES))
                if best not in self.ranks:
                    break
                pieces = join_pair(pieces, best)
            self._words[word] = [self.ids[piece] for piece in pieces]
        return self._words[word]


def find_vocabulary() -> Path:
    """CLIP's merge list: the file that BUBO_CLIP_VOCABULARY names, or that of an installed open_clip_torch.

    The package is only looked into, not imported.

    Raises:
        FileNotFoundError: If there is neither.
    """
    named = os.environ.get(VOCABULARY_VARIABLE)
    if named:
        return Path(named)
    package = find_spec("open_clip")
    for folder in package.submodule_search_locations or () if package else ():
        path = Path(folder) / CLIP_FILE
        if path.is_file():
            return path
    raise FileNotFoundError(
        f"CLIP's vocabulary {CLIP_FILE} was not found: install it with "
        f"`pip install --no-deps open_clip_torch`, or set {VOCABULARY_VARIABLE} to the path of the file."
    )


def read_merges(path: Path) -> list[tuple[str, str]]:
    """Read the merges of a vocabulary file, best first."""
    try:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            lines = file.read().split("\n")
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"No vocabulary at {path}: give the path of CLIP's bpe_simple_vocab_16e6.txt.gz."
        ) from error
    except (gzip.BadGzipFile, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not a gzip text file: expected CLIP's merge list.") from error
    merges = [tuple(line.split()) for line in lines[1 : MAX_MERGES + 1] if line.strip()]
    broken = next((merge for merge in merges if len(merge) != 2), None)
    if broken is not None:
        raise ValueError(f"{path} holds {' '.join(broken)!r} where a merge of two symbols was expected.")
    return merges


def join_pair(pieces: list[str], pair: tuple[str, str]) -> list[str]:
    """Join every non-overlapping occurrence of `pair` in `pieces`, from the left."""
    joined = []
    index = 0
    while index < len(pieces):
        if tuple(pieces[index : index + 2]) == pair:
            joined.append(pieces[index] + pieces[index + 1])
            index += 2
        else:
            joined.append(pieces[index])
            index += 1
    return joined


__all__ = ["ImageBindTokenizer"]
