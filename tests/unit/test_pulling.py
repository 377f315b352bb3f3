"""From a preset of tiny files to a model that answers; and everything that can be in the way."""

import json
import os
import shutil
import sys
from pathlib import Path
from types import ModuleType

import pytest
import tiny
from scripted_server import ScriptedServer

import bubo
from bubo import downloads, loading, memory, pulling
from bubo.errors import MissingPackageError, ModelError, StorageError
from bubo.grounding.lexicon import Lexicon
from bubo.grounding.pipeline import Grounder
from bubo.models import conversion
from bubo.presets import BYTES_PER_PARAMETER, dtype_of
from bubo.pulling import known_presets, plan, pull, state_of
from bubo.transformers_speaker import TransformersSpeaker

HEAD = "    licence: free\n    licence_url: https://example.org\n"


@pytest.fixture(autouse=True)
def quick(monkeypatch, tmp_path):
    monkeypatch.setattr(downloads, "PAUSE_S", 0.0)
    monkeypatch.setenv("BUBO_HOME", str(tmp_path / "models"))


@pytest.fixture
def server(monkeypatch):
    """A hub on this machine."""
    scripted = ScriptedServer()
    monkeypatch.setenv("HF_ENDPOINT", scripted.url)
    monkeypatch.delenv("HF_HUB_OFFLINE")
    yield scripted
    scripted.close()


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    """What somebody has published: a tiny Bubo with its processor."""
    folder = tmp_path_factory.mktemp("released")
    tiny.tiny_model().save_pretrained(folder)
    tiny.tiny_processor().save_pretrained(folder)
    return folder


def write(name, text):
    folder = downloads.models_home() / "presets"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.yaml").write_text(text)


@pytest.fixture
def trial(server, released):
    """A preset of one repository, which the hub has."""
    names = sorted(path.name for path in released.iterdir())
    for name in names:
        server.put(f"/owner/trial/resolve/main/{name}", (released / name).read_bytes())
    write(
        "trial",
        "summary: a trial\nspeaker: {kind: bubo, model: trial, dtype: fp32, device_map: auto}\n"
        "parameters: {language: 30000, other: 60000}\n"
        f"sources:\n  - repo: owner/trial\n{HEAD}    files: [{', '.join(names)}]\n"
        "steps:\n  - {kind: copy, source: [owner/trial/*], target: trial}\n",
    )
    return "trial"


def pull_it(name="trial", folder=None):
    presets = known_presets()
    pull(plan(presets[name], presets, folder))
    return state_of(presets[name], presets)


def test_pull_convert_load_answer(trial, picture):
    presets = known_presets()
    before = state_of(presets["trial"], presets)
    assert (before.ready, before.missing, before.bytes) == (False, ("trial",), 0)
    with pytest.raises(ModelError, match=r"'trial' is not ready \(trial is missing\). Run: bubo pull trial"):
        bubo.load("trial")
    after = pull_it()
    assert after.ready and after.bytes > 10_000
    answer = bubo.load("trial").conversation().ask("What?", picture=picture, max_new_tokens=4)
    assert isinstance(answer.text, str) and answer.links == ()
    home = downloads.models_home()
    shutil.rmtree(home / "downloads")  # what was made does not need it
    assert state_of(presets["trial"], presets).ready
    assert bubo.load("trial").name == "trial"


def test_the_second_pull_does_nothing(trial, server):
    pull_it()
    asked = len(server.asked)
    presets = known_presets()
    assert plan(presets["trial"], presets).steps == ()
    assert pull_it().ready
    assert len(server.asked) == asked


def test_a_damaged_folder_is_made_again_without_a_download(trial, server):
    pull_it()
    weights = downloads.models_home() / "trial" / "model.safetensors"
    whole = weights.read_bytes()
    weights.unlink()
    weights.write_bytes(whole[:-8])
    presets = known_presets()
    state = state_of(presets["trial"], presets)
    assert not state.ready and "its head says" in state.damaged["trial"]
    with pytest.raises(
        ModelError, match="model.safetensors has .* bytes, its head says .*Run: bubo pull trial"
    ):
        bubo.load("trial")
    asked = len(server.asked)
    assert pull_it().ready
    assert len(server.asked) == asked


