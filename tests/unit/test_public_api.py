"""The surface of `import bubo`: pinned names, resolved on first use, nothing heavy before that."""

import importlib
import inspect
import subprocess
import sys

import pytest

import bubo
from bubo import errors

NAMES = [
    "Answer",
    "Assistant",
    "BuboError",
    "Conversation",
    "EndpointSpeaker",
    "Entity",
    "Link",
    "Picture",
    "Place",
    "Point",
    "Region",
    "Sound",
    "Span",
    "TransformersSpeaker",
    "Turn",
    "Verdict",
    "__version__",
    "load",
    "load_picture",
    "load_sound",
]


def test_names_are_pinned():
    assert bubo.__all__ == NAMES
    assert set(NAMES) <= set(dir(bubo))


@pytest.mark.parametrize("name", NAMES)
def test_every_name_resolves(name):
    value = getattr(bubo, name)
    if name != "__version__":
        assert value.__doc__
        assert value.__module__.startswith("bubo.")


def test_unknown_names_are_attribute_errors():
    with pytest.raises(AttributeError, match="no attribute 'laod'; its public names are"):
        _ = bubo.laod
    assert not hasattr(bubo, "torch")


@pytest.mark.parametrize(
    ("code", "heavy"),
    [
        ("import bubo; bubo.BuboError", ["torch", "transformers", "numpy", "PIL", "soundfile", "av"]),
        ("from bubo import Answer, Picture, load_picture, load_sound", ["torch", "transformers"]),
    ],
)
def test_imports_stay_light(code, heavy):
    code = f"{code}; import sys; print([name for name in {heavy} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_the_error_tree_is_the_one_drawn():
    drawn = errors.__doc__
    classes = [value for _, value in inspect.getmembers(errors, inspect.isclass)]
    assert len(classes) == drawn.count("── ") + 1
    for value in classes:
        assert value.__name__ in drawn
        assert issubclass(value, errors.BuboError)
        assert value.__doc__
    assert issubclass(errors.MediaError, errors.InputError)
    assert issubclass(errors.InputError, ValueError)
    assert issubclass(errors.ConfigError, errors.TrainError)
    error = errors.MissingPackageError("matplotlib", "train", "drawing curves")
    assert isinstance(error, ImportError)
    assert str(error) == (
        "The package 'matplotlib' is not installed, and drawing curves needs it: install the extra 'train' "
        'of bubo (in a clone: pip install -e ".[train]").'
    )


@pytest.mark.parametrize("module", ["train", "data_tools", "configs", "web"])
def test_mapped_folders_import_under_bubo(module):
    assert importlib.import_module(f"bubo.{module}").__doc__
