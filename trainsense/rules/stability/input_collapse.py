"""At your learning rate the trained model ignores its inputs.

## What it checks
The *shuffle gap*: how much the loss rises when the inputs are permuted within the batch and the targets are not. A model
that uses its inputs does much worse then; one that has settled on a constant prediction does not notice.

## How it is decided
After training at your setting, at a learning rate above the best one, the gap is below 1 % of the gap at the best (and
below 2 % of the loss drop), on at least half of the seeds: an error. Below the best a small gap is slow learning, no
collapse. Where targets enter the model too, permuting means nothing and the spread of the outputs across examples is
taken instead. Where no learning rate learns at all, a model without gap and without spread at yours is an error too.

## What to try
A warmup or a lower learning rate: the first updates were so large that the model could not come back.

## References
PROTOCOL 0, trivial predictor. Stuck networks sit exactly at the label entropy; no rise of the loss shows it.
"""

from trainsense.measure.feasibility import collapsed, ignores_inputs
from trainsense.records.evidence import LearningRateSweep, UserSetting
from trainsense.records.finding import Finding, Judgement, NotAssessed, Passed

RULE = "input-collapse"


def judge(sweep: LearningRateSweep, user: UserSetting) -> Judgement:
    """Judge what is left of the dependence on the inputs."""
    if not sweep.drop.assessable and any(ignores_inputs(run.run) for run in user.runs):
        return _nowhere(sweep, user)
    if sweep.reference_gap is None and sweep.reference_spread is None:
        return NotAssessed(rule=RULE, reason="the dependence on the inputs could not be measured on this model")
    if not sweep.drop.assessable:
        return NotAssessed(rule=RULE, reason="no learning rate trained measurably within the horizon; raise --steps")
    completed = [run.run for run in user.runs if run.run.completed and run.factor > 1]
    if not completed and any(run.run.failed for run in user.runs):
        return NotAssessed(rule=RULE, reason="no run at your learning rate reached its end")
    stuck = [run for run in completed if collapsed(run, sweep.reference_gap, sweep.reference_spread)]
    if not stuck or 2 * len(stuck) < len(completed):
        return Passed(rule=RULE, text="the trained model uses its inputs")
    run = stuck[0]
    return Finding(
        rule=RULE,
        severity="error",
        title=f"At your lr {user.lr:.3g} the trained model ignores its inputs",
        detail=f"After {run.trial.steps} steps its loss is {_told(run.score)}, and permuting the inputs within the batch "
        f"changes it by {_told(run.shuffle_gap)} (by {_told(sweep.reference_gap)} at lr {sweep.best_lr:.3g}): it predicts the "
        f"same whatever comes in, on {len(stuck)} of {len(user.runs)} seeds. Its first updates were too large to come back from.",
        evidence={
            "lr": user.lr,
            "shuffle_gap": run.shuffle_gap,
            "shuffle_gap_at_best_lr": sweep.reference_gap,
            "output_spread": run.output_spread,
            "output_spread_at_best_lr": sweep.reference_spread,
            "collapsed_seeds": len(stuck),
            "seeds": len(user.runs),
        },
        plots=("lr-axis",),
        fixes=("warmup", "lower-lr"),
    )


def _nowhere(sweep: LearningRateSweep, user: UserSetting) -> Finding:
    """Return the finding where no learning rate learns from the inputs."""
    run = next(one.run for one in user.runs if ignores_inputs(one.run))
    return Finding(
        rule=RULE,
        severity="error",
        title=f"At your lr {user.lr:.3g}, and at every other that was tried, the trained model ignores its inputs",
        detail=f"After {run.trial.steps} steps its loss is {_told(run.score)}, and permuting the inputs within the batch "
        f"changes it by {_told(run.shuffle_gap)}: it predicts the same whatever comes in. No learning rate from "
        f"{sweep.points[0].lr:.3g} to {sweep.points[-1].lr:.3g} gets further within {sweep.horizon} steps: look for vanishing "
        "gradients, saturated activations, or inputs that say nothing of the targets.",
        evidence={"lr": user.lr, "loss": run.score, "shuffle_gap": run.shuffle_gap, "output_spread": run.output_spread},
        plots=("lr-axis",),
        fixes=("reinitialize", "replace-activation", "normalize-inputs", "pre-norm", "change-optimizer"),
    )


def _told(value: float | None) -> str:
    return "not known" if value is None else f"{value:.4g}"
