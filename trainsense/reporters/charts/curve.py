"""A curve over steps: raw faint, smoothed bold, thinned out without losing a spike."""

from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes

from trainsense.records.trace import Series
from trainsense.reporters.charts.style import LINE_STYLES, PALETTE

MOST_POINTS: Final = 1000
"""More points than a figure has pixels only make it slow."""

SMOOTHING_SHARE: Final = 0.05
"""Share of the steps that the bold line averages over."""

SMOOTHING_STEPS: Final = 40
"""Curves shorter than this are shown raw only."""


def draw_curve(
    axes: Axes, values: Series, *, index: int, label: str, smooth: bool = False, first_step: int = 0
) -> None:
    """Draw one value per step.

    Args:
        axes: where to.
        values: shape `(steps,)`; NaN where nothing was measured.
        index: which colour and line style.
        label: its entry in the legend.
        smooth: whether the series is noisy: raw faint and its running mean bold.
        first_step: the number shown for the first step (1 on a log axis).
    """
    steps = np.arange(len(values), dtype=np.float64) + first_step
    style: dict[str, Any] = {
        "color": PALETTE[index % len(PALETTE)],
        "linestyle": LINE_STYLES[index % len(LINE_STYLES)],
    }
    measured = ~np.isnan(values)
    steps, values = steps[measured], values[measured]
    if smooth and len(values) >= SMOOTHING_STEPS:
        axes.plot(*decimated(steps, values), color=style["color"], linewidth=0.6, alpha=0.35)
        values = running_mean(values, max(3, round(SMOOTHING_SHARE * len(values))))
    axes.plot(*decimated(steps, values), linewidth=1.7, label=label, **style)


def decimated(steps: Series, values: Series, most: int = MOST_POINTS) -> tuple[Series, Series]:
    """Thin out a curve, keeping the lowest and the highest value of every stretch.

    Args:
        steps: ascending, shape `(n,)`.
        values: shape `(n,)`, no NaN.
        most: points to keep, at least 2.

    >>> steps, values = decimated(np.arange(9.0), np.array([0, 0, 0, 0, 9, 0, 0, 0, 0.0]), most=4)
    >>> values.max(), len(values) <= 4
    (np.float64(9.0), True)
    """
    if len(steps) <= most:
        return steps, values
    kept: list[int] = []
    for stretch in np.array_split(np.arange(len(steps)), most // 2):
        ends = {int(stretch[np.argmin(values[stretch])]), int(stretch[np.argmax(values[stretch])])}
        kept.extend(sorted(ends))
    return steps[kept], values[kept]


def running_mean(values: Series, window: int) -> Series:
    """Return the centred mean over `window` values, over fewer at the ends; infinite values are left out.

    >>> running_mean(np.array([1.0, 1.0, 4.0]), 3).tolist()
    [1.0, 2.0, 2.5]
    """
    finite = np.isfinite(values)
    totals = np.concatenate([[0.0], np.cumsum(np.where(finite, values, 0.0))])
    counts = np.concatenate([[0], np.cumsum(finite)])
    at = np.arange(len(values))
    low = np.maximum(at - window // 2, 0)
    high = np.minimum(at + (window - window // 2), len(values))
    with np.errstate(invalid="ignore", divide="ignore"):
        mean: Series = (totals[high] - totals[low]) / (counts[high] - counts[low])
    return mean
