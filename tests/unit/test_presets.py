"""Presets: those that are shipped, and what can be wrong in one."""

import inspect
import math
import re
from collections.abc import Mapping

import pytest
from preset_shapes import SHAPES

from bubo.errors import ModelError
from bubo.grounding import released
from bubo.loading import languages_of
from bubo.models.conversion import KINDS, function_of
from bubo.preset_files import read_presets
from bubo.presets import WORKING_BYTES, find_preset, needed_bytes

NAMES = [
    "nano",
    "bubogpt-13b",
    "bubogpt-7b",
    "bubogpt-7b-4bit",
    "modern",
    "ollama",
    "qwen3-vl",
    "vllm",
    "classic",
    "quick",
    "sam3",
]
GOOD = """
summary: a trial
speaker: {kind: bubo, model: trial, dtype: fp32}
sources:
  - repo: owner/name
    licence: MIT
    licence_url: https://example.org
    files: [config.json, {path: model.safetensors, bytes: 12, sha256: 0123456789abcdef}]
steps:
  - {kind: copy, source: [owner/name/*], target: trial}
"""


@pytest.fixture(scope="module")
def shipped():
    return read_presets()


def test_the_shipped_presets(shipped):
    assert list(shipped) == NAMES
    assert [name for name, preset in shipped.items() if preset.kind == "grounder"] == NAMES[-3:]


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_preset_is_complete(shipped, name):
    preset = shipped[name]
    assert preset.summary
    served = (preset.speaker or {}).get("kind") == "endpoint"
    assert served or preset.parameters.language + preset.parameters.other > 0
    read = {file for step in preset.steps for file in (*preset.sources(step), *preset.extras(step).values())}
    assert read == set(preset.files)  # nothing is fetched for nothing
    made = {step.target for step in preset.steps}
    if preset.kind == "grounder":
        assert {part["model"] for part in preset.grounder.values()} == made
    elif not (preset.training or preset.package or served):
        assert preset.speaker["model"] in made
    for file in preset.files:
        assert file.licence and file.licence_url.startswith("https://")
        assert file.sha256 is None or len(file.sha256) == 64
        assert file.repo or file.url or file.note


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_preset_names_kinds_and_settings_that_exist(shipped, name):
    for step in shipped[name].steps:
        if step.kind in KINDS:
            takes = set(inspect.signature(function_of(step.kind)).parameters) - {"source", "target"}
            assert {*step.options, *step.extras} <= takes
        else:
            assert step.kind in ("copy", "bubogpt")
    parts = shipped[name].grounder
    for role, part in parts.items() if isinstance(parts, Mapping) else ():
        kind = released.KINDS[part["kind"]]
        assert role in kind.roles
        assert set(part) - {"kind", "model"} <= set(released.settings_of(kind.tool()))


def test_what_may_not_be_used_commercially(shipped):
    marked = {file.name for preset in shipped.values() for file in preset.files if file.non_commercial}
    assert {"bubogpt_7b.pth", "imagebind_huge.pth", "tokenizer.model"} <= marked
    assert not {"ram_swin_large_14m.pth", "eva_vit_g.pth", "blip2_pretrained_flant5xxl.pth"} & marked
    assert [name for name, preset in shipped.items() if not preset.non_commercial] == [
        "nano",
        "modern",
        "ollama",
        "qwen3-vl",
        "vllm",
        "quick",
        "sam3",
    ]
    assert all(file.gated for file in shipped["sam3"].files)


def test_files_are_shared_between_presets(shipped):
    small, large = shipped["bubogpt-7b-4bit"], shipped["bubogpt-7b"]
    assert (small.files, small.steps) == (large.files, large.steps)
    assert set(shipped["quick"].files) & set(shipped["classic"].files)


def test_memory(shipped):
    whole = needed_bytes(shipped["bubogpt-7b"], shipped)
    count = {name: shipped[name].parameters.language + shipped[name].parameters.other for name in shipped}
    assert whole == 2 * count["bubogpt-7b"] + WORKING_BYTES + 4 * count["classic"]
    assert needed_bytes(shipped["bubogpt-7b"], shipped, "fp32", "none", "quick") == (
        4 * (count["bubogpt-7b"] + count["quick"]) + WORKING_BYTES
    )
    assert (
        needed_bytes(shipped["bubogpt-7b-4bit"], shipped)
        < 10e9
        < needed_bytes(shipped["bubogpt-7b"], shipped, quantization="8bit")
    )
    assert shipped["bubogpt-7b-4bit"].precision == "bf16, 4bit"


