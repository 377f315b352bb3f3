"""The folder of a Bubo -> the model and its processor, every tensor in its place."""

import contextlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from bubo.errors import ModelError
from bubo.presets import dtype_of

__all__ = ["load_bubo"]


def load_bubo(folder: Path, dtype: str, **options: Any) -> tuple[Any, Any]:
    """A Bubo, ready to answer, and its processor. Every tensor must fit, and none may lack.

    Raises:
        ModelError: If the folder cannot be read, or tensors and configuration disagree.
    """
    # Importing from inside the package runs bubo.models first, which registers the Auto classes.
    from bubo.models.bubo.processing_bubo import BuboProcessor

    read = partial(_read_weights, folder, dtype_of(dtype))
    try:
        processor = BuboProcessor.from_pretrained(folder, local_files_only=True)
        # Tensors that the weights lack are made up, in the size that a perhaps wrong configuration says: a
        # first try without storage finds them before they take gigabytes.
        with _no_progress_bar():
            model, misfits = read(device_map="meta")
            if not misfits:
                model, misfits = read(**options)
    except (OSError, ValueError, RuntimeError, KeyError, TypeError, AttributeError) as error:
        detail = " ".join(str(error).split())[:300] or type(error).__name__
        raise ModelError(f"Cannot load the model in {folder}: {detail}") from error
    except Exception as error:
        if type(error).__module__.split(".")[0] not in (
            "safetensors",
            "safetensors_rust",
            "huggingface_hub",
            "jinja2",
        ):
            raise
        raise ModelError(
            f"Cannot load the model in {folder}: {' '.join(str(error).split())[:300]}"
        ) from error
    if misfits:
        raise ModelError(
            f"The weights in {folder} do not fit their configuration: {misfits}. Get the folder again, whole."
        )
    return model.eval(), processor


@contextlib.contextmanager
def _no_progress_bar() -> Iterator[None]:
    """Without transformers' bar over the tensors, which would show twice."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def _read_weights(folder: Path, dtype: Any, **options: Any) -> tuple[Any, str]:
    """The model of a folder, without values on "meta", and which tensors do not fit it, in words."""
    from bubo.models.bubo.modeling_bubo import BuboForConditionalGeneration

    model, report = BuboForConditionalGeneration.from_pretrained(
        folder,
        dtype=dtype,
        local_files_only=True,
        use_safetensors=True,
        ignore_mismatched_sizes=True,  # so that they are told like the others
        output_loading_info=True,
        **options,
    )
    for kind in ("missing_keys", "mismatched_keys", "unexpected_keys"):
        names = sorted(str(entry[0] if isinstance(entry, tuple) else entry) for entry in report.get(kind, ()))
        if names:
            return model, f"{len(names)} {kind.replace('_', ' ')}, such as {', '.join(names[:3])}"
    return model, ""
