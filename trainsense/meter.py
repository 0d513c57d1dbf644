"""`Meter`: records one training step after another."""

import math
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils import get_total_norm

from trainsense.records.trace import COLUMNS, Trace


class Meter:
    """Records a training of at most `steps` steps.

    Use in this order at every step: `gradient_norm()` after the backward pass and before clipping, `before_update()`,
    the optimizer's step, `after_update(step)`; and `record(step, ...)` at any time for the other figures.

    Args:
        model: its parameters are watched.
        steps: rows to make room for.
    """

    def __init__(self, model: nn.Module, steps: int) -> None:
        self._parameters: Final = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self._values: Final = [parameter.detach() for parameter in self._parameters]
        self._before: Final = [torch.empty_like(value) for value in self._values]
        self._rows: Final = {name: np.full(steps, math.nan) for name in COLUMNS}

    @property
    def parameters(self) -> list[nn.Parameter]:
        """Return the parameters that have a gradient now."""
        return [parameter for parameter in self._parameters if parameter.grad is not None]

    def gradient_norm(self) -> Tensor:
        """Return the global L2 norm of the gradients as they are, shape `()`; nothing is rewritten (PROTOCOL 4.5)."""
        gradients = [parameter.grad for parameter in self._parameters if parameter.grad is not None]
        dense = [gradient.coalesce().values() if gradient.is_sparse else gradient for gradient in gradients]
        return get_total_norm(dense)

    def record(self, step: int, **figures: float) -> None:
        """Write figures by column name into the row of `step`."""
        for name, value in figures.items():
            self._rows[name][step] = value

    @torch.no_grad()
    def before_update(self) -> None:
        """Remember the parameters."""
        torch._foreach_copy_(self._before, self._values)

    @torch.no_grad()
    def after_update(self, step: int) -> float:
        """Record the update's norm and its ratio to the weights' norm before it; return the update's norm."""
        weights = torch._foreach_norm(self._before)  # noqa: SLF001
        torch._foreach_sub_(self._before, self._values)
        updates = torch._foreach_norm(self._before)  # noqa: SLF001
        device = weights[0].device
        norms = torch.stack([norm.to(device, torch.float32) for norm in (*weights, *updates)]).view(2, -1)
        weight_norm, update_norm = torch.linalg.vector_norm(norms, dim=1).tolist()
        ratio = update_norm / weight_norm if weight_norm > 0 else math.nan
        self.record(step, update_norm=update_norm, update_ratio=ratio)
        return float(update_norm)

    def trace(self, steps: int) -> Trace:
        """Return the first `steps` rows."""
        return Trace(**{name: rows[:steps].copy() for name, rows in self._rows.items()})
