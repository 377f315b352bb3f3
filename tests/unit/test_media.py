"""Pictures and sounds in: every format and array, and one clear error for everything else."""

import io
import os
import struct

import av
import numpy as np
import pytest
import soundfile
from PIL import Image

from bubo import media
from bubo.errors import MediaError, StorageError
from bubo.media import load_picture, load_sound
from bubo.types import Picture, Sound, same


def saved(image, form, **options):
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def png_header(width, height):
    """A PNG that promises a size and holds nothing."""
    import zlib

    chunk = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    end = b"IEND"
    return (
        b"\x89PNG\r\n\x1a\n"
        + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
        + struct.pack(">I", 0) + end + struct.pack(">I", zlib.crc32(end))
    )  # fmt: skip


def tone(rate=44_100, duration_s=1.0, channels=2):
    samples = 0.5 * np.sin(2 * np.pi * 440 * np.arange(int(rate * duration_s)) / rate)
    return np.stack([samples] * channels, axis=1).astype(np.float32)


def sound_bytes(form, subtype, rate=44_100, samples=None):
    buffer = io.BytesIO()
    samples = tone(rate) if samples is None else samples
    soundfile.write(buffer, samples, rate, format=form, subtype=subtype)
    return buffer.getvalue()


def av_bytes(form, codec, rate):
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=form) as container:
        stream = container.add_stream(codec, rate=rate, layout="stereo")
        frame = av.AudioFrame.from_ndarray(tone(rate).T.copy(), format="fltp", layout="stereo")
        frame.sample_rate = rate
        size = 1024 if codec == "aac" else 960
        fit = av.AudioResampler(
            format="fltp" if codec == "aac" else "flt", layout="stereo", rate=rate, frame_size=size
        )
        for part in [*fit.resample(frame), *fit.resample(None)]:
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))
    return buffer.getvalue()


def assert_is_tone(sound, duration_s=1.0):
    assert sound.sampling_rate == 16_000
    assert sound.duration_s == pytest.approx(duration_s, abs=0.06)
    middle = sound.samples[2000:14_000]
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle))))
    assert np.argmax(spectrum) * 16_000 / len(middle) == pytest.approx(440, abs=3)
    assert np.abs(middle).max() == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF"])
def test_picture_formats(form, picture, tmp_path):
    data = saved(Image.fromarray(picture.pixels), form)
    path = tmp_path / "picture.txt"  # the content counts, not the name
    path.write_bytes(data)
    for source in (data, bytearray(data), memoryview(data), path, str(path)):
        loaded = load_picture(source)
        assert loaded.size_hw == (60, 80)
        assert np.abs(loaded.pixels.astype(int) - picture.pixels).mean() < 4
    assert load_picture(path).source == str(path)


