"""Units of a layer that are all the same."""

from typing import Final

import torch
from torch import Tensor

SAME: Final = 1e-5
"""Largest relative difference of two units that still counts as none: kernels may sum in another order."""


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
    units = torch.cat([_rows(weight, axis), _rows(gradient, axis)], dim=1)
    count = units.shape[0]
    if count < 2 or not bool(torch.isfinite(units).all()):
        return None
    generator = torch.Generator().manual_seed(count)
    direction = torch.randn(units.shape[1], generator=generator, dtype=units.dtype).to(units.device)
    units = units[(units @ direction).argsort()]
    difference = (units[1:] - units[:-1]).abs().amax(dim=1)
    same = difference <= SAME
    shared = torch.zeros(count, dtype=torch.bool, device=units.device)
    shared[1:] |= same
    shared[:-1] |= same
    return float(shared.float().mean())


def _rows(value: Tensor, axis: int) -> Tensor:
    """Return one row for each unit, the largest number of all at 1."""
    rows = value.detach().movedim(axis, 0).flatten(1).float()
    scale = rows.abs().amax()
    return rows / scale if float(scale) > 0 else rows
