"""The package as a stranger gets it: built, installed into a clean environment, asked a question there.

Slow and in need of a package index, so it is not part of `make test`; run it with `make wheel-test`.
"""

import json
import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path
from urllib.request import urlopen

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())

pytestmark = [pytest.mark.wheel, pytest.mark.timeout(1800)]


def run(*command, cwd, **environment):
    """Runs a command to its end and gives its output; a failure shows all of it."""
    # nothing of the environment that runs the tests may leak into the clean one
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "VIRTUAL_ENV"))}
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env={**kept, **environment}, text=True, capture_output=True,
        stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The wheel and the sdist; the wheel is built from the unpacked sdist, so both are known to work."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--outdir", folder, ROOT, cwd=folder)
    (wheel,), (sdist,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return wheel, sdist


@pytest.fixture(scope="module")
def installed(built, tmp_path_factory):
    """The programs of a clean environment that holds the wheel and what it asks for, nothing else."""
    folder = tmp_path_factory.mktemp("clean")
    run(sys.executable, "-m", "venv", folder / "venv", cwd=folder)
    programs = folder / "venv" / ("Scripts" if os.name == "nt" else "bin")
    # the bound on torch in the package's own metadata keeps pip from fetching a newer build
    run(programs / "python", "-m", "pip", "install", "--quiet", f"{built[0]}[web]", cwd=folder)
    return programs


def test_wheel_holds_every_file(built):
    names = set(zipfile.ZipFile(built[0]).namelist())
    mapping = PROJECT["tool"]["setuptools"]["package-dir"]
    for package, folder in mapping.items():
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith("."):
                name = package.replace(".", "/") + "/" + path.relative_to(ROOT / folder).as_posix()
                assert name in names, f"{name} is missing in the wheel"
    assert {name.split("/")[0].split("-")[0] for name in names} == {"bubo"}
    assert built[0].stat().st_size < 60_000_000


def test_sdist_can_be_tested_and_changed(built):
    with tarfile.open(built[1]) as tar:
        names = {name.partition("/")[2] for name in tar.getnames()}
    for name in (
        "pyproject.toml",
        "LICENSE",
        "README.md",
        "Makefile",
        "tests/conftest.py",
        "bubo/media.py",
        "train/run.py",
    ):
        assert name in names, f"{name} is missing in the sdist"


def test_a_question_in_the_clean_environment(installed, tmp_path):
    samples = "import bubo.nano; from importlib.resources import files; print(files('bubo.nano') / 'samples')"
    folder = Path(run(installed / "python", "-c", samples, cwd=tmp_path).strip())
    assert ROOT not in folder.parents
    question = (
        "ask",
        "What do you see and hear?",
        "--picture",
        folder / "scene.png",
        "--sound",
        folder / "scene.wav",
    )
    answer = json.loads(run(installed / "bubo", *question, "--json", cwd=tmp_path, HF_HUB_OFFLINE="1"))
    assert list(answer) == ["text", "entities", "links", "verdict", "timings"]
    assert answer["text"]
    assert answer["links"]
    assert {link["entity"] for link in answer["links"]} <= {entity["id"] for entity in answer["entities"]}
    plain = run(
        installed / "bubo", *question, "--draw", tmp_path / "linked.png", cwd=tmp_path, HF_HUB_OFFLINE="1"
    )
    assert answer["text"].split()[0] in plain
    assert (tmp_path / "linked.png").stat().st_size > 1000


def test_the_server_there_shows_the_page_and_its_examples(installed, tmp_path):
    command = [installed / "bubo", "serve", "--port", "0", "--data", tmp_path / "data"]
    server = subprocess.Popen(
        command, cwd=tmp_path, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        line = server.stdout.readline()
        found = re.search(r"http://\S+/", line)
        assert found, line + server.stderr.read()
        page = urlopen(found[0], timeout=60).read().decode()
        assert page.startswith("<!doctype html>")
        own = [name for name in re.findall(r'(?:src|href)="([^"#]+)', page) if name.startswith("/assets/")]
        assert own
        for name in own:
            assert urlopen(found[0].rstrip("/") + name, timeout=60).status == 200
        examples = json.load(urlopen(found[0] + "api/examples", timeout=60))
        assert len(examples) == 4
        for medium in (one for example in examples for one in example["media"]):
            assert len(urlopen(found[0].rstrip("/") + medium["url"], timeout=60).read()) == medium["bytes"]
    finally:
        server.kill()
        server.communicate()


def test_every_part_imports_there(installed, tmp_path):
    packages = [p for p in PROJECT["tool"]["setuptools"]["packages"] if p != "bubo.train"]
    run(installed / "python", "-c", "import " + ", ".join(packages), cwd=tmp_path)
    code = "import importlib.util as u; print(u.find_spec('torchvision'))"
    assert run(installed / "python", "-c", code, cwd=tmp_path).strip() == "None"


def test_bad_input_there_is_one_line_and_exit_code_2(installed, tmp_path):
    done = subprocess.run(
        [installed / "bubo", "ask", "What is this?", "--picture", "missing.png"],
        cwd=tmp_path, text=True, capture_output=True, stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "missing.png" in done.stderr
    assert "Traceback" not in done.stderr
