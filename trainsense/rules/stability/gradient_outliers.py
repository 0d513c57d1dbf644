"""Rare steps have a gradient norm far above the rest, and the loss suffers after them.

## What it checks
Gradient norms, before clipping, of runs at your setting, at the best learning rate and below it.

## How it is decided
After the first tenth of the run, isolated norms whose logarithm lies more than 6 robust deviations above its running
median, after which the probe loss, or the median training loss of the next 20 steps, is higher by more than 15 % of the
drop. An error when your own setting suffers; a warning when clipping, tried, pays; else a note. Outliers that do no harm
draw nothing: clip them or not.

## What to try
Gradient clipping at the 90th percentile; warmup does not help. Look at the batches named by step. With Adam-family
optimizers an outlier acts through the moments: it also slows the steps after it.

## References
Deep Learning Tuning Playbook, figure 9 and "Gradient clipping"; PROTOCOL 4.6.
"""

from collections.abc import Sequence

from trainsense.measure.symptoms import all_outliers, suffers, worthwhile
from trainsense.records.evidence import FixesTried, InstabilityCheck, LearningRateSweep, UserSetting
from trainsense.records.finding import Finding, Judgement, NotAssessed, Passed, Severity

RULE = "gradient-outliers"


def judge(
    sweep: LearningRateSweep,
    user: UserSetting | None,
    instability: InstabilityCheck | None,
    tried: FixesTried | None,
) -> Judgement:
    """Judge the outliers of stable runs."""
    if not sweep.drop.assessable:
        return NotAssessed(rule=RULE, reason="no learning rate trained measurably within the horizon; raise --steps")
    found = all_outliers(sweep, user, instability)
    hurtful = [outliers for outliers in found if outliers.hurtful]
    if not hurtful:
        harmless = sum(len(outliers.steps) for outliers in found)
        return Passed(
            rule=RULE,
            text=f"{harmless} isolated norms stood out; none did harm" if harmless else "no isolated norm stands out",
        )
    worst = max(hurtful, key=lambda outliers: outliers.rise)
    clipping = [arm for arm in (tried.arms if tried else ()) if arm.fix == "clip-grad-norm"]
    verified = [
        comparison
        for arm in clipping
        for comparison in (arm.against_lower_lr, arm.against_baseline)
        if comparison is not None and worthwhile(comparison)
    ]
    severity: Severity = "error" if suffers(user) else "warning" if verified else "note"
    gain = f" Clipping, tried on fresh seeds, ends {verified[0].mean:.0%} of the drop lower." if verified else ""
    return Finding(
        rule=RULE,
        severity=severity,
        title=f"Rare gradient norms up to {worst.largest:.0f} times the median, and the loss rises after them",
        detail=f"At lr {worst.lr:.3g} isolated norms stand out at {_steps(worst.steps)}; after {len(worst.hurtful)} of "
        f"{len(worst.steps)} the loss rose, by up to {worst.rise:.0%} of the drop. Clipping bounds what one batch "
        f"can do; look at the data of those batches too.{gain}",
        evidence={
            "lr": worst.lr,
            "steps": list(worst.steps[:20]),
            "hurtful_steps": list(worst.hurtful[:20]),
            "largest_over_median": worst.largest,
            "largest_rise": worst.rise,
            "runs_with_outliers": len(hurtful),
        },
        plots=("gradient-norm",),
        fixes=("clip-grad-norm",),
    )


def _steps(steps: Sequence[int]) -> str:
    shown = ", ".join(str(step) for step in steps[:5])
    return f"step{'s' if len(steps) > 1 else ''} {shown}{', …' if len(steps) > 5 else ''}"
