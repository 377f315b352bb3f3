"""Depth maps, thermal pictures and motion recordings from files, for the other senses of ImageBind.

File formats:
- depth: a 16-bit PNG in millimetres (0 where nothing was measured), or a .npy array in metres (floats) or
  millimetres (integers); `unit` overrules both.
- thermal: an 8-bit picture of any format, grey or coloured alike; or radiometric, a 16-bit PNG or TIFF or a
  .npy array of any numbers that rise with the temperature.
- motion: a .csv or .npy table with three axes of acceleration, then three of rotation, one row per sample; a
  csv may have a header and, in front, a column of seconds (named time, t or seconds), which tells the rate.
"""

import csv
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from bubo.errors import MediaError

MAX_BYTES = 2**29
MAX_CELLS = 50_000_000
NUM_AXES = 6
METRES = {"m": 1.0, "mm": 0.001}
TIME_NAMES = {"time", "t", "seconds", "time_s", "timestamp"}


@dataclass(frozen=True, eq=False)
class Motion:
    """A recording of an accelerometer and a gyroscope.

    Args:
        samples: (6, T) float32: acceleration along x, y, z, then rotation about x, y, z.
        sampling_rate: samples per second.
    """

    samples: NDArray[np.float32]
    sampling_rate: float

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return float(self.samples.shape[1] / self.sampling_rate)


def load_depth(path: str | Path, unit: str | None = None) -> NDArray[np.float32]:
    """Distances in metres (H, W) float32; 0 where nothing was measured.

    Args:
        path: A 16-bit PNG, or a .npy array.
        unit: "m" or "mm"; None takes floats for metres and integers for millimetres.

    Raises:
        MediaError: If the file is no depth map, or the unit is none of the two.
    """
    if unit is not None and unit not in METRES:
        raise MediaError(f"The unit of a depth map was given as {unit!r}; expected 'm' or 'mm'.")
    array = _read_plane(Path(path), "depth map")
    if array.dtype == np.uint8:
        raise MediaError(
            f"The depth map {str(path)!r} has 8 bits, which are grey levels, no distances: give a 16-bit PNG "
            "in millimetres or a .npy array in metres."
        )
    scale = METRES[unit or ("m" if array.dtype.kind == "f" else "mm")]
    depth: NDArray[np.float32] = array.astype(np.float32) * np.float32(scale)
    depth[~np.isfinite(depth)] = 0
    if depth.min(initial=0.0) < 0:
        raise MediaError(f"The depth map {str(path)!r} holds negative distances: expected 0 or more.")
    return depth


def load_thermal(path: str | Path) -> NDArray[np.float32]:
    """Warmth from 0 to 1, (H, W) float32.

    Eight bits are taken as they are, from 0 to 255. Radiometric values are stretched from the coldest to the
    warmest of the picture, leaving out half a percent at both ends.

    Raises:
        MediaError: If the file is no thermal picture.
    """
    array = _read_plane(Path(path), "thermal picture")
    if array.dtype == np.uint8:
        return array.astype(np.float32) / np.float32(255)
    values = array.astype(np.float64)
    finite = values[np.isfinite(values)]
    if not finite.size:
        raise MediaError(f"The thermal picture {str(path)!r} holds no finite value.")
    low, high = np.percentile(finite, (0.5, 99.5))
    if high <= low:
        return np.full(values.shape, 0.5, np.float32)
    filled = np.nan_to_num(values, nan=low, posinf=high, neginf=low)
    warmth: NDArray[np.float32] = np.clip((filled - low) / (high - low), 0, 1).astype(np.float32)
    return warmth


def load_motion(path: str | Path, sampling_rate: float | None = None) -> Motion:
    """A motion recording.

    Args:
        path: A .csv or .npy table, (T, 6) or (6, T); a .csv may have a column of seconds in front.
        sampling_rate: samples per second; needed where the file has no column of seconds.

    Raises:
        MediaError: If the file is no such table, is not finite, or nobody tells its rate.
    """
    path = Path(path)
    content = _read(path, "motion recording")
    times = None
    if content[:6] == b"\x93NUMPY":
        table = _read_npy(content, path, "motion recording")
        table = table.T if table.ndim == 2 and table.shape[0] == NUM_AXES else table
    else:
        table, times = _read_csv(content, path)
    if table.ndim != 2 or table.shape[1] != NUM_AXES or not len(table):
        raise MediaError(
            f"The motion recording {str(path)!r} is {tuple(table.shape)}; expected six columns: acceleration "
            "along x, y, z and rotation about x, y, z."
        )
    if not np.isfinite(table.astype(np.float64)).all():
        raise MediaError(f"The motion recording {str(path)!r} holds values that are not finite.")
    rate = sampling_rate or _rate(times, path)
    if not (np.isfinite(rate) and rate > 0):
        raise MediaError(f"The sampling rate was given as {rate}; expected samples per second above 0.")
    return Motion(np.ascontiguousarray(table.T, dtype=np.float32), float(rate))


