"""The learning-rate grid: thirds of a decade, anchored at 1 (PROTOCOL 2.2)."""

import math
from typing import Final

POINTS_PER_DECADE: Final = 3
"""Spacing of the grid (PROTOCOL 2.2)."""
GRID_STEP: Final = 10 ** (1 / POINTS_PER_DECADE)
"""Ratio of neighbouring grid points, about 2.15."""


def grid_lr(index: int) -> float:
    """Return grid point `index`: `10^(index/3)`, rounded to 6 digits so that equal points are equal numbers.

    >>> grid_lr(-3), grid_lr(-4), grid_lr(1)
    (0.1, 0.0464159, 2.15443)
    """
    return float(f"{10 ** (index / POINTS_PER_DECADE):.6g}")


def grid_index(lr: float) -> int:
    """Return the index of the grid point nearest to `lr` on a log scale; `lr` above 0.

    >>> grid_index(0.1), grid_index(0.05)
    (-3, -4)
    """
    return round(math.log10(lr) * POINTS_PER_DECADE)
