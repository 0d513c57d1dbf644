"""`Meter`: records one training step after another."""

import math
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils import get_total_norm

from trainsense.ranks.norms import own_part, shared_norms
from trainsense.ranks.ranks import ALONE, Ranks
from trainsense.records.trace import COLUMNS, Trace

UPDATE_EVERY: Final = 10
"""Updates are measured at every tenth step and at the last: copying the parameters at every step takes a fifth of the time of
the smallest networks (measured: 0.09 of 0.46 ms)."""


def measures_update(step: int, steps: int) -> bool:
    """Return whether the update of `step`, out of `steps`, is measured.

    >>> [step for step in range(25) if measures_update(step, 25)]
    [0, 10, 20, 24]
    """
    return step % UPDATE_EVERY == 0 or step + 1 == steps


class Meter:
    """Records a training of at most `steps` steps.

    Use in this order at every step: `gradient_norm()` after the backward pass and before clipping, `before_update(step)`,
    the optimizer's step, `after_update(step)`; and `record(step, ...)` at any time for the other figures.

    Args:
        model: its parameters are watched.
        steps: rows to make room for.
        ranks: who trains the model together.
    """

    def __init__(self, model: nn.Module, steps: int, ranks: Ranks = ALONE) -> None:
        self._parameters: Final = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self._shared: Final = shared_norms(ranks, self._parameters)
        self._values: Final = [own_part(parameter.detach()) for parameter in self._parameters]
        self._blocks, self._before = _blocks_like(self._values)
        self._steps: Final = steps
        self._rows: Final = {name: np.full(steps, math.nan) for name in COLUMNS}

    @property
    def parameters(self) -> list[nn.Parameter]:
        """Return the parameters that have a gradient now."""
        return [parameter for parameter in self._parameters if parameter.grad is not None]

    @torch.no_grad()
    def gradient_norm(self) -> Tensor:
        """Return the global L2 norm of the gradients as they are, shape `()`; nothing is rewritten (PROTOCOL 4.5)."""
        if self._shared is not None:
            return self._shared.gradient_norm()
        gradients = [parameter.grad for parameter in self._parameters if parameter.grad is not None]
        dense = [gradient.coalesce().values() if gradient.is_sparse else gradient for gradient in gradients]
        if not dense or len(self._blocks) > 1:
            return get_total_norm(dense)
        # the same numbers at a third of the price, which counts where a step takes a quarter of a millisecond
        norm: Tensor = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(dense)))  # noqa: SLF001
        return norm

    def record(self, step: int, **figures: float) -> None:
        """Write figures by column name into the row of `step`."""
        for name, value in figures.items():
            self._rows[name][step] = value

    def before_update(self, step: int) -> None:
        """Remember the parameters, if the update of this step is measured."""
        if measures_update(step, self._steps):
            torch._foreach_copy_(self._before, self._values)

    def after_update(self, step: int) -> float:
        """Record the update's norm and its ratio to the weights' norm before it.

        Returns:
            The update's norm, 0 where it is not measured; not finite where the parameters have left the finite range.
        """
        if not measures_update(step, self._steps):
            return 0.0
        if self._shared is None:
            weights = [torch.linalg.vector_norm(block) for block in self._blocks]
            torch._foreach_sub_(self._before, self._values)
            updates = [torch.linalg.vector_norm(block) for block in self._blocks]
        else:
            weights, updates = self._shared.update_norms(self._before, self._values)
        weight_norm = math.hypot(*(norm.item() for norm in weights))
        update_norm = math.hypot(*(norm.item() for norm in updates))
        ratio = update_norm / weight_norm if weight_norm > 0 else math.nan
        self.record(step, update_norm=update_norm, update_ratio=ratio)
        return update_norm

    def trace(self, steps: int) -> Trace:
        """Return the first `steps` rows."""
        return Trace(**{name: rows[:steps].copy() for name, rows in self._rows.items()})


def _blocks_like(values: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
    """Return one flat tensor per device and dtype in `values`, and views of them shaped like `values`, in their order.

    Norms of a few long tensors are cheaper than those of many short ones.
    """
    sizes: dict[tuple[torch.device, torch.dtype], int] = {}
    places = []
    for value in values:
        kind = value.device, value.dtype
        places.append((kind, sizes.get(kind, 0)))
        sizes[kind] = sizes.get(kind, 0) + value.numel()
    blocks = {(device, dtype): torch.empty(size, device=device, dtype=dtype) for (device, dtype), size in sizes.items()}
    views = [
        blocks[kind][start : start + value.numel()].view(value.shape)
        for value, (kind, start) in zip(values, places, strict=True)
    ]
    return list(blocks.values()), views
