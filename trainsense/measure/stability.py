"""Instability events in a probe loss (PROTOCOL 3.2 and 3.3)."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from trainsense.measure.robust import robust_deviation
from trainsense.records.evidence.instability import Event, EventCause
from trainsense.records.run import Run

DRAWDOWN_THRESHOLD: Final = 0.15
"""Rise of the probe loss, as a share of D, that is an event (PROTOCOL 3.2; 7 % false alarms before calibration)."""
NULL_FACTOR: Final = 1.5
"""An event must also exceed this multiple of the largest drawdown of the null runs (PROTOCOL 3.2)."""
SPIKE_FACTOR: Final = 3.0
"""A spike: above this multiple of the running minimum, for positive losses (PROTOCOL 3.2) …"""
SPIKE_DEVIATIONS: Final = 8.0
"""… by more than this many robust deviations of the log changes (PROTOCOL 3.2)."""
SPIKE_SHARE: Final = 0.05
"""… and by this share of D: at interpolation a loss of 1e-4 triples, and even reaches 3 % of D, without meaning anything
(measured on recipes/healthy_mlp.py at its own lr)."""
EARLY_STEPS: Final = 20
"""An onset before this step is early (PROTOCOL 3.3)."""
EARLY_SHARE_OF_RUN: Final = 0.05
"""So is one before this share of the run (PROTOCOL 3.3)."""
EARLY_SHARE_OF_DROP: Final = 0.2
"""And one before this share of the eventual drop was reached (PROTOCOL 3.3)."""
ONSET_SHARE: Final = 1 / 3
"""The onset is where the rise leaves this share of the rise that made the event."""

Values = NDArray[np.float64]


def drawdowns(values: Values) -> Values:
    """Return the rise above the running minimum, shape as `values`, same unit.

    >>> drawdowns(np.array([3.0, 1.0, 2.0, 0.5, 0.75])).tolist()
    [0.0, 0.0, 1.0, 0.0, 0.25]
    """
    return values - np.minimum.accumulate(values)


def largest_drawdown(probe_loss: Values, drop: float) -> float:
    """Return the largest rise above the running minimum as a share of D; 0 without values, `inf` if not finite.

    >>> largest_drawdown(np.array([2.0, 1.0, np.nan, 1.5]), 2.0)
    0.25
    """
    values = probe_loss[~np.isnan(probe_loss)]
    if values.size == 0:
        return 0.0
    return float(np.max(drawdowns(values)) / drop) if np.all(np.isfinite(values)) else float("inf")


def event_threshold(null_drawdown: float | None) -> float:
    """Return the drawdown, as a share of D, above which a rise is an event, given the null runs' largest.

    >>> event_threshold(None), event_threshold(0.2)
    (0.15, 0.30000000000000004)
    """
    return max(DRAWDOWN_THRESHOLD, NULL_FACTOR * (null_drawdown or 0.0))


def find_event(run: Run, *, drop: float, threshold: float, collapsed: bool, after: int = 0) -> Event | None:
    """Return the first instability of a run, None if there was none within its steps.

    Args:
        run: probed often (at every step, or nearly).
        drop: D, above 0.
        threshold: share of D from `event_threshold`.
        collapsed: whether the model ended as a trivial predictor (PROTOCOL 0) at an lr above lr*.
        after: look only at steps from here on (after a warmup).
    """
    steps, values = _measured(run, after)
    diverged_at = run.stopped_at
    finite = np.isfinite(values)
    steps, values = steps[finite], values[finite]
    rises = drawdowns(values) / drop if values.size else values
    crossed = _first_crossing(values, rises, threshold)
    if crossed is None and diverged_at is None:
        return _collapse(values) if collapsed else None
    if crossed is None:
        onset_index = max(0, values.size - 1)
        onset_step = diverged_at or 0
    else:
        onset_index = _onset(rises, crossed)
        onset_step = int(steps[onset_index])
    before = float(np.min(values[: onset_index + 1])) if values.size else float("nan")
    late = values[-max(1, values.size // 10) :]
    back = np.flatnonzero(values[onset_index + 1 :] <= before)
    recovered = diverged_at is None and not collapsed and float(np.mean(late)) <= before
    return Event(
        kind="early" if _is_early(values, onset_index, onset_step, run, drop) else "mid",
        cause=_cause(rises, crossed, threshold, diverged=diverged_at is not None),
        onset_step=onset_step,
        peak=float("inf") if diverged_at is not None else float(np.max(values[onset_index:])),
        drawdown=float("inf") if diverged_at is not None else float(np.max(rises)),
        recovered=recovered,
        recovery_steps=_recovery_steps(steps, rises, crossed, onset_step, back) if recovered else None,
    )


def _measured(run: Run, after: int) -> tuple[NDArray[np.int64], Values]:
    probe = run.trace.probe_loss
    steps = np.flatnonzero(~np.isnan(probe))
    values = probe[steps]
    if run.final_probe_loss is not None:
        steps, values = np.append(steps, len(probe)), np.append(values, run.final_probe_loss)
    return steps[steps >= after], values[steps >= after]


def _first_crossing(values: Values, rises: Values, threshold: float) -> int | None:
    crossed = rises > threshold
    if values.size > 2 and np.all(values > 0):
        changes = np.diff(np.log(values))
        limit = SPIKE_DEVIATIONS * max(robust_deviation(changes), 1e-3)
        minimum = np.minimum.accumulate(values)
        climbs = np.log(values / minimum)
        crossed |= (values > SPIKE_FACTOR * minimum) & (climbs > limit) & (rises > SPIKE_SHARE)
    found = np.flatnonzero(crossed)
    return int(found[0]) if found.size else None


def _onset(rises: Values, crossed: int) -> int:
    quiet = np.flatnonzero(rises[: crossed + 1] <= ONSET_SHARE * rises[crossed])
    return int(quiet[-1]) if quiet.size else 0


def _is_early(values: Values, onset_index: int, onset_step: int, run: Run, drop: float) -> bool:
    limit = max(EARLY_STEPS, run.trial.warmup_steps, EARLY_SHARE_OF_RUN * run.trial.steps)
    if onset_step < limit or values.size == 0:
        return True
    fallen = values[0] - np.min(values[: onset_index + 1])
    return bool(fallen < EARLY_SHARE_OF_DROP * max(drop, values[0] - np.min(values)))


def _recovery_steps(
    steps: NDArray[np.int64], rises: Values, crossed: int | None, onset_step: int, back: NDArray[np.int64]
) -> int | None:
    if crossed is None or back.size == 0:
        return None
    after_crossing = np.flatnonzero(rises[crossed:] <= 0)
    return int(steps[crossed + after_crossing[0]] - onset_step) if after_crossing.size else None


def _cause(rises: Values, crossed: int | None, threshold: float, *, diverged: bool) -> EventCause:
    if diverged or crossed is None:
        return "divergence"
    return "rise" if rises[crossed] > threshold else "spike"


def _collapse(values: Values) -> Event:
    return Event(
        kind="early",
        cause="collapse",
        onset_step=0,
        peak=float(np.max(values)) if values.size else float("nan"),
        drawdown=0.0,
        recovered=False,
        recovery_steps=None,
    )