def test_what_a_killed_pull_was_making_is_cleared_away(trial):
    left = downloads.models_home() / ".trial.0123abcd.part"
    left.mkdir()
    (left / "model.safetensors").write_bytes(b"half")
    assert pull_it().ready
    assert not left.exists()


def test_a_cut_download_leaves_no_model(trial, server):
    path = "/owner/trial/resolve/main/model.safetensors"
    server.files[path].cuts = [1000] + [0] * 20
    with pytest.raises(ModelError, match="What has come so far is kept.*owner/trial/model.safetensors"):
        pull_it()
    home = downloads.models_home()
    assert sorted(path.name for path in home.iterdir() if path.is_dir()) == ["downloads", "presets"]
    server.files[path].cuts = []
    assert pull_it().ready
    assert server.gets(path)[-1] == "bytes=1000-"


def test_offline_names_every_file_and_its_place(trial, released, monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ModelError) as caught:
        pull_it()
    text = str(caught.value)
    for path in released.iterdir():
        assert f"owner/trial/{path.name} (from https://huggingface.co/owner/trial/resolve/main/" in text
    assert "bubo pull trial --from FOLDER" in text
    mine = tmp_path / "mine" / "trial"
    shutil.copytree(released, mine)
    assert pull_it(folder=mine.parent).ready
    (mine / "config.json").write_text("changed later")
    assert loading.load_parts("trial", loading.Wish())[2] == "trial"  # nothing hangs on the user's files


def test_only_files_of_one_name_are_taken_by_it(trial, released, tmp_path):
    presets = known_presets()
    flat = plan(presets["trial"], presets, released)
    assert {supply.origin for supply in flat.supplies} == {"given"}
    with pytest.raises(ModelError, match="There is no folder"):
        plan(presets["trial"], presets, tmp_path / "nowhere")


def test_files_that_nobody_publishes(server, tmp_path):
    write(
        "own",
        f"summary: x\nspeaker: {{kind: bubo, model: own}}\nsources:\n  - note: ask a friend\n{HEAD}"
        "    files: [own.pth]\nsteps:\n  - {kind: imagebind, source: [own.pth], target: own}\n",
    )
    with pytest.raises(ModelError, match=r"cannot be fetched: own.pth \(ask a friend\).*--from FOLDER"):
        pull_it("own")
    (tmp_path / "own.pth").write_bytes(b"no checkpoint")
    with pytest.raises(ModelError, match="Cannot convert own: "):
        pull_it("own", tmp_path)
    assert not (downloads.models_home() / "own").exists()
    assert (tmp_path / "own.pth").exists()


def test_a_conversion_gets_its_sources_extras_and_options(server, tmp_path, monkeypatch, released):
    seen = []

    def convert(kind, source, target, **options):
        seen.append((kind, sorted(str(p.relative_to(source)) for p in source.rglob("*.*")), options))
        shutil.copytree(released, target)

    monkeypatch.setattr("bubo.models.conversion.convert", convert)
    monkeypatch.setattr("bubo.models.conversion.function_of", lambda kind: convert)
    for name in ("a.bin", "b.bin"):
        server.put(f"/owner/llm/resolve/main/{name}", b"x")
    for name in ("one.pth", "words.txt"):
        server.put(f"/{name}", b"y")
    write(
        "joined",
        "summary: x\nspeaker: {kind: bubo, model: joined}\nsources:\n"
        f"  - repo: owner/llm\n{HEAD}    files: [a.bin, b.bin, {{path: c.bin, optional: true}}]\n"
        f"  - url: {server.url}/one.pth\n{HEAD}    files: [one.pth]\n"
        f"  - url: {server.url}/words.txt\n{HEAD}    files: [words.txt]\n"
        "steps:\n  - kind: bubogpt\n    source: [owner/llm/*, one.pth]\n    target: joined\n"
        "    extras: {vocabulary: words.txt}\n    options: {mode: parity, dtype: fp16}\n",
    )
    assert pull_it("joined").ready
    import torch

    ((kind, sources, options),) = seen
    assert (kind, sources) == ("bubogpt", ["llm/a.bin", "llm/b.bin", "one.pth"])
    assert options.pop("vocabulary").read_bytes() == b"y"
    assert options == {"mode": "parity", "dtype": torch.float16}
    assert [path.name for path in downloads.models_home().iterdir() if path.name.endswith("sources")] == []


