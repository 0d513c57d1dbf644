"""The trials of a learning-rate sweep as they come in, and what each has to reach to stay in the race."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from trainsense.lab import Lab
from trainsense.measure.feasibility import HALF_OF_DROP
from trainsense.measure.grid import grid_lr
from trainsense.measure.racing import FIRST_LOOK
from trainsense.measure.sweep import assemble
from trainsense.records.evidence import LearningRateSweep
from trainsense.records.plan import Plan
from trainsense.records.run import Run
from trainsense.records.trial import Trial

WARMUPS: Final = 3
"""Nothing is dropped in the first three times of the user's own warmup (PROTOCOL 6.5)."""
ALLOWED: Final = 0.1
"""A learning rate below the best one goes on while it can come within this share of the best one's gain (measured on seven workloads,
70 sweeps: at 0.05 one ended two grid points off, with a regret of 0.046 of D; at 0.1 none)."""
FIRST_LOOK_ABOVE: Final = 0.5
"""Above the best learning rate nothing is dropped before half of the run: a transient may be long, and end (PROTOCOL 6.5)."""


@dataclass(frozen=True, kw_only=True)
class Reference:
    """The best trial so far, which the others race against.

    Attributes:
        run: it, run to its end.
        sweep: in which it is the best.
    """

    run: Run
    sweep: LearningRateSweep

    def raced(self, trial: Trial, plan: Plan) -> Trial:
        """Return `trial` with what it has to reach; as it is where a schedule or a warmup may decide late.

        Below the best learning rate it has to come near the best; above it, to achieve half of the drop: else it is infeasible
        in the end, where a constant learning rate lets one say so before.
        """
        at_end = float(np.nanmean([*self.run.trace.probe_loss[-self.run.trial.steps // 10 :], self._final]))
        initial = float(self.run.trace.probe_loss[0])
        gain = initial - at_end
        warm = WARMUPS * plan.subject.own_warmup_steps
        if not gain > 0:
            return trial
        if trial.lr < self.run.trial.lr:
            limit = max(self.run.score or at_end, at_end) + ALLOWED * gain
            return replace(trial, must_reach=limit, raced_from=max(warm, math.ceil(FIRST_LOOK * trial.steps)))
        if not plan.subject.constant_schedule:
            return trial
        drop = self.sweep.drop
        limit = max(initial - HALF_OF_DROP * gain, drop.ceiling - HALF_OF_DROP * drop.value)
        return replace(trial, must_reach=limit, raced_from=max(warm, math.ceil(FIRST_LOOK_ABOVE * trial.steps)))

    @property
    def _final(self) -> float:
        return math.nan if self.run.final_probe_loss is None else self.run.final_probe_loss


class Grid:
    """The learning rates tried so far.

    Args:
        lab: runs the trials.
        plan: horizon and seeds.
        bracket: the range test.
        stop_loss: loss above which a trial is stopped, None for none.
    """

    def __init__(self, lab: Lab, plan: Plan, bracket: Run, stop_loss: float | None) -> None:
        self._lab, self._plan = lab, plan
        self._bracket, self._stop_loss = bracket, stop_loss
        self._runs: dict[int, dict[int, Run]] = {}
        self._beside: dict[Trial, Run] = {}

    def run(
        self,
        places: Iterable[tuple[int, int]],
        purpose: str,
        *,
        raced: Iterable[int] = (),
        beside: Sequence[Trial] = (),
    ) -> bool:
        """Run grid points, all at once; return whether all fitted the budget.

        Args:
            places: grid points with their seeds, run to their ends.
            purpose: what they are for.
            raced: grid points that are run on the first seed, to their ends only where they can still be the best, or feasible.
            beside: other trials to run with them.
        """
        trials = {place: self._trial(*place) for place in sorted(places, key=lambda place: place[::-1])}
        more = {(index, self._plan.seed): self._trial(index, self._plan.seed) for index in sorted(raced)}
        if more and (reference := self._reference()) is not None:
            more = {place: reference.raced(trial, self._plan) for place, trial in more.items()}
        trials |= more
        runs = self._lab.run([*trials.values(), *beside], purpose)
        for (index, seed), run in zip(trials, runs, strict=False):
            if not run.skipped:
                self._runs.setdefault(index, {})[seed] = run
        self._beside |= dict(zip(beside, runs[len(trials) :], strict=True))
        return not any(run.skipped for run in runs[: len(trials)])

    def __len__(self) -> int:
        """Return how many trials of the grid have run."""
        return sum(len(runs) for runs in self._runs.values())

    def beside(self, trial: Trial) -> Run | None:
        """Return what came of a trial that was run beside the grid, None if it was not run."""
        run = self._beside.get(trial)
        return None if run is None or run.skipped else run

    @property
    def indices(self) -> list[int]:
        """Return the grid points tried so far, ascending."""
        return sorted(self._runs)

    def sweep(self) -> LearningRateSweep:
        """Return the evidence so far; at least one trial must have run."""
        return assemble(
            {grid_lr(index): [runs[seed] for seed in sorted(runs)] for index, runs in self._runs.items()},
            horizon=self._plan.horizon,
            bracket=self._bracket,
            stop_loss=self._stop_loss,
            prefixes_count=self._plan.subject.constant_schedule,
        )

    def _trial(self, index: int, seed: int) -> Trial:
        return self._plan.trial(grid_lr(index), seed, self._stop_loss)

    def _reference(self) -> Reference | None:
        """Return the best trial of the first seed, None where nothing learnt so far."""
        if not self._runs:
            return None
        sweep = self.sweep()
        best = sweep.best
        if best is None or not sweep.drop.assessable or any(best.infeasible):
            return None
        run = next((run for run in best.runs if run.trial.seed == self._plan.seed), None)
        return Reference(run=run, sweep=sweep) if run is not None and run.completed else None
