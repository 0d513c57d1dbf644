"""A report's learning-rate sweep, read once for all figures that come from it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from trainsense.compare.figures.stage import entries, finite, positive
from trainsense.records.report import Report

SAME_LR: Final = 1e-3
"""Relative difference up to which two learning rates are the same point: reports round to six digits."""
ALIKE_HORIZONS: Final = 2.0
"""Horizons within this ratio are alike: the best constant lr falls at most with N^-0.5 (PROTOCOL 2.6), two thirds of a point
of the grid. A budget in seconds gives horizons that differ by some per cent from run to run."""


@dataclass(frozen=True, kw_only=True)
class SweepTrial:
    """A trial: its loss, None where it is not finite, and whether it was feasible."""

    lr: float
    seed: int
    loss: float | None
    feasible: bool


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """What a report says of its sweep; None where it does not say.

    Args:
        best_lr: lr*.
        best_range: the lrs that cannot be told from it.
        edge_lr: largest lr that trains, with all below it.
        unstable_lr: smallest lr that fails.
        sensitivity: LR sensitivity, in units of the loss.
        horizon: N, steps a trial.
        drop: D.
        initial: L0.
        ceiling: `min(L0, L_trivial)`: what counts as achieving nothing (PROTOCOL 6.4).
        trials: those with a learning rate above 0.
        users: trials at the user's own setting, where it was run: as long, and judged alike.
        users_lr: its learning rate.
        checked: lrs that the instability check ran at.
    """

    best_lr: float | None
    best_range: tuple[float, float] | None
    edge_lr: float | None
    unstable_lr: float | None
    sensitivity: float | None
    horizon: int
    drop: float | None
    initial: float | None
    ceiling: float | None
    trials: tuple[SweepTrial, ...]
    users: tuple[SweepTrial, ...]
    users_lr: float | None
    checked: tuple[float, ...]

    def at(self, lr: float) -> tuple[SweepTrial, ...]:
        """Return the trials at a learning rate."""
        return tuple(trial for trial in self.trials if math.isclose(trial.lr, lr, rel_tol=SAME_LR))

    def between(self, low: float, high: float) -> tuple[SweepTrial, ...]:
        """Return the trials at learning rates from `low` to `high`, the user's among them."""
        ends = low * (1 - SAME_LR), high * (1 + SAME_LR)
        return tuple(trial for trial in (*self.trials, *self.users) if ends[0] <= trial.lr <= ends[1])


def sweep_of(report: Report) -> Sweep | None:
    """Return the report's sweep, None where none ran."""
    stage = report.stages.get("sweep_lr")
    if stage is None:
        return None
    users, check = report.stages.get("user_setting", {}), report.stages.get("check_instability", {})
    users_lr = positive(users, "lr")
    initial, trivial = finite(stage, "initial_loss"), finite(stage, "trivial_loss")
    levels = [level for level in (initial, trivial) if level is not None]
    return Sweep(
        best_lr=positive(stage, "best_lr"),
        best_range=_range(stage),
        edge_lr=positive(stage, "edge_lr"),
        unstable_lr=positive(stage, "unstable_lr"),
        sensitivity=finite(stage, "lr_sensitivity"),
        horizon=int(stage["horizon"]),
        drop=positive(stage, "loss_drop"),
        initial=initial,
        ceiling=min(levels, default=None),
        trials=tuple(_trial(entry, lr) for entry in entries(stage, "trials") if (lr := positive(entry, "lr"))),
        users=() if users_lr is None else tuple(_trial(entry, users_lr) for entry in entries(users, "runs")),
        users_lr=users_lr,
        checked=tuple(lr for entry in entries(check, "runs") if (lr := positive(entry, "lr"))),
    )


def horizons_apart(base: Sweep | None, new: Sweep | None) -> str:
    """Return how far apart the horizons are, as a phrase; empty where lr* and the edge can be held against each other."""
    if base is None or new is None or max(base.horizon, new.horizon) <= ALIKE_HORIZONS * min(base.horizon, new.horizon):
        return ""
    return f"{base.horizon} steps a trial in BASE, {new.horizon} in NEW"


def _range(stage: Mapping[str, Any]) -> tuple[float, float] | None:
    ends = stage.get("best_range")
    if not isinstance(ends, list | tuple) or len(ends) != 2:
        return None
    low, high = (positive({"end": end}, "end") for end in ends)
    return None if low is None or high is None else (min(low, high), max(low, high))


def _trial(entry: Mapping[str, Any], lr: float) -> SweepTrial:
    return SweepTrial(
        lr=lr, seed=int(finite(entry, "seed") or 0), loss=finite(entry, "loss"), feasible=entry.get("feasible") is True
    )