def test_a_download_without_a_hash_that_cannot_be_converted_is_named(server):
    server.put("/eye.pth", b"no checkpoint")
    write(
        "eye",
        f"kind: grounder\nsummary: x\nsources:\n  - url: {server.url}/eye.pth\n{HEAD}    files: [eye.pth]\n"
        "steps:\n  - {kind: sam, source: [eye.pth], target: eye}\n",
    )
    place = downloads.models_home() / "downloads" / "eye.pth"
    with pytest.raises(ModelError, match=f"Cannot convert eye.*published a hash of {place}: delete that"):
        pull_it("eye")
    assert place.exists()


@pytest.mark.parametrize("kind", ["copy", "sam"])
def test_two_files_of_one_name_do_not_overwrite_each_other(server, kind):
    paths = ("config.json", "config.json") if kind == "copy" else ("config.json", "sub/config.json")
    places = ["owner/a/*", "owner/b/*"] if kind == "copy" else paths
    write(
        "two",
        "summary: x\nspeaker: {kind: bubo, model: two}\nsources:\n"
        f"  - repo: owner/a\n{HEAD}    files: [{paths[0]}]\n"
        f"  - repo: owner/b\n{HEAD}    files: [{paths[1]}]\n"
        f"steps:\n  - {{kind: {kind}, source: [{', '.join(places)}], target: two}}\n",
    )
    with pytest.raises(ModelError, match="two is made of two files 'config.json'"):
        pull_it("two")
    assert server.asked == []


def test_options_that_a_conversion_lacks_are_found_before_anything_is_fetched(trial, server):
    text = (downloads.models_home() / "presets" / "trial.yaml").read_text()
    write("trial", text.replace("kind: copy", "kind: sam, options: {colour: red}"))
    with pytest.raises(ModelError, match="'sam' does not take colour; it takes config, dtype"):
        pull_it()
    assert server.asked == []


def test_no_room_on_the_disk(trial, monkeypatch):
    write(
        "huge",
        f"summary: x\nspeaker: {{kind: bubo, model: huge}}\nsources:\n  - repo: owner/trial\n{HEAD}"
        "    files: [{path: model.safetensors, bytes: 9000000000000000}]\n"
        "steps:\n  - {kind: copy, source: [model.safetensors], target: huge}\n",
    )
    with pytest.raises(StorageError, match="takes 9000000.0 GB more of disk, and .* GB left.*BUBO_HOME"):
        pull_it("huge")
    presets = known_presets()
    work = plan(presets["trial"], presets)
    with pytest.raises(StorageError, match="Cannot write in"):
        pull(work, Path(os.devnull) / "x")


def test_two_pulls_at_a_time(trial):
    home = downloads.models_home()
    with pulling.alone(home), pytest.raises(ModelError, match="Another pull into"):
        pull_it()
    assert pull_it().ready


