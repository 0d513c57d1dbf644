"""Evidence of fixes over learning rates, for the chart before and after a fix: made up, as real ones look."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from tests.reporters.samples import L0, diverged, trained
from trainsense.records.comparison import Comparison, ComparisonStatus
from trainsense.records.evidence import Arm, Drop, FixesTried, LearningRateSweep, Prepended, SweepPoint
from trainsense.records.model_edit import EditSurvey
from trainsense.records.run import Run
from trainsense.records.settings import Settings

Losses = Mapping[float, float | None]
"""Loss by learning rate; None where the trial failed."""

WITHOUT: Losses = {0.001: 2.36, 0.00215: 2.18, 0.00464: 1.84, 0.01: 1.41, 0.0215: 1.62, 0.0464: None, 0.1: None}
"""A best learning rate at the edge: two points above it training fails."""
WITH_WARMUP: Losses = {0.01: 1.35, 0.0215: 1.02, 0.0464: 0.68, 0.1: 0.94, 0.215: None}
BEST_WITHOUT = 0.01
BEST_WITH = 0.0464
WARMUP = Settings(lr=BEST_WITH, warmup_steps=100)


def compared(
    baseline_loss: float, loss: float, *, status: ComparisonStatus = "verified", pairs: int = 5, drop: float = 1.0
) -> Comparison:
    """Return a comparison with these losses."""
    mean = (baseline_loss - loss) / drop
    half = 0.05 if pairs > 1 else math.inf
    return Comparison(
        pairs=pairs,
        mean=mean,
        low=mean - half,
        high=mean + half,
        margin=0.02,
        sign_flip_p=0.03,
        baseline_loss=baseline_loss,
        loss=loss,
        status=status,
    )


def fresh(lr: float, loss: float, *, spread: float = 0.05, pairs: int = 5, failed: int = 0) -> tuple[Run, ...]:
    """Return runs on fresh seeds around a loss; the last ones failed."""
    offsets = [spread * (index - (pairs - 1) / 2) for index in range(pairs)]
    runs = [trained(lr, loss + offset, seed=100 + index) for index, offset in enumerate(offsets)]
    return (*runs[: pairs - failed], *(diverged(lr, seed=100 + index) for index in range(pairs - failed, pairs)))


def axis(losses: Losses = WITHOUT, *, seeds: int = 3, best: float | None = BEST_WITHOUT) -> LearningRateSweep:
    """Return a sweep with these losses, several seeds where it trained."""
    points = []
    for lr, loss in losses.items():
        runs = [diverged(lr)] if loss is None else [trained(lr, loss + 0.03 * seed, seed=seed) for seed in range(seeds)]
        reasons = ("non-finite-loss" if loss is None else None,) * len(runs)
        points.append(SweepPoint(lr=lr, runs=tuple(runs), infeasible=reasons))
    failing = [lr for lr, loss in losses.items() if loss is None]
    known = [loss for loss in losses.values() if loss is not None]
    return LearningRateSweep(
        horizon=300,
        bracket=None,
        points=tuple(points),
        scores=tuple(L0 if loss is None else loss for loss in losses.values()),
        drop=Drop(initial=L0, trivial=None, best=min(known, default=L0), standard_error=0.01),
        best_lr=best,
        best_range=None if best is None else (best, best),
        edge_lr=best,
        unstable_lr=min(failing, default=None),
        best_lr_half_horizon=None,
        lr_sensitivity=None,
        stable_decades=None,
        reference_gap=None,
        reference_spread=None,
        seeds=seeds,
    )


def arm(
    losses: Losses = WITH_WARMUP,
    settings: Settings = WARMUP,
    *,
    fix: str = "warmup",
    screened_gain: float | None = 0.4,
    against_baseline: Comparison | None = None,
    against_lower_lr: Comparison | None = None,
    runs: Sequence[Run] = (),
    refused: str = "",
) -> Arm:
    """Return a variant that was screened at these learning rates."""
    screened = [
        diverged(lr, warmup_steps=settings.warmup_steps)
        if loss is None
        else trained(lr, loss, warmup_steps=settings.warmup_steps)
        for lr, loss in losses.items()
    ]
    return Arm(
        fix=fix,
        settings=settings,
        screened=tuple(screened),
        infeasible=tuple("non-finite-loss" if loss is None else None for loss in losses.values()),
        screened_gain=screened_gain,
        against_baseline=against_baseline,
        against_lower_lr=against_lower_lr,
        runs=tuple(runs),
        refused=refused,
    )


def verified_arm() -> Arm:
    """Return a warmup that was verified against a failing baseline and against the lower lr."""
    return replace(
        arm(
            against_baseline=compared(L0, 0.71),
            against_lower_lr=compared(1.43, 0.71),
            runs=fresh(BEST_WITH, 0.71),
        ),
        prepended=Prepended(steps=400, against_baseline=compared(1.40, 0.66), crossed=True),
    )


def tried(*arms: Arm, baseline: Settings | None = None) -> FixesTried:
    """Return fixes that were tried on a workload whose own lr fails, or whose baseline is given."""
    fails = baseline is None
    return FixesTried(
        symptoms=("the best lr is at the edge of failure",),
        baseline=Settings(lr=0.05) if baseline is None else baseline,
        arms=arms or (verified_arm(),),
        control_runs=fresh(BEST_WITHOUT, 1.43, spread=0.08),
        baseline_runs=fresh(0.05, L0, failed=5) if fails else fresh(0.05 if baseline is None else baseline.lr, 1.9),
        untested=(
            EditSurvey(
                edit="pre-norm",
                changes=(),
                reason="No residual block [x + f(x)] was found.",
                code="",
                advice="Put the norm in front of each residual branch.",
            ),
        ),
        yardstick=axis(),
    )
