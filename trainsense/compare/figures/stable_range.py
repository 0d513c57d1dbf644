"""Which learning rates train, by the trials of a sweep alone."""

import math
from dataclasses import dataclass
from itertools import groupby

from trainsense.compare.figures.sweep import SAME_LR, Sweep, SweepTrial


@dataclass(frozen=True, kw_only=True)
class StableRange:
    """Where training stops working.

    Args:
        edge: the largest lr that trains, None where none does.
        low: the same, 0 where none does.
        high: the smallest lr that fails, infinite where none does.
        event: the lower lr at which the instability check alone saw an event, None without one.
    """

    edge: float | None
    low: float
    high: float
    event: float | None = None


def stable_range(sweep: Sweep) -> StableRange | None:
    """Return what the trials say of the edge; None where the report does not say.

    A report's own edge is lowered where its instability check saw an event (PROTOCOL 2.5). That check runs at multiples of
    lr*, often on one seed, so that it looks at other learning rates whenever lr* moves, and one seed's spike moves the
    edge: between two runs of healthy_mlp alike but for 2 % of the horizon, from 0.0464 to 0.00464. So trials are held
    against trials here; what the check sees is a finding of its own.
    """
    edge, fails = sweep.edge_lr, sweep.unstable_lr
    if fails is not None and _by_check_alone(sweep, fails):
        edge, unstable = _of_trials(sweep)
        return None if edge is None else StableRange(edge=edge, low=edge, high=unstable, event=fails)
    if edge is None and fails is None:
        lowest = min((trial.lr for trial in sweep.trials), default=None)
        if lowest is None or any(trial.feasible for trial in sweep.trials):
            return None
        return StableRange(edge=None, low=0.0, high=lowest)
    if edge is None:
        return StableRange(edge=None, low=0.0, high=fails or math.inf)
    return StableRange(edge=edge, low=edge, high=fails if fails is not None and fails > edge else math.inf)


def _by_check_alone(sweep: Sweep, lr: float) -> bool:
    ran = any(math.isclose(one, lr, rel_tol=SAME_LR) for one in sweep.checked)
    trials = [trial for trial in (*sweep.trials, *sweep.users) if math.isclose(trial.lr, lr, rel_tol=SAME_LR)]
    return ran and not (trials and _unstable(trials))


def _of_trials(sweep: Sweep) -> tuple[float | None, float]:
    """Return the edge and the smallest lr that fails, as PROTOCOL 2.5 defines them."""
    ordered = sorted((*sweep.trials, *sweep.users), key=lambda trial: trial.lr)
    edge, unstable, whole = None, math.inf, True
    for lr, group in groupby(ordered, key=lambda trial: trial.lr):
        trials = list(group)
        above = sweep.best_lr is not None and lr > sweep.best_lr
        feasible = all(trial.feasible for trial in trials)
        whole = whole and (feasible or not above)
        if whole and feasible:
            edge = lr
        if above and _unstable(trials):
            unstable = min(unstable, lr)
    return edge, unstable


def _unstable(trials: list[SweepTrial]) -> bool:
    return 2 * sum(not trial.feasible for trial in trials) >= len(trials)