def test_grounders_come_with_their_models_and_load(trial, server, monkeypatch):
    write(
        "eye",
        f"kind: grounder\nsummary: x\ngrounder: {{detector: {{kind: sam3, model: eye}}}}\ndtype: bf16\n"
        f"sources:\n  - repo: owner/trial\n{HEAD}    files: [config.json, model.safetensors]\n"
        "steps:\n  - {kind: copy, source: [owner/trial/*], target: eye}\n",
    )
    home = downloads.models_home()
    text = (home / "presets" / "trial.yaml").read_text()
    write("trial", text + "grounder: eye\n")
    asked = []

    def released_grounder(parts, folder_of, *, device, dtype):
        asked.append((parts, folder_of("eye"), device, str(dtype)))
        return Grounder(None, None, None, None, Lexicon())

    module = ModuleType("bubo.grounding.released")
    module.released_grounder = released_grounder
    monkeypatch.setitem(sys.modules, "bubo.grounding.released", module)
    with pytest.raises(ModelError, match=r"not ready \(trial is missing; eye is missing\)"):
        bubo.load("trial")
    assert pull_it().ready
    assert (home / "eye" / "config.json").is_file()
    assistant = bubo.load("trial", device="cpu")
    assert isinstance(assistant.grounder, Grounder)
    assert asked == [({"detector": {"kind": "sam3", "model": "eye"}}, home / "eye", "cpu", "torch.bfloat16")]
    assert isinstance(loading.load_grounder("eye", "cpu"), Grounder)
    assert isinstance(loading.grounder_of("eye"), Grounder)
    assert isinstance(loading.grounder_of("trial"), Grounder)
    with pytest.raises(ModelError, match="'eye' is a grounder: .*grounder=\"eye\""):
        bubo.load("eye")
    with pytest.raises(ModelError, match="is a model and no grounder; the grounders are .*eye"):
        loading.load_grounder("trial")


def test_another_grounder_needs_not_the_presets_own(trial, server, monkeypatch):
    for name in ("eye", "ear"):
        write(
            name,
            f"kind: grounder\nsummary: x\ngrounder: {{detector: {{kind: sam3, model: {name}}}}}\n"
            f"sources:\n  - repo: owner/trial\n{HEAD}    files: [config.json, model.safetensors]\n"
            f"steps:\n  - {{kind: copy, source: [owner/trial/*], target: {name}}}\n",
        )
    pull_it()
    text = (downloads.models_home() / "presets" / "trial.yaml").read_text()
    write("trial", text + "grounder: eye\n")
    order = []
    monkeypatch.setattr(loading, "_grounder", lambda preset, device: order.append(preset.name))
    monkeypatch.setattr(loading, "_speaker", lambda *_: order.append("speaker"))
    with pytest.raises(ModelError, match=r"'ear' is not ready .*Run: bubo pull ear"):
        bubo.load("trial", device="cpu", grounder="ear")
    with pytest.raises(ModelError, match="'nano' is a model and no grounder"):
        bubo.load("trial", device="cpu", grounder="nano")
    pull_it("ear")
    bubo.load("trial", device="cpu", grounder="ear")
    assert order == ["ear", "speaker"]  # a language model would take the GPU that the tools need
    with pytest.raises(ModelError, match=r"'trial' is not ready \(eye is missing\)"):
        bubo.load("trial", device="cpu")


@pytest.mark.parametrize(
    ("device", "placed"), [("cpu", {"": "cpu"}), ("cuda", "auto"), ("cuda:1", {"": "cuda:1"})]
)
def test_a_device_by_number_is_kept_to(trial, monkeypatch, device, placed):
    pull_it()
    asked = {}
    monkeypatch.setattr(loading, "load_bubo", lambda *_, **options: asked.update(options) or (None, None))
    monkeypatch.setattr(loading, "ModelSpeaker", lambda *_: "speaker")
    monkeypatch.setattr(loading, "room_on", lambda _: memory.Room(device, 10**10, 10**10))
    assert bubo.load("trial", device=device).speaker == "speaker"
    assert asked["device_map"] == placed
    text = (downloads.models_home() / "presets" / "trial.yaml").read_text()
    write("trial", text.replace("language: 30000", "language: 3000000000"))  # 13.5 GB
    if device == "cuda":
        assert bubo.load("trial", device=device).speaker == "speaker"
    else:  # nothing is laid apart
        with pytest.raises(ModelError, match="needs about 13.5 GB of memory"):
            bubo.load("trial", device=device)


