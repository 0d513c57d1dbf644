"""`Meter`: measures one training step after another, and records what was measured."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
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


BLOCK_STEPS: Final = 32
"""On a device that computes while the host goes on, figures are copied to the host once in so many steps. Longer blocks save
nothing more: every 5 % of a run is looked at anyhow."""


def steps_per_block(device: torch.device) -> int:
    """Return after how many steps figures are read back; at every step where they are in host memory already.

    >>> steps_per_block(torch.device("cpu")), steps_per_block(torch.device("cuda"))
    (1, 32)
    """
    return 1 if device.type == "cpu" else BLOCK_STEPS


def measures_update(step: int, steps: int) -> bool:
    """Return whether the update of `step`, out of `steps`, is measured.

    >>> [step for step in range(25) if measures_update(step, 25)]
    [0, 10, 20, 24]
    """
    return step % UPDATE_EVERY == 0 or step + 1 == steps


@dataclass(frozen=True, kw_only=True)
class GradientFigures:
    """What a step's backward pass came to.

    Attributes:
        step: which.
        loss: mean over the step's batches, unscaled.
        norm: global L2 norm of the gradient, before clipping.
    """

    step: int
    loss: float
    norm: float


@dataclass(frozen=True, kw_only=True)
class UpdateFigures:
    """What a step's update came to.

    Attributes:
        step: which.
        norm: L2 norm of the change of all parameters; not finite where they have left the finite range.
        ratio: `norm` over the L2 norm of all parameters before it; NaN where that is 0.
    """

    step: int
    norm: float
    ratio: float


class Meter:
    """Measures a training of at most `steps` steps.

    Use in this order at every step: `add_loss(loss)` for each batch, `gradient_norm()` after the backward pass and before
    clipping, `keep_gradient(step, norm)`, `before_update(step)`, the optimizer's step, `after_update(step)`. What they
    measure stays on the device until `read_back()`, so that no step waits for the device; `record(step, ...)` writes what
    was read, or any other figure, into the trace.

    Args:
        model: its parameters are watched.
        steps: rows to make room for.
        block: measurements after which `full` asks for them to be read back; 1 or more.
        ranks: who trains the model together.
    """

    def __init__(self, model: nn.Module, steps: int, block: int = 1, ranks: Ranks = ALONE) -> None:
        self._parameters: Final = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self._shared: Final = shared_norms(ranks, self._parameters)
        self._values: Final = [own_part(parameter.detach()) for parameter in self._parameters]
        self._device: Final = self._values[0].device if self._values else torch.device("cpu")
        self._blocks, self._before = _blocks_like(self._values)
        self._steps: Final = steps
        self._block: Final = block
        self._losses: list[Tensor] = []
        self._kept: list[_Kept] = []
        self._rows: Final = {name: np.full(steps, math.nan) for name in COLUMNS}

    @property
    def parameters(self) -> list[nn.Parameter]:
        """Return the parameters that have a gradient now."""
        return [parameter for parameter in self._parameters if parameter.grad is not None]

    @property
    def full(self) -> bool:
        """Whether a block of measurements waits to be read back."""
        return len(self._kept) >= self._block

    @property
    def _waits(self) -> bool:
        """Whether reading a number waits for all that the device was given to do."""
        return self._device.type != "cpu"

    def add_loss(self, loss: Tensor) -> None:
        """Remember the unscaled loss of one of the step's batches."""
        loss = loss.detach()
        # what a compiled function returns may lie in memory that its next call writes to
        self._losses.append(loss.clone() if self._block > 1 else loss)

    def gradient_norm(self) -> Tensor:
        """Return the global L2 norm of the gradients as they are, shape `()`; nothing is rewritten (PROTOCOL 4.5)."""
        if self._shared is not None:
            return self._shared.gradient_norm()
        gradients = [gradient for parameter in self._parameters if (gradient := parameter.grad) is not None]
        dense = [gradient.coalesce().values() if gradient.is_sparse else gradient for gradient in gradients]
        if not dense or len(self._blocks) > 1:
            return get_total_norm(dense)
        # the same numbers at a third of the price, which counts where a step takes a quarter of a millisecond
        norm: Tensor = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(dense)))  # noqa: SLF001
        return norm

    def keep_gradient(self, step: int, norm: Tensor) -> None:
        """Keep the step's losses and the norm of its gradient until they are read back."""
        self._kept.append((_gradient_figures, step, [*self._losses, norm]))
        self._losses = []

    def before_update(self, step: int) -> None:
        """Remember the parameters, if the update of this step is measured."""
        if measures_update(step, self._steps):
            torch._foreach_copy_(self._before, self._values)

    def after_update(self, step: int) -> None:
        """Keep the norms of the update and of the weights before it, if it is measured, until they are read back."""
        if not measures_update(step, self._steps):
            return
        if self._shared is None:
            weights = [torch.linalg.vector_norm(block) for block in self._blocks]
            torch._foreach_sub_(self._before, self._values)
            updates = [torch.linalg.vector_norm(block) for block in self._blocks]
        else:
            weights, updates = self._shared.update_norms(self._before, self._values)
        self._kept.append((_update_figures, step, [*weights, *updates]))

    def read_back(self) -> list[GradientFigures | UpdateFigures]:
        """Copy what was measured since the last time from the device, in one piece; return it in its order."""
        kept, self._kept = self._kept, []
        read = self._read([figure for _, _, figures in kept for figure in figures])
        found = []
        for make, step, figures in kept:
            values, read = read[: len(figures)], read[len(figures) :]
            found.append(make(step, values))
        return found

    def _read(self, scalars: list[Tensor]) -> list[float]:
        """Return tensors of one element as numbers: one copy from the device, none from host memory."""
        if not self._waits or not scalars:
            return [scalar.item() for scalar in scalars]
        wide = reduce(torch.promote_types, (scalar.dtype for scalar in scalars))
        values: list[float] = torch.stack([scalar.to(self._device, wide).reshape(()) for scalar in scalars]).tolist()
        return values

    def record(self, step: int, **figures: float) -> None:
        """Write figures by column name into the row of `step`."""
        for name, value in figures.items():
            self._rows[name][step] = value

    def trace(self, steps: int) -> Trace:
        """Return the first `steps` rows."""
        return Trace(**{name: rows[:steps].copy() for name, rows in self._rows.items()})


_Kept = tuple[Callable[[int, list[float]], GradientFigures | UpdateFigures], int, list[Tensor]]


def _gradient_figures(step: int, values: list[float]) -> GradientFigures:
    """Return them from the loss of each batch, and the norm."""
    *losses, norm = values
    total = 0.0
    for loss in losses:  # one after another, as a loop adds them up
        total += loss
    return GradientFigures(step=step, loss=total / len(losses), norm=norm)


def _update_figures(step: int, values: list[float]) -> UpdateFigures:
    """Return them from the norm of each block of weights, and of the change of each."""
    half = len(values) // 2
    weight_norm, norm = math.hypot(*values[:half]), math.hypot(*values[half:])
    return UpdateFigures(step=step, norm=norm, ratio=norm / weight_norm if weight_norm > 0 else math.nan)


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
