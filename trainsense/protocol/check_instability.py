"""Runs at 2x, 5x and 10x lr*, evaluated at every step (PROTOCOL 3)."""

from collections.abc import Sequence
from typing import Final

from trainsense.lab import Lab
from trainsense.measure.comparing import reason_for
from trainsense.measure.feasibility import collapsed
from trainsense.measure.stability import event_threshold, find_event, largest_drawdown
from trainsense.records.evidence import InstabilityCheck, InstabilityRun, LearningRateSweep
from trainsense.records.plan import Plan
from trainsense.records.run import Run

UNDOUBTED_DRAWDOWN: Final = 0.5
"""A rise by this share of D is an event whatever runs below lr* show: no null run of a workload that trains comes near."""
NULL_DIVISORS: Final = (4.0, 2.8, 2.0)
"""Null runs train at lr* over these: from lr*/4 to lr*/2 (PROTOCOL 3.2)."""


def check_instability(lab: Lab, plan: Plan, sweep: LearningRateSweep) -> InstabilityCheck | None:
    """Look for events above lr*; None if lr* is unknown, D is not assessable, or no run fitted the budget.

    Args:
        lab: runs the trials.
        plan: factors, seeds and effort.
        sweep: lr*, D and the standards of feasibility.
    """
    if sweep.best_lr is None or not sweep.drop.assessable:
        return None
    runs: list[tuple[float, Run]] = []
    for factor in plan.effort.factors:
        seeds = plan.seeds if factor == plan.effort.factors[0] else plan.seeds[:1]
        trials = [
            plan.probed(factor * sweep.best_lr, seed, sweep.stop_loss, steps=plan.instability_steps) for seed in seeds
        ]
        done = lab.run(trials, f"runs at {factor:g}x the best learning rate")
        runs += [(factor, run) for run in done if not run.skipped]
    if not runs:
        return None
    null_runs = _null_runs(lab, plan, sweep) if _needs_calibration(runs, sweep) else []
    null = max((largest_drawdown(run.trace.probe_loss, sweep.drop.value) for run in null_runs), default=None)
    threshold = event_threshold(null)
    found = tuple(_look(factor, run, sweep, threshold) for factor, run in runs)
    return InstabilityCheck(
        horizon=plan.instability_steps,
        runs=found,
        null_runs=tuple(null_runs),
        null_drawdown=null,
        threshold=threshold,
        unstable_lr=_lowered(sweep, found),
    )


def _needs_calibration(runs: Sequence[tuple[float, Run]], sweep: LearningRateSweep) -> bool:
    """Whether null runs could decide anything: an event was seen that is neither a divergence nor far too large."""
    seen = [_look(factor, run, sweep, event_threshold(None)).event for factor, run in runs]
    return any(event is not None and 0 < event.drawdown < UNDOUBTED_DRAWDOWN for event in seen)


def _null_runs(lab: Lab, plan: Plan, sweep: LearningRateSweep) -> Sequence[Run]:
    """Run below lr*, where a rise of the probe loss is noise."""
    if sweep.best_lr is None:
        return []
    trials = [
        plan.probed(
            sweep.best_lr / NULL_DIVISORS[index % len(NULL_DIVISORS)],
            plan.seed + index,
            sweep.stop_loss,
            steps=plan.instability_steps,
        )
        for index in range(plan.effort.null_seeds)
    ]
    return [run for run in lab.run(trials, "null runs below the best learning rate") if run.completed]


def _look(factor: float, run: Run, sweep: LearningRateSweep, threshold: float) -> InstabilityRun:
    stuck = run.completed and collapsed(run, sweep.reference_gap, sweep.reference_spread)
    event = find_event(run, drop=sweep.drop.value, threshold=threshold, collapsed=stuck)
    return InstabilityRun(factor=factor, run=run, event=event)


def _lowered(sweep: LearningRateSweep, runs: Sequence[InstabilityRun]) -> float | None:
    """Return the sweep's unstable lr, or a lower one at which most seeds had an event and failed or did not recover."""
    candidates = [] if sweep.unstable_lr is None else [sweep.unstable_lr]
    for lr in {run.run.trial.lr for run in runs}:
        here = [run for run in runs if run.run.trial.lr == lr]
        hurt = [
            run
            for run in here
            if run.event is not None and (not run.event.recovered or reason_for(run.run, sweep) is not None)
        ]
        if 2 * len(hurt) > len(here):
            candidates.append(lr)
    return min(candidates, default=None)
