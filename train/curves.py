"""Curves of one run from its `log.jsonl`: losses, validation figures, learning rate, speed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .folder import read_log

_OTHER = {"step", "seconds", "learning_rate", "grad_norm", "steps_per_s", "epoch", "eval_seconds"}


def draw_curves(log: Path, out: Path, *, title: str = "") -> None:
    """Draw `log` to the picture `out`; nothing happens when the log holds no record yet.

    Args:
        log: a `log.jsonl`.
        out: a PNG to write (replaced as a whole).
        title: above the panels.

    Raises:
        ImportError: matplotlib is not installed.
        OSError: a file cannot be read or written.
    """
    records = read_log(log) if log.is_file() else []
    if not records:
        return
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    names = [name for name in _names(records) if name not in _OTHER]
    losses = [name for name in names if not name.startswith("eval_")]
    # A validation loss belongs beside its training loss; other validation figures have their own scale.
    beside = [name for name in names if name.removeprefix("eval_") in losses and name.startswith("eval_")]
    figures = [name for name in names if name.startswith("eval_") and name not in beside]
    panels = [("loss", losses, beside)]
    panels += [("validation", figures, [])] if figures else []
    panels += [("learning rate", ["learning_rate"], []), ("gradient norm", ["grad_norm"], [])]
    panels += [("steps per second", ["steps_per_s"], [])]

    figure = Figure(figsize=(5.2 * len(panels[:3]), 3.4 * (1 + (len(panels) > 3))), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(1 + (len(panels) > 3), 3, squeeze=False).flatten()
    for axis, (label, solid, dashed) in zip(axes, panels, strict=False):
        _panel(axis, records, label, solid, dashed)
    for axis in axes[len(panels) :]:
        axis.set_axis_off()
    if title:
        figure.suptitle(title)
    temporary = out.with_name(f".{out.name}.incomplete")
    figure.savefig(temporary, format="png", dpi=90)
    temporary.replace(out)


def _panel(axis: Any, records: list[dict[str, Any]], label: str, solid: list[str], dashed: list[str]) -> None:
    """One set of axes; dashed lines are validation."""
    for name in solid + dashed:
        points = [(record["step"], record[name]) for record in records if name in record]
        if points:
            steps, values = zip(*points, strict=True)
            line = "--o" if name in dashed else "-o" if name.startswith("eval_") else "-"
            axis.plot(steps, values, line, markersize=3, linewidth=1, label=name)
    shown = [record[name] for record in records for name in solid + dashed if name in record]
    if label in ("loss", "gradient norm") and shown and min(shown) > 0:
        axis.set_yscale("log")
    axis.set_title(label, fontsize=10)
    axis.set_xlabel("step", fontsize=8)
    axis.tick_params(labelsize=8)
    axis.grid(alpha=0.3)
    if len(solid + dashed) > 1:
        axis.legend(fontsize=7)


def _names(records: list[dict[str, Any]]) -> list[str]:
    """All keys in the order of their first appearance."""
    return list(dict.fromkeys(name for record in records for name in record))