def test_what_cannot_be_converted_is_not_fetched(trial, server, monkeypatch):
    monkeypatch.delitem(conversion.KINDS, "sam")
    text = (downloads.models_home() / "presets" / "trial.yaml").read_text()
    write("trial", text.replace("kind: copy", "kind: sam"))
    with pytest.raises(ModelError, match="cannot be made by this version: There is no kind 'sam'"):
        pull_it()
    assert server.asked == []


def test_other_speakers(trial, monkeypatch):
    made = []
    module = ModuleType("bubo.endpoint")
    module.EndpointSpeaker = lambda *parts: made.append(parts) or "speaker"
    monkeypatch.setitem(sys.modules, "bubo.endpoint", module)
    write("far", "summary: x\nspeaker: {kind: endpoint, url: 'http://127.0.0.1:9/v1', model: m}\n")
    assert bubo.load("far").speaker == "speaker"
    assert made.pop() == ("http://127.0.0.1:9/v1", "m")
    with pytest.raises(ModelError, match="dtype and quantization .* that of far is served elsewhere"):
        bubo.load("far", dtype="fp16")
    with pytest.raises(ModelError, match="the speaker was given: leave them out"):
        bubo.load("nano", speaker="speaker", quantization="4bit")
    pull_it()
    text = (downloads.models_home() / "presets" / "trial.yaml").read_text()
    write("trial", text.replace("kind: bubo", "kind: transformers"))
    speaker = bubo.load("trial", device="cpu", dtype="bf16").speaker
    assert isinstance(speaker, TransformersSpeaker)
    assert (speaker.model.dtype, type(speaker.processor).__name__) == (dtype_of("bf16"), "BuboProcessor")
    write("gone", "summary: x\nspeaker: {kind: transformers, model: owner/gone}\n")
    with pytest.raises(ModelError, match="Cannot load 'owner/gone' as a multimodal model"):
        bubo.load("gone", device="cpu")


def test_what_must_be_trained_says_so(trial):
    home = downloads.models_home()
    text = (home / "presets" / "trial.yaml").read_text()
    write("trial", text.replace("model: trial,", "model: later,") + "training: train it well.\n")
    with pytest.raises(
        ModelError, match=r"Run: bubo pull trial \(after that it has to be trained: train it well"
    ):
        bubo.load("trial")
    state = pull_it()
    assert state.untrained and not state.ready
    with pytest.raises(ModelError, match="has to be trained first: train it well. Its place is .*later"):
        bubo.load("trial")
    (home / "trial").rename(home / "later")
    shutil.copytree(home / "later", home / "trial")
    assert bubo.load("trial").name == "trial"


def test_too_little_memory(trial, monkeypatch):
    pull_it()
    monkeypatch.setattr(memory, "free_ram_bytes", lambda: 1_600_000_000)
    text = (downloads.models_home() / "presets" / "trial.yaml").read_text()
    write("trial", text.replace("language: 30000", "language: 7000000000"))
    with pytest.raises(
        ModelError,
        match=r"needs about 29.5 GB of memory \(fp32\), and 1.6 GB are free \(main memory\). nano would fit",
    ):
        bubo.load("trial", device="cpu")
    with pytest.raises(ModelError, match=r"needs about 5.4 GB of memory \(fp16, 4bit\)"):
        bubo.load("trial", device="cpu", dtype="fp16", quantization="4bit")
    monkeypatch.setattr(memory, "free_ram_bytes", lambda: 1)
    with pytest.raises(ModelError, match="No preset fits; free some memory"):
        bubo.load("trial", device="cpu")


@pytest.mark.parametrize("dtype", BYTES_PER_PARAMETER)
def test_precisions(trial, dtype):
    pull_it()
    model = bubo.load("trial", dtype=dtype, device="cpu").speaker.model
    assert model.lm_head.weight.dtype == dtype_of(dtype)


