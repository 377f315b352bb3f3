"""Pure functions on boxes and masks.

Boxes are float32 arrays (N, 4) of x0, y0, x1, y1 in absolute pixels; x grows to the right, y downwards, and
x1, y1 are the far edges (the pixel in the top left corner is the box 0, 0, 1, 1). Masks are boolean arrays
(H, W) or (N, H, W).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bubo.errors import InputError

FloatArray = NDArray[np.float32]
BoolArray = NDArray[np.bool_]

# A run-length string of a few bytes can ask for any amount of memory; no mask here is larger than this.
MAX_MASK_PIXELS = 2**27
# COCO's own counts are 32-bit numbers: 7 characters of 5 bits each.
MAX_RLE_DIGITS = 7
# Runs that are written or read at a time; a mask of noise has half as many as pixels, each in many bytes.
_RLE_BLOCK = 2**18


def _as_boxes(name: str, boxes: ArrayLike) -> FloatArray:
    array = np.asarray(boxes, dtype=np.float32)
    if array.size == 0:
        return array.reshape(0, 4)
    if array.ndim != 2 or array.shape[1] != 4:
        raise InputError(f"{name} must have shape (N, 4) with x0, y0, x1, y1, but got shape {array.shape}.")
    return array


def _as_masks(name: str, masks: ArrayLike) -> BoolArray:
    array = np.asarray(masks)
    if array.dtype != np.bool_ or array.ndim != 3:
        raise InputError(
            f"{name} must be a boolean array of shape (N, H, W), "
            f"but got shape {array.shape}, type {array.dtype}."
        )
    return array


def xyxy_to_xywh(boxes_xyxy: ArrayLike) -> FloatArray:
    """Boxes (N, 4) as x0, y0, width, height."""
    boxes = _as_boxes("boxes_xyxy", boxes_xyxy).copy()
    boxes[:, 2:] -= boxes[:, :2]
    return boxes


def xywh_to_xyxy(boxes_xywh: ArrayLike) -> FloatArray:
    """Boxes given as x0, y0, width, height (N, 4) as x0, y0, x1, y1."""
    boxes = _as_boxes("boxes_xywh", boxes_xywh).copy()
    boxes[:, 2:] += boxes[:, :2]
    return boxes


def clip_boxes(boxes_xyxy: ArrayLike, size_hw: tuple[int, int]) -> FloatArray:
    """Boxes (N, 4) cut at the border of a picture of `size_hw` (height, width) pixels."""
    height, width = size_hw
    limits = np.array([width, height, width, height], dtype=np.float32)
    clipped: FloatArray = np.clip(_as_boxes("boxes_xyxy", boxes_xyxy), np.float32(0), limits)
    return clipped


def box_area(boxes_xyxy: ArrayLike) -> FloatArray:
    """Areas (N,) in square pixels; a box whose far edge lies before its near edge has none."""
    boxes = _as_boxes("boxes_xyxy", boxes_xyxy)
    sides = np.clip(boxes[:, 2:] - boxes[:, :2], 0, None)
    area: FloatArray = sides[:, 0] * sides[:, 1]
    return area


def box_iou(boxes_a: ArrayLike, boxes_b: ArrayLike) -> FloatArray:
    """Intersection over union of every pair of boxes.

    Args:
        boxes_a: (N, 4) xyxy.
        boxes_b: (M, 4) xyxy.

    Returns:
        (N, M) float32 between 0 and 1; a pair without any area counts 0.
    """
    a, b = _as_boxes("boxes_a", boxes_a), _as_boxes("boxes_b", boxes_b)
    near = np.maximum(a[:, None, :2], b[None, :, :2])
    far = np.minimum(a[:, None, 2:], b[None, :, 2:])
    sides = np.clip(far - near, 0, None)
    intersection = sides[..., 0] * sides[..., 1]
    union = box_area(a)[:, None] + box_area(b)[None, :] - intersection
    return _ratio(intersection, union)


def _ratio(part: NDArray[Any], whole: NDArray[Any]) -> FloatArray:
    ratio = np.zeros(part.shape, dtype=np.float32)
    np.divide(part, whole, out=ratio, where=whole > 0, casting="unsafe")
    return ratio


def mask_iou(masks_a: ArrayLike, masks_b: ArrayLike) -> FloatArray:
    """Intersection over union of every pair of masks, counted exactly.

    Args:
        masks_a: (N, H, W) bool.
        masks_b: (M, H, W) bool.

    Returns:
        (N, M) float32 between 0 and 1; a pair of empty masks counts 0.

    Raises:
        InputError: If the masks differ in size.
    """
    a, b = _as_masks("masks_a", masks_a), _as_masks("masks_b", masks_b)
    if a.shape[1:] != b.shape[1:]:
        raise InputError(
            f"Masks must be of one size, but masks_a has {a.shape[1:]} and masks_b {b.shape[1:]}."
        )
    bits_a = np.packbits(a.reshape(len(a), a.shape[1] * a.shape[2]), axis=1)
    bits_b = np.packbits(b.reshape(len(b), b.shape[1] * b.shape[2]), axis=1)
    intersection = np.zeros((len(a), len(b)), dtype=np.int64)
    for row, bits in enumerate(bits_a):  # one row at a time bounds the memory to M masks
        intersection[row] = np.bitwise_count(bits_b & bits).sum(axis=1, dtype=np.int64)
    area_a = np.bitwise_count(bits_a).sum(axis=1, dtype=np.int64)
    area_b = np.bitwise_count(bits_b).sum(axis=1, dtype=np.int64)
    return _ratio(intersection, area_a[:, None] + area_b[None, :] - intersection)


def mask_to_box(mask: ArrayLike) -> FloatArray:
    """The smallest box (4,) xyxy around the set pixels of a mask (H, W); zeros for an empty mask."""
    array = _as_masks("mask", np.asarray(mask)[None])[0]
    rows, columns = np.flatnonzero(array.any(axis=1)), np.flatnonzero(array.any(axis=0))
    if not len(rows):
        return np.zeros(4, dtype=np.float32)
    return np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], dtype=np.float32)


@dataclass(frozen=True, eq=False)
class Cutout:
    """A mask as the bits of its box, in at most an eighth of the room.

    Args:
        size_hw: Height and width of the mask.
        place: Rows and columns of its box: y0, x0, y1, x1.
        bits: The pixels in the box, row by row, eight a byte.
    """

    size_hw: tuple[int, int]
    place: tuple[int, int, int, int]
    bits: NDArray[np.uint8]

    @classmethod
    def of(cls, mask: BoolArray) -> "Cutout":
        """The cutout of a mask (H, W)."""
        x0, y0, x1, y1 = (int(side) for side in mask_to_box(mask))
        return cls(mask.shape[:2], (y0, x0, y1, x1), np.packbits(mask[y0:y1, x0:x1]))

    @property
    def nbytes(self) -> int:
        """Bytes of its bits."""
        return int(self.bits.nbytes)

    def whole(self) -> BoolArray:
        """The mask (H, W), new each time."""
        y0, x0, y1, x1 = self.place
        mask = np.zeros(self.size_hw, np.bool_)
        count = (y1 - y0) * (x1 - x0)
        mask[y0:y1, x0:x1] = np.unpackbits(self.bits, count=count).reshape(y1 - y0, x1 - x0)
        return mask


def resize_mask(mask: ArrayLike, size_hw: tuple[int, int]) -> BoolArray:
    """A mask (H, W) or masks (N, H, W) at another size, each new pixel taking the nearest old one."""
    array = np.asarray(mask)
    masks = _as_masks("mask", array[None] if array.ndim == 2 else array)
    indices = []
    for new, old in zip(size_hw, masks.shape[1:], strict=True):
        if new < 1 or old < 1:
            raise InputError(
                f"resize_mask needs sides of at least 1 pixel, but got {masks.shape[1:]} -> {size_hw}."
            )
        indices.append(np.minimum((np.arange(new) + 0.5) * (old / new), old - 1).astype(np.intp))
    resized: BoolArray = masks[:, indices[0][:, None], indices[1][None, :]]
    return resized[0] if array.ndim == 2 else resized


def nms(boxes_xyxy: ArrayLike, scores: ArrayLike, iou_threshold: float = 0.5) -> NDArray[np.int64]:
    """Greedy non-maximum suppression.

    Args:
        boxes_xyxy: (N, 4).
        scores: (N,).
        iou_threshold: A box that overlaps a better one by more than this is dropped.

    Returns:
        Indices of the kept boxes, best score first; equal scores keep their order.
    """
    boxes = _as_boxes("boxes_xyxy", boxes_xyxy)
    values = np.asarray(scores, dtype=np.float32)
    if values.shape != (len(boxes),):
        raise InputError(
            f"scores must have shape ({len(boxes)},), one per box, but got shape {values.shape}."
        )
    order = np.argsort(-values, kind="stable")
    kept: list[int] = []
    while len(order):
        best, order = order[0], order[1:]
        kept.append(int(best))
        order = order[box_iou(boxes[best][None], boxes[order])[0] <= iou_threshold]
    return np.array(kept, dtype=np.int64)


def rle_encode(mask: ArrayLike) -> dict[str, Any]:
    """A mask (H, W) as COCO's compressed run-length encoding.

    Runs go down the columns and the first one counts unset pixels. From the fourth on, each is written as the
    difference to the run two before it; numbers are in base 32 with a continuation bit, as printable text.
    Source: cocoapi `common/maskApi.c`, `rleEncode` and `rleToString` (format only).

    Returns:
        {"size": [H, W], "counts": str}, ready for JSON.
    """
    array = _as_masks("mask", np.asarray(mask)[None])[0]
    height, width = array.shape
    pixels = array.T.ravel()
    edges = np.flatnonzero(pixels[1:] != pixels[:-1]) + 1
    starts = [0, 0] if pixels.size and pixels[0] else [0]
    counts = np.diff(np.concatenate([starts, edges, [pixels.size]])).astype(np.int64)
    return {"size": [height, width], "counts": _counts_to_string(counts)}


def _counts_to_string(counts: NDArray[np.int64]) -> str:
    numbers = counts.copy()
    numbers[3:] -= counts[1:-2]
    blocks = range(0, len(numbers), _RLE_BLOCK)
    return b"".join(_write_numbers(numbers[first : first + _RLE_BLOCK]) for first in blocks).decode("ascii")


def _write_numbers(numbers: NDArray[np.int64]) -> bytes:
    rest = numbers.copy()
    characters = np.zeros((len(rest), MAX_RLE_DIGITS), dtype=np.uint8)
    open_ = np.ones(len(rest), dtype=np.bool_)
    for digit in range(MAX_RLE_DIGITS):
        low = rest & 31
        rest >>= 5
        # the sign is bit 4 of the last digit, so a number ends only where the rest is pure sign
        more = np.where(low & 16, rest != -1, rest != 0)
        characters[open_, digit] = (low + np.where(more, 32, 0) + 48)[open_]
        open_ &= more
    return characters[characters > 0].tobytes()


def rle_decode(rle: Mapping[str, Any]) -> BoolArray:
    """The mask (H, W) of a COCO compressed run-length encoding, see `rle_encode`.

    Raises:
        InputError: If the size or the counts are not those of one mask.
    """
    size, text = rle.get("size"), rle.get("counts")
    if (
        not isinstance(size, list | tuple)
        or len(size) != 2
        or not all(isinstance(side, int) and not isinstance(side, bool) and side >= 0 for side in size)
    ):
        raise InputError(f"The size of a run-length mask must be [height, width], but got {size!r}.")
    height, width = size
    if height * width > MAX_MASK_PIXELS:
        raise InputError(
            f"A run-length mask may have {MAX_MASK_PIXELS} pixels, but its size is {height} x {width}."
        )
    if isinstance(text, str):
        text = text.encode("ascii", errors="replace")
    if not isinstance(text, bytes):
        raise InputError(f"The counts of a run-length mask must be a string, but got {type(text).__name__}.")
    counts = _string_to_counts(text, height * width + 1)
    if (counts < 0).any() or int(counts.sum()) != height * width:
        raise InputError(
            f"The counts of a run-length mask must add up to its {height} x {width} pixels, "
            f"but add up to {int(counts.sum())}: the text is damaged or belongs to another size."
        )
    values = np.zeros(len(counts), dtype=np.bool_)
    values[1::2] = True
    mask: BoolArray = np.repeat(values, counts).reshape(width, height).T
    return np.ascontiguousarray(mask)


def _string_to_counts(text: bytes, most: int) -> NDArray[np.int64]:
    codes = np.frombuffer(text, dtype=np.uint8) - np.uint8(48)  # what lies below wraps round to above 63
    last = (codes & 32) == 0
    if (codes > 63).any() or (len(last) and not last[-1]):
        raise _damaged()
    if (number := np.count_nonzero(last)) > most:
        raise InputError(
            f"A run-length mask may have {most} counts, one more than its pixels, but {number} were given."
        )
    ends = np.flatnonzero(last) + 1
    counts = np.zeros(number, dtype=np.int64)
    for first in range(0, len(ends), _RLE_BLOCK):
        start = ends[first - 1] if first else 0
        block = ends[first : first + _RLE_BLOCK]
        counts[first : first + _RLE_BLOCK] = _read_numbers(codes[start : block[-1]], block - start)
    counts[1::2] = np.cumsum(counts[1::2])
    counts[2::2] = np.cumsum(counts[2::2])
    return counts


def _read_numbers(codes: NDArray[np.uint8], ends: NDArray[np.int64]) -> NDArray[np.int64]:
    lengths = np.diff(ends, prepend=0)
    if (lengths > MAX_RLE_DIGITS).any():
        raise _damaged()
    starts = ends - lengths
    digit = np.arange(len(codes)) - np.repeat(starts, lengths)
    numbers = np.add.reduceat((codes & 31).astype(np.int64) << (5 * digit), starts)
    numbers -= np.where(codes[ends - 1] & 16, np.int64(1) << (5 * lengths), 0)
    return numbers


def _damaged() -> InputError:
    return InputError("The counts of a run-length mask are damaged: not COCO's compressed form.")
