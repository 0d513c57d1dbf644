"""Difference of two means that share no seeds (Welch, 1947)."""

import math
from collections.abc import Sequence

import numpy as np
from scipy.special import stdtrit

from trainsense.measure.paired import CONFIDENCE


def welch_interval(
    left: Sequence[float], right: Sequence[float], confidence: float = CONFIDENCE
) -> tuple[float, float]:
    """Return the two-sided interval of `mean(right) - mean(left)`; infinite where a side has fewer than two values.

    The variances may differ; the degrees of freedom are those of Welch and Satterthwaite.

    Args:
        left: any unit.
        right: in the same unit.
        confidence: between 0 and 1.

    >>> low, high = welch_interval([1.0, 2.0, 3.0], [4.0, 5.0, 6.0])
    >>> round(low, 3), round(high, 3)
    (0.733, 5.267)
    """
    sides = [np.asarray(values, dtype=np.float64) for values in (left, right)]
    if min(side.size for side in sides) < 2:
        return -math.inf, math.inf
    difference = float(sides[1].mean() - sides[0].mean())
    shares = [float(side.var(ddof=1)) / side.size for side in sides]
    if sum(shares) == 0:
        return difference, difference
    freedom = sum(shares) ** 2 / sum(share**2 / (side.size - 1) for share, side in zip(shares, sides, strict=True))
    half = float(stdtrit(freedom, 0.5 + confidence / 2)) * math.sqrt(sum(shares))
    return difference - half, difference + half
