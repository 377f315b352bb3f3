"""The hand-made world of `small_world.py`, opened once."""

from __future__ import annotations

from typing import Any

import pytest
from unit.train.small_world import write_small_world


@pytest.fixture(scope="session")
def small_arrays(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Arrays of eleven records with both media and one with a sound only, made from shards of five."""
    from bubo.train.arrays import open_arrays

    folder = write_small_world(tmp_path_factory.mktemp("world"), 12, per_shard=5)
    return open_arrays(folder, workers=1)
