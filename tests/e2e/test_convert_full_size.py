"""A file as large as the released ImageBind (4.8 GB, random values) through the converter."""

import gzip
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from safetensors import safe_open

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

MANIFEST = Path(__file__).parents[1] / "parity" / "manifests" / "imagebind_huge.json.gz"
ROOM_BYTES = 12_000_000_000
PEAK_BYTES = 6_000_000_000
MAKE = """
import json, sys, torch
values = torch.randn(70_000_000)
def tensor(shape):
    count = 1
    for side in shape: count *= side
    return values[:count].clone().view(shape)
shapes = json.load(open("shapes.json"))
torch.save({key: tensor(shape) for key, shape in shapes.items()}, "imagebind_huge.pth")
"""
CONVERT = """
import resource, sys
from bubo.__main__ import main
code = main(["convert", "imagebind", "imagebind_huge.pth", "out"])
print("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, file=sys.stderr)
sys.exit(code)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory):
    path = tmp_path_factory.mktemp("full_size")
    free = shutil.disk_usage(path).free
    if free < ROOM_BYTES:
        pytest.skip(f"{free / 1e9:.1f} GB are free in {path}; {ROOM_BYTES / 1e9:.0f} GB are needed")
    (path / "shapes.json").write_bytes(gzip.decompress(MANIFEST.read_bytes()))
    subprocess.run([sys.executable, "-c", MAKE], cwd=path, check=True)
    assert (path / "imagebind_huge.pth").stat().st_size > 4_800_000_000
    yield path
    shutil.rmtree(path)


def start(folder: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen([sys.executable, "-c", CONVERT], cwd=folder, stderr=subprocess.PIPE, text=True)


def test_killed_half_way_it_leaves_nothing_that_looks_finished(folder: Path) -> None:
    conversion = start(folder)
    deadline = time.monotonic() + 300
    while sum(path.stat().st_size for path in folder.glob(".out.*.part/*")) < 1_000_000_000:
        assert time.monotonic() < deadline and conversion.poll() is None
        time.sleep(0.01)
    os.kill(conversion.pid, signal.SIGKILL)
    conversion.communicate()
    assert not (folder / "out").exists()
    for rest in folder.glob(".out.*.part"):
        shutil.rmtree(rest)


def test_it_stays_under_six_gigabytes(folder: Path, record_property) -> None:
    started = time.monotonic()
    conversion = start(folder)
    _, errors = conversion.communicate()
    assert conversion.returncode == 0, errors
    peak = int(errors.split("peak")[1])
    record_property("peak_bytes", peak)
    record_property("seconds", time.monotonic() - started)
    assert peak < PEAK_BYTES
    with safe_open(folder / "out" / "model.safetensors", "pt") as file:
        names = set(file.keys())
    assert len(names) == len(json.loads((folder / "shapes.json").read_text())) - 1  # but for the text mask
