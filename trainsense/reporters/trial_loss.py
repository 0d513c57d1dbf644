"""The one loss by which a trial is shown."""

from typing import Final

import numpy as np

from trainsense.records.run import Run
from trainsense.records.trace import Series

TAIL_SHARE: Final = 0.1
"""Share of the steps that a final training loss is averaged over (PROTOCOL 0, score)."""

TAIL_STEPS: Final = 20
"""At least so many of them, or half of the run where that is shorter (PROTOCOL 0, score)."""


def trial_loss(run: Run) -> float | None:
    """Return the run's score, or the mean of its last training losses where it has none; None without any.

    A run that diverged keeps what it saw: the mean of its last losses may be NaN or infinite.
    """
    if run.score is not None:
        return float(run.score)
    steps = len(run.trace)
    if steps == 0:
        return None
    tail = min(max(TAIL_STEPS, round(TAIL_SHARE * steps)), max(1, steps // 2))
    with np.errstate(all="ignore"):
        return float(np.mean(run.trace.loss[-tail:]))


def highest_probe_loss(run: Run) -> float | None:
    """Return the highest probe loss that was measured, None if none was."""
    return _highest(run.trace.probe_loss)


def _highest(series: Series) -> float | None:
    measured = series[~np.isnan(series)]
    return float(measured.max()) if len(measured) else None
