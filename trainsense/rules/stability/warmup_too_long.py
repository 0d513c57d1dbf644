"""Your warmup takes more than a tenth of the run, and a shorter one does as well.

## What it checks
The warmup read from your own schedule, against a tenth of it, at your own setting.

## How it is decided
The warmup exceeds 10 % of `max_train_steps` *and* a tenth of it, tried on fresh seeds, ends no worse: a warning if it gains,
else a note.

## What to try
The shorter warmup.

## References
Deep Learning Tuning Playbook, "Learning rate warmup"; PROTOCOL 5.4.
"""

from typing import Final

from trainsense.measure.warmup_limits import LARGEST_WARMUP_SHARE
from trainsense.records.evidence import UserSetting
from trainsense.records.finding import Finding, Judgement, NotAssessed, Passed

RULE = "warmup-too-long"
NO_WORSE: Final = 0.02
"""A shorter warmup does as well when it loses less than the practical margin (PROTOCOL 6.3)."""


def judge(user: UserSetting) -> Judgement:
    """Judge the user's own warmup."""
    if user.warmup_steps == 0:
        return Passed(rule=RULE, text="your schedule has no warmup")
    if user.warmup_share is None:
        return NotAssessed(rule=RULE, reason="the length of the real run is not known: give max_train_steps")
    if user.warmup_share <= LARGEST_WARMUP_SHARE:
        return Passed(rule=RULE, text=f"your warmup takes {user.warmup_share:.0%} of the run")
    tried = user.shorter_warmup
    if tried is None or (tried.mean >= -NO_WORSE and tried.pairs < 2):
        return NotAssessed(
            rule=RULE, reason="the budget held no fresh pairs of a shorter warmup; a larger one would settle it"
        )
    if tried.mean < -NO_WORSE:
        return Passed(
            rule=RULE, text=f"your warmup takes {user.warmup_share:.0%} of the run, and a shorter one does worse"
        )
    gains = tried.status == "verified"
    return Finding(
        rule=RULE,
        severity="warning" if gains else "note",
        title=f"Your warmup takes {user.warmup_share:.0%} of the run, and a tenth of it does {'better' if gains else 'as well'}",
        detail=f"With a tenth of your {user.warmup_steps} warmup steps training ends at {tried.loss:.4g} instead of "
        f"{tried.baseline_loss:.4g} ({tried.pairs} pairs). Steps spent below the peak learning rate are mostly lost.",
        evidence={
            "warmup_steps": user.warmup_steps,
            "warmup_share": user.warmup_share,
            "improvement": tried.mean,
            "low": tried.low,
            "high": tried.high,
            "pairs": tried.pairs,
        },
        fixes=("warmup",),
    )
