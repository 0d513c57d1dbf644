"""Is weight decay applied to the weights themselves, or added to the gradient?"""

import math
from typing import Final

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from trainsense.probes.parameters import parameter_groups
from trainsense.probes.regularization.decay import sampled, stride_of

_TOLERANCE: Final = 0.05
"""Rounding of a step of `lr * weight_decay` in single precision stays below this from 1e-5 on."""
_SMALL: Final = 1e-3
_LARGE: Final = 0.1
_FOLLOWS: Final = 30.0
"""Steps that grow at least this much, out of a hundredfold gradient, follow its scale; Adam's grow threefold."""


def is_decoupled(model: nn.Module, optimizer: Optimizer) -> bool:
    """Return whether steps without any gradient shrink the decayed weights by `lr * weight_decay`, in an adaptive optimizer.

    An optimizer that adds the decay to the gradient normalises it along (Adam), or builds up momentum from it (SGD). Without
    momentum SGD does either, which is the same thing and counts as coupled: its steps follow the gradient's scale. The
    model's weights and gradients are changed.

    Args:
        model: a model of one's own.
        optimizer: the user's for it, with a learning rate of about 0.1, so that the steps are seen.
    """
    for _ in range(2):
        rest, pull = _step(model, optimizer, 0.0)
        if not rest <= _TOLERANCE * pull:
            return False
    small, large = (_step(model, optimizer, size)[0] for size in (_SMALL, _LARGE))
    return not large > _FOLLOWS * small


def _step(model: nn.Module, optimizer: Optimizer, gradient: float) -> tuple[float, float]:
    """Make a step with all gradients of one size; return the norms of the rest of the update and of the decay."""
    for parameter in model.parameters():
        parameter.grad = torch.full_like(parameter, gradient) if parameter.requires_grad else None
    before = [(parameter, sampled(parameter, stride_of(parameter)), pull) for parameter, pull in _pulls(optimizer)]
    optimizer.step()
    rest = wanted = 0.0
    for decayed, weights, pull in before:
        stride = stride_of(decayed)
        rest += stride * float((sampled(decayed, stride) - weights + pull * weights).square().sum())
        wanted += stride * float((pull * weights).square().sum())
    return math.sqrt(rest), math.sqrt(wanted)


def _pulls(optimizer: Optimizer) -> list[tuple[Tensor, float]]:
    """Return the decayed parameters, each with `lr * weight_decay`."""
    found: dict[int, tuple[Tensor, float]] = {}
    for group in parameter_groups(optimizer):
        weight_decay = float(group.get("weight_decay") or 0.0)
        if weight_decay:
            found.update({id(one): (one, float(group["lr"]) * weight_decay) for one in group["params"]})
    return list(found.values())
