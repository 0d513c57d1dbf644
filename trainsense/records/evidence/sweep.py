"""Evidence of the learning-rate sweep (PROTOCOL 2)."""

import math
from dataclasses import dataclass

from trainsense.records.run import Run


@dataclass(frozen=True, kw_only=True)
class Drop:
    """The loss drop D that training can achieve here: the unit of every effect (PROTOCOL 0).

    Attributes:
        initial: L0, mean over seeds.
        trivial: loss of the best model with permuted inputs; None where that means nothing.
        best: mean score at the best learning rate.
        standard_error: of `best`.
    """

    initial: float
    trivial: float | None
    best: float
    standard_error: float

    @property
    def ceiling(self) -> float:
        """Return min(L0, trivial): what training has to get below."""
        return self.initial if self.trivial is None else min(self.initial, self.trivial)

    @property
    def value(self) -> float:
        """Return D.

        >>> Drop(initial=2.5, trivial=2.25, best=0.5, standard_error=0.01).value
        1.75
        """
        return self.ceiling - self.best

    @property
    def assessable(self) -> bool:
        """Whether D is finite and at least three standard errors: below that relative verdicts are inconclusive."""
        return math.isfinite(self.value) and self.value > max(
            3.0 * self.standard_error, 1e-9 * (abs(self.initial) + 1e-300)
        )


@dataclass(frozen=True, kw_only=True)
class SweepPoint:
    """One learning rate of the grid with its trials.

    Attributes:
        lr: the learning rate.
        runs: one per seed, screening seeds in order.
        infeasible: per run, the reason code (`non-finite-loss`, `below-half-drop`, `input-collapse`, …) or None.
    """

    lr: float
    runs: tuple[Run, ...]
    infeasible: tuple[str | None, ...]

    @property
    def feasible(self) -> bool:
        """Whether every seed was feasible."""
        return bool(self.runs) and not any(self.infeasible)

    @property
    def unstable(self) -> bool:
        """Whether at least half of the seeds were infeasible."""
        return bool(self.runs) and 2 * sum(reason is not None for reason in self.infeasible) >= len(self.runs)


@dataclass(frozen=True, kw_only=True)
class LearningRateSweep:
    """The learning-rate axis.

    Attributes:
        horizon: N, steps per trial.
        bracket: the exponential range test, None if a range was given.
        points: the grid, ascending in lr.
        scores: mean score per point, infeasible seeds counted at L0; shape `(len(points),)`.
        drop: the unit of effects.
        best_lr: lr*, None if no learning rate trained.
        best_range: lowest and highest lr that cannot be told from the best.
        edge_lr: largest lr feasible for all seeds with all below it feasible.
        unstable_lr: smallest lr infeasible in at least half of the seeds; None if none was met.
        best_lr_half_horizon: lr* at N/2, None where prefixes are no answer (a schedule that depends on N).
        lr_sensitivity: mean over a fixed log range of lr of `min(loss, L0) - best`, in units of loss.
        stable_decades: decades of lr within 2 % of D of the best.
        reference_gap: shuffle gap at lr*, None where permuting inputs means nothing.
        reference_spread: output spread at lr*, None if not measured.
        seeds: number of seeds at the best point.
        stop_loss: loss above which a trial was stopped as diverged, None without a bracket.
    """

    horizon: int
    bracket: Run | None
    points: tuple[SweepPoint, ...]
    scores: tuple[float, ...]
    drop: Drop
    best_lr: float | None
    best_range: tuple[float, float] | None
    edge_lr: float | None
    unstable_lr: float | None
    best_lr_half_horizon: float | None
    lr_sensitivity: float | None
    stable_decades: float | None
    reference_gap: float | None
    reference_spread: float | None
    seeds: int
    stop_loss: float | None = None

    def point(self, lr: float) -> SweepPoint | None:
        """Return the grid point at `lr` (within 0.1 %), None if it is not on the grid."""
        return next((point for point in self.points if math.isclose(point.lr, lr, rel_tol=1e-3)), None)

    @property
    def best(self) -> SweepPoint | None:
        """Return the point at lr*."""
        return None if self.best_lr is None else self.point(self.best_lr)
