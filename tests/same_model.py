"""Whether a model that was saved and loaded is the same."""

import torch
from torch import nn


def assert_same_tensors(loaded: nn.Module, model: nn.Module) -> None:
    """All tensors are equal to the bit; outputs may differ by rounding, as the tensors lie elsewhere."""
    found, wanted = loaded.state_dict(), model.state_dict()
    assert found.keys() == wanted.keys()
    for name, tensor in wanted.items():
        assert torch.equal(found[name], tensor), name
