"""Key maps, checkpoint files of any origin, and what is written of them."""

import json
import pickle
from collections import OrderedDict
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import LlamaConfig, LlamaForCausalLM

from bubo.models.checkpoints import ConversionError, open_checkpoint
from bubo.models.conversion import KINDS, Join, KeyMap, Split, convert, count_layers, function_of, write_model
from bubo.models.tensor_files import Entry, write_shards

MAP = KeyMap(
    renames=((r"^old\.", "new."), (r"\.gamma$", ".weight")),
    drops={r"old\.counter$": "a counter of training"},
    changes={r"^new\.turned$": lambda value: value.T},
    splits=(Split(r"(.*)\.qkv", (r"\1.q", r"\1.k", r"\1.v")),),
    joins=(Join(r"(.*)\.(low|high)", r"\1.both", lambda parts: torch.cat([parts["low"], parts["high"]])),),
)


def values() -> dict[str, torch.Tensor]:
    return {
        "old.norm.gamma": torch.tensor([1.0, 2.0]),
        "old.counter": torch.tensor(7),
        "old.turned": torch.arange(6.0).reshape(2, 3),
        "old.attention.qkv": torch.arange(12.0).reshape(6, 2),
        "old.part.high": torch.tensor([3.0]),
        "old.part.low": torch.tensor([1.0, 2.0]),
    }


def test_every_rule_gives_its_tensors() -> None:
    plan = MAP.plan(values())
    made = {name: entry.make() for name, entry in plan.entries.items()}
    expected = {
        "new.norm.weight": torch.tensor([1.0, 2.0]),
        "new.turned": torch.arange(6.0).reshape(2, 3).T,
        "new.attention.q": torch.tensor([[0.0, 1.0], [2.0, 3.0]]),
        "new.attention.k": torch.tensor([[4.0, 5.0], [6.0, 7.0]]),
        "new.attention.v": torch.tensor([[8.0, 9.0], [10.0, 11.0]]),
        "new.part.both": torch.tensor([1.0, 2.0, 3.0]),
    }
    assert made.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(made[name], value)
        assert plan.entries[name].empty.shape == value.shape and plan.entries[name].empty.is_meta
    assert plan.dropped == {"old.counter": "a counter of training"}
    assert plan.origin["new.part.both"].startswith("old.part.")


def test_two_keys_of_one_name_are_an_error() -> None:
    with pytest.raises(ConversionError, match=r"'old.a' and 'new.a' both become 'new.a'"):
        MAP.plan({"old.a": torch.ones(1), "new.a": torch.ones(1)})


def test_a_join_that_lacks_a_part_names_it() -> None:
    with pytest.raises(ConversionError, match=r"'new.part.both' needs a part 'high'"):
        MAP.plan({"old.part.low": torch.ones(2)})


def tiny_llama() -> LlamaForCausalLM:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=20, hidden_size=8, intermediate_size=12, num_hidden_layers=2, num_attention_heads=2,
        tie_word_embeddings=True,
    )  # fmt: skip
    return LlamaForCausalLM(config).eval()


def write(path: Path, tensors: dict[str, torch.Tensor], form: str) -> Path:
    if form == "safetensors":
        save_file({key: value.contiguous() for key, value in tensors.items()}, path)
    elif form == "legacy":
        torch.save({"model": tensors}, path, _use_new_zipfile_serialization=False)
    else:
        torch.save({"model": OrderedDict(tensors), "epoch": 3} if form == "wrapped" else tensors, path)
    return path


@pytest.mark.parametrize("form", ["safetensors", "pickle", "wrapped", "legacy"])
def test_a_checkpoint_reads_the_same_in_every_form(tmp_path: Path, form: str) -> None:
    tensors = {"a": torch.arange(6.0).reshape(2, 3), "b": torch.ones(2, dtype=torch.bfloat16)}
    released = open_checkpoint(write(tmp_path / "file", tensors, form))
    assert set(released) == {"a", "b"} and len(released) == 2
    for key, value in tensors.items():
        torch.testing.assert_close(released[key], value)
        empty = released.empty(key)
        assert empty.is_meta and (empty.shape, empty.dtype) == (value.shape, value.dtype)


