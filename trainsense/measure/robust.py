"""Robust statistics: medians and median absolute deviations."""

from typing import Final

import numpy as np
from numpy.typing import ArrayLike

MAD_TO_DEVIATION: Final = 1.4826
"""Median absolute deviation to standard deviation for normal data (Rousseeuw and Croux, 1993)."""


def robust_deviation(values: ArrayLike) -> float:
    """Return the scaled median absolute deviation of the finite `values`; 0 without any.

    >>> robust_deviation([1.0, 2.0, 3.0, 4.0, 100.0])
    1.4826
    """
    array = np.asarray(values, dtype=np.float64)
    array = array[np.isfinite(array)]
    if array.size == 0:
        return 0.0
    return float(MAD_TO_DEVIATION * np.median(np.abs(array - np.median(array))))


def standard_error(values: ArrayLike) -> float:
    """Return the standard error of the mean of the finite `values`; 0 with fewer than two.

    >>> standard_error([1.0, 3.0])
    1.0
    """
    array = np.asarray(values, dtype=np.float64)
    array = array[np.isfinite(array)]
    return float(array.std(ddof=1) / np.sqrt(array.size)) if array.size > 1 else 0.0
