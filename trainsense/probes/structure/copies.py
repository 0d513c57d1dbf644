"""Copies of a model to look at."""

import copy
from typing import Any

from torch import Tensor, nn


def copied(model: nn.Module, memo: dict[int, Any] | None = None) -> nn.Module:
    """Return a deep copy of `model`, of whatever tensors it holds.

    `copy.deepcopy` refuses tensors that were computed with gradients, such as the weight that `torch.nn.utils.weight_norm`
    keeps; here they are copied as plain values.

    Args:
        model: what to copy.
        memo: filled with the copies of all objects that belong to the model, by the originals' ids.
    """
    memo = {} if memo is None else memo
    for module in model.modules():
        for value in vars(module).values():
            if isinstance(value, Tensor) and value.grad_fn is not None:
                memo[id(value)] = value.detach().clone()
    return copy.deepcopy(model, memo)