def _rate(times: NDArray[Any] | None, path: Path) -> float:
    if times is None or len(times) < 2:
        raise MediaError(
            f"Nobody tells the sampling rate of {str(path)!r}: give it, or a first column named 'time', in "
            "seconds."
        )
    steps = np.diff(times)
    if not (np.isfinite(steps).all() and (steps > 0).all()):
        raise MediaError(f"The seconds in {str(path)!r} do not rise from row to row.")
    return float(1 / np.median(steps))


def _read(path: Path, kind: str) -> bytes:
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise MediaError(f"The {kind} {str(path)!r} has {size} bytes; expected at most {MAX_BYTES}.")
        content = path.read_bytes()
    except FileNotFoundError:
        raise MediaError(f"There is no {kind} {str(path)!r}: check the path.") from None
    except OSError as error:
        raise MediaError(f"Cannot read the {kind} {str(path)!r}: {error.strerror}.") from None
    if not content:
        raise MediaError(f"The {kind} {str(path)!r} is empty (0 bytes).")
    return content


def _read_plane(path: Path, kind: str) -> NDArray[Any]:
    """One plane of numbers (H, W): uint8, or wider where the file is."""
    content = _read(path, kind)
    if content[:6] == b"\x93NUMPY":
        array = _read_npy(content, path, kind)
    else:
        array = _read_picture(content, path, kind)
    array = array[..., 0] if array.ndim == 3 and array.shape[-1] == 1 else array
    array = array[0] if array.ndim == 3 and array.shape[0] == 1 else array
    if array.ndim != 2 or array.dtype.kind not in "uif" or not array.size:
        raise MediaError(
            f"The {kind} {str(path)!r} is {array.dtype} {tuple(array.shape)}; expected one plane of numbers, "
            "height by width."
        )
    return array


def _read_npy(content: bytes, path: Path, kind: str) -> NDArray[Any]:
    try:
        array = np.load(io.BytesIO(content), allow_pickle=False)
    except (ValueError, EOFError, OSError, MemoryError) as error:  # a head may claim any size
        raise MediaError(f"The {kind} {str(path)!r} is no whole .npy array: {error}.") from None
    if not isinstance(array, np.ndarray) or array.size > MAX_CELLS:
        raise MediaError(f"The {kind} {str(path)!r} is too large; expected at most {MAX_CELLS} numbers.")
    return array


def _read_picture(content: bytes, path: Path, kind: str) -> NDArray[Any]:
    try:
        with Image.open(io.BytesIO(content)) as picture:
            if picture.width * picture.height > MAX_CELLS:
                raise MediaError(
                    f"The {kind} {str(path)!r} is {picture.width} x {picture.height}; expected at most "
                    f"{MAX_CELLS} pixels."
                )
            if picture.mode.startswith(("I", "F")):
                return np.asarray(picture)
            return np.asarray(picture.convert("L"))
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        if isinstance(error, MediaError):
            raise
        raise MediaError(f"The {kind} {str(path)!r} is damaged or no picture: {error}.") from None


def _read_csv(content: bytes, path: Path) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """The six columns (T, 6), and the seconds (T,) if the file has them."""
    try:
        rows = [row for row in csv.reader(io.StringIO(content.decode("utf-8-sig"))) if row]
    except (UnicodeDecodeError, csv.Error):
        raise MediaError(f"The motion recording {str(path)!r} is neither .npy nor a text table.") from None
    header = [cell.strip().lower() for cell in rows[0]] if rows and not _numbers(rows[0]) else []
    rows = rows[1:] if header else rows
    width = len(rows[0]) if rows else 0
    bad = next((n for n, row in enumerate(rows) if len(row) != width or not _numbers(row)), None)
    if bad is not None or width not in (NUM_AXES, NUM_AXES + 1):
        where = "" if bad is None else f" (see row {bad + 1 + bool(header)})"
        raise MediaError(
            f"The motion recording {str(path)!r} is no table of six numbers a row{where}; a seventh in front "
            "is taken for seconds."
        )
    if width == NUM_AXES + 1 and header and header[0] not in TIME_NAMES:
        raise MediaError(
            f"The first of seven columns of {str(path)!r} is {header[0]!r}; expected seconds, named 'time'."
        )
    table = np.array(rows, dtype=np.float64)
    return (table[:, 1:], table[:, 0]) if width == NUM_AXES + 1 else (table, None)


def _numbers(row: list[str]) -> bool:
    try:
        return bool([float(cell) for cell in row])
    except ValueError:
        return False
