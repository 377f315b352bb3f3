"""Mutated media: whatever bytes come in, there is a value or a MediaError, soon, and nothing else."""

import io
import time
import zlib

import av
import numpy as np
import pytest
import soundfile
from PIL import Image

from bubo.errors import MediaError
from bubo.media import load_picture, load_sound

MUTATIONS = 60  # of each file; the seed differs per file, so the suite tries several hundred
LIMIT_S = (
    3.0  # of processor time, far above what any of these small files takes; a hang meets the test timeout
)


def picture_files():
    """Small pictures of every format, by name."""
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (24, 40, 4), dtype=np.uint8)
    rgba, rgb = Image.fromarray(noise), Image.fromarray(noise[:, :, :3].copy())
    exif = Image.Exif()
    exif[0x0112] = 6
    variants = {
        "png": (rgba, "PNG", {}),
        "png16": (Image.fromarray(noise[:, :, 0].astype(np.uint16) * 257), "PNG", {}),
        "palette": (rgb.convert("P", palette=Image.Palette.ADAPTIVE), "PNG", {"transparency": 3}),
        "jpeg": (rgb, "JPEG", {"exif": exif}),
        "progressive": (rgb, "JPEG", {"progressive": True}),
        "cmyk": (rgb.convert("CMYK"), "JPEG", {}),
        "webp": (rgba, "WEBP", {"exif": exif}),
        "lossless": (rgba, "WEBP", {"lossless": True}),
        "bmp": (rgb, "BMP", {}),
        "tiff": (rgb, "TIFF", {"compression": "tiff_lzw", "exif": exif}),
        "tiff_raw": (rgba, "TIFF", {}),
        "gif": (rgb, "GIF", {"save_all": True, "append_images": [rgb.rotate(90)]}),
    }
    files = {}
    for name, (image, form, options) in variants.items():
        buffer = io.BytesIO()
        image.save(buffer, form, **options)
        files[name] = buffer.getvalue()
    return files


def sound_files():
    """Short sounds of every format, by name."""
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (4800, 2)).astype(np.float32)
    kinds = [
        ("WAV", "PCM_16"), ("WAV", "FLOAT"), ("WAV", "ULAW"), ("WAVEX", "PCM_24"), ("RF64", "PCM_16"),
        ("AIFF", "PCM_16"), ("FLAC", "PCM_16"), ("OGG", "VORBIS"), ("OGG", "OPUS"), ("MP3", "MPEG_LAYER_III"),
    ]  # fmt: skip
    files = {}
    for form, subtype in kinds:
        buffer = io.BytesIO()
        soundfile.write(buffer, noise, 48_000, format=form, subtype=subtype)
        files[f"{form}_{subtype}".lower()] = buffer.getvalue()
    for form, codec, layout in (("ipod", "aac", "fltp"), ("adts", "aac", "fltp"), ("webm", "libopus", "flt")):
        buffer = io.BytesIO()
        with av.open(buffer, "w", format=form) as container:
            stream = container.add_stream(codec, rate=48_000, layout="stereo")
            frame = av.AudioFrame.from_ndarray(noise.T.copy(), format="fltp", layout="stereo")
            frame.sample_rate = 48_000
            size = 1024 if codec == "aac" else 960
            fit = av.AudioResampler(format=layout, layout="stereo", rate=48_000, frame_size=size)
            for part in [*fit.resample(frame), *fit.resample(None)]:
                container.mux(stream.encode(part))
            container.mux(stream.encode(None))
        files[form] = buffer.getvalue()
    return files


def mutate(data, rng):
    """One random damage: bytes changed, a stretch overwritten, cut out or repeated, or the end cut off."""
    out = bytearray(data)
    # half of the damage goes where headers are
    reach = len(out) if rng.random() < 0.5 else min(len(out), 96)
    start = int(rng.integers(0, reach))
    stop = min(len(out), start + int(rng.integers(1, 48)))
    kind = rng.integers(0, 7)
    if kind == 0:
        for _ in range(int(rng.integers(1, 9))):
            out[int(rng.integers(0, reach))] = int(rng.integers(0, 256))
    elif kind == 1:
        out[start:stop] = bytes([int(rng.choice([0, 1, 127, 128, 255]))]) * (stop - start)
    elif kind == 2:
        del out[start:stop]
    elif kind == 3:
        out[start:start] = out[start:stop] * int(rng.integers(1, 20))
    elif kind == 4:
        out[start:stop] = rng.bytes(stop - start)
    elif kind == 5:
        del out[start:]
    else:
        out[start : start + 4] = int(rng.choice([0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF])).to_bytes(
            4, "big" if rng.random() < 0.5 else "little"
        )
    return bytes(out)


def assert_value_or_error(load, data, name):
    started = time.process_time()
    try:
        value = load(data)
    except MediaError as error:
        assert len(str(error)) > 20
        assert "Traceback" not in str(error)
        assert "object at 0x" not in str(error)
    else:
        assert value.id
    assert time.process_time() - started < LIMIT_S, f"{name} took too long"


@pytest.mark.parametrize("name", picture_files())
def test_mutated_pictures(name, capfd):
    data = picture_files()[name]
    assert load_picture(data).id
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    for _ in range(MUTATIONS):
        assert_value_or_error(load_picture, mutate(data, rng), name)
    # libtiff and Pillow's TIFF reader report damage there themselves
    assert "tiff" in name or capfd.readouterr().err == "", "a decoder wrote to stderr"


@pytest.mark.parametrize("name", sound_files())
def test_mutated_sounds(name, capfd):
    data = sound_files()[name]
    assert load_sound(data).id
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    for _ in range(MUTATIONS):
        assert_value_or_error(load_sound, mutate(data, rng), name)
    assert capfd.readouterr().err == "", "a decoder wrote to stderr"


@pytest.mark.parametrize("load", [load_picture, load_sound])
def test_random_bytes(load):
    rng = np.random.default_rng(1)
    starts = [
        b"",
        b"\xff\xd8\xff",
        b"\x89PNG\r\n\x1a\n",
        b"GIF89a",
        b"RIFF\xff\xff\xff\x7fWAVE",
        b"OggS",
        b"fLaC",
    ]
    for start in [
        *starts,
        b"ID3\x04",
        b"\xff\xfb",
        b"\x00\x00\x00 ftypM4A ",
        b"\x1aE\xdf\xa3",
        b"II*\x00",
        b"BM",
    ]:
        for size in (1, 40, 4000):
            assert_value_or_error(load, start + rng.bytes(size), f"{start!r} and {size} random bytes")
