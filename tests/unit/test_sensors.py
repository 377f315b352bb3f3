"""Depth, thermal and motion files: what they hold, and what is wrong with them."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bubo.errors import MediaError
from bubo.sensors import load_depth, load_motion, load_thermal

DEPTH_MM = np.array([[0, 500], [1500, 65535]], np.uint16)
MOTION = np.arange(24, dtype=np.float64).reshape(4, 6) / 10


def png(path: Path, array: np.ndarray) -> Path:
    Image.fromarray(array).save(path)
    return path


def npy(path: Path, array: np.ndarray) -> Path:
    np.save(path, array)
    return path


def test_depth_is_in_metres_whatever_the_file(tmp_path: Path) -> None:
    expected = np.array([[0, 0.5], [1.5, 65.535]], np.float32)
    np.testing.assert_allclose(load_depth(png(tmp_path / "a.png", DEPTH_MM)), expected)
    np.testing.assert_allclose(load_depth(npy(tmp_path / "b.npy", DEPTH_MM.astype(np.int32))), expected)
    np.testing.assert_allclose(load_depth(npy(tmp_path / "c.npy", expected)), expected)
    np.testing.assert_allclose(load_depth(npy(tmp_path / "d.npy", DEPTH_MM.astype(float)), "mm"), expected)
    holes = load_depth(npy(tmp_path / "e.npy", np.array([[np.nan, np.inf, 2.0]])))
    np.testing.assert_allclose(holes, [[0, 0, 2]])
    assert holes.dtype == np.float32


def test_eight_bits_of_warmth_are_taken_as_they_are(tmp_path: Path) -> None:
    grey = np.array([[0, 51], [102, 255]], np.uint8)
    np.testing.assert_allclose(load_thermal(png(tmp_path / "a.png", grey)), grey / 255, atol=1e-6)
    np.testing.assert_allclose(
        load_thermal(png(tmp_path / "b.png", np.stack([grey] * 3, -1))), grey / 255, atol=1e-6
    )


@pytest.mark.parametrize("scale", [1, 100])
def test_radiometric_warmth_is_stretched(tmp_path: Path, scale: int) -> None:
    values = np.linspace(280, 310, 1001).reshape(7, 143) * scale
    warmth = load_thermal(png(tmp_path / "a.tiff", values.astype(np.uint16 if scale > 1 else np.float32)))
    assert warmth.min() == 0 and warmth.max() == 1
    assert warmth.reshape(-1)[500] == pytest.approx(0.5, abs=0.02)
    assert (np.diff(warmth.reshape(-1)) >= 0).all()
    np.testing.assert_array_equal(load_thermal(npy(tmp_path / "b.npy", np.full((3, 4), 300.0))), 0.5)


def csv(path: Path, rows: list[list[object]], header: str = "") -> Path:
    lines = [header] if header else []
    path.write_text("\n".join([*lines, *(",".join(map(str, row)) for row in rows)]) + "\n")
    return path


def test_motion_comes_from_csv_and_npy(tmp_path: Path) -> None:
    timed = [[0.02 * i, *row] for i, row in enumerate(MOTION)]
    named = load_motion(csv(tmp_path / "a.csv", timed, "time,ax,ay,az,gx,gy,gz"))
    assert named.sampling_rate == pytest.approx(50) and named.duration_s == pytest.approx(0.08)
    plain = load_motion(csv(tmp_path / "b.csv", MOTION.tolist()), 50)
    upright = load_motion(npy(tmp_path / "c.npy", MOTION), 50)
    lying = load_motion(npy(tmp_path / "d.npy", MOTION.T), 50)
    for motion in (named, plain, upright, lying):
        np.testing.assert_allclose(motion.samples, MOTION.T, atol=1e-6)
        assert motion.samples.dtype == np.float32


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def huge_head() -> bytes:
    """The head of an array of eight million terabytes, and nothing behind it."""
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        head, {"descr": "<f8", "fortran_order": False, "shape": (10**9, 10**9)}
    )
    return head.getvalue()


@pytest.mark.parametrize(
    ("load", "make", "message"),
    [
        (load_depth, lambda p: p / "none.png", "There is no depth map"),
        (load_depth, lambda p: write(p / "a.png", b""), "is empty"),
        (load_depth, lambda p: write(p / "a.png", b"\x89PNG nothing"), "damaged or no picture"),
        (load_depth, lambda p: write(p / "a.npy", b"\x93NUMPY\x01\x00broken"), "no whole .npy"),
        (load_depth, lambda p: write(p / "a.npy", huge_head()), "no whole .npy"),
        (load_depth, lambda p: png(p / "a.png", DEPTH_MM.astype(np.uint8)), "8 bits"),
        (load_depth, lambda p: npy(p / "a.npy", -np.ones((2, 2))), "negative"),
        (load_depth, lambda p: npy(p / "a.npy", np.ones((2, 2, 3))), r"\(2, 2, 3\)"),
        (load_depth, lambda p: npy(p / "a.npy", np.array([["a"]])), "one plane of numbers"),
        (load_depth, lambda p: npy(p / "a.npy", np.array([[None]], object)), "no whole .npy"),
        (lambda path: load_depth(path, "cm"), lambda p: p / "a.npy", "'cm'; expected 'm' or 'mm'"),
        (load_thermal, lambda p: npy(p / "a.npy", np.full((2, 2), np.nan)), "no finite value"),
        (load_thermal, lambda p: p, "Cannot read"),
        (load_motion, lambda p: npy(p / "a.npy", MOTION), "Nobody tells the sampling rate"),
        (lambda path: load_motion(path, -5), lambda p: npy(p / "a.npy", MOTION), "above 0"),
        (lambda path: load_motion(path, 50), lambda p: npy(p / "a.npy", MOTION[:, :5]), r"\(4, 5\)"),
        (lambda path: load_motion(path, 50), lambda p: npy(p / "a.npy", MOTION * np.nan), "not finite"),
        (load_motion, lambda p: csv(p / "a.csv", [[1, 2, 3]]), "no table of six numbers"),
        (load_motion, lambda p: csv(p / "a.csv", [[1, 2, 3, 4, 5, 6], [1, 2, "x", 4, 5, 6]]), "row 2"),
        (load_motion, lambda p: csv(p / "a.csv", [[1] * 7] * 2, "id,a,b,c,d,e,f"), "'id'; expected seconds"),
        (load_motion, lambda p: csv(p / "a.csv", [[1] * 7] * 2, "time,a,b,c,d,e,f"), "do not rise"),
        (load_motion, lambda p: write(p / "a.csv", b"\xff\xfe\x00"), "neither .npy nor a text table"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(tmp_path: Path, load, make, message: str) -> None:
    with pytest.raises(MediaError, match=message):
        load(make(tmp_path))
