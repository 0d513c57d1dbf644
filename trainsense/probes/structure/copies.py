"""Copies of a model to look at."""

import copy
from typing import Any

from torch import Tensor, nn


def copied(model: nn.Module) -> nn.Module:
    """Return a deep copy of `model`, of whatever tensors it holds.

    `copy.deepcopy` refuses tensors that were computed with gradients, such as the weight that `torch.nn.utils.weight_norm`
    keeps; here they are copied as plain values.
    """
    memo: dict[int, Any] = {}
    for module in model.modules():
        for value in vars(module).values():
            if isinstance(value, Tensor) and value.grad_fn is not None:
                memo[id(value)] = value.detach().clone()
    return copy.deepcopy(model, memo)