def test_nanos_parameters_are_those_of_its_weights(shipped):
    from importlib import resources

    from safetensors import safe_open

    total = 0
    for path in (resources.files("bubo.nano") / "model").iterdir():
        if path.name.endswith(".safetensors"):
            with safe_open(path, "pt") as weights:
                for key in weights.keys():  # noqa: SIM118 (no mapping)
                    total += math.prod(weights.get_slice(key).get_shape())
    assert total == pytest.approx(shipped["nano"].parameters.other, rel=0.1)


def test_only_nano_says_which_languages_it_understands(shipped):
    assert {name: one.languages for name, one in shipped.items() if one.languages} == {"nano": ("en",)}
    assert (languages_of("nano"), languages_of("bubogpt-7b"), languages_of("nobody")) == (("en",), (), ())


def test_presets_of_ones_own(tmp_path, shipped):
    (tmp_path / "trial.yaml").write_text(f"name: trial{GOOD}")
    (tmp_path / "smaller.yaml").write_text(
        "like: trial\nsummary: smaller\nspeaker: {kind: bubo, model: trial, quantization: 4bit}\n"
    )
    (tmp_path / "server.yaml").write_text(
        "summary: a server\nspeaker: {kind: endpoint, url: http://127.0.0.1:1, model: m}\ngrounder: quick\n"
    )
    presets = read_presets(tmp_path)
    assert set(presets) == {*NAMES, "trial", "smaller", "server"}
    trial = presets["trial"]
    assert [file.place for file in trial.sources(trial.steps[0])] == [
        "owner/name/config.json",
        "owner/name/model.safetensors",
    ]
    assert (trial.files[1].bytes, trial.files[1].sha256) == (12, "0123456789abcdef")
    assert presets["smaller"].steps == trial.steps
    assert (presets["smaller"].name, presets["smaller"].summary) == ("smaller", "smaller")
    assert presets["server"].grounder == "quick"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("summary: a trial", "sumary: a trial", "unknown key `sumary`; expected one of name, summary"),
        ("summary: a trial", "", "`summary` is missing"),
        ("summary: a trial", "summary: 3", "`summary` is 3 (int); expected str"),
        ("summary: a trial", "summary: x\nmode: parrot", "`mode` is 'parrot' (str); expected 'parity' or"),
        ("summary: a trial", "summary: x\nname: other", "`name` is 'other'; expected 'trial'"),
        ("summary: a trial", "summary: x\nlanguages: en", "`languages` is 'en' (str); expected tuple"),
        ("summary: a trial", "summary: x\nlanguages: [English]", "`languages` has 'English'; expected tags"),
        ("summary: a trial", "summary: x\nlike: nobody", "`like` is 'nobody'"),
        ("summary: a trial", "summary: x\nlike: [nano]", "`like` is ['nano']"),
        (
            "summary: a trial",
            "summary: x\ngrounder: clasic",
            "`grounder` is 'clasic'. Did you mean 'classic'",
        ),
        (
            "summary: a trial",
            "summary: x\ngrounder: {nose: {kind: ram}}",
            "`grounder.nose` must be one of tagger",
        ),
        ("summary: a trial", "summary: x\nparameters: {other: many}", "`parameters.other` is 'many'"),
        ("speaker: {kind: bubo, model: trial, dtype: fp32}", "", "`speaker` is missing"),
        ("kind: bubo,", "kind: parrot,", "`speaker.kind` is 'parrot'; expected one of bubo, transformers"),
        ("model: trial, dtype", "dtype", "`speaker.model` is missing"),
        ("dtype: fp32}", "dtype: fp8}", "`speaker.dtype` is 'fp8' (str); expected fp32 or fp16 or bf16"),
        ("dtype: fp32}", "colour: red}", "unknown key `speaker.colour`"),
        ("licence: MIT", "license: MIT", "unknown key `files[0].license`"),
        ("bytes: 12", "bytes: twelve", "`files[1].bytes` is 'twelve'"),
        ("sha256: 0123456789abcdef", "sha256: beef", "sha256 of model.safetensors must be 16 to 64"),
        ("path: model.safetensors", "path: ../model", "must stay below its folder"),
        ("repo: owner/name", "repo: owner/name\n    url: http://x", "has both `repo` and `url`"),
        ("files: [config.json,", "filles: [config.json,", "must be a mapping with a list `files`"),
        ("kind: copy", "kind: translate", "there is no step 'translate'"),
        ("source: [owner/name/*]", "source: [else]", "reads 'else', which no source has"),
        ("repo: owner/name", "repo: ../../name", "`repo` is '../../name'; expected OWNER/NAME"),
        ("repo: owner/name", "repo: owner/name/..", "expected OWNER/NAME"),
        ("repo: owner/name", "url: file:///etc/name", "expected one that begins with https://"),
        ("target: trial", "target: ../trial", "is no name of a model's folder"),
        ("target: trial", "target: downloads", "not downloads or presets"),
        ("target: trial", "goal: trial", "unknown key `steps[0].goal`"),
        (GOOD, "- 1\n- 2\n", "is no preset"),
        (GOOD, "a: [", "not a readable YAML file"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, old, new, message):
    assert old in GOOD
    (tmp_path / "trial.yaml").write_text(GOOD.replace(old, new))
    problem = read_presets(tmp_path).broken["trial"]
    assert re.search(f"trial.yaml.*{re.escape(message)}", problem)


