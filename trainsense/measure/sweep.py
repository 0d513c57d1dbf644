"""Boils the trials of a learning-rate sweep down to `LearningRateSweep` (PROTOCOL 2)."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from trainsense.measure.drop import drop_at, references, trivial_loss
from trainsense.measure.feasibility import (
    effective_score,
    failure_reason,
    infeasible_reason,
)
from trainsense.measure.lr_curve import CurvePoint, choose, edge, lowest, sensitivity, stable_decades
from trainsense.records.evidence.sweep import Drop, LearningRateSweep, SweepPoint
from trainsense.records.run import Run

MOST_REFERENCE_DROPS: Final = 2.0
"""The reference gap counts at most this many D: a confident model's gap is many times what there is to learn, and 1 % of
that would be more than a trained model's worth."""
Runs = Mapping[float, Sequence[Run]]


def assemble(
    runs_by_lr: Runs,
    *,
    horizon: int,
    bracket: Run | None,
    stop_loss: float | None,
    prefixes_count: bool,
) -> LearningRateSweep:
    """Judge every trial and find lr*, its range and the edge.

    Args:
        runs_by_lr: lr -> runs that were not skipped, at least one, screening seeds in order.
        horizon: N.
        bracket: the range test, None if there was none.
        stop_loss: see `LearningRateSweep`.
        prefixes_count: whether the first half of a trial is a trial of half the horizon (constant lr).
    """
    lrs = sorted(runs_by_lr)
    scored = {lr: _usable_mean(runs_by_lr[lr]) for lr in lrs}
    trained = [lr for lr in lrs if math.isfinite(scored[lr])]
    if not trained:
        return _nothing_trained(runs_by_lr, horizon=horizon, bracket=bracket, stop_loss=stop_loss)
    provisional = min(trained, key=lambda lr: scored[lr])
    points, drop, gap, spread = _judge(runs_by_lr, provisional)
    curve = _curve(points, drop)
    best, ties = choose(curve, drop.value) if drop.assessable else (lowest(curve), [])
    points, drop, gap, spread = _judge(runs_by_lr, best.lr)
    curve = _curve(points, drop)
    best = next(point for point in curve if point.lr == best.lr)
    edge_lr, unstable_lr = edge(curve, best.lr)
    return LearningRateSweep(
        horizon=horizon,
        bracket=bracket,
        points=tuple(points),
        scores=tuple(point.mean for point in curve),
        drop=drop,
        best_lr=best.lr,
        best_range=(ties[0].lr, ties[-1].lr) if ties else None,
        edge_lr=edge_lr,
        unstable_lr=unstable_lr,
        best_lr_half_horizon=_best_at_half(points) if prefixes_count and drop.assessable else None,
        lr_sensitivity=sensitivity(curve, best, drop.initial),
        stable_decades=stable_decades(curve, best, drop.value) if drop.assessable else None,
        reference_gap=gap,
        reference_spread=spread,
        seeds=len(best.scores),
        stop_loss=stop_loss,
    )


def with_lowered_edge(sweep: LearningRateSweep, unstable_lr: float | None) -> LearningRateSweep:
    """Return the sweep with its edge lowered to a smaller lr at which an event was seen that hurt (PROTOCOL 2.5)."""
    if unstable_lr is None or (sweep.unstable_lr is not None and sweep.unstable_lr <= unstable_lr):
        return sweep
    below = [point.lr for point in sweep.points if point.feasible and point.lr < unstable_lr]
    edge_lr = None if sweep.edge_lr is None else max([lr for lr in below if lr <= sweep.edge_lr], default=None)
    return replace(sweep, unstable_lr=unstable_lr, edge_lr=edge_lr)


def _usable_mean(runs: Sequence[Run]) -> float:
    scores = [run.score for run in runs if run.score is not None and failure_reason(run) is None]
    return float(np.mean(scores)) if 2 * len(scores) > len(runs) else math.inf


def _judge(runs_by_lr: Runs, best_lr: float) -> tuple[list[SweepPoint], Drop, float | None, float | None]:
    at_best = [run for run in runs_by_lr[best_lr] if failure_reason(run) is None]
    gap, spread = references(at_best[0])
    everything = [run for runs in runs_by_lr.values() for run in runs]
    drop = drop_at(at_best, None if gap is None else trivial_loss(everything))
    if gap is not None and drop.value > 0:
        gap = min(gap, MOST_REFERENCE_DROPS * drop.value)
    feasible_scores = [_usable_mean(runs_by_lr[lr]) for lr in sorted(runs_by_lr) if lr <= best_lr]
    feasible_scores = [score for score in feasible_scores if math.isfinite(score)]
    points = []
    for lr in sorted(runs_by_lr):
        reasons = tuple(
            infeasible_reason(
                run,
                drop,
                above_best=lr > best_lr,
                reference_gap=gap,
                reference_spread=spread,
                feasible_scores=feasible_scores,
            )
            for run in runs_by_lr[lr]
        )
        points.append(SweepPoint(lr=lr, runs=tuple(runs_by_lr[lr]), infeasible=reasons))
        if lr > best_lr and not any(reasons):
            feasible_scores.append(_usable_mean(runs_by_lr[lr]))
    return points, drop, gap, spread


def _curve(points: Sequence[SweepPoint], drop: Drop) -> list[CurvePoint]:
    ceiling = drop.ceiling if drop.value > 0 else drop.initial
    return [
        CurvePoint(
            lr=point.lr,
            scores={
                run.trial.seed: effective_score(run, reason, ceiling)
                for run, reason in zip(point.runs, point.infeasible, strict=True)
            },
            feasible=point.feasible,
            unstable=point.unstable,
        )
        for point in points
    ]


def _best_at_half(points: Sequence[SweepPoint]) -> float | None:
    """Return the lr with the lowest probe loss over the last tenth before half the horizon."""

    def level(point: SweepPoint) -> float:
        values = []
        for run in point.runs[:1]:
            probe = run.trace.probe_loss
            window = probe[int(0.4 * run.trial.steps) : run.trial.steps // 2 + 1]
            values.append(float(np.nanmean(window)) if np.isfinite(window).any() else math.inf)
        return float(np.mean(values)) if values else math.inf

    levels = {point.lr: level(point) for point in points if point.feasible}
    return min(levels, key=lambda lr: levels[lr]) if levels and math.isfinite(min(levels.values())) else None


def _nothing_trained(
    runs_by_lr: Runs, *, horizon: int, bracket: Run | None, stop_loss: float | None
) -> LearningRateSweep:
    points = tuple(
        SweepPoint(lr=lr, runs=tuple(runs_by_lr[lr]), infeasible=tuple(failure_reason(run) for run in runs_by_lr[lr]))
        for lr in sorted(runs_by_lr)
    )
    initial = next(
        (run.initial_loss for point in points for run in point.runs if run.initial_loss is not None), math.nan
    )
    return LearningRateSweep(
        horizon=horizon,
        bracket=bracket,
        points=points,
        scores=tuple(math.inf for _ in points),
        drop=Drop(initial=initial, trivial=None, best=math.nan, standard_error=math.nan),
        best_lr=None,
        best_range=None,
        edge_lr=None,
        unstable_lr=None,
        best_lr_half_horizon=None,
        lr_sensitivity=None,
        stable_decades=None,
        reference_gap=None,
        reference_spread=None,
        seeds=0,
        stop_loss=stop_loss,
    )