def test_quantization_reaches_the_language_model_only(trial):
    pytest.importorskip("bitsandbytes")
    pull_it()
    assistant = bubo.load("trial", quantization="8bit", device="cpu")
    kinds = {name: type(module).__name__ for name, module in assistant.speaker.model.named_modules()}
    eight = {name for name, kind in kinds.items() if kind == "Linear8bitLt"}
    assert eight
    assert all(name.startswith("model.language_model.") for name in eight)


def test_quantization_wants_its_package(trial, monkeypatch):
    pull_it()
    monkeypatch.setitem(sys.modules, "bitsandbytes", None)
    with pytest.raises(MissingPackageError, match=r"loading in 4bit needs it.*\[train\]"):
        bubo.load("trial", quantization="4bit", device="cpu")


def test_wishes_that_cannot_be(trial):
    for wish, message in (
        ({"dtype": "fp8"}, "dtype is 'fp8'; expected fp32, fp16, bf16"),
        ({"quantization": "2bit"}, "quantization is '2bit'; expected 8bit, 4bit, none"),
    ):
        with pytest.raises(ModelError, match=message):
            bubo.load("trial", **wish)
    with pytest.raises(ModelError, match="nano is loaded in fp32 on the CPU"):
        bubo.load("nano", dtype="bf16")
    pull_it()
    with pytest.raises(ModelError, match="There is no device 'toaster'"):
        bubo.load("trial", device="toaster")
    with pytest.raises(ModelError, match="No preset is called 'clasic'. Did you mean 'classic'"):
        bubo.load("trial", grounder="clasic")


def test_the_limit_of_a_container(monkeypatch, tmp_path):
    free = memory.free_ram_bytes()
    assert free > 0
    (tmp_path / "max").write_text("5000\n")
    (tmp_path / "used").write_text("2000\n")
    monkeypatch.setattr(memory, "_LIMIT", tmp_path / "max")
    monkeypatch.setattr(memory, "_USED", tmp_path / "used")
    assert memory.free_ram_bytes() == 3000
    (tmp_path / "max").write_text("max\n")
    assert memory.free_ram_bytes() > 3000


def test_shards_of_an_index_must_all_be_there(trial):
    pull_it()
    folder = downloads.models_home() / "trial"
    (folder / "model.safetensors.index.json").write_text(
        json.dumps({"weight_map": {"a": "lost.safetensors"}})
    )
    presets = known_presets()
    assert state_of(presets["trial"], presets).damaged == {
        "trial": "lost.safetensors of its index are missing"
    }


def test_the_users_own_files_count_when_they_are_copied(trial, released):
    presets = known_presets()
    assert plan(presets["trial"], presets).disk_bytes == 0  # sizes of what is to come are not known
    size = sum(path.stat().st_size for path in released.iterdir())
    assert plan(presets["trial"], presets, released).disk_bytes == size


def test_several_gpus_count_together_where_a_model_is_spread(trial, monkeypatch):
    torch = pytest.importorskip("torch")
    free = [3_000_000_000, 2_000_000_000]
    monkeypatch.setattr(memory, "free_ram_bytes", lambda: 1_000_000_000)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda d: (free[getattr(d, "index", d) or 0], 0))
    assert memory.room_on() == memory.Room("cuda", free[0], 1_000_000_000, free[1])
    assert memory.room_on("cuda:1") == memory.Room("cuda:1", free[1], 1_000_000_000)
    pull_it()
    text = (downloads.models_home() / "presets" / "trial.yaml").read_text()
    write("trial", text.replace("language: 30000", "language: 2000000000"))
    with pytest.raises(ModelError, match=r"9.5 GB .* 6.0 GB are free \(cuda: 3.0 GB, other GPUs: 2.0 GB"):
        bubo.load("trial")
    with pytest.raises(ModelError, match=r"9.5 GB .* 2.0 GB are free"):
        bubo.load("trial", device="cuda:1")
    with pytest.raises(ModelError, match=r"GB of memory \(fp32, 8bit\), and 5.0 GB are free"):
        write("trial", text.replace("language: 30000", "language: 9000000000"))
        bubo.load("trial", quantization="8bit")
