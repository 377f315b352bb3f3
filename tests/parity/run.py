"""Runs every golden case of a folder: python -m tests.parity.run DIR [--json].

A case passes if every value of every output is within the tolerance of the goldens' README. The largest error
is given where it comes closest to the tolerance, or goes furthest beyond it.
"""

import argparse
import json
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
from transformers.utils import logging

from tests.parity.cases import NotHere, load_case, run_case


def measure(path: Path) -> dict[str, Any]:
    """One case: its name, whether it passes, and its worst output."""
    worst: dict[str, Any] = {"output": "", "max_error": 0.0, "tolerance": 0.0}
    share, passed = -1.0, True
    count = 0
    for name, ours, expected, atol, rtol in run_case(load_case(path)):
        count += 1
        ours, expected = np.asarray(ours, dtype=np.float64), np.asarray(expected, dtype=np.float64)
        if ours.shape != expected.shape:
            raise ValueError(f"{name} has shape {ours.shape}, expected {expected.shape}")
        errors, allowed = np.abs(ours - expected), atol + rtol * np.abs(expected)
        passed = passed and bool((errors <= allowed).all())
        shares = np.where(errors == 0, 0.0, errors / np.where(allowed > 0, allowed, 1e-30))
        here = float(shares.max(initial=0.0))
        if here > share or math.isnan(here):
            at = np.unravel_index(int(np.nan_to_num(shares, nan=np.inf).argmax()), shares.shape)
            share = here
            worst = {"output": name, "max_error": float(errors[at]), "tolerance": float(allowed[at])}
    if not count:
        raise ValueError("it has no outputs to compare")
    return {"name": path.stem, "pass": passed, **worst}


def run(folder: Path) -> list[dict[str, Any]]:
    """All cases of a folder, in the order of their names."""
    results = []
    for path in sorted(folder.glob("*.safetensors")):
        try:
            results.append(measure(path))
        except NotHere as reason:
            results.append(_unmeasured(path, False, f"not run: {reason}") | {"skipped": True})
        except Exception as error:  # a case that breaks is a case that fails
            results.append(_unmeasured(path, False, f"{type(error).__name__}: {error}"))
    return results


def _unmeasured(path: Path, passed: bool, note: str) -> dict[str, Any]:
    return {"name": path.stem, "pass": passed, "max_error": None, "tolerance": None, "note": note}


def _numbers(result: dict[str, Any]) -> str:
    error, tolerance = result["max_error"], result["tolerance"]
    return f"max error {error:.3g}, tolerance {tolerance:.3g} ({result['output']})"


def main(arguments: list[str] | None = None) -> int:
    """0 if every case passes."""
    parser = argparse.ArgumentParser(prog="python -m tests.parity.run", description=__doc__.splitlines()[0])
    parser.add_argument("folder", metavar="DIR", type=Path, help="folder with the cases")
    parser.add_argument("--json", action="store_true", help="print a list of objects")
    given = parser.parse_args(arguments)
    logging.disable_progress_bar()
    results = run(given.folder)
    if not results:
        sys.stderr.write(f"error: {given.folder} holds no *.safetensors: give a folder of golden cases\n")
        return 2
    if given.json:
        print(json.dumps(results, indent=1))
    else:
        width = max(len(result["name"]) for result in results)
        for result in results:
            verdict = "pass" if result["pass"] else "SKIP" if result.get("skipped") else "FAIL"
            print(f"{result['name']:<{width}}  {verdict}  {result.get('note') or _numbers(result)}")
    return 0 if all(result["pass"] for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