@pytest.mark.parametrize(
    "mode", ["1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "HSV", "I", "F"]
)
def test_picture_modes(mode, picture):
    image = Image.fromarray(picture.pixels)
    for step in {"La": ("LA", "La"), "PA": ("P", "PA"), "RGBa": ("RGBA", "RGBa")}.get(mode, (mode,)):
        image = image.convert(step, palette=Image.Palette.ADAPTIVE)
    pixels = load_picture(image).pixels
    coloured = mode not in ("1", "L", "LA", "La", "I", "F")
    assert pixels[55, 75].tolist() == pytest.approx([128] * 3, abs=4) or mode == "1"
    if coloured:
        assert pixels[30, 20].tolist() == pytest.approx([220, 20, 20], abs=6)


def test_sixteen_bits_and_transparency():
    ramp = np.linspace(0, 65535, 64).astype(np.uint16).reshape(8, 8)
    expected = np.round(ramp / 257).astype(np.uint8)
    for form in ("PNG", "TIFF"):
        np.testing.assert_array_equal(
            load_picture(saved(Image.fromarray(ramp), form)).pixels[:, :, 1], expected
        )
    see_through = np.zeros((8, 8, 4), np.uint8)
    see_through[:4] = (255, 0, 0, 255)
    palette = Image.new("P", (4, 4), 1)
    palette.putpalette([0, 0, 0, 9, 9, 9])
    for source in (saved(Image.fromarray(see_through), "PNG"), see_through, Image.fromarray(see_through)):
        pixels = load_picture(source).pixels
        assert pixels[0, 0].tolist() == [255, 0, 0]
        assert pixels[7, 7].tolist() == [255, 255, 255]
    assert load_picture(saved(palette, "PNG", transparency=1)).pixels[0, 0].tolist() == [255, 255, 255]
    assert load_picture(saved(palette, "GIF", transparency=1)).pixels[0, 0].tolist() == [255, 255, 255]


@pytest.mark.parametrize("form", ["JPEG", "TIFF", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_turns_upright(form, orientation):
    upright = np.zeros((32, 48, 3), np.uint8)
    upright[:16, :16] = 255
    back = {1: None, 2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}[
        orientation
    ]  # PIL's transposes that lay it down
    image = Image.fromarray(upright)
    lying = image if back is None else image.transpose(Image.Transpose(back))
    exif = Image.Exif()
    exif[0x0112] = orientation
    loaded = load_picture(saved(lying, form, exif=exif))
    assert loaded.size_hw == (32, 48)
    assert np.abs(loaded.pixels.astype(int) - upright).mean() < 4


@pytest.mark.parametrize(
    "array",
    [
        np.full((4, 6), 255, np.uint8),
        np.full((4, 6, 1), 255, np.uint8),
        np.full((4, 6, 3), 255, np.uint8),
        np.full((4, 6, 4), 255, np.uint8),
        np.full((4, 6, 3), 255, np.int64),
        np.full((4, 6), 65535, np.uint16),
        np.ones((4, 6), bool),
        np.ones((4, 6, 3), np.float64),
    ],
)
def test_picture_arrays(array):
    assert (load_picture(array).pixels == 255).all()


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6 * 7 * 3, dtype=np.uint16).reshape(6, 7, 3) * 500,
        np.linspace(0, 1, 6 * 7 * 4).reshape(6, 7, 4),
        np.linspace(0, 1, 6 * 7, dtype=np.float32).reshape(6, 7),
    ],
)
@pytest.mark.parametrize("block", [1, 50])
def test_arrays_are_the_same_in_blocks_of_any_size(array, block, monkeypatch):
    whole = load_picture(array)
    monkeypatch.setattr(media, "_BLOCK", block)
    assert same(load_picture(array), whole)


def test_a_picture_and_a_sound_pass_through(picture, sound):
    assert load_picture(picture) is picture
    assert load_sound(sound) is sound


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (b"", "empty"),
        (b"hello", "not a picture"),
        (b"\x89PNG\r\n\x1a\n", "starts like PNG but is damaged"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", "WAV sound, not a picture"),
        ("missing.png", "no picture 'missing.png'"),
        ("", "no picture ''"),
        (".", "^'.' is a folder"),
        ("https://example.org/a.png", "not fetched"),
        ("a\0b", "zero|null"),
        ("x" * 5000, "Cannot read"),
        (os.devnull, f"^'{os.devnull}' is a device"),
        (3, "must be a path"),
        (None, "must be a path"),
        ([1, 2], "must be a path"),
        (np.zeros((3, 8, 8)), "Move the channels"),
        (np.zeros((4, 4, 7)), r"\(4, 4, 7\)"),
        (np.zeros(8), r"\(8,\)"),
        (np.zeros((0, 5, 3)), "no pixels"),
        (np.full((4, 4), np.nan), "finite"),
        (np.full((4, 4), 7.0), "divide by 255"),
        (np.full((4, 4), 300), "0 to 255"),
        (np.full((4, 4), "a"), "0 to 255"),
        (np.zeros((1, 101), np.uint8), "101 x 1"),
        (png_header(100_000, 1), "100000 x 1 pixels"),
        (png_header(15_000, 15_000), "too large|million pixels"),
        (png_header(8_000, 8_000), "8000 x 8000 pixels"),
        (png_header(400, 400), "damaged or truncated"),
        (b"\xff\xd8" + b"\xff\xda\x00\x02" * 5000, "5000 JPEG scans"),
    ],
)
def test_picture_errors(source, message):
    with pytest.raises(MediaError, match=message):
        load_picture(source)


def test_what_follows_a_jpeg_is_not_counted_as_scans(rng):
    picture = Image.fromarray(rng.integers(0, 256, (64, 64, 3), dtype=np.uint8))
    data = saved(picture, "JPEG") + b"\xff\xda\x00\x02" * 5000
    assert load_picture(data).size_hw == (64, 64)


def test_a_bomb_is_refused_from_its_header():
    data = saved(Image.new("1", (12_000, 12_000)), "PNG")
    assert len(data) < 200_000
    with pytest.raises(MediaError, match="12000 x 12000"):
        load_picture(data)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF"])
