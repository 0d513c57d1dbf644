"""Compares runs by their best checkpoint, as one who keeps the best does (PROTOCOL 5.3)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from trainsense.measure.comparing import reason_for
from trainsense.measure.paired import compare
from trainsense.records.comparison import Comparison
from trainsense.records.evidence.sweep import LearningRateSweep
from trainsense.records.run import Run

Values = NDArray[np.float64]


def checkpoint_losses(run: Run) -> Values:
    """Return the losses at the run's checkpoints: on eval data where it was evaluated often, else on the probe set."""
    evaluated = run.trace.eval_loss[~np.isnan(run.trace.eval_loss)]
    if run.trial.eval_every and evaluated.size:
        return evaluated
    probed = run.trace.probe_loss[~np.isnan(run.trace.probe_loss)]
    return probed if run.final_probe_loss is None else np.append(probed, run.final_probe_loss)


def compare_best_checkpoints(
    baseline: Sequence[Run], setting: Sequence[Run], sweep: LearningRateSweep
) -> Comparison | None:
    """Compare the best checkpoints of two sets of runs, paired by seed; None without pairs.

    A run that is infeasible counts as achieving nothing, whatever it had reached before.

    Args:
        baseline: runs of the baseline, evaluated at the same spacing as the setting's.
        setting: runs of the setting.
        sweep: gives D and the standards of feasibility.
    """
    left = {run.trial.seed: run for run in baseline if not run.skipped}
    right = {run.trial.seed: run for run in setting if not run.skipped}
    seeds = sorted(left.keys() & right.keys())
    if not seeds or not sweep.drop.assessable:
        return None
    return compare(
        [_best(left[seed], sweep) for seed in seeds],
        [_best(right[seed], sweep) for seed in seeds],
        drop=sweep.drop.value,
        baseline_failed=[reason_for(left[seed], sweep) is not None for seed in seeds],
        setting_failed=[reason_for(right[seed], sweep) is not None for seed in seeds],
    )


def _best(run: Run, sweep: LearningRateSweep) -> float:
    losses = checkpoint_losses(run)
    if reason_for(run, sweep) is not None or not losses.size:
        return sweep.drop.ceiling
    return float(np.min(losses))


def curves_cross(baseline: Sequence[Run], setting: Sequence[Run], *, after: int) -> bool:
    """Return whether the mean curves of two sets of completed runs cross after step `after`."""
    curves = [_mean_curve(runs) for runs in (baseline, setting)]
    if any(curve is None for curve in curves):
        return False
    common = min(curve.size for curve in curves if curve is not None)
    gap = [one for one in curves if one is not None]
    differences = (gap[0][:common] - gap[1][:common])[int(common * _share(setting, after)) :]
    return bool(differences.size > 1 and np.min(differences) < 0 < np.max(differences))


def _share(runs: Sequence[Run], after: int) -> float:
    steps = max((run.trial.steps for run in runs), default=0)
    return after / steps if steps else 0.0


def _mean_curve(runs: Sequence[Run]) -> Values | None:
    curves = [checkpoint_losses(run) for run in runs if run.completed]
    sizes = {curve.size for curve in curves}
    return np.asarray(np.mean(curves, axis=0)) if len(sizes) == 1 and sizes != {0} else None
