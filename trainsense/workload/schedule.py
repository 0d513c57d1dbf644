"""The workload's own schedule as a factor per step of a shorter run (PROTOCOL 2.6)."""

from collections.abc import Callable
from typing import Final

from trainsense.records.schedule import SCHEDULES, range_test, warmup_factor
from trainsense.records.trial import RANGE_TEST, WITHOUT_OWN_WARMUP, WORKLOAD_SCHEDULE, Trial
from trainsense.workload.contract import Workload
from trainsense.workload.user_traceback import user_code

PEAK_TOLERANCE: Final = 0.999
"""A schedule has finished warming up when it reaches this share of its peak."""
WARMUP_START: Final = 0.5
"""A schedule that starts above this share of its peak has no warmup."""
_LOOK_AHEAD: Final = 1000
"""Steps looked at for a warmup where the length of the run is unknown."""


def _called(schedule: Callable[[int], float], step: int) -> float:
    with user_code(f"Workload.schedule({step})"):
        return float(schedule(step))


def own_warmup_steps(workload: Workload) -> int:
    """Return the steps over which the user's own schedule rises to its peak, 0 if it has no warmup."""
    schedule = workload.schedule
    if schedule is None or isinstance(schedule, str):
        return 0
    length = workload.max_train_steps or _LOOK_AHEAD
    looked_at = sorted({min(length - 1, round(length ** (i / 200)) - 1) for i in range(201)} | {0})
    factors = [_called(schedule, step) for step in looked_at]
    peak = max(factors)
    if peak <= 0 or factors[0] > WARMUP_START * peak:
        return 0
    reached = next(index for index, factor in enumerate(factors) if factor >= PEAK_TOLERANCE * peak)
    low, high = looked_at[max(0, reached - 1)], looked_at[reached]
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _called(schedule, middle) >= PEAK_TOLERANCE * peak else (middle, high)
    return high


def factors(workload: Workload, trial: Trial) -> Callable[[int], float]:
    """Return the factor on the learning rate at each step of `trial`: its warmup, then its schedule.

    The user's own schedule is compressed to the trial's steps; its warmup keeps its length where that fits half of them.
    """
    after_warmup = max(1, trial.steps - trial.warmup_steps)
    body = _body(workload, trial.schedule, after_warmup)

    def factor(step: int) -> float:
        if step < trial.warmup_steps:
            return warmup_factor(step, trial.warmup_steps) * body(0)
        return body(step - trial.warmup_steps)

    return factor


def _body(workload: Workload, name: str, steps: int) -> Callable[[int], float]:
    if name == RANGE_TEST:
        return lambda step: range_test(step, steps)
    schedule = workload.schedule if name in (WORKLOAD_SCHEDULE, WITHOUT_OWN_WARMUP) else name
    if schedule is None:
        return lambda step: 1.0  # noqa: ARG005 - a constant
    if isinstance(schedule, str):
        by_name = SCHEDULES[schedule]
        return lambda step: by_name(step, steps)
    if name == WITHOUT_OWN_WARMUP:
        return _from_the_peak(workload, schedule, steps)
    own = schedule
    planned = workload.max_train_steps
    if planned is None or planned <= steps:
        return lambda step: _called(own, step)
    warmup = own_warmup_steps(workload)
    kept = warmup if 2 * warmup <= steps else 0
    stretch = (planned - kept) / (steps - kept)
    return lambda step: _called(own, step if step < kept else int(kept + (step - kept) * stretch))


def _from_the_peak(workload: Workload, own: Callable[[int], float], steps: int) -> Callable[[int], float]:
    warmup, planned = own_warmup_steps(workload), workload.max_train_steps
    stretch = max(1.0, (planned - warmup) / steps) if planned else 1.0
    return lambda step: _called(own, int(warmup + step * stretch))
