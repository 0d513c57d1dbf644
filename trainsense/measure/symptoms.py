"""What speaks for instability that costs something: the reasons to try stabilising fixes (PROTOCOL 3.4, 4.6)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from trainsense.measure.gradient_norms import outlier_steps
from trainsense.measure.grid import GRID_STEP
from trainsense.records.comparison import Comparison
from trainsense.records.evidence import Arm, InstabilityCheck, LearningRateSweep, UserSetting
from trainsense.records.run import Run

EDGE_TOLERANCE: Final = 1.02
"""Rounding allowed when neighbouring grid points are compared (PROTOCOL 2.5)."""
SUFFERING_SHARE: Final = 0.1
"""A setting suffers when it ends this share of D above what lr* reaches (PROTOCOL 2.7)."""
BADLY_HURT_SHARE: Final = 0.5
"""From this share of D on it is badly hurt, and an error (PROTOCOL 2.7)."""
HURTFUL_SHARE: Final = 0.15
"""A rise by this share of D after an outlier is harm, as for any event (PROTOCOL 3.2); healthy recipes show up to 12 %
after their largest norms."""
AFTERMATH_STEPS: Final = 20
"""Steps after an outlier in which the loss is looked at."""

STABILISING: Final = ("warmup", "clip-grad-norm", "clip-and-warmup")
WORTHWHILE_SHARE: Final = 0.05
"""A gain below this share of D is no warning: warmup or clipping buys healthy workloads up to 3 % at 300 steps (measured on
the healthy recipes), which is real, and no fault. The practical margin of PROTOCOL 6.3 still decides `verified`."""


@dataclass(frozen=True, kw_only=True)
class Outliers:
    """Isolated outliers of the gradient norm in one run.

    Attributes:
        lr: of the run.
        steps: where they are.
        hurtful: those after which the loss rose.
        largest: the largest norm among them over the median norm.
        rise: largest rise of the mean training or probe loss after one, as a share of D.
    """

    lr: float
    steps: tuple[int, ...]
    hurtful: tuple[int, ...]
    largest: float
    rise: float


def at_edge(best_lr: float | None, unstable_lr: float | None) -> bool:
    """Return whether the best lr is a grid point below failure (fig. 7a).

    >>> at_edge(0.1, 0.215443), at_edge(0.1, 0.464159)
    (True, False)
    """
    return best_lr is not None and unstable_lr is not None and unstable_lr <= GRID_STEP * best_lr * EDGE_TOLERANCE


def suffers(user: UserSetting | None) -> bool:
    """Return whether the user's own setting fails or ends well above what lr* reaches, at an lr above it."""
    if user is None:
        return False
    if user.fails:
        return True
    worse = user.against_best is not None and user.against_best.mean > SUFFERING_SHARE
    return worse and bool(user.runs) and user.runs[0].factor > 1


def worthwhile(comparison: Comparison | None) -> bool:
    """Return whether a comparison is verified and its gain large enough to be called a fault that it is not taken."""
    return comparison is not None and comparison.status == "verified" and comparison.mean >= WORTHWHILE_SHARE


def stabilising_pays(arm: Arm) -> bool:
    """Return whether a stabilising fix beat lr* without it on fresh pairs by a worthwhile gain (PROTOCOL 1)."""
    return arm.fix in STABILISING and worthwhile(arm.against_lower_lr)


def find_outliers(run: Run, drop: float) -> Outliers | None:
    """Return the isolated gradient-norm outliers of a run and what they did to the loss; None without any."""
    norms = run.trace.grad_norm
    steps = outlier_steps(norms)
    if not steps:
        return None
    rises = [max(_rise(run, step) / drop, 0.0) for step in steps]
    return Outliers(
        lr=run.trial.lr,
        steps=tuple(steps),
        hurtful=tuple(step for step, rise in zip(steps, rises, strict=True) if rise > HURTFUL_SHARE),
        largest=float(np.max(norms[steps]) / np.median(norms)),
        rise=max(rises),
    )


def _rise(run: Run, step: int) -> float:
    """Return the rise after an outlier: of the probe loss where it was measured on both sides, else of the median loss.

    The outlier's own batch is left out: its loss is high because of its data, not because of what it did.
    """
    probe = run.trace.probe_loss
    if step + 1 < len(probe) and np.isfinite(probe[step]) and np.isfinite(probe[step + 1]):
        after = probe[step + 1 : step + 1 + AFTERMATH_STEPS // 4]
        return float(np.nanmax(after) - probe[step])
    before = run.trace.loss[max(0, step - AFTERMATH_STEPS) : step]
    after = run.trace.loss[step + 1 : step + 1 + AFTERMATH_STEPS]
    return float(np.median(after) - np.median(before)) if before.size > 4 and after.size > 4 else 0.0


def all_outliers(
    sweep: LearningRateSweep, user: UserSetting | None, instability: InstabilityCheck | None
) -> list[Outliers]:
    """Return the outliers of the runs at the user's setting, at lr* and in the null runs."""
    if not sweep.drop.assessable:
        return []
    runs: list[Run] = [one.run for one in user.runs] if user else []
    runs += list(sweep.best.runs) if sweep.best else []
    runs += list(instability.null_runs) if instability else []
    found = [find_outliers(run, sweep.drop.value) for run in runs if run.completed]
    return [outliers for outliers in found if outliers is not None]


def symptoms(
    sweep: LearningRateSweep, user: UserSetting | None, instability: InstabilityCheck | None
) -> tuple[Sequence[str], str]:
    """Return the reasons to try stabilising fixes, and the fix that they name first."""
    texts: list[str] = []
    first = "warmup"
    if user is not None and suffers(user):
        texts.append(f"training at your lr {user.lr:.3g} is hurt")
        if any(run.kind == "mid" for run in user.runs):
            first = "clip-grad-norm"
    unstable_lr = instability.unstable_lr if instability else sweep.unstable_lr
    if at_edge(sweep.best_lr, unstable_lr):
        texts.append(f"the best lr {sweep.best_lr:.3g} lies just below {unstable_lr:.3g}, which fails")
    if instability is not None:
        near = [run for run in instability.events if run.factor <= GRID_STEP]
        if near:
            texts.append(f"an instability at {near[0].factor:g}x the best lr")
            if any(run.kind == "mid" for run in near):
                first = "clip-grad-norm"
    if any(outliers.hurtful for outliers in all_outliers(sweep, user, instability)):
        texts.append("gradient norms far above the rest, after which the loss rises")
        first = "clip-grad-norm"
    return texts, first
