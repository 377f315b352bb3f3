"""Which items a run sees at which step: a pure function of the seed, so a resumed run goes on in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from torch.utils.data import Dataset

from bubo.errors import TrainError

from .job import ItemSet


class Order:
    """Batches of (epoch, index) pairs for a whole run, from any step on.

    Each epoch is a fresh permutation of (seed, epoch); what does not fill a batch at its end is dropped.
    """

    def __init__(self, num_items: int, batch_size: int, num_batches: int, seed: int, start: int = 0):
        """`num_batches` in the whole run, of which the first `start` are left out when iterating."""
        if num_items < batch_size:
            raise TrainError(
                f"the training set has {num_items} items, fewer than one batch of {batch_size}; "
                "lower `batch_size` or add data"
            )
        self.num_items, self.batch_size, self.num_batches = num_items, batch_size, num_batches
        self.seed, self.start = seed, start
        self.batches_per_epoch = num_items // batch_size

    def __len__(self) -> int:
        """Batches of the whole run, whatever `start` is: the Trainer counts from the beginning."""
        return self.num_batches

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        """Yield batches `start` to the end."""
        epoch, permutation = -1, np.empty(0, dtype=np.int64)
        for number in range(self.start, self.num_batches):
            if number // self.batches_per_epoch != epoch:
                epoch = number // self.batches_per_epoch
                permutation = np.random.default_rng([self.seed, epoch]).permutation(self.num_items)
            first = number % self.batches_per_epoch * self.batch_size
            yield [(epoch, int(index)) for index in permutation[first : first + self.batch_size]]


class EpochItems(Dataset[Any]):
    """A job's training set asked by (epoch, index), so that loader workers know the epoch too."""

    def __init__(self, items: ItemSet):
        """Wrap `items`."""
        self.items = items
        self.epoch: int | None = None

    def __len__(self) -> int:
        """Number of items in one epoch."""
        return len(self.items)

    def __getitem__(self, key: tuple[int, int]) -> Any:
        """The item `key = (epoch, index)`."""
        epoch, index = key
        if epoch != self.epoch:
            set_epoch: Callable[[int], None] | None = getattr(self.items, "set_epoch", None)
            if set_epoch is not None:
                set_epoch(epoch)
            self.epoch = epoch
        return self.items[index]
