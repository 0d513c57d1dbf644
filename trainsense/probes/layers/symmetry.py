"""Units of a layer that are all the same."""

import math
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

SAME: Final = 1e-5
"""Largest relative difference of two units that still counts as none: kernels may sum in another order."""

AT_ONCE: Final = 64
"""Pairs that are compared at a time: all of them would take several times the weight's memory."""


def identical_share(weight: Tensor, gradient: Tensor, axis: int) -> float | None:
    """Return the share of units whose weights and gradients both equal those of another unit of the layer.

    Args:
        weight: the layer's weight.
        gradient: its gradient, of the same shape.
        axis: dimension that numbers the units.

    Returns:
        0 to 1; None with fewer than two units or non-finite numbers.

    >>> weight = torch.tensor([[1.0, 2.0], [1.0, 2.0], [3.0, 4.0], [1.0, 2.0]])
    >>> identical_share(weight, torch.tensor([[0.5], [0.5], [0.5], [0.1]]).expand(4, 2), 0)
    0.5
    """
    parts = [_Rows.of(value, axis) for value in (weight, gradient)]
    count = parts[0].rows.shape[0]
    if count < 2 or not all(bool(torch.isfinite(part.rows).all()) for part in parts):
        return None
    generator = torch.Generator().manual_seed(count)
    order = sum(part.projected(generator) for part in parts).argsort()  # type: ignore[union-attr]
    same = torch.ones(count - 1, dtype=torch.bool, device=order.device)
    for start in range(0, count - 1, AT_ONCE):
        one, other = order[start : start + AT_ONCE + 1][:-1], order[start + 1 : start + AT_ONCE + 1]
        for part in parts:
            same[start : start + AT_ONCE] &= part.differences(one, other) <= SAME
    shared = torch.zeros(count, dtype=torch.bool, device=order.device)
    shared[1:] |= same
    shared[:-1] |= same
    return float(shared.float().mean())


@dataclass(frozen=True, kw_only=True)
class _Rows:
    """One row of numbers for each unit.

    Attributes:
        rows: shape (units, numbers).
        scale: the largest of all, to which differences are relative; 1 if all are zero.
    """

    rows: Tensor
    scale: float

    @staticmethod
    def of(value: Tensor, axis: int) -> "_Rows":
        """Return the rows of a tensor, without copying them where that can be helped."""
        rows = value.detach().movedim(axis, 0).flatten(1).float()
        return _Rows(rows=rows, scale=float(torch.linalg.vector_norm(rows, math.inf)) or 1.0)

    def projected(self, generator: torch.Generator) -> Tensor:
        """Return a number for each unit that is the same for units that are."""
        direction = torch.randn(self.rows.shape[1], generator=generator).to(self.rows.device)
        return self.rows @ direction / self.scale

    def differences(self, one: Tensor, other: Tensor) -> Tensor:
        """Return the largest relative difference of each pair of units."""
        return (self.rows[one] - self.rows[other]).abs().amax(dim=1) / self.scale
