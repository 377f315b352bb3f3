"""What every test gets: fixed seeds, a home of its own, no network; and small media to work with."""

import os
import random
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

# before anything imports transformers
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

import bubo.conversation  # noqa: F401  (takes `load` when imported: never a test's stand-in for it)
from bubo.data_tools.world.glyphs import FONT_VARIABLE, find_font
from bubo.errors import InputError
from bubo.media import encode_png, encode_wav
from bubo.types import Picture, Sound


@pytest.fixture(scope="session", autouse=True)
def emoji_font() -> None:
    """Remembers the world's font, which may lie in the real home."""
    try:
        os.environ[FONT_VARIABLE] = str(find_font())
    except InputError:  # tests that draw will say so
        os.environ.pop(FONT_VARIABLE, None)


@pytest.fixture(autouse=True)
def seeds() -> None:
    """Starts every test from the same random state."""
    random.seed(0)
    np.random.seed(0)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home folder for the test, so that nobody's settings or caches are read or written."""
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("USERPROFILE", str(folder))
    for name, part in (
        ("XDG_CACHE_HOME", ".cache"),
        ("XDG_CONFIG_HOME", ".config"),
        ("HF_HOME", ".cache/hf"),
    ):
        monkeypatch.setenv(name, str(folder / part))
    return folder


@pytest.fixture(autouse=True)
def no_network(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuses connections to other machines, unless the test is marked `network` or `wheel`."""
    if request.node.get_closest_marker("network") or request.node.get_closest_marker("wheel"):
        return
    connect, getaddrinfo = socket.socket.connect, socket.getaddrinfo

    def is_local(host: object) -> bool:
        return host in (None, "", "localhost", "127.0.0.1", "::1", b"localhost")

    def guarded_connect(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and not is_local(address[0]):
            pytest.fail(f"The test opens a connection to {address}; only the network suite may.")
        connect(self, address)

    def guarded_getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
        if not is_local(host):
            pytest.fail(f"The test looks up {host}; only the network suite may.")
        return getaddrinfo(host, *args, **kwargs)

    monkeypatch.setattr(socket.socket, "connect", guarded_connect)
    monkeypatch.setattr(socket, "getaddrinfo", guarded_getaddrinfo)


@pytest.fixture
def rng() -> np.random.Generator:
    """A random generator of fixed seed."""
    return np.random.default_rng(0)


@pytest.fixture
def picture() -> Picture:
    """A grey picture of 60 x 80 pixels with a red box at x 10..30, y 20..50."""
    pixels = np.full((60, 80, 3), 128, dtype=np.uint8)
    pixels[20:50, 10:30] = (220, 20, 20)
    return Picture(pixels, "picture.png")


@pytest.fixture
def sound() -> Sound:
    """One second of a tone of 440 Hz at 16 kHz."""
    samples = 0.5 * np.sin(2 * np.pi * 440 * np.arange(16_000) / 16_000)
    return Sound(samples.astype(np.float32), 16_000, "sound.wav")


@pytest.fixture
def picture_file(tmp_path: Path, picture: Picture) -> Path:
    """`picture` as a PNG file."""
    path = tmp_path / "picture.png"
    path.write_bytes(encode_png(picture))
    return path


@pytest.fixture
def sound_file(tmp_path: Path, sound: Sound) -> Path:
    """`sound` as a WAV file."""
    path = tmp_path / "sound.wav"
    path.write_bytes(encode_wav(sound))
    return path


@pytest.fixture(scope="session")
def tiny_model() -> Iterator[Any]:
    """The toy model of `tests/tiny.py`, random weights; do not change it in place."""
    import tiny

    yield tiny.tiny_model()


@pytest.fixture(scope="session")
def tiny_processor() -> Iterator[Any]:
    """The processor that fits `tiny_model`."""
    import tiny

    yield tiny.tiny_processor()
