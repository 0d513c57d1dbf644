"""Is weight decay applied to the weights themselves, or added to the gradient?"""

from typing import Final

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from trainsense.probes.parameters import parameter_groups

_TOLERANCE: Final = 0.05
"""Rounding of a step of `lr * weight_decay` in single precision stays below this from 1e-5 on."""


def is_decoupled(model: nn.Module, optimizer: Optimizer) -> bool:
    """Return whether two steps without any gradient shrink the decayed weights by `lr * weight_decay` each.

    An optimizer that adds the decay to the gradient normalises it along (Adam), or builds up momentum from it (SGD); without
    momentum SGD does either, which is the same thing. The model's weights and gradients are changed.

    Args:
        model: a model of one's own.
        optimizer: the user's for it, with a learning rate of about 0.1, so that the steps are seen.
    """
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter) if parameter.requires_grad else None
    for _ in range(2):
        before = [(parameter, parameter.detach().clone(), pull) for parameter, pull in _pulls(optimizer)]
        optimizer.step()
        wanted = sum(float((pull * weights).square().sum()) for _, weights, pull in before)
        off = sum(
            float((parameter.detach() - weights + pull * weights).square().sum()) for parameter, weights, pull in before
        )
        if not off <= _TOLERANCE**2 * wanted:
            return False
    return True


def _pulls(optimizer: Optimizer) -> list[tuple[Tensor, float]]:
    """Return the decayed parameters, each with `lr * weight_decay`."""
    found: dict[int, tuple[Tensor, float]] = {}
    for group in parameter_groups(optimizer):
        weight_decay = float(group.get("weight_decay") or 0.0)
        if weight_decay:
            found.update({id(one): (one, float(group["lr"]) * weight_decay) for one in group["params"]})
    return list(found.values())
