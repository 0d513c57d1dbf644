"""`clip-grad-norm`: the 90th percentile of a stable run's gradient norms, then tighter (PROTOCOL 4)."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from trainsense.measure.gradient_norms import AGGRESSIVE_CLIPPING, clipped_fractions, norm_percentiles
from trainsense.protocol.fixes.common_ground import CommonGround
from trainsense.protocol.fixes.screening import climb, promising
from trainsense.records.evidence import Arm
from trainsense.records.settings import Settings

FIX: Final = "clip-grad-norm"
PERCENTILES: Final = (90, 75, 50, 25)
"""Of the gradient norms of a stable run, from the mildest on (PROTOCOL 4.2 and 4.3)."""


def screen(ground: CommonGround, arms: Sequence[Arm]) -> list[Arm]:  # noqa: ARG001 - all screens share one signature
    """Return an arm per threshold, tightened until one pays or an lr above lr* trains; a first look takes the mildest alone."""
    found: list[Arm] = []
    for threshold in _thresholds(ground):
        arm = climb(ground, FIX, Settings(lr=ground.control.lr, clip_norm=threshold))
        if arm is None:
            break
        found.append(checked(arm, adaptive=ground.plan.subject.adaptive))
        if found[-1].refused or promising(arm) or _trains_above(ground, arm) or not ground.adopts:
            break
    return found


def _thresholds(ground: CommonGround) -> list[float]:
    """Return the thresholds to try, from the mildest on.

    Where an early transient lifts the 90th percentile over all steps, that one is tried as well: it caps the transient alone.
    """
    best = ground.sweep.best
    stable = next((run for run in best.runs if run.completed), None) if best else None
    norms = None if stable is None else norm_percentiles(stable.trace.grad_norm)
    if norms is None:
        return []
    tried = {norms.over_all[PERCENTILES[0]], *(norms.values[percentile] for percentile in PERCENTILES)}
    return sorted(tried, reverse=True)


def checked(arm: Arm, *, adaptive: bool) -> Arm:
    """Return the arm, refused if it clips more than half of the updates where that only lowers the lr (PROTOCOL 4.4)."""
    runs = arm.runs or ((arm.screening,) if arm.screening else ())
    fraction = float(np.mean([clipped_fractions(run.trace)[0] for run in runs])) if runs else 0.0
    if adaptive or arm.settings.clip_norm is None or fraction <= AGGRESSIVE_CLIPPING:
        return arm
    return replace(
        arm,
        refused=f"it clips {fraction:.0%} of the updates: a strange way of lowering the learning rate; lower that instead",
    )


def _trains_above(ground: CommonGround, arm: Arm) -> bool:
    pairs = zip(arm.screened, arm.infeasible, strict=True)
    return any(reason is None for run, reason in pairs if run.trial.lr > ground.control.lr)