def test_a_name_is_taken_once(tmp_path):
    (tmp_path / "nano.yaml").write_text(GOOD)
    presets = read_presets(tmp_path)
    assert presets["nano"].package and "nano" not in presets.broken
    assert "there is a preset 'nano' already, in" in presets.broken[str(tmp_path / "nano.yaml")]


def test_a_broken_file_costs_itself_and_what_names_it(tmp_path, shipped):
    (tmp_path / "bad.yaml").write_text("a: [")
    (tmp_path / "kin.yaml").write_text("like: bad\n")
    (tmp_path / "tools.yaml").write_text("kind: grounder\nsummary: s\ngrounder: {nose: {kind: ram}}\n")
    (tmp_path / "user.yaml").write_text("like: nano\nsummary: s\npackage: null\ngrounder: tools\n")
    (tmp_path / "mine.yaml").write_text("like: nano\nsummary: mine\npackage: null\n")
    presets = read_presets(tmp_path)
    assert set(presets) == {*shipped, "mine"}
    assert set(presets.broken) == {"bad", "kin", "tools", "user"}
    with pytest.raises(ModelError, match=r"'bad' cannot be used: .*bad.yaml: not a readable YAML file"):
        find_preset("bad", presets)


def test_unknown_names_get_suggestions(shipped):
    with pytest.raises(ModelError, match="No preset is called 'bubogpt7b'. Did you mean 'bubogpt-7b'"):
        find_preset("bubogpt7b", shipped)
    with pytest.raises(ModelError, match="Known names: nano, .*sam3"):
        find_preset("xyz", shipped)


def test_the_page_of_models_has_the_tables():
    from pathlib import Path

    from bubo.cli.model_table import table

    page = (Path(__file__).parents[2] / "docs" / "models.md").read_text(encoding="utf-8")
    assert "\n".join(table()) in page, "put in docs/models.md what python -m bubo.cli.model_table prints"


@pytest.mark.parametrize("name", SHAPES)
def test_the_parameters_of_a_preset_are_those_of_its_parts_on_the_meta_device(shipped, name):
    counted, told = SHAPES[name](), shipped[name].parameters
    assert told.language == pytest.approx(counted.language, rel=0.005)
    assert told.other == pytest.approx(counted.other, rel=0.005)


def test_every_preset_with_weights_is_counted(shipped):
    counted = {*SHAPES, "nano"}
    uncounted = {name: preset for name, preset in shipped.items() if name not in counted}
    own = {name for name, preset in uncounted.items() if preset.parameters.language + preset.parameters.other}
    assert own == {"bubogpt-7b-4bit"}  # the numbers of bubogpt-7b
