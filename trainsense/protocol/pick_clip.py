"""Gradient-norm percentiles of a stable run, and thresholds tried above lr* (PROTOCOL 4)."""

from dataclasses import replace
from typing import Final

from trainsense.lab import Lab
from trainsense.measure.comparing import reason_for
from trainsense.measure.gradient_norms import AGGRESSIVE_CLIPPING, clipped_fractions, norm_percentiles
from trainsense.measure.grid import GRID_STEP
from trainsense.measure.stability import event_threshold, find_event
from trainsense.records.evidence import ClipAttempt, ClipChoice, InstabilityCheck, LearningRateSweep, NormPercentiles
from trainsense.records.plan import Plan
from trainsense.records.run import Run

TRIED_PERCENTILES: Final = (90, 75, 50, 25)
"""From the largest threshold down, until training is stable (PROTOCOL 4.2 and 4.3)."""


def pick_clip(
    lab: Lab, plan: Plan, sweep: LearningRateSweep, instability: InstabilityCheck | None
) -> ClipChoice | None:
    """Choose a clipping threshold; None if there is no stable run to measure.

    Args:
        lab: runs the trials.
        plan: seeds and horizon.
        sweep: lr* with its runs, and the lr that fails.
        instability: may have seen a lower lr fail; None if it did not run.
    """
    if sweep.best is None or sweep.best_lr is None or not sweep.drop.assessable:
        return None
    stable_run = next((run for run in sweep.best.runs if run.completed), None)
    percentiles = None if stable_run is None else norm_percentiles(stable_run.trace.grad_norm)
    if stable_run is None or percentiles is None:
        return _unassessable(stable_run)
    unstable_lr = instability.unstable_lr if instability else sweep.unstable_lr
    lr = unstable_lr or sweep.best_lr * GRID_STEP
    attempts: list[ClipAttempt] = []
    for percentile in TRIED_PERCENTILES:
        attempt = _attempt(lab, plan, sweep, lr, percentile, percentiles.values[percentile])
        if attempt is None:
            break
        attempts.append(attempt)
        if attempt.stable or attempt.clipped_fraction > AGGRESSIVE_CLIPPING:
            break
    return _choice(lr, stable_run, percentiles, attempts, adaptive=plan.subject.adaptive)


def _attempt(
    lab: Lab, plan: Plan, sweep: LearningRateSweep, lr: float, percentile: int, clip_norm: float
) -> ClipAttempt | None:
    trial = replace(plan.probed(lr, plan.seed, sweep.stop_loss), clip_norm=clip_norm)
    run = lab.run([trial], f"clipping at the {percentile}th percentile of the gradient norm")[0]
    if run.skipped:
        return None
    event = find_event(run, drop=sweep.drop.value, threshold=event_threshold(None), collapsed=False)
    control = None if sweep.best is None else next((one.score for one in sweep.best.runs if one.completed), None)
    overall, later = clipped_fractions(run.trace)
    return ClipAttempt(
        percentile=percentile,
        clip_norm=clip_norm,
        run=run,
        clipped_fraction=overall,
        clipped_fraction_later=later,
        stable=reason_for(run, sweep) is None and (event is None or event.recovered),
        score_of_lower_lr=control,
    )


def _choice(
    lr: float, stable_run: Run, percentiles: NormPercentiles, attempts: list[ClipAttempt], *, adaptive: bool
) -> ClipChoice:
    last = attempts[-1] if attempts else None
    refused = ""
    if last is None:
        refused = "The budget held no trial of a threshold; the percentiles stand on their own."
    elif last.clipped_fraction > AGGRESSIVE_CLIPPING and not (adaptive and last.stable):
        refused = (
            f"At lr {lr:.3g} a threshold of {last.clip_norm:.3g} clips {last.clipped_fraction:.0%} of the steps: that is "
            "a strange way of lowering the learning rate. Lower the learning rate instead."
        )
    elif not last.stable:
        refused = f"No threshold down to {last.clip_norm:.3g} made lr {lr:.3g} train. Lower the learning rate instead."
    chosen = last if last is not None and not refused else None
    return ClipChoice(
        lr=lr,
        stable_run=stable_run,
        percentiles=percentiles,
        attempts=tuple(attempts),
        clip_norm=None if chosen is None else chosen.clip_norm,
        percentile=None if chosen is None else chosen.percentile,
        clipped_fraction=None if last is None else last.clipped_fraction,
        refused=refused,
    )


def _unassessable(stable_run: Run | None) -> ClipChoice:
    return ClipChoice(
        lr=None,
        stable_run=stable_run,
        percentiles=None,
        attempts=(),
        clip_norm=None,
        percentile=None,
        clipped_fraction=None,
        refused="Not assessable: a percentile of the gradient norm needs a stable run of at least 50 steps. Raise --steps.",
    )
