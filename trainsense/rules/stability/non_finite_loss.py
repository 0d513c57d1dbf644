"""The loss, a gradient or a weight becomes NaN or infinite where it should not.

## What it checks
Runs at your own learning rate, and runs at the lowest learning rates of the sweep.

## How it is decided
Any of them that meets a value that is not finite is an error. High learning rates are meant to fail in the sweep: they do
not count.

## What to try
If it happens at any learning rate: look for NaN in the data, a logarithm or square root of zero, a division by a norm. If
only at yours: lower it, or prepend a warmup, or clip.

## References
Deep Learning Tuning Playbook, "Identifying unstable workloads"; PROTOCOL 2.3.
"""

from trainsense.records.evidence import LearningRateSweep, Setup, UserSetting
from trainsense.records.finding import Finding, Judgement, Passed
from trainsense.records.outcome import Diverged
from trainsense.records.run import Run

RULE = "non-finite-loss"


def judge(sweep: LearningRateSweep, user: UserSetting | None, setup: Setup | None) -> Judgement:
    """Judge the runs that should be finite."""
    own = [run for run in (one.run for one in user.runs) if _non_finite(run)] if user else []
    low = [
        run
        for point in sweep.points
        if sweep.best_lr is None or point.lr <= sweep.best_lr
        for run in point.runs
        if _non_finite(run)
    ]
    if not own and not low:
        return Passed(rule=RULE, text="losses, gradients and weights stay finite")
    everywhere = sweep.best_lr is None
    run = own[0] if own and not everywhere else (low or own)[0]
    if everywhere:
        title = f"No learning rate trains: {run.outcome.text}, even at lr {run.trial.lr:.3g}"
        advice = (
            "It is not the learning rate. Look for NaN in the data, log or sqrt of 0, or a division by a norm of 0."
        )
    elif own:
        title = f"At your lr {run.trial.lr:.3g} {run.outcome.text}"
        advice = f"At lr {sweep.best_lr:.3g} training stays finite: lower the learning rate, or try warmup or clipping."
    else:
        title = f"At lr {run.trial.lr:.3g}, below the best, {run.outcome.text}"
        advice = "A low learning rate should not do that. Look for rare bad batches, log or sqrt of 0, or overflow."
    if setup is not None and setup.non_finite:
        advice = "The data holds values that are not finite (see non-finite-data)."
    return Finding(
        rule=RULE,
        severity="error",
        title=title,
        detail=f"{_before(run)} {advice}",
        evidence={
            "lr": run.trial.lr,
            "seed": run.trial.seed,
            "step": run.stopped_at,
            "reason": run.outcome.reason if isinstance(run.outcome, Diverged) else None,
            "runs_below_or_at_best": len(low),
            "runs_at_your_lr": len(own),
        },
        plots=("lr-axis",),
        fixes=("normalize-inputs", "zero-init-residual", "reinitialize")
        if everywhere
        else ("lower-lr", "warmup", "clip-grad-norm"),
    )


def _non_finite(run: Run) -> bool:
    return isinstance(run.outcome, Diverged) and run.outcome.reason != "loss-explosion"


def _before(run: Run) -> str:
    step = run.stopped_at or 0
    if step == 0:
        return "It is so at the first step, before any update."
    norms = run.trace.grad_norm
    return f"The gradient norm was {norms[0]:.3g} at the first step and {norms[step - 1]:.3g} one step before."
