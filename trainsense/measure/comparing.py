"""Pairs the runs of two settings and compares them (PROTOCOL 6)."""

from collections.abc import Sequence

from trainsense.measure.feasibility import effective_score, infeasible_reason
from trainsense.measure.paired import CONFIDENCE, compare
from trainsense.records.comparison import Comparison
from trainsense.records.evidence.sweep import LearningRateSweep
from trainsense.records.run import Run


def reason_for(run: Run, sweep: LearningRateSweep) -> str | None:
    """Return why `run`, whatever its setting, is infeasible by the standards of the sweep; None if it is feasible.

    Only what lies above lr* can be infeasible for achieving too little (PROTOCOL 2.3).
    """
    above = sweep.best_lr is not None and run.trial.lr > sweep.best_lr
    return infeasible_reason(
        run,
        sweep.drop,
        above_best=above,
        reference_gap=sweep.reference_gap,
        reference_spread=sweep.reference_spread,
    )


def compare_runs(
    baseline: Sequence[Run], setting: Sequence[Run], sweep: LearningRateSweep, *, confidence: float = CONFIDENCE
) -> Comparison | None:
    """Compare two sets of runs on their common seeds; None without any or where D is not assessable.

    Args:
        baseline: runs of the baseline, any order; skipped ones are left out.
        setting: runs of the setting.
        sweep: gives D and the standards of feasibility.
        confidence: of the interval; raised by Holm's procedure where several fixes are tried.
    """
    left = {run.trial.seed: run for run in baseline if not run.skipped}
    right = {run.trial.seed: run for run in setting if not run.skipped}
    seeds = sorted(left.keys() & right.keys())
    if not seeds or not sweep.drop.assessable:
        return None
    reasons = [(reason_for(left[seed], sweep), reason_for(right[seed], sweep)) for seed in seeds]
    ceiling = sweep.drop.ceiling
    return compare(
        [effective_score(left[seed], reason, ceiling) for seed, (reason, _) in zip(seeds, reasons, strict=True)],
        [effective_score(right[seed], reason, ceiling) for seed, (_, reason) in zip(seeds, reasons, strict=True)],
        drop=sweep.drop.value,
        baseline_failed=[reason is not None for reason, _ in reasons],
        setting_failed=[reason is not None for _, reason in reasons],
        confidence=confidence,
    )
