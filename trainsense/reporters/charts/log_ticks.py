"""Ticks of logarithmic axes at whole decades, written as in the tables."""

import math
from typing import Final

import numpy as np
from matplotlib.axis import Axis
from numpy.typing import NDArray

STEPS: Final = (1, 2, 3, 5, 10, 20, 50, 100, 200)
"""Decades from one tick to the next."""
FARTHEST: Final = 60
"""Exponents stop here: no single-precision figure lies beyond, and what does is drawn at the end."""


def whole_decades(values: NDArray[np.float64], *, least: int) -> tuple[float, float]:
    """Return the powers of ten around all values.

    Args:
        values: finite and positive, any shape; none at all gives the decades below 1.
        least: decades at least, at least 1; the lower end gives way.

    >>> whole_decades(np.array([0.02, 0.5]), least=1), whole_decades(np.array([0.5]), least=4)
    ((0.01, 1.0), (0.0001, 1.0))
    """
    reached = within_reach(values)
    low, high = (math.floor(math.log10(reached.min())), math.ceil(math.log10(reached.max()))) if values.size else (0, 0)
    high = max(high, least - FARTHEST)
    return 10.0 ** min(low, high - least), 10.0**high


def within_reach(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return positive values as they are drawn: none beyond `FARTHEST`."""
    return np.clip(values, 10.0**-FARTHEST, 10.0**FARTHEST)


def label_decades(axis: Axis, low: float, high: float, *, most: int) -> None:
    """Put ticks at powers of ten from `low` to `high`, every so many decades that there are at most about `most`.

    Args:
        axis: a logarithmic axis.
        low: positive.
        high: above `low`.
        most: ticks, at least 2.
    """
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    step = next((step for step in STEPS if (last - first) / step < most), STEPS[-1])
    exponents = [exponent for exponent in range(first, last + 1) if exponent % step == 0]
    axis.set_ticks([10.0**exponent for exponent in exponents], labels=[f"{10.0**e:.0e}" for e in exponents])