@pytest.mark.parametrize("suffix", ["safetensors", "bin"])
def test_shards_read_as_one(tmp_path: Path, suffix: str) -> None:
    shards = {f"shard-{i}.{suffix}": {f"t{i}": torch.full((2,), float(i))} for i in (1, 2)}
    for name, tensors in shards.items():
        write(tmp_path / name, tensors, "safetensors" if suffix == "safetensors" else "pickle")
    places = {key: name for name, tensors in shards.items() for key in tensors}
    index = "model.safetensors.index.json" if suffix == "safetensors" else "pytorch_model.bin.index.json"
    (tmp_path / index).write_text(json.dumps({"weight_map": places}))
    released = open_checkpoint(tmp_path)
    assert {key: float(released[key][0]) for key in released} == {"t1": 1.0, "t2": 2.0}
    (tmp_path / f"shard-2.{suffix}").unlink()
    with pytest.raises(ConversionError, match=r"1 of 2 shards .* missing, such as 'shard-2"):
        open_checkpoint(tmp_path)


class Evil:
    """Writes a file when it is unpickled by a reader that runs code."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return (open, (str(self.path), "w"))


def test_a_pickle_with_code_is_not_run(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    for name, save in (("torch.pth", torch.save), ("plain.pth", lambda v, p: p.write_bytes(pickle.dumps(v)))):
        save({"a": torch.ones(1), "b": Evil(mark)}, tmp_path / name)
        with pytest.raises(ConversionError, match="holds more than tensors") as caught:
            open_checkpoint(tmp_path / name)
        assert "weights_only" not in str(caught.value)  # torch's advice would run it
    (tmp_path / "old.pth").write_bytes(f"cos\nsystem\n(S'touch {mark}'\ntR.".encode())
    with pytest.raises(ConversionError, match=r"holds more than tensors \(GLOBAL os.system\)"):
        open_checkpoint(tmp_path / "old.pth")
    assert not mark.exists()


def test_what_is_no_pickle_is_not_called_one(tmp_path: Path) -> None:
    (tmp_path / "page.pth").write_bytes(b"<html>Not found</html>")
    with pytest.raises(ConversionError, match=r"'page.pth' is no checkpoint: is it the right file\?$"):
        open_checkpoint(tmp_path / "page.pth")


@pytest.mark.parametrize("form", ["safetensors", "pickle", "legacy"])
def test_truncated_files_are_one_clear_error(tmp_path: Path, form: str) -> None:
    path = write(tmp_path / "file", {"a": torch.randn(500)}, form)
    whole = path.read_bytes()
    for share in (0.0, 0.01, 0.3, 0.7, 0.99):
        path.write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(ConversionError, match=r"'file'"):
            open_checkpoint(path)


@pytest.mark.parametrize(
    ("content", "message"), [(torch.ones(2), "holds a Tensor"), ({"epoch": 3}, "holds no tensors")]
)
def test_other_content_is_named(tmp_path: Path, content: object, message: str) -> None:
    torch.save(content, tmp_path / "file.pth")
    with pytest.raises(ConversionError, match=message):
        open_checkpoint(tmp_path / "file.pth")


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match="There is no checkpoint"):
        open_checkpoint(tmp_path / "nothing.pth")
    with pytest.raises(ConversionError, match="holds no checkpoint"):
        open_checkpoint(tmp_path)
    (tmp_path / "model.safetensors.index.json").write_text("{")
    with pytest.raises(ConversionError, match="index .* is broken"):
        open_checkpoint(tmp_path)
    (tmp_path / "model.safetensors.index.json").write_text('{"weight_map": {"a": "../secret.bin"}}')
    with pytest.raises(ConversionError, match="missing, such as"):
        open_checkpoint(tmp_path)


def test_a_written_model_loads(tmp_path: Path) -> None:
    model = tiny_llama()
    released = {f"old.{key}": value for key, value in model.state_dict().items()}
    released["old.surplus"] = torch.ones(3)
    key_map = KeyMap(renames=((r"^old\.", ""),), drops={r"old\.lm_head": "tied to the table of words"})
    with torch.device("meta"):
        empty = LlamaForCausalLM(model.config)
    others = []
    report = write_model(
        key_map.plan(released), empty, tmp_path / "out", name="it", save_others=others.append
    )  # fmt: skip
    assert report.unexpected == ["old.surplus"] and list(report.dropped) == ["old.lm_head.weight"]
    assert len(others) == 1 and not others[0].exists()  # it got the part, which has another name now
    loaded, info = LlamaForCausalLM.from_pretrained(tmp_path / "out", output_loading_info=True)
    assert not any(info[kind] for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    ids = torch.arange(5)[None]
    torch.testing.assert_close(loaded(ids).logits, model(ids).logits)
    half = write_model(key_map.plan(released), empty, tmp_path / "half", name="it", dtype=torch.float16)
    assert half.num_bytes * 2 == report.num_bytes
    with pytest.raises(ConversionError, match="is there already"):
        write_model(key_map.plan(released), empty, tmp_path / "out", name="it")


def test_what_lacks_or_does_not_fit_is_named_and_nothing_is_written(tmp_path: Path) -> None:
    model = tiny_llama()
    with torch.device("meta"):
        empty = LlamaForCausalLM(model.config)
    released = {key: value for key, value in model.state_dict().items() if key != "lm_head.weight"}
    short = {key: value for key, value in released.items() if "layers.1" not in key}
    with pytest.raises(ConversionError, match=r"'it' lacks 9 tensors, such as model.layers.1"):
        write_model(KeyMap().plan(short), empty, tmp_path / "out", name="it")
    released["model.norm.weight"] = torch.ones(9)
    with pytest.raises(ConversionError, match=r"such as model.norm.weight: \(9,\) instead of \(8,\)"):
        write_model(KeyMap().plan(released), empty, tmp_path / "out", name="it")
    assert list(tmp_path.iterdir()) == []


def test_a_broken_conversion_leaves_nothing(tmp_path: Path) -> None:
    model = tiny_llama()

    def fail(folder: Path) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        write_model(KeyMap().plan(model.state_dict()), model, tmp_path / "out", name="it", save_others=fail)
    assert list(tmp_path.iterdir()) == []


def test_shards_are_those_of_save_pretrained(tmp_path: Path) -> None:
    types = (torch.float32, torch.bfloat16, torch.int64, torch.bool, torch.float16)
    tensors = {f"t{i}": torch.full((i + 1, 2), float(i)).to(dtype) for i, dtype in enumerate(types)}
    tensors["empty"], tensors["scalar"] = torch.ones(0), torch.tensor(2.5)
    entries = [
        Entry(name, torch.empty_like(value, device="meta"), lambda value=value: value)
        for name, value in tensors.items()
    ]
    write_shards(tmp_path, entries, max_bytes=30)
    index = json.loads((tmp_path / "model.safetensors.index.json").read_text())
    read = {}
    for shard in set(index["weight_map"].values()):
        read |= load_file(tmp_path / shard)
    assert index["weight_map"].keys() == tensors.keys() == read.keys()
    assert index["metadata"]["total_size"] == sum(v.numel() * v.element_size() for v in tensors.values())
    for name, value in tensors.items():
        torch.testing.assert_close(read[name], value)


def test_kinds_name_functions() -> None:
    for kind, (_, summary) in KINDS.items():
        assert callable(function_of(kind)) and summary
    with pytest.raises(ConversionError, match="There is no kind 'nothing'; the kinds are imagebind"):
        convert("nothing", "a", "b")


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({"pos_embed": torch.ones(4)}, "'odd.pth' does not make .* 'sam': not enough values"),
        ({"pos_embed": torch.ones(1, 2, 2, 8), "patch_embed.proj.weight": torch.ones(8, 3, 4, 4)}, "empty"),
    ],
)
def test_odd_shapes_are_errors_of_the_checkpoint(tmp_path: Path, tensors, message: str) -> None:
    torch.save({f"image_encoder.{key}": value for key, value in tensors.items()}, tmp_path / "odd.pth")
    with pytest.raises(ConversionError, match=message):
        convert("sam", tmp_path / "odd.pth", tmp_path / "made")
    assert not (tmp_path / "made").exists()


def test_settings_of_another_type_are_errors_of_the_conversion(tmp_path: Path) -> None:
    tensors = {"modality_preprocessors.audio.cls_token": torch.ones(1, 1, 16),
               "modality_heads.audio.2.weight": torch.ones(8, 16)}  # fmt: skip
    torch.save(tensors, tmp_path / "odd.pth")
    config = {"projection_dim": "many", "audio_config": {"num_attention_heads": 2}}
    with pytest.raises(ConversionError, match="'imagebind': Validation error for field 'projection_dim'"):
        convert("imagebind", tmp_path / "odd.pth", tmp_path / "made", config=config)


def test_layers_are_counted() -> None:
    assert count_layers({"b.0.w": 1, "b.11.w": 1, "c.40.w": 1}, r"b\.(\d+)\.") == 12
    assert count_layers({}, r"b\.(\d+)\.") == 0
