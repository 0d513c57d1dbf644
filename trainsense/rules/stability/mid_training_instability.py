"""Training becomes unstable after a steady decline.

## What it checks
The same runs as early-instability: your own learning rate and 2, 5 and 10 times the best one, evaluated at every step.

## How it is decided
An event (see early-instability) that begins after the first 20 steps, the warmup, 5 % of the run and a fifth of the drop.
A note by itself; a warning when a stabilising fix, tried, makes a larger learning rate pay; an error when your own setting
suffers.

## What to try
Gradient clipping first: warmup only helps with what happens early. Then the lower learning rate.

## References
Deep Learning Tuning Playbook, "Gradient clipping is most useful when…"; PROTOCOL 1 and 3.
"""

from trainsense.records.evidence import FixesTried, InstabilityCheck, LearningRateSweep, UserSetting
from trainsense.records.finding import Judgement
from trainsense.rules.instability_finding import judge_kind

RULE = "mid-training-instability"


def judge(
    sweep: LearningRateSweep,
    instability: InstabilityCheck | None,
    user: UserSetting | None,
    tried: FixesTried | None,
) -> Judgement:
    """Judge the events after a steady decline."""
    return judge_kind(RULE, "mid", sweep, instability, user, tried, fixes=("clip-grad-norm", "lower-lr"))
