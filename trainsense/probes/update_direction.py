"""Which way the first update goes, against the gradient."""

import math
from typing import Final

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

MOST_ENTRIES: Final = 4096
"""Of each parameter: as many tell the direction, and a copy of all would take as much memory as the model."""


class UpdateDirection:
    """Looks on at the first steps of a training until one has moved the parameters.

    Attributes:
        cosine: of the angle between the first update and the gradient of its step, over all parameters that got one: -1 for
            plain gradient descent, nearer to 0 for updates that even out the sizes; None before an update.
    """

    def __init__(self) -> None:
        self.cosine: float | None = None
        self._before: dict[str, Tensor] = {}

    def after_backward(self, step: int, model: nn.Module, optimizer: Optimizer) -> None:  # noqa: ARG002
        """Remember the parameters."""
        if self.cosine is None:
            self._before = {name: _some(one).clone() for name, one in _with_gradient(model).items()}

    def after_update(self, step: int, model: nn.Module, optimizer: Optimizer) -> None:  # noqa: ARG002
        """Compare how they have moved with the gradients, which are still there."""
        before, self._before = self._before, {}
        along = moved = slope = 0.0
        for name, one in _with_gradient(model).items():
            if name in before and one.grad is not None:
                update, gradient = (_some(one) - before[name]).double(), _some(one.grad.to_dense()).double()
                along += float((update * gradient).sum())
                moved += float(update.square().sum())
                slope += float(gradient.square().sum())
        size = math.sqrt(moved * slope)
        if size > 0.0 and math.isfinite(size):
            self.cosine = along / size


def _some(tensor: Tensor) -> Tensor:
    """Return at most about `MOST_ENTRIES` of a tensor's entries, evenly spread."""
    return tensor.detach().reshape(-1)[:: max(1, tensor.numel() // MOST_ENTRIES)]


def _with_gradient(model: nn.Module) -> dict[str, nn.Parameter]:
    with torch.no_grad():
        return {name: one for name, one in model.named_parameters() if one.grad is not None}