def test_truncated_pictures(form, rng):
    data = saved(Image.fromarray(rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)), form)
    for part in (0.02, 0.3, 0.6, 0.9):
        with pytest.raises(MediaError):
            load_picture(data[: int(len(data) * part)])


@pytest.mark.parametrize(
    ("form", "subtype", "rate"),
    [
        ("WAV", "PCM_16", 44_100),
        ("WAV", "PCM_24", 48_000),
        ("WAV", "FLOAT", 16_000),
        ("WAV", "DOUBLE", 22_050),
        ("WAV", "PCM_U8", 8_000),
        ("FLAC", "PCM_24", 96_000),
        ("AIFF", "PCM_16", 44_100),
        ("OGG", "VORBIS", 44_100),
        ("OGG", "OPUS", 48_000),
        ("MP3", "MPEG_LAYER_III", 44_100),
    ],
)
def test_sound_formats(form, subtype, rate, tmp_path):
    data = sound_bytes(form, subtype, rate)
    path = tmp_path / "sound.png"
    path.write_bytes(data)
    assert_is_tone(load_sound(data))
    assert_is_tone(load_sound(path))
    assert load_sound(path).source == str(path)


@pytest.mark.parametrize(
    ("form", "codec", "rate"),
    [("ipod", "aac", 44_100), ("mp4", "aac", 48_000), ("adts", "aac", 44_100), ("webm", "libopus", 48_000)],
)
def test_sounds_of_video_containers(form, codec, rate):
    data = av_bytes(form, codec, rate)
    assert_is_tone(load_sound(data))
    with pytest.raises(MediaError):
        load_sound(data[: len(data) // 2])


@pytest.mark.parametrize(
    "samples",
    [
        tone(),
        tone().T,
        tone()[:, 0],
        tone(channels=6),
        tone()[:, 0].astype(np.float16),
        (tone() * 32767).astype(np.int16),
        (tone() * (2**31 - 1)).astype(np.int32),
        (tone() * 127 + 128).astype(np.uint8),
        tone()[:, 0].tolist(),
    ],
)
def test_sound_arrays(samples):
    assert_is_tone(load_sound((44_100, samples)))


@pytest.mark.parametrize("samples", [tone(channels=6), (tone() * 32767).astype(np.int16)])
def test_sound_arrays_are_the_same_in_blocks(samples, monkeypatch):
    whole = load_sound((44_100, samples))
    monkeypatch.setattr("bubo.sounds._BLOCK", 1000)
    np.testing.assert_allclose(load_sound((44_100, samples)).samples, whole.samples, atol=1e-6)


def test_loud_and_other_rates():
    loud = load_sound((16_000, tone(16_000) * 8))
    assert np.abs(loud.samples).max() == pytest.approx(1)
    clipped = np.sign(tone(44_100))  # full scale: the filter overshoots, the level stays
    assert np.abs(load_sound((44_100, clipped)).samples).max() == 1
    assert np.median(np.abs(load_sound((44_100, clipped)).samples)) > 0.95
    assert_is_tone(load_sound(Sound(tone(48_000)[:, 0], 48_000, "here")))
    assert load_sound(Sound(tone(48_000)[:, 0], 48_000, "here")).source == "here"
    exact = load_sound((16_000, tone(16_000)[:, 0]))
    np.testing.assert_array_equal(exact.samples, tone(16_000)[:, 0])


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (b"", "empty"),
        (b"hello hello hello", "no known format"),
        (b"\x89PNG\r\n\x1a\n", "PNG picture, not a sound"),
        ("missing.wav", "no sound 'missing.wav'"),
        (".", "^'.' is a folder"),
        (3.5, "must be a path"),
        ((16_000,), "must be a path"),
        ((16_000, np.zeros(0)), "no samples"),
        ((16_000, np.zeros((0, 2))), "no samples"),
        ((16_000, []), "no samples"),
        ((16_000, np.zeros(1599)), r"0.100 s; expected|lasts 0.1"),
        ((16_000, np.zeros(16_000 * 600 + 1)), "600.0 s"),
        ((16_000, np.full(16_000, np.nan)), "NaN"),
        ((16_000, np.full(16_000, np.inf)), "infinite"),
        ((16_000, np.full(16_000, 1e300)), "infinite"),
        ((44_100, np.full(44_100, 3e38)), "absurd"),
        ((16_000, np.zeros(16_000, np.int64)), "int64"),
        ((16_000, np.zeros(16_000, complex)), "complex"),
        ((16_000, ["a", "b"]), "must be floats"),
        ((16_000, [[1.0], [1.0, 2.0]]), "must|shape"),
        ((16_000, np.zeros((2, 2, 2))), r"\(2, 2, 2\)"),
        ((16_000, np.zeros((100, 90))), "channels"),
        ((0, np.zeros(16_000)), "0 samples per second"),
        ((-16_000, np.zeros(16_000)), "samples per second"),
        ((True, np.zeros(16_000)), "whole rate"),
        ((16_000.0, np.zeros(16_000)), "whole rate"),
        ((10**9, np.zeros(16_000)), "samples per second"),
        (sound_bytes("WAV", "PCM_16", samples=np.zeros((0, 1))), "no samples"),
        (sound_bytes("WAV", "FLOAT", samples=np.full(9999, np.nan)), "NaN"),
        (sound_bytes("WAV", "PCM_16", 4_000, np.zeros(4_000 * 601)), "601.0 s"),
        (sound_bytes("FLAC", "PCM_16", 4_000, np.zeros(4_000 * 3600)), "3600.0 s"),
        (sound_bytes("WAV", "PCM_16", 500, np.zeros(5_000)), "500 samples per second"),
        (sound_bytes("WAV", "PCM_16", samples=np.zeros((9999, 100))), "100 channels"),
    ],
)
def test_sound_errors(source, message):
    with pytest.raises(MediaError, match=message):
        load_sound(source)


