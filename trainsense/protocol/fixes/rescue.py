"""Where no learning rate trains: which change makes one train (PROTOCOL 5 and 8)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from trainsense.lab import Lab
from trainsense.measure.grid import grid_lr
from trainsense.measure.sweep import assemble
from trainsense.protocol.fixes.adoption import adopted
from trainsense.protocol.fixes.change_optimizer import FIX as CHANGE_OPTIMIZER
from trainsense.protocol.fixes.change_optimizer import is_own
from trainsense.protocol.fixes.common_ground import CommonGround
from trainsense.protocol.fixes.screening import COARSE_BELOW, range_test_top, refined
from trainsense.records.evidence import FixesTried, LearningRateSweep
from trainsense.records.plan import Plan
from trainsense.records.run import Run
from trainsense.records.settings import Settings

NOTHING_TRAINS: Final = "no learning rate trains within the horizon"
GAINED_SHARE: Final = 0.5
"""Of D: trained models lose all of it and more under a constant output, models on random labels nothing."""
PURPOSE: Final = "changes under which a learning rate may train"


def rescue(lab: Lab, plan: Plan, sweep: LearningRateSweep) -> FixesTried | None:
    """Try the model edits and another optimizer; None where the effort or the budget holds none.

    Args:
        lab: runs the trials.
        plan: seeds, horizon and effort.
        sweep: in which nothing trained measurably.
    """
    if not plan.effort.adoption_pairs:
        return None
    lr = plan.subject.lr or sweep.best_lr or sweep.points[0].lr
    baseline = Settings(lr=lr, clip_norm=plan.subject.clip_norm)
    found: dict[tuple[str, Settings], dict[float, Run]] = {}
    for fix, variant in _candidates(plan, baseline):
        runs = _runs(lab, plan, sweep, variant)
        if runs:
            found[fix, variant] = runs
    untested = tuple(survey for survey in plan.subject.edits if not survey.applicable)
    nothing = FixesTried(symptoms=(NOTHING_TRAINS,), baseline=baseline, arms=(), untested=untested)
    yardstick = _yardstick(plan, sweep, found)
    if yardstick is None:
        return nothing if found else None
    control = lab.run([baseline.applied(plan.trial(lr, plan.seed, sweep.stop_loss))], PURPOSE)
    ground = CommonGround(lab, plan, yardstick, baseline, control=baseline, control_screened=control)
    arms = [refined(ground, fix, variant, runs) for (fix, variant), runs in found.items()]
    return replace(
        nothing,
        arms=tuple(adopted(ground, [arm for arm in arms if arm is not None])),
        control_runs=tuple(ground.control_runs),
        baseline_runs=tuple(ground.baseline_runs),
        yardstick=yardstick,
    )


def _candidates(plan: Plan, baseline: Settings) -> Sequence[tuple[str, Settings]]:
    edits = [
        (survey.edit, replace(baseline, edits=(survey.edit,))) for survey in plan.subject.edits if survey.applicable
    ]
    other = "SGD" if plan.subject.adaptive else "Adam"
    swaps = [] if is_own(other, plan.subject) else [(CHANGE_OPTIMIZER, replace(baseline, optimizer=other))]
    return [*edits, *swaps]


def _runs(lab: Lab, plan: Plan, sweep: LearningRateSweep, variant: Settings) -> dict[float, Run]:
    """Run a variant at a coarse grid below where its range test comes undone."""
    top = range_test_top(lab, plan, variant, PURPOSE)
    runs: dict[float, Run] = {}
    for below in COARSE_BELOW if top is not None else ():
        lr = grid_lr((top or 0) - below)
        run = lab.run([replace(variant, lr=lr).applied(plan.trial(lr, plan.seed, sweep.stop_loss))], PURPOSE)[0]
        if run.skipped:
            break
        runs[lr] = run
    return runs


def _yardstick(
    plan: Plan, sweep: LearningRateSweep, found: Mapping[tuple[str, Settings], Mapping[float, Run]]
) -> LearningRateSweep | None:
    """Return the sweep of the change under which the loss fell furthest, None if it fell under none."""
    sweeps = [
        assemble(
            {lr: [run] for lr, run in runs.items()},
            horizon=plan.horizon,
            bracket=None,
            stop_loss=sweep.stop_loss,
            prefixes_count=False,
        )
        for runs in found.values()
    ]
    return min(filter(_learnt, sweeps), key=lambda one: one.drop.best, default=None)


def _learnt(sweep: LearningRateSweep) -> bool:
    """Whether a change made a model learn from its inputs: a constant output in place of its own loses what was gained.

    Coming down from the initial loss to that of a constant is no learning. A gap of zero says nothing: there the loss is not
    made of the outputs.
    """
    if sweep.best is None or not sweep.drop.assessable:
        return False
    gaps = [run.constant_gap for run in sweep.best.runs if run.constant_gap]
    return all(gap > GAINED_SHARE * sweep.drop.value for gap in gaps)
