"""Gradient norms: percentiles, clipped fractions, outliers (PROTOCOL 4)."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from trainsense.measure.robust import robust_deviation
from trainsense.records.evidence.clip import NormPercentiles
from trainsense.records.trace import Trace

FEWEST_NORMS: Final = 50
"""Finite norms below which a percentile is not assessable (PROTOCOL 4.2)."""
PERCENTILES: Final = (25, 50, 75, 90, 99)
TRANSIENT_FACTOR: Final = 1.5
"""If the 90th percentile over all steps exceeds that over the last half by this, an early transient sets it."""
OUTLIER_DEVIATIONS: Final = 6.0
"""Robust deviations of log g above its running median (PROTOCOL 4.6)."""
OUTLIER_WINDOW: Final = 100
"""Trailing steps of that median (PROTOCOL 4.6)."""
OUTLIER_SKIP_SHARE: Final = 0.1
"""First share of the run that is not looked at for outliers (PROTOCOL 4.6)."""
AGGRESSIVE_CLIPPING: Final = 0.5
"""More than this share of updates clipped is extremely aggressive (PROTOCOL 4.4)."""
ISOLATED_STEPS: Final = 5
"""A longer unbroken run of high norms is a change of level, not isolated outliers."""

Values = NDArray[np.float64]


def norm_percentiles(grad_norm: Values) -> NormPercentiles | None:
    """Return percentiles of the finite norms of a stable run; None with fewer than 50 (PROTOCOL 4.2).

    >>> norm_percentiles(np.linspace(1.0, 2.0, 101)).over_all[90]
    1.9
    """
    finite = grad_norm[np.isfinite(grad_norm)]
    if finite.size < FEWEST_NORMS:
        return None
    over_all = dict(zip(PERCENTILES, np.percentile(finite, PERCENTILES).tolist(), strict=True))
    half = finite[finite.size // 2 :]
    over_half = dict(zip(PERCENTILES, np.percentile(half, PERCENTILES).tolist(), strict=True))
    transient = over_all[90] > TRANSIENT_FACTOR * over_half[90]
    return NormPercentiles(
        steps=finite.size,
        over_all=over_all,
        over_last_half=over_half,
        used="last half" if transient else "all",
    )


def clipped_fractions(trace: Trace) -> tuple[float, float]:
    """Return the share of clipped steps over all steps, and without the first tenth of them; 0 without steps."""
    clipped = trace.clipped
    later = clipped[len(clipped) // 10 :]
    return (float(np.mean(clipped)) if clipped.size else 0.0, float(np.mean(later)) if later.size else 0.0)


def outlier_steps(grad_norm: Values) -> list[int]:
    """Return the steps of isolated outliers of the gradient norm after the first tenth of the run (PROTOCOL 4.6).

    >>> norms = np.exp(0.1 * np.sin(np.arange(200.0)))
    >>> norms[150] = 50.0
    >>> outlier_steps(norms)
    [150]
    """
    log_norm = np.log(np.maximum(grad_norm, 1e-300))
    found = []
    for step in range(max(int(OUTLIER_SKIP_SHARE * log_norm.size), 10), log_norm.size):
        window = log_norm[max(0, step - OUTLIER_WINDOW) : step]
        deviation = max(robust_deviation(window), 1e-3)
        if not np.isfinite(grad_norm[step]):
            continue  # a gradient scaler left this update out
        if log_norm[step] - np.median(window) > OUTLIER_DEVIATIONS * deviation:
            found.append(step)
    return _isolated(found)


def _isolated(steps: list[int]) -> list[int]:
    groups: list[list[int]] = []
    for step in steps:
        if groups and step == groups[-1][-1] + 1:
            groups[-1].append(step)
        else:
            groups.append([step])
    return [group[0] for group in groups if len(group) <= ISOLATED_STEPS]