@pytest.mark.parametrize(
    ("form", "subtype"),
    [("WAV", "PCM_16"), ("FLAC", "PCM_16"), ("AIFF", "PCM_16"), ("OGG", "VORBIS"), ("MP3", "MPEG_LAYER_III")],
)
def test_truncated_sounds(form, subtype):
    data = sound_bytes(form, subtype, samples=tone(duration_s=3))
    for part in (0.01, 0.3, 0.6, 0.8):
        with pytest.raises(MediaError):
            load_sound(data[: int(len(data) * part)])


def test_a_wav_of_unknown_length_is_read():
    data = bytearray(sound_bytes("WAV", "PCM_16"))
    data[4:8] = data[40:44] = b"\xff\xff\xff\xff"  # what a recorder writes into a pipe
    assert_is_tone(load_sound(bytes(data)))


def test_encoders_come_back(picture, sound):
    assert same(load_picture(media.encode_png(picture)).pixels, picture.pixels)
    assert np.abs(load_picture(media.encode_jpeg(picture)).pixels.astype(int) - picture.pixels).max() < 20
    assert load_sound(media.encode_wav(sound)).id == sound.id
    assert np.abs(load_sound(media.encode_flac(sound)).samples - sound.samples).max() <= 2**-15
    short = Sound(np.array([0.1, 0.2], np.float32), 44_100)
    rate_and_samples = soundfile.read(io.BytesIO(media.encode_wav(short)), dtype="float32")
    np.testing.assert_array_equal(rate_and_samples[0], short.samples)
    assert rate_and_samples[1] == 44_100


def test_write_atomic_replaces_or_leaves(tmp_path, monkeypatch):
    path = tmp_path / "a.bin"
    media.write_atomic(path, b"one")
    media.write_atomic(str(path), b"two")
    assert path.read_bytes() == b"two"
    for target in (tmp_path / "no" / "a.bin", tmp_path, path / "below", "a\0b", ""):
        with pytest.raises(StorageError, match="Cannot write"):
            media.write_atomic(target, b"three")

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="No space left"):
        media.write_atomic(path, b"four")
    assert path.read_bytes() == b"two"
    assert [p.name for p in tmp_path.iterdir()] == ["a.bin"]


def test_a_private_file_is_private_before_there_is_anything_in_it(tmp_path, monkeypatch):
    modes = []
    sync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda file: modes.append(os.fstat(file).st_mode & 0o777) or sync(file))
    for private in (True, False):
        media.write_atomic(tmp_path / "a", b"one", private=private)
    assert modes[0] == 0o600 != modes[1]
    assert (tmp_path / "a").stat().st_mode & 0o777 == modes[1]


def test_large_pictures_within_the_limits():
    wide = load_picture(np.zeros((200, 20_000), np.uint8))
    assert isinstance(wide, Picture)
    assert wide.size_hw == (200, 20_000)
