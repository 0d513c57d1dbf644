"""At your learning rate the trained model ignores its inputs.

## What it checks
The *shuffle gap*: how much the loss rises when the inputs are permuted within the batch and the targets are not. A model
that uses its inputs does much worse then; one that has settled on a constant prediction does not notice.

## How it is decided
After training at your setting, at a learning rate above the best one, the gap is below 1 % of the gap at the best (and
below 2 % of the loss drop), on at least half of the seeds: an error. Below the best a small gap is slow learning, no
collapse. Where targets enter the model too, permuting means nothing and the spread of the outputs across examples is
taken instead. Where no learning rate learns at all, a model without gap and without spread at yours is an error too, and so
is one that is no better than a constant while a change of the model, tried on fresh seeds, makes it learn.

## What to try
A warmup or a lower learning rate: the first updates were so large that the model could not come back.

## References
PROTOCOL 0, trivial predictor. Stuck networks sit exactly at the label entropy; no rise of the loss shows it.
"""

from trainsense.measure.feasibility import collapsed, ignores_inputs
from trainsense.records.evidence import Arm, FixesTried, LearningRateSweep, UserSetting
from trainsense.records.finding import Finding, Judgement, NotAssessed, Passed

RULE = "input-collapse"
NEEDS_LR = "needs the learning rate you train with today: give it as Workload(lr=...) or --lr"


def judge(sweep: LearningRateSweep, user: UserSetting | None, tried: FixesTried | None) -> Judgement:
    """Judge what is left of the dependence on the inputs."""
    rescue = _rescuing_arm(sweep, tried)
    if rescue is not None and not (user and any(ignores_inputs(run.run) for run in user.runs)):
        return _rescued(sweep, rescue)
    return NotAssessed(rule=RULE, reason=NEEDS_LR) if user is None else _judge_user(sweep, user)


def _judge_user(sweep: LearningRateSweep, user: UserSetting) -> Judgement:
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


def _rescuing_arm(sweep: LearningRateSweep, tried: FixesTried | None) -> Arm | None:
    """Return the fix that verifiably makes a workload learn which learns at no learning rate without it."""
    if sweep.drop.assessable or sweep.best_lr is None or tried is None:
        return None
    verified = [arm for arm in tried.arms if arm.against_baseline and arm.against_baseline.status == "verified"]
    return max(verified, key=lambda arm: arm.against_baseline.mean if arm.against_baseline else 0.0, default=None)


def _rescued(sweep: LearningRateSweep, arm: Arm) -> Finding:
    """Return the finding where no learning rate gets below a constant prediction, and a fix does."""
    gain = arm.against_baseline
    losses = (gain.loss, gain.baseline_loss) if gain else (None, None)
    constant = (
        "" if sweep.drop.trivial is None else f"; predicting the same for every input gives {sweep.drop.trivial:.4g}"
    )
    return Finding(
        rule=RULE,
        severity="error",
        title=f"At no learning rate does the model learn from its inputs; with {arm.fix} it does",
        detail=f"The lowest loss at any learning rate from {sweep.points[0].lr:.3g} to {sweep.points[-1].lr:.3g} is "
        f"{_told(sweep.drop.best)} after {sweep.horizon} steps{constant}. With {arm.fix} at lr {arm.settings.lr:.3g} it ends at "
        f"{_told(losses[0])} on {len(arm.runs)} fresh seeds.",
        evidence={
            "best_lr": sweep.best_lr,
            "loss": sweep.drop.best,
            "constant_loss": sweep.drop.trivial,
            "loss_with_fix": losses[0],
            "lr_with_fix": arm.settings.lr,
            "pairs": gain.pairs if gain else 0,
        },
        plots=("lr-axis",),
        fixes=(arm.fix,),
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
