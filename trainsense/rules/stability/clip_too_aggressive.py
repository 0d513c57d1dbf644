"""Your clipping threshold clips most updates, and a larger one trains better.

## What it checks
The share of updates that your `clip_norm` clips at your own setting, and the same training with a larger threshold.

## How it is decided
More than half of the updates are clipped *and* the 90th percentile of the unclipped norms, tried as the threshold on
fresh seeds, gains. Clipping most steps alone is no fault: Adam-family updates are nearly invariant to it, and healthy
language models do it.

## What to try
The larger threshold; if you meant to lower the learning rate, lower it.

## References
Deep Learning Tuning Playbook, "if more than 50 % of updates are clipped"; PROTOCOL 4.4.
"""

import numpy as np

from trainsense.measure.gradient_norms import clipped_fractions
from trainsense.records.evidence import UserSetting
from trainsense.records.finding import Finding, Judgement, NotAssessed, Passed

RULE = "clip-too-aggressive"


def judge(user: UserSetting) -> Judgement:
    """Judge the user's threshold."""
    if user.clip_norm is None:
        return Passed(rule=RULE, text="you do not clip")
    fraction = float(np.mean([clipped_fractions(run.run.trace)[0] for run in user.runs]))
    tried = user.larger_clip
    if tried is None:
        return Passed(rule=RULE, text=f"{fraction:.0%} of the updates are clipped")
    if tried.status == "inconclusive":
        return NotAssessed(
            rule=RULE,
            reason=f"{fraction:.0%} of the updates are clipped; whether {user.larger_clip_norm:.3g} does better is open "
            f"after {tried.pairs} pairs; a larger --budget would settle it",
        )
    if tried.status == "rejected":
        return Passed(
            rule=RULE, text=f"{fraction:.0%} of the updates are clipped, and a larger threshold does no better"
        )
    return Finding(
        rule=RULE,
        severity="warning",
        title=f"Your clip_norm {user.clip_norm:.3g} clips {fraction:.0%} of the updates; {user.larger_clip_norm:.3g} trains better",
        detail=f"With {user.larger_clip_norm:.3g}, the 90th percentile of the norms before clipping, training ends at "
        f"{tried.loss:.4g} instead of {tried.baseline_loss:.4g}: {tried.mean:.0%} of the loss drop (95% interval "
        f"{tried.low:.0%} to {tried.high:.0%}, {tried.pairs} fresh pairs).",
        evidence={
            "clip_norm": user.clip_norm,
            "clipped_fraction": fraction,
            "larger_clip_norm": user.larger_clip_norm,
            "improvement": tried.mean,
            "low": tried.low,
            "high": tried.high,
            "pairs": tried.pairs,
        },
        plots=("gradient-norm",),
        fixes=("clip-grad-norm",),
    )
