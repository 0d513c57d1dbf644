"""The shortest warmup, over orders of magnitude, that makes a multiple of the unstable lr train (PROTOCOL 5)."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from trainsense.lab import Lab
from trainsense.measure.feasibility import collapsed, failure_reason
from trainsense.measure.stability import event_threshold, find_event
from trainsense.measure.warmup_limits import longest_allowed
from trainsense.records.evidence import InstabilityCheck, LearningRateSweep, WarmupAttempt, WarmupSweep
from trainsense.records.plan import Plan
from trainsense.records.run import Run

FIRST_WARMUP: Final = 10
"""The shortest length tried; then 100, 1000, … (PROTOCOL 5.2)."""
STEPS_AFTER: Final = 2
"""The constant part is this many times the warmup (PROTOCOL 5.1) …"""
FEWEST_STEPS_AFTER: Final = 50
"""… and at least so many steps."""
FALLBACK_FACTORS: Final = (10**0.5, 2.0)
"""Multiples of the unstable lr tried when the first trains at no allowed length (PROTOCOL 5.1)."""
REFINEMENTS: Final = (2, 5)
"""Inside its decade the shortest length is refined at these multiples of the one below (PROTOCOL 5.2)."""


def sweep_warmup(lab: Lab, plan: Plan, sweep: LearningRateSweep, instability: InstabilityCheck) -> WarmupSweep | None:
    """Find the shortest warmup; None if no lr fails without one, or nothing fitted the budget."""
    unstable_lr = instability.unstable_lr
    if unstable_lr is None or sweep.best_lr is None:
        return None
    longest, limit = longest_allowed(plan)
    tries = _Tries(lab, plan, sweep, instability, unstable_lr)
    found: WarmupAttempt | None = None
    for factor in (plan.warmup_factor, *(fallback for fallback in FALLBACK_FACTORS if fallback < plan.warmup_factor)):
        found = tries.shortest(factor, longest)
        if found is not None:
            break
    if not tries.attempts:
        return None
    planned = plan.subject.max_train_steps
    return WarmupSweep(
        unstable_lr=unstable_lr,
        attempts=tuple(tries.attempts),
        lr=None if found is None else found.lr,
        warmup_steps=None if found is None else found.warmup_steps,
        longest_allowed=longest,
        limit=limit,
        share_of_run=found.warmup_steps / planned if found is not None and planned else None,
    )


class _Tries:
    """The attempts as they come in."""

    def __init__(
        self, lab: Lab, plan: Plan, sweep: LearningRateSweep, instability: InstabilityCheck, unstable_lr: float
    ) -> None:
        self._lab, self._plan, self._sweep = lab, plan, sweep
        self._threshold = event_threshold(instability.null_drawdown)
        self._unstable_lr = unstable_lr
        self.attempts: list[WarmupAttempt] = []

    def shortest(self, factor: float, longest: int) -> WarmupAttempt | None:
        """Return the shortest attempt that works at `factor` times the unstable lr, None if none does."""
        lengths = _magnitudes(longest)
        below = 0
        for length in lengths:
            attempt = self._try(factor, length)
            if attempt is None:
                return None
            if attempt.works:
                return self._refined(factor, below, attempt)
            below = length
        return None

    def _refined(self, factor: float, below: int, works: WarmupAttempt) -> WarmupAttempt:
        start = below or 1
        for multiple in REFINEMENTS:
            length = start * multiple
            if below < length < works.warmup_steps:
                attempt = self._try(factor, length)
                if attempt is not None and attempt.works:
                    return attempt
        return works

    def _try(self, factor: float, length: int) -> WarmupAttempt | None:
        """Run one length on the first seed, and on the others only if it works there."""
        lr = factor * self._unstable_lr
        steps = length + max(STEPS_AFTER * length, FEWEST_STEPS_AFTER)
        runs: list[Run] = []
        feasible: list[bool] = []
        for seed in self._plan.seeds:
            trial = replace(
                self._plan.probed(lr, seed, self._sweep.stop_loss, steps=steps),
                warmup_steps=length,
                schedule="constant",
                evaluate=False,
            )
            run = self._lab.run([trial], f"warmup of {length} steps to {factor:.3g}x the unstable learning rate")[0]
            if run.skipped:
                break
            runs.append(run)
            feasible.append(self._feasible(run))
            if not feasible[-1]:
                break
        if not runs:
            return None
        attempt = WarmupAttempt(lr=lr, factor=factor, warmup_steps=length, runs=tuple(runs), feasible=tuple(feasible))
        self.attempts.append(attempt)
        return attempt

    def _feasible(self, run: Run) -> bool:
        """Finite, no event after the warmup, and still falling or down already (PROTOCOL 5.1)."""
        if failure_reason(run) is not None:
            return False
        if collapsed(run, self._sweep.reference_gap, self._sweep.reference_spread):
            return False
        drop = self._sweep.drop
        event = find_event(
            run, drop=drop.value, threshold=self._threshold, collapsed=False, after=run.trial.warmup_steps
        )
        if event is not None:
            return False
        return _still_falling(run) or _level(run, -1) < drop.ceiling - drop.value / 2


def _still_falling(run: Run) -> bool:
    return _level(run, -1) < _level(run, 0) and _level(run, -1) < float(run.trace.probe_loss[0])


def _level(run: Run, third: int) -> float:
    """Return the mean probe loss over the first (0) or last (-1) third after the warmup."""
    after = run.trace.probe_loss[run.trial.warmup_steps :]
    length = max(1, after.size // 3)
    return float(np.mean(after[:length] if third == 0 else after[-length:]))


def _magnitudes(longest: int) -> Sequence[int]:
    """Return 10, 100, 1000, … up to `longest`, and `longest` itself where it lies well beyond the last of them."""
    lengths = [FIRST_WARMUP**power for power in range(1, int(math.log10(max(longest, 10))) + 1)]
    lengths = [length for length in lengths if length <= longest]
    if not lengths or longest >= 2 * lengths[-1]:
        lengths.append(longest)
    return lengths
