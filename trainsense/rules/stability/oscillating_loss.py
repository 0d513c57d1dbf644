"""The loss jumps up and down from step to step instead of falling.

## What it checks
The probe loss of your own setting over the second half of the run: a fixed set of batches, so no batch noise.

## How it is decided
The median change from step to step is more than 5 % of the loss drop, the changes alternate in sign on more than half of
the steps, and the run ends more than 10 % of the drop above the best learning rate. A warning; an error from 50 % on.

## What to try
A lower learning rate: the steps overshoot the valley they descend. Momentum that is too high does the same.

## References
PROTOCOL 7, sharpness and stability: gradient descent oscillates once lr times the largest eigenvalue passes 2.
"""

from typing import Final

import numpy as np

from trainsense.measure.symptoms import BADLY_HURT_SHARE, SUFFERING_SHARE
from trainsense.records.evidence import LearningRateSweep, UserSetting
from trainsense.records.finding import Finding, Judgement, NotAssessed, Passed

RULE = "oscillating-loss"
CHANGE_SHARE: Final = 0.05
"""Median step-to-step change of the probe loss, as a share of D; healthy recipes stay below 0.01."""
ALTERNATING_SHARE: Final = 0.5
"""Share of changes whose sign differs from the one before; 0.5 for a random walk, 1 for a pure oscillation."""


def judge(sweep: LearningRateSweep, user: UserSetting) -> Judgement:
    """Judge the second half of the user's runs."""
    if not sweep.drop.assessable or user.against_best is None:
        return NotAssessed(rule=RULE, reason="no learning rate trained measurably within the horizon; raise --steps")
    figures = [_figures(run.run.trace.probe_loss, sweep.drop.value) for run in user.runs if run.run.completed]
    if not figures:
        return NotAssessed(rule=RULE, reason="no run at your learning rate reached its end")
    change, alternating = (float(np.median(column)) for column in zip(*figures, strict=True))
    gap = user.against_best
    if change <= CHANGE_SHARE or alternating <= ALTERNATING_SHARE or gap.mean <= SUFFERING_SHARE:
        return Passed(rule=RULE, text=f"the probe loss changes by {change:.1%} of the drop from step to step")
    return Finding(
        rule=RULE,
        severity="error" if gap.mean >= BADLY_HURT_SHARE else "warning",
        title=f"At your lr {user.lr:.3g} the loss jumps up and down by {change:.0%} of the drop from step to step",
        detail=f"On {alternating:.0%} of the steps the change turns round: the steps overshoot. The run ends {gap.mean:.0%} "
        f"of the loss drop above lr {sweep.best_lr:.3g}. Lower the learning rate.",
        evidence={"median_change": change, "alternating_share": alternating, "share_of_drop": gap.mean},
        plots=("loss-above-best-lr",),
        fixes=("lower-lr",),
    )


def _figures(probe_loss: np.ndarray[tuple[int], np.dtype[np.float64]], drop: float) -> tuple[float, float]:
    changes = np.diff(probe_loss[probe_loss.size // 2 :])
    if changes.size < 2:
        return 0.0, 0.0
    return float(np.median(np.abs(changes)) / drop), float(np.mean(changes[1:] * changes[:-1] < 0))
